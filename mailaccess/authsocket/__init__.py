"""Logins for other programs: Dovecot's authentication protocol on a UNIX socket.

Postfix (``smtpd_sasl_type = dovecot``) and Exim (``driver = dovecot``) check their submission users here, and
programs that deliver ask where an account lives.

house      what all connections share
session    two conversations without a socket: ``Logins`` and ``Lookups``
protocol   octets in and out, on Twisted
"""
