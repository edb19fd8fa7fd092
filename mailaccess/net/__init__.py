"""Sockets, TLS, flow control, limits and threads: where Twisted meets the rest of the house.

endpoints  addresses as written, listeners, the Door that each connection passes
flow       writing that waits for a slow reader
limits     how many connections, from where, of whom
tls        the server's certificate, replaced while running
threads    blocking calls elsewhere, serial queues by key
"""
