"""A file for each family of IMAP commands: its frozen arguments and the rule that reads them."""
