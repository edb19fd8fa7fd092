"""The POP3 conversation: authorization, transaction and update states (RFC 1939 and its extensions).

For ``service.build``::

    house = House(authenticator, store, settings.pop3, runner, log, hostname=settings.hostname,
                  tls_required=settings.tls.required, is_trusted=...)
    door = Door(lambda place: Pop3Protocol(house, place, tls=server_tls), limits, full=FULL)      # STLS
    door = over_tls(Door(lambda place: Pop3Protocol(house, place), limits), server_tls)           # RFC 8314

``runner`` is a ``model.work.ThreadRunner``; ``Pop3Protocol`` and ``FULL`` are in ``protocol.py``, ``House``
in ``house.py``. ``Pop3Protocol.stop()`` ends a session when the server stops; nothing is deleted then.

protocol   octets in and out, TLS, time-outs       session      one command after another
commands   what each command does
house      what all connections share              login        USER, PASS, AUTH, and opening the maildrop
maildrop   the messages as they were at login      retrieval    RETR and TOP, read ahead
capa       what CAPA tells                         texts        what is said, in English and in Korean

What a client may rely on, where the RFCs leave it open:

- One session at a time holds an account's maildrop, over all processes; a second gets ``[IN-USE]``. Which
  messages there are, their numbers, sizes and unique ids are those of the login.
- The unique id is the UID and UIDVALIDITY of IMAP, eight hexadecimal digits each: Dovecot's default format.
- Messages go at QUIT only. A broken connection, a time-out or the server's stop deletes nothing.
- A message that was sent by RETR to its end is \\Seen, as with Dovecot; this is stored in one transaction at
  the end of the session, QUIT or not. TOP does not mark.
- Messages are sent octet for octet as they are stored, also with 8-bit header fields to a client that has not
  said UTF8. RFC 6856 §2.1 asks for a surrogate or an error there; but such fields have always been about,
  every client copes with them, and sizes and digests would no longer be those of the message.
- A NUL is sent as it is stored (Dovecot's ``outlook-no-nuls`` is off by default, too).
"""
