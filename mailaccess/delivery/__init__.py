"""From an address to a mailbox: recipients, aliases, and delivery that survives kill -9.

api         the values: Target, Drop, Delivered, Outcome, and what may be raised
recipients  ``Recipients.resolve``: an address to accounts, by local domains, aliases, ``+detail``, catch-all
aliases     the aliases file
local       ``LocalDelivery``: into mailboxes, streamed; ``deliver`` for one account (``mailadm deliver``)
repeats     remembers what was delivered but could not be acknowledged, so that a retry is no duplicate

How to make them (service.build, admin)::

    recipients = Recipients(authenticator, settings.smtp, settings.domains, threads, log)
    delivery = LocalDelivery(store, threads, log, limit=settings.store.message_size,
                             spool=settings.state_dir / "tmp", detail_mailbox=settings.smtp.detail_mailbox)
    identity = await authenticator.lookup("lee@naver.com")
    await delivery.deliver(identity, pieces)            # pieces: an iterable of octets; raises MailError
"""
