"""Sockets, TLS, flow control, limits and threads: where Twisted meets the rest of the house."""
