"""LANGUAGE (RFC 5255 §3): in which language the texts of answers are."""

from mailaccess.imap.answers import no
from mailaccess.imap.commands.mailboxes import tell_namespaces
from mailaccess.imap.dispatch import command
from mailaccess.imap.languages import KOREAN_TAG, LANGUAGES, choose
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, State
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.language import Language
from mailaccess.proto.imap.responses_more import Languages


@command("LANGUAGE", state=State, tells_expunges=True)
async def language(session: State, args: Language, out: Replies) -> r.Status:
    """RFC 5255 §3.2: the change holds from the LANGUAGE response on; prefixes that have a translation are told
    at once.
    """
    if not args.ranges:
        out.send(Languages(LANGUAGES))
        return r.Ok("Supported languages")
    chosen = choose(args.ranges, session.house.settings.language)
    if chosen is None:
        raise no("That language is not offered", r.CANNOT)
    out.language = chosen if chosen == KOREAN_TAG else None
    out.send(Languages((chosen,)))
    if isinstance(session, Authenticated):
        await tell_namespaces(session, out)
    return r.Ok("Language changed" if chosen == KOREAN_TAG else "Now speaking English")
