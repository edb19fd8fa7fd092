"""What happens in one worker is told at once to the sessions of another."""

import imaplib
import smtplib

from tests.interop import messages
from tests.interop.running import PATIENCE, Server
from tests.interop.workers.company import OTHER, USER, Idler, ask, only, session, state, told


def all_told(client: imaplib.IMAP4, *texts: bytes) -> None:
    """Lines that hold each of these, in whatever order."""
    left = set(texts)
    while left:
        line = client.readline()
        assert line, f"never told {left!r}"
        left -= {text for text in left if text in line}


def test_a_session_hears_at_once_of_what_happens_in_another_worker(pair: Server) -> None:
    one, two = session(pair, 1), session(pair, 2)
    one.select("INBOX")
    two.select("INBOX")
    idler = Idler(one)
    with only(pair, 2), smtplib.LMTP("127.0.0.1", pair.ports["lmtp"], timeout=PATIENCE) as client:
        client.sendmail("kim@daum.net", [USER], messages.PLAIN)
    idler.until(b"1 EXISTS")
    two.noop()
    two.store("1", "+FLAGS", r"(\Flagged later)")
    idler.until(b"\\Flagged")
    two.append("INBOX", "", "", messages.MIXED)
    idler.until(b"2 EXISTS")
    two.store("1", "+FLAGS.SILENT", r"(\Deleted)")
    two.expunge()
    idler.until(b"1 EXPUNGE")
    idler.end()
    assert state(one, "INBOX") == state(two, "INBOX")
    for client_ in (one, two):
        client_.logout()


def test_a_session_hears_of_what_is_in_no_index_from_another_worker(pair: Server) -> None:
    """Annotations for who enabled METADATA (RFC 5464 §4.4.2), and a replaced access key (RFC 4467 §7)."""
    one, two = session(pair, 1), session(pair, 2)
    one.select("INBOX")
    ask(one, b"ENABLE METADATA")
    idler = Idler(one)
    ask(two, b'SETMETADATA INBOX (/private/comment "told")')
    idler.until(b"METADATA INBOX /private/comment")
    ask(two, b"RESETKEY INBOX")
    idler.until(b"URLMECH INTERNAL")
    idler.end()
    for client in (one, two):
        client.logout()


def test_notify_tells_of_what_happens_in_another_worker(pair: Server) -> None:
    one, two = session(pair, 1), session(pair, 2)
    ask(two, b"CREATE Watched")
    one.select("INBOX")
    ask(
        one,
        b"NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) "
        b"(PERSONAL (MessageNew MessageExpunge MailboxName SubscriptionChange MailboxMetadataChange))",
    )
    two.append("INBOX", "", "", messages.PLAIN)
    told(one, b"1 EXISTS")
    two.select("INBOX")
    two.store("1", "+FLAGS", r"(\Flagged)")
    told(one, b"\\Flagged")
    two.copy("1", "Watched")
    told(one, b"STATUS Watched (MESSAGES 1 ")
    ask(two, b"MOVE 1 Watched")
    all_told(one, b"1 EXPUNGE", b"STATUS Watched (MESSAGES 2 ")
    ask(two, b"RENAME Watched Seen")
    told(one, b'Seen ("OLDNAME" (Watched))')
    ask(two, b"SUBSCRIBE Seen")
    told(one, b"\\Subscribed")
    ask(two, b'SETMETADATA Seen (/private/comment "told")')
    told(one, b"METADATA Seen /private/comment")
    ask(two, b"DELETE Seen")
    told(one, b"NonExistent")
    for client in (one, two):
        client.logout()


def test_a_right_given_or_taken_in_one_worker_counts_at_once_in_another(pair: Server) -> None:
    """Whoever has asked a moment ago is not answered from memory."""
    owner, reader = session(pair, 1), session(pair, 2, OTHER)
    ask(owner, b"CREATE Shared")
    shown = f'"Other Users/{USER}/Shared"'.encode()
    reader.select("INBOX")
    ask(reader, b'NOTIFY SET (SUBTREE "Other Users" (MailboxName))')
    for change, may in ((b"lr", True), (b'""', False), (b"lr", True)):
        reader.list('"Other Users/"', "*")
        start = len(pair.log)
        ask(owner, b"SETACL Shared " + OTHER.encode() + b" " + change)
        pair.await_log("imap-acl-changed", start)
        line = told(reader, b"/Shared")
        assert (b"NonExistent" in line or b"NoAccess" in line) is not may, line
        assert reader.status(shown.decode(), "(MESSAGES)")[0] == ("OK" if may else "NO")
    ask(owner, b"DELETE Shared")
    for client in (owner, reader):
        client.logout()
