"""Dovecot's authentication protocol, version 1: what other mail programs ask an auth server by.

lines     octets to lines, lines to fields and back (``\\001`` escapes)
requests  what a client asks: frozen values and the rule that reads them
replies   what the server says
"""
