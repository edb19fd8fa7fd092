"""LOGIN and AUTHENTICATE (RFC 3501 §6.2.2, §6.2.3; RFC 4959; RFC 5530)."""

from mailaccess.auth.api import Challenge, Identity, PasswordCredentials
from mailaccess.imap.answers import bad, no
from mailaccess.imap.dispatch import command
from mailaccess.imap.moving import moved
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, NotAuthenticated
from mailaccess.model.errors import AuthenticationFailed
from mailaccess.observe.events import Level
from mailaccess.proto.imap import framing
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.authentication import Authenticate, Login
from mailaccess.proto.sasl.wire import MAX_LINE, decode_response


@command("LOGIN", state=NotAuthenticated)
async def login(session: NotAuthenticated, args: Login, out: Replies) -> r.Status:
    """RFC 3501 §6.2.3."""
    if not session.plaintext_allowed:
        raise no("Please use TLS before you send a password", r.PRIVACYREQUIRED)
    try:
        name = args.user.decode("utf-8")
    except UnicodeDecodeError:
        raise AuthenticationFailed from None
    credentials = PasswordCredentials(name, args.password, session.peer, mechanism="LOGIN")
    identity = await session.house.authenticator.verify(credentials)
    return await _go_on(session, identity, "LOGIN", "LOGIN")


@command("AUTHENTICATE", state=NotAuthenticated)
async def authenticate(session: NotAuthenticated, args: Authenticate, out: Replies) -> r.Status:
    """RFC 3501 §6.2.2; the initial response is RFC 4959."""
    if args.mechanism not in session.mechanisms():
        if args.mechanism in session.house.authenticator.mechanisms():
            raise no("Please use TLS before you send a password", r.PRIVACYREQUIRED)
        raise no("That authentication mechanism is not offered", r.CANNOT)
    exchange = session.house.authenticator.begin(args.mechanism, session.peer)
    initial = args.initial_response
    step = await exchange.step(None if initial is None else initial.reveal())
    while isinstance(step, Challenge):
        out.send(r.Challenge(step.data))
        step = await exchange.step(await _response(session))
    return await _go_on(session, step, args.mechanism, "AUTHENTICATE")


async def _response(session: NotAuthenticated) -> bytes:
    """The client's next line, decoded. Raises Cancelled, Malformed."""
    connection = session.connection
    connection.framer.expect_line(MAX_LINE)
    event = await connection.event()
    if not isinstance(event, framing.Line):
        raise bad("The response is too long", r.LIMIT)
    return decode_response(event.octets)


async def _go_on(session: NotAuthenticated, identity: Identity, method: str, command: str) -> r.Status:
    """Login succeeded, here or, from now on, in another process."""
    if await moved(session.connection, identity, method, command):
        raise ConnectionResetError("another process serves it")
    return await enter(session, identity, method)


async def enter(session: NotAuthenticated, identity: Identity, method: str) -> r.Status:
    """Open the account, change the state."""
    connection = session.connection
    if not connection.wire.admit(identity.name):
        session.house.log.log("imap-too-many-connections", Level.WARNING, user=identity.name)
        raise no("There are too many connections of this account", r.LIMIT)
    try:
        account = await session.house.store.open(identity.location)
    except Exception:
        connection.wire.dismiss()
        raise
    state = Authenticated(connection, identity, account)
    connection.logged_in(state)
    peer = session.peer
    session.house.log.log(
        "imap-login",
        user=identity.name,
        method=method,
        rip=peer.address,
        lip=peer.local_address,
        tls=connection.wire.encrypted,
    )
    return r.Ok("Logged in", r.CapabilityCode(state.capabilities()))
