"""The IMAP conversation: a session's state, command by command (RFC 3501 and the extensions offered).

For ``service.build``::

    house = House(authenticator, store, settings.imap, threads, log,
                  message_size=settings.store.message_size, tls_required=settings.tls.required,
                  is_trusted=...)                                  # a textual address: may it log in without
                  TLS?
    imap = Door(lambda place: ImapProtocol(house, reactor, place, tls=tls), limits, FULL)
    imaps = Door(lambda place: ImapProtocol(house, reactor, place, encrypted=True), limits)   # behind
    over_tls

``ImapProtocol`` (``protocol.py``) is the only file that knows of Twisted. It moves octets between a
transport and a ``Connection``, which frames, parses and dispatches them, and is driven in tests without
sockets. ``ImapProtocol.stop()`` says BYE when the server stops.

protocol     octets in and out, TLS, time      connection   one command after another
wire         what it needs of a transport      house        what all connections share
session      a class per state                 dispatch     the command table; what is told when
commands     the handlers, a file per family   fetch        items, sections, piece by piece
view         message numbers of one client     updates      what others did, and when it is told
replies      answers, one write per input      answers      errors to NO, BAD, BYE: one table
namespaces   a name's account and rights        rights       those on the selected mailbox
transfer     copies between accounts
places       flags found in columns            patterns     LIST's wildcards
contexts     searches that are told of         progress     signs of life of a long command
"""
