"""What an operator sees: metrics with their units, and events, one line each. Secrets never."""
