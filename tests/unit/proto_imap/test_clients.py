"""Every IMAP command that real clients were recorded to send is understood."""

import re
from pathlib import Path

import pytest

from mailaccess.proto.imap.framing import AFTER_LOGIN, Frame, Framer, Line, StreamStart
from mailaccess.proto.imap.parse import ParseError, parse

RECORDED = Path(__file__).parents[4] / "shared" / "clients"

# The same sessions over POP3 and SMTP.
NOT_IMAP = re.compile(
    "APOP|AUTH|CAPA|DATA|DELE|EHLO|HELO|MAIL|PASS|QUIT|RCPT|RETR|RSET|STAT|STLS|TOP|UIDL|USER"
)
LATER = {  # extensions of other issues
    *("COMPRESS", "GETACL", "GETQUOTAROOT", "MYRIGHTS", "NOTIFY", "SORT", "THREAD", "UID SORT", "UID THREAD"),
}


def spelled(command: str) -> str:
    """A recorded command with its numbers and names, which the recording replaced, filled in again."""
    command = command.replace("UTF-N", "UTF-8").replace("foldertestN", "foldertest1")
    command = re.sub(r'(APPEND \S+ .*)"\.\.\."( \{N\+?\})$', r'\1"17-Jul-1996 02:44:25 -0700"\2', command)
    command = command.replace("LOGIN ...", "LOGIN kim secret")
    command = re.sub(r"\bN(?=[ .\])>}+]|$)", "7", command)
    if command.count("[") > command.count("]"):  # the recording cut long lines
        command = command[: command.rindex("(", 0, len(command))] + "(Subject)])"
    return command


def recorded() -> list[tuple[str, str]]:
    found = set()
    for file in sorted(RECORDED.glob("*.cmds")):
        for line in file.read_text(errors="replace").splitlines():
            command = line.split(None, 1)[1]
            words = command.upper().split()
            name = " ".join(words[:2]) if words[0] == "UID" else words[0]
            pop3_list = name == "LIST" and (len(words) == 1 or words[1] == "N")
            if NOT_IMAP.fullmatch(name) or name in LATER or name == "DONE" or pop3_list:
                continue
            found.add((file.stem, spelled(command)))
    return sorted(found)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded commands are not here")
def test_every_recorded_command_is_understood() -> None:
    unread = []
    commands = recorded()
    for client, command in commands:
        framer = Framer(AFTER_LOGIN)
        framer.feed(b"t " + command.encode() + b"\r\n")
        event = framer.next()
        if re.search(r"\{7\+?\}$", command) and not isinstance(event, StreamStart):
            framer.feed(
                b"subject" + b" ALL" * (" OR " in command) + b"\r\n"
            )  # the recording ends at the literal
            while not isinstance(event, Frame):
                event = framer.next()
        frame = event.frame if isinstance(event, StreamStart) else event
        assert isinstance(frame, Frame) and not isinstance(event, Line)
        try:
            parse(frame)
        except ParseError as error:
            unread.append(f"{client}: {command}: {error}")
    assert "\n".join(unread) == ""
    assert len(commands) > 300
