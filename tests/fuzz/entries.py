"""Every place where strangers' octets are read: a function each, which takes any and raises only on a bug of ours.

What was read is written again and read once more: it has to mean the same.
"""

import re
from collections.abc import Callable
from pathlib import Path

from mailaccess.message import binary, envelope, structure
from mailaccess.message.preview import preview
from mailaccess.proto import proxyline
from mailaccess.proto.dovecot import lines as auth_lines
from mailaccess.proto.dovecot import requests as auth_requests
from mailaccess.proto.imap import framing, structure_render
from mailaccess.proto.imap.parse import ParseError, parse, parse_following
from mailaccess.proto.imap.render import render
from mailaccess.proto.pop3 import grammar as pop3
from mailaccess.proto.smtp import address
from mailaccess.proto.smtp import commands as smtp_commands
from mailaccess.proto.smtp import framing as smtp_framing
from mailaccess.proto.smtp.replies import Refused
from mailaccess.store.maildir import acl, names, uids

MAX_EVENTS = 100_000
"""More than any input of these tests can make: an event takes an octet at least."""


def imap(octets: bytes) -> None:
    """The framer over the stream, each frame to a command or an answer."""
    framer = framing.Framer(framing.Limits(line=2000, message=5000, skip=5000, non_synchronising=2000))
    framer.feed(octets)
    for _ in range(MAX_EVENTS):
        event = framer.next()
        if event is None:
            return
        if isinstance(event, framing.StreamStart):
            if event.number:
                try:
                    parse_following(event, catenating=False)
                except ParseError:
                    pass
            framer.accept()
        elif isinstance(event, framing.Frame):
            try:
                request = parse(event, utf8=bool(octets[:1] < b"a"))
            except ParseError as error:
                answer = render(error.response)
                assert answer.endswith(b"\r\n") and answer.count(b"\n") == 1
            else:
                assert event.octets.startswith(request.tag + b" ")
    raise AssertionError("the framer does not end")


def imap_command(octets: bytes) -> None:
    """One command."""
    try:
        parse(framing.Frame(b"a " + octets), utf8=True)
    except ParseError as error:
        assert render(error.response).count(b"\n") == 1


def pop3_session(octets: bytes) -> None:
    """Lines and commands."""
    lines = pop3.Lines()
    lines.feed(octets)
    for _ in range(MAX_EVENTS):
        try:
            line = lines.line()
        except pop3.LineTooLong:
            continue
        if line is None:
            return
        pop3.parse(line)
    raise AssertionError("the lines do not end")


def smtp_session(octets: bytes) -> None:
    """Lines, commands and addresses; addresses read back."""
    framer = smtp_framing.Framer()
    framer.feed(octets)
    for _ in range(MAX_EVENTS):
        try:
            line = framer.line()
        except smtp_framing.LineTooLong:
            continue
        if line is None:
            return
        try:
            command = smtp_commands.read(line, lenient=True, utf8=True, dsn=True)
        except Refused as refused:
            assert 500 <= refused.reply.code < 600
            continue
        to = getattr(command, "address", None)
        if isinstance(to, address.Address):
            assert address.parse(str(to)) == to
    raise AssertionError("the lines do not end")


def message(octets: bytes) -> None:
    """A message's structure, envelope, preview, and its binary parts encoded."""
    root = structure.parse(octets)
    structure_render.envelope(envelope.envelope(structure.root_header(octets, root)))
    structure_render.bodystructure(root)
    structure_render.body(root)
    assert len(preview(octets, root)) <= 256
    if binary.is_needed(octets):
        try:
            encoded = binary.encoded(octets)
        except binary.NotEncodable:
            return
        assert b"\0" not in encoded


def auth(octets: bytes) -> None:
    """Dovecot's auth protocol: fields are escaped and read back."""
    lines = auth_lines.Lines()
    try:
        found = lines.feed(octets)
    except auth_lines.BadLine:
        return
    for line in found:
        try:
            auth_requests.parse(line)
            name, *fields = auth_lines.split(line)
        except auth_lines.BadLine:
            continue
        if name.isalpha():
            (again,) = auth_lines.Lines().feed(auth_lines.render(name, *fields))
            assert auth_lines.split(again) == [name, *fields]


def proxy(octets: bytes) -> None:
    """The PROXY line; what is longer than one can be is never waited for."""
    try:
        found = proxyline.read(octets)
    except proxyline.BadHeader:
        return
    assert found is not None or len(octets) < 2**16 + 16


def access_list(octets: bytes) -> None:
    """dovecot-acl."""
    found = acl.parse(octets)
    assert acl.render(acl.parse(acl.render(found))) == acl.render(found)


def uid_files(octets: bytes) -> None:
    """mailaccess-uids, dovecot-uidlist, dovecot-keywords."""
    found = uids.parse(octets)
    if found is not None:
        assert uids.parse(uids.render(found)) == found
    uids.parse_uidlist(octets)
    uids.parse_keywords(octets)


def file_name(octets: bytes) -> None:
    """A file's name in a Maildir."""
    name = octets.replace(b"/", b"").replace(b"\0", b"")
    found = names.parse(name)
    assert found.uid is None or 0 < found.uid < 2**32
    names.letters(name)
    names.seconds(name)


ENTRIES: dict[str, Callable[[bytes], None]] = {
    "imap": imap,
    "imap-command": imap_command,
    "pop3": pop3_session,
    "smtp": smtp_session,
    "message": message,
    "auth": auth,
    "proxy": proxy,
    "acl": access_list,
    "uids": uid_files,
    "names": file_name,
}

DICTIONARY = Path(__file__).with_name("mail.dict")
ROOT = Path(__file__).parents[2]


def words() -> list[bytes]:
    """The dictionary's words."""
    found = re.findall(r'^(?:\w+=)?"((?:[^"\\]|\\.)*)"$', DICTIONARY.read_text("ascii"), re.MULTILINE)
    return [
        re.sub(
            rb"\\(x..|.)", lambda m: bytes([int(m[1][1:], 16)]) if m[1][:1] == b"x" else m[1], word.encode()
        )
        for word in found
    ]
