"""Accounts on disk: Maildir++ is the truth, the SQLite index is derived. Reached through ``api.py``.

What the floors above see of it: ``api``. What ``service/build.py`` makes: ``engine.MaildirStore(settings.store,
runner, watcher, log, clock)`` with ``worker.Worker(reactor, threads)`` and ``watch.InotifyWatcher(reactor)``; tools
and tests pass ``model.work.InlineRunner()`` and None.

On the reactor thread      engine (open accounts, memory), account, mailbox (handles), changes (deltas to columns
                           and listeners), columns, housekeeping (what an account does by itself), indexer, search
In the account's jobs      vault (paths, open index, transactions), tree (mailboxes), folder and intake (what other
                           programs did), describing (new files as rows), appending (group commit), changing (flags,
                           expunge, copy, move), forgetting, journal (file operations owed), loading (into memory),
                           reading (octets), flagsets, naming
Rights                     acl (an account's lists), shares (who granted whom, over all accounts), public (mailboxes
                           of nobody)
maildir/                   names (file names), folders (folder names), scan, uids (``mailaccess-uids`` and Dovecot's
                           files), subscriptions, deliver, files (every file operation, where faults are injected)
index/                     schema, connection, mailboxes and messages (rows), cache, fieldsets, fulltext, keys
background, surroundings   what the room asks of the world and its parts of one another; worker and watch fulfil
                           the former under Twisted
"""
