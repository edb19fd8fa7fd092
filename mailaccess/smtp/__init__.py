"""The SMTP conversations: inbound, submission and LMTP as three policies over one protocol."""
