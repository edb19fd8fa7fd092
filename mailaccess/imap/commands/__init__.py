"""A handler file for each family of IMAP commands, named as in ``proto/imap/commands``."""
