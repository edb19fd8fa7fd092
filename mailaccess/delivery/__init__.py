"""From an address to a mailbox: recipients, aliases, and delivery that survives kill -9."""
