"""The wire languages: octets to frozen values and back. No sockets, no clock, no Twisted."""
