"""The IMAP conversation: a session's state, command by command."""
