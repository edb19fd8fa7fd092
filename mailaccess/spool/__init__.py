"""Messages that wait to go out, and when to try them again."""
