"""POP3 on the wire: commands, replies, dot-stuffing."""
