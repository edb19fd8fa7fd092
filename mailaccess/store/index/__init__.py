"""The index side of the store: one SQLite file an account, disposable at any time."""
