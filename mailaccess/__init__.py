"""A mail server on Twisted: SMTP and LMTP in, IMAP and POP3 out, Maildir++ underneath.

The map of the house. A room imports from the floors below it and from itself, never upwards, and rooms
on one floor do not know each other (tests/house holds this)::

    5 HOUSE          service  plugin  admin       start, wire together, operate
    4 CONVERSATIONS  imap pop3 smtp authsocket    a session's state, command by command
    3 COURIERS       delivery  relay  screening   move a message from one party to the next
    2 ENGINES        store  auth  spool  config  observe  net     disk, threads, sockets, settings
    1 LANGUAGES      message  proto.{imap,pop3,smtp,sasl,dovecot} octets <-> values; no I/O, no clock
    0 VOCABULARY     model                        values everybody speaks of; standard library only

Open doors besides: ``proto.imap`` reads ``message``; from floor 2 up anyone may use ``observe`` and the
classes of ``config.sections``. ``store`` and ``auth`` are reached through their ``api.py``. Twisted lives
in ``net``, ``store/worker.py``, each ``protocol.py``, ``relay`` and floor 5; the rest is plain Python.

``rfc-support.txt`` beside this file lists every RFC the code cites: number, status, title, where.
"""

__version__ = "0.1.0"
