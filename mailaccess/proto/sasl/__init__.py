"""SASL mechanisms as state machines: a challenge in, a response out. No passwords are looked up here."""
