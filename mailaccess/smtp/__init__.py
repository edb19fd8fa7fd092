"""The SMTP conversations: inbound, submission and LMTP as three policies over one session.

For ``service.build``::

    house = House(authenticator, recipients, delivery, settings.smtp, log, hostname=settings.hostname,
                  message_size=settings.store.message_size, tls_required=..., is_trusted=...)
    door = Door(lambda place: SmtpProtocol(house, Inbound(house), place, tls=server_tls), limits, full=FULL)

with ``Inbound`` for port 25, ``Submission`` for 587 and (behind ``net.endpoints.over_tls``) 465, ``Lmtp``
for LMTP. ``tls``: what STARTTLS uses, None where it is not offered or the listener is TLS already.
``SmtpProtocol.stop()`` says 421 when the server stops. ``FULL`` and the classes are in ``protocol.py``,
``house.py`` and the policies' files; ``mailaccess.delivery`` says how to make the other two.

protocol    octets in and out, TLS, time-outs        session         one command after another
house       what all connections share               policy          what the three have in common
inbound, submission, lmtp: what each allows
transaction what MAIL and RCPT said                  authentication  AUTH, a line at a time
accepting   where a message's octets go              receiving       the octets on their way in
header      what submission mends, what a loop shows trace           the Received field
answers     errors to replies: one table

Duplicates and losses: the reply to the end of DATA is written when ``Account.append`` has returned for
every recipient. LMTP answers for each recipient by itself. SMTP has one reply for all: if some copies are
stored and one fails for the moment, the reply is 451 or 452, and ``delivery.repeats`` remembers the stored
ones, so that the sender's next try stores only what is missing. The same holds when the connection is gone
before the reply could be written.
"""
