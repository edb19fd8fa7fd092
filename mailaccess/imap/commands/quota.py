"""GETQUOTA and GETQUOTAROOT (RFC 9208): one root, "", for the whole account; none where there is no limit."""

from mailaccess.imap.answers import no
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from mailaccess.proto.imap.responses_more import QuotaEntry, QuotaRoots
from mailaccess.store.api import Quota

_ROOT = ""


def _entry(quota: Quota) -> QuotaEntry | None:
    """STORAGE counts in units of 1024 octets. RFC 9208 §5.1, §5.2."""
    resources: list[tuple[str, int, int]] = []
    if quota.limit.storage is not None:
        resources.append(("STORAGE", -(-quota.storage // 1024), quota.limit.storage // 1024))
    if quota.limit.messages is not None:
        resources.append(("MESSAGE", quota.messages, quota.limit.messages))
    return QuotaEntry(_ROOT, tuple(resources)) if resources else None


@command("GETQUOTA", state=Authenticated, tells_expunges=True)
async def get_quota(session: Authenticated, args: GetQuota, out: Replies) -> r.Status:
    """RFC 9208 §4.1.1."""
    entry = _entry(await session.account.quota()) if args.root == _ROOT else None
    if entry is None:
        raise no("There is no such quota root", r.NONEXISTENT)
    out.send(entry)
    return r.Ok("GETQUOTA completed")


@command("GETQUOTAROOT", state=Authenticated, tells_expunges=True)
async def get_quota_root(session: Authenticated, args: GetQuotaRoot, out: Replies) -> r.Status:
    """RFC 9208 §4.1.2."""
    if all(info.name != args.mailbox for info in await session.account.mailboxes()):
        raise NoSuchMailbox
    entry = _entry(await session.account.quota())
    out.send(QuotaRoots(args.mailbox, () if entry is None else (_ROOT,)))
    if entry is not None:
        out.send(entry)
    return r.Ok("GETQUOTAROOT completed")


@command("SETQUOTA", state=Authenticated, tells_expunges=True)
async def set_quota(session: Authenticated, args: SetQuota, out: Replies) -> r.Status:
    """RFC 9208 §4.1.3: quotas are the administrator's, so QUOTASET is not offered."""
    raise no("Quotas are set by the administrator", r.NOPERM)
