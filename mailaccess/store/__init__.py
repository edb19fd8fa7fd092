"""Accounts on disk: Maildir++ is the truth, the SQLite index is derived. Reached through ``api.py``."""
