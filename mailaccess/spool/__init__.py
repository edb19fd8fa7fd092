"""Messages that wait to go out: a folder on disk that survives kill -9, and the plan when to try again.

envelope  the values: Envelope, Recipient, Attempt; how they are written down
queue     the folder: one body file and one small envelope file a message; blocking, for threads
spool     the same as coroutines over a ``ThreadRunner``: what delivery, relay and service use
requests  what ``mailadm queue`` asks of a running server, as files
schedule  in memory: which message is due for which destination; fairness, concurrency, back-off

``Queue`` belongs to one process at a time (``Queue.lock``); others may read it, and ask by ``requests``.
"""
