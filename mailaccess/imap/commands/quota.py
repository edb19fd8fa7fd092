"""GETQUOTA and GETQUOTAROOT (RFC 9208): one root for each account, none where there is no limit.

One's own is ""; those of others are called as their mailboxes are: "Other Users/kim@naver.com", "Public".
"""

from mailaccess.imap.answers import no
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from mailaccess.proto.imap.responses_more import QuotaEntry, QuotaRoots
from mailaccess.store.api import Quota


def _entry(root: str, quota: Quota) -> QuotaEntry | None:
    """STORAGE counts in units of 1024 octets. RFC 9208 §5."""
    resources: list[tuple[str, int, int]] = []
    if quota.limit.storage is not None:
        resources.append(("STORAGE", -(-quota.storage // 1024), quota.limit.storage // 1024))
    if quota.limit.messages is not None:
        resources.append(("MESSAGE", quota.messages, quota.limit.messages))
    if quota.limit.mailboxes is not None:
        resources.append(("MAILBOX", quota.mailboxes, quota.limit.mailboxes))
    return QuotaEntry(root, tuple(resources)) if resources else None


@command("GETQUOTA", state=Authenticated, tells_expunges=True)
async def get_quota(session: Authenticated, args: GetQuota, out: Replies) -> r.Status:
    """RFC 9208 §4.1.1."""
    try:
        account = await session.namespaces.quota_root(args.root)
        entry = _entry(args.root, await account.quota())
    except NoSuchMailbox:
        entry = None
    if entry is None:
        raise no("There is no such quota root", r.NONEXISTENT)
    out.send(entry)
    return r.Ok("GETQUOTA completed")


@command("GETQUOTAROOT", state=Authenticated, tells_expunges=True)
async def get_quota_root(session: Authenticated, args: GetQuotaRoot, out: Replies) -> r.Status:
    """RFC 9208 §4.1.2; it needs the right to read, since it tells how much there is (RFC 9208 §6)."""
    place = await session.namespaces.place(args.mailbox)
    place.require("r")
    if all(info.name != place.name for info in await place.account.mailboxes()):
        raise NoSuchMailbox
    entry = _entry(place.root, await place.account.quota())
    out.send(QuotaRoots(place.shown, () if entry is None else (place.root,)))
    if entry is not None:
        out.send(entry)
    return r.Ok("GETQUOTAROOT completed")


@command("SETQUOTA", state=Authenticated, tells_expunges=True)
async def set_quota(session: Authenticated, args: SetQuota, out: Replies) -> r.Status:
    """RFC 9208 §4.1.3: quotas are the administrator's, so QUOTASET is not offered."""
    raise no("Quotas are set by the administrator", r.NOPERM)
