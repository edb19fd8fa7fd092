"""Who someone is: verify credentials, look up accounts. Reached through ``api.py``."""
