"""The Maildir++ side of the store: file names, delivery, scanning."""
