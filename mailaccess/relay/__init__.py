"""The outgoing road: takes what waits in the spool to where it belongs, and tells the sender if it cannot.

mx       where a domain's mail goes: MX, addresses, null MX, no way back to ourselves (``twisted.names``)
routes   smarthost and transport table: which destinations need no MX; how safe the way must be
answer   what another server said
trust    whose certificates are believed
client   one connection to another server, on ``twisted.mail.smtp``'s ESMTP client
dialer   conversations with the hosts of a destination, as safely as it wants
attempt  one try: hosts in order until one takes up the conversation; one verdict a recipient
outcomes what a verdict makes of an envelope
dsn      bounces and delay notices
review   what has waited too long, and what senders are told
operator what mailadm queue asks
tasks    coroutines under way, and later ones
runner   the motor: due messages, connections used again, results written down

How to make it (service.build)::

    dialer = make_dialer(settings.relay, threads, log, reactor, hostname=..., is_own=..., now=...)
    routes = Routes(settings.relay, password, logins)
    relay = Relay(
        spool, settings.relay, threads, log, reactor, routes=..., dialer=..., hostname=..., report=..., now=...
    )
    relay.own()              # the queue is ours, before anything may be put into it
    await relay.start()      # the queue's messages, then whatever ``spool.wake`` tells
    await relay.stop()       # no new tries; those that run are waited for, a moment
"""
