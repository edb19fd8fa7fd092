"""Commands of any state, and those that change the connection (RFC 3501 §6.1, §6.2.1; RFC 2971)."""

from typing import Final

from mailaccess.imap.answers import bad
from mailaccess.imap.dispatch import command
from mailaccess.imap.offers import profile_of
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import NotAuthenticated, Selected, State
from mailaccess.observe.events import Level
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.session import Capability, Id, Logout, Noop, StartTls

ID_LOGGED: Final = 200
"""Characters of an ID value that go to the log; clients may send 1024."""


@command("CAPABILITY", state=State, tells_expunges=True)
async def capability(session: State, args: Capability, out: Replies) -> r.Status:
    """RFC 3501 §6.1.1."""
    out.send(r.Capabilities(session.capabilities()))
    return r.Ok("CAPABILITY completed")


_NOOP: Final = r.Ok("NOOP completed")


@command("NOOP", state=State, tells_expunges=True)
async def noop(session: State, args: Noop, out: Replies) -> r.Status:
    """RFC 3501 §6.1.2: the client's poll for new messages."""
    if isinstance(session, Selected):
        await session.mailbox.refresh()
    return _NOOP


@command("LOGOUT", state=State)
async def logout(session: State, args: Logout, out: Replies) -> r.Status:
    """RFC 3501 §6.1.3: BYE, then OK, then the end."""
    out.send(r.Bye("Logging out"))
    session.connection.end()
    return r.Ok("LOGOUT completed")


@command("STARTTLS", state=NotAuthenticated)
async def starttls(session: NotAuthenticated, args: StartTls, out: Replies) -> r.Status | None:
    """RFC 3501 §6.2.1: the OK is the last thing in the clear, and what came behind the command is dropped."""
    connection = session.connection
    if not connection.wire.tls_available:
        raise bad("TLS is on already" if connection.wire.encrypted else "TLS is not available", r.CANNOT)
    out.send(r.Tagged(connection.tag, r.Ok("Begin TLS negotiation now")))
    connection.start_tls()
    return None


@command("ID", state=State, tells_expunges=True)
async def identify(session: State, args: Id, out: Replies) -> r.Status:
    """RFC 2971 §3.1. What the client says of itself is for the log, and for the profiles of mail programs:
    those take something away or work around a mistake, so nothing is gained by a lie.
    """
    if args.fields:
        profile = profile_of(session.house.profiles, args.fields)
        if profile is not session.connection.profile:
            before = session.capabilities()
            session.connection.known_as(profile)
            if (now := session.capabilities()) != before:
                out.send(r.Capabilities(now))
        told = " ".join(f"{name}={(value or '')[:ID_LOGGED]}" for name, value in args.fields)
        session.house.log.log(
            "imap-id",
            Level.DEBUG,
            user=session.connection.user or None,
            rip=session.connection.wire.address,
            client=told,
            profile=None if profile is None else profile.name,
        )
    out.send(r.ServerId(session.house.server_id))
    return r.Ok("ID completed")
