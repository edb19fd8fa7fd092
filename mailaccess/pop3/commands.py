"""The commands of a POP3 session, state by state: the table, and what each does (RFC 1939 §4 to §7).

A handler answers by the session's ``ok``, ``err``, ``bad`` and ``say``; it raises nothing that is the client's fault.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from mailaccess.model.errors import MailError
from mailaccess.observe.events import Level
from mailaccess.pop3 import texts
from mailaccess.pop3.capa import capabilities
from mailaccess.pop3.maildrop import Maildrop
from mailaccess.proto.pop3 import grammar
from mailaccess.proto.pop3.grammar import Command

if TYPE_CHECKING:
    from mailaccess.pop3.session import Session

Handler = Callable[["Session", Command], Awaitable[None]]

# The authorization state


async def user(session: "Session", command: Command) -> None:
    session.login.user(command.argument)


async def password(session: "Session", command: Command) -> None:
    session.flush()  # the check takes its time; what was said before is not held back by it
    await session.login.password(command.argument)


async def auth(session: "Session", command: Command) -> None:
    if command.bare:
        # RFC 1734's older drafts, and Outlook with a blank behind it: which mechanisms are there?
        lines = list(session.mechanisms())
        session.say(grammar.listing(texts.text(session.language, texts.MECHANISMS), lines))
        return
    words = (command.argument or b"").split()
    if len(words) > 2 or not words[0].isascii():
        session.bad(texts.SYNTAX, "AUTH mechanism [initial-response]")
        return
    session.flush()
    mechanism = words[0].decode("ascii").upper()
    await session.login.auth(mechanism, words[1] if len(words) == 2 else None)


async def stls(session: "Session", command: Command) -> None:
    if session.tls:
        session.err(texts.TLS_ACTIVE)
    elif not session.tls_offered:
        session.err(texts.NO_TLS)
    elif session.utf8:
        session.err(texts.WRONG_STATE)  # RFC 6856 §2.1
    else:
        session.ok(texts.BEGIN_TLS)
        session.start_tls()


async def capa(session: "Session", command: Command) -> None:
    lines = capabilities(
        mechanisms=session.mechanisms(),
        passwords=session.may_use_passwords,
        stls=session.tls_offered and not session.tls,
        logged_in=session.drop is not None,
    )
    session.say(grammar.listing(texts.text(session.language, texts.CAPABILITIES), lines))


async def utf8(session: "Session", command: Command) -> None:
    session.utf8 = True
    session.ok(texts.UTF8_ON)


async def lang(session: "Session", command: Command) -> None:
    if command.bare:
        lines = [f"{tag} {name}" for tag, name in texts.LANGUAGES.items()]
        session.say(grammar.listing(texts.text(session.language, texts.LANGUAGES_FOLLOW), lines))
        return
    wanted = (command.argument or b"").strip().decode("ascii", "replace")
    chosen = texts.choose(wanted)
    if chosen is None:
        session.err(texts.NO_LANGUAGE)
        return
    session.language = chosen
    session.say(grammar.ok(f"{chosen} {texts.text(chosen, texts.LANGUAGE_CHANGED)}"))


async def noop(session: "Session", command: Command) -> None:
    session.ok(texts.OK)


async def quit_before(session: "Session", command: Command) -> None:
    session.ok(texts.BYE)
    session.close()


# The transaction state


def _open_drop(session: "Session") -> Maildrop:
    assert session.drop is not None
    return session.drop


def _number(session: "Session", command: Command, syntax: str) -> int | None:
    """The message an argument names; None after an error was told."""
    found = command.numbers()
    if found is None or found[1] is not None:
        session.bad(texts.SYNTAX, syntax)
        return None
    return found[0] if _there(session, found[0]) else None


def _there(session: "Session", number: int) -> bool:
    drop = _open_drop(session)
    if not 1 <= number <= len(drop):
        session.err(texts.NO_SUCH_MESSAGE, number)
    elif number in drop.deleted:
        session.err(texts.IS_DELETED, number)
    else:
        return True
    return False


async def stat(session: "Session", command: Command) -> None:
    drop = _open_drop(session)
    session.say(b"+OK %d %d\r\n" % (drop.count, drop.octets))


async def listing(session: "Session", command: Command) -> None:
    drop = _open_drop(session)
    if command.bare:
        session.ok(texts.MESSAGES, drop.count, drop.octets)
        await _long(session, drop.listing())
        return
    number = _number(session, command, "LIST [number]")
    if number is not None:
        session.say(b"+OK %d %d\r\n" % (number, drop.sizes[number - 1]))


async def uidl(session: "Session", command: Command) -> None:
    drop = _open_drop(session)
    if command.bare:
        session.say(b"+OK\r\n")
        await _long(session, drop.unique_ids())
        return
    number = _number(session, command, "UIDL [number]")
    if number is not None:
        session.say(f"+OK {number} {drop.unique_id(number)}\r\n".encode("ascii"))


async def _long(session: "Session", slices: Iterator[bytes]) -> None:
    """The lines of a listing, and its end; others have their turn in between."""
    first = True
    for octets in slices:
        if not first:
            await session.breathe()
            await session.house.runner.pause()
        first = False
        session.say(octets)
    session.say(b".\r\n")


async def retr(session: "Session", command: Command) -> None:
    number = _number(session, command, "RETR number")
    if number is None:
        return
    drop, retrieval = _open_drop(session), session.retrieval
    assert retrieval is not None
    begun = False
    parts = retrieval.at_hand(number)
    if parts is not None:
        session.ok(texts.OCTETS, drop.sizes[number - 1])
        for part in parts:
            session.say(part)
        await session.breathe()
        drop.retrieved.add(drop.uids[number - 1])
        return
    try:
        async with aclosing(retrieval.message(number)) as pieces:
            async for piece in pieces:
                if not begun:
                    begun = True
                    session.ok(texts.OCTETS, drop.sizes[number - 1])
                session.say(piece)
                await session.breathe()
    except MailError as error:
        session.log("read-failed", Level.ERROR, user=drop.user, error=error.detail or str(error))
        if begun:
            # The client is in the middle of a message: it must not take what it has for the whole.
            session.close()
        else:
            session.err(texts.TEMPORARY, code="SYS/TEMP")
        return
    if begun:
        drop.retrieved.add(drop.uids[number - 1])
    else:
        session.err(texts.IS_GONE, number)


async def top(session: "Session", command: Command) -> None:
    found = command.numbers()
    if found is None or found[1] is None:
        session.bad(texts.SYNTAX, "TOP number lines")
        return
    if not _there(session, found[0]):
        return
    retrieval = session.retrieval
    assert retrieval is not None
    try:
        upper = await retrieval.top(found[0], found[1])
    except MailError as error:
        session.log(
            "read-failed", Level.ERROR, user=_open_drop(session).user, error=error.detail or str(error)
        )
        session.err(texts.TEMPORARY, code="SYS/TEMP")
        return
    if upper is None:
        session.err(texts.IS_GONE, found[0])
        return
    session.ok(texts.TOP_FOLLOWS)
    session.say(upper)


async def dele(session: "Session", command: Command) -> None:
    number = _number(session, command, "DELE number")
    if number is not None:
        _open_drop(session).mark(number)
        session.ok(texts.MARKED, number)


async def rset(session: "Session", command: Command) -> None:
    drop = _open_drop(session)
    session.ok(texts.UNMARKED, drop.unmark(), drop.count, drop.octets)


async def quit(session: "Session", command: Command) -> None:
    """The update state. RFC 1939 §6."""
    drop = _open_drop(session)
    session.drop = None
    session.flush()
    marked = drop.marked()
    drop.retrieved.difference_update(marked)
    await session.keep_seen(drop)
    try:
        if marked:
            await drop.mailbox.remove(marked)
    except MailError as error:
        session.log("remove-failed", Level.ERROR, user=drop.user, error=error.detail or str(error))
        await session.leave(drop, 0)
        session.err(texts.NOT_REMOVED, code="SYS/TEMP")
    else:
        await session.leave(drop, len(marked))
        if marked:
            session.ok(texts.BYE_REMOVED, len(marked))
        else:
            session.ok(texts.BYE)
    session.close()


_ANYWHERE: Final[dict[str, Handler]] = {"CAPA": capa, "LANG": lang}

AUTHORIZATION: Final[dict[str, Handler]] = {
    **_ANYWHERE,
    "USER": user,
    "PASS": password,
    "AUTH": auth,
    "STLS": stls,
    "UTF8": utf8,
    "QUIT": quit_before,
}

TRANSACTION: Final[dict[str, Handler]] = {
    **_ANYWHERE,
    "STAT": stat,
    "LIST": listing,
    "UIDL": uidl,
    "RETR": retr,
    "TOP": top,
    "DELE": dele,
    "RSET": rset,
    "NOOP": noop,
    "QUIT": quit,
}
