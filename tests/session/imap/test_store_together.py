"""STOREs sent one behind the other: done together, told as if each had been done alone."""

import random
import re

import pytest

from mailaccess.imap import alike
from mailaccess.model.errors import TemporaryFailure
from tests.session.imap.house import InMemoryHouse, MaildirHouse

CHANGES = [
    "+FLAGS (\\Seen)",
    "-FLAGS (\\Seen)",
    "FLAGS (\\Flagged)",
    "+flags.silent ($Work)",
    "+FLAGS (\\Seen)",
]


def pipeline(rng, count):
    lines = []
    while len(lines) < count:
        change, name = rng.choice(CHANGES), rng.choice(["UID STORE", "STORE", "uid store"])
        for _ in range(rng.randrange(1, 9)):
            number = rng.choice([rng.randrange(1, 21)] * 9 + [25, "1:3", "*"])
            lines.append(f"t{len(lines)} {name} {number} {change}\r\n".encode())
        if rng.random() < 0.3:
            lines.append(f"t{len(lines)} FETCH {rng.randrange(1, 15)} FLAGS\r\n".encode())
    return lines


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", [InMemoryHouse, MaildirHouse])
def test_a_pipeline_is_answered_as_its_commands_are_one_by_one(tmp_path, kind, seed):
    rng = random.Random(seed)
    lines = pipeline(rng, 60)
    said, told, truth = [], [], []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        imap = kind(tmp_path / str(number))
        imap.given("INBOX", messages=20, deleted=[4, 9])
        enable = ("UIDONLY",) if seed % 6 == 5 else ()
        one, other = imap.session("INBOX", enable=enable), imap.session("INBOX")
        if seed % 2:
            assert other.ask("EXPUNGE").status.startswith("OK")
        sent = [b"".join(lines)] if number else lines
        said.append(b"".join([one.send(piece) for piece in sent]))
        told.append(sorted(other.send(b"n NOOP\r\n").splitlines()))
        truth.append(imap.truth("INBOX"))
    assert said[0] == said[1]
    assert told[0] == told[1]
    assert truth[0] == truth[1]


def test_other_sessions_are_told_once_and_mod_sequences_rise(tmp_path):
    """RFC 7162 §3.1: what changed gets a higher mod-sequence than all there was."""
    imap = MaildirHouse(tmp_path)
    imap.given("INBOX", messages=5)
    one, other = imap.session("INBOX", enable=("CONDSTORE",)), imap.session("INBOX")
    before = int(one.ask("FETCH 1 MODSEQ").untagged[0].split("(MODSEQ (")[1].rstrip(")"))
    pieces = [b"a%d UID STORE %d +FLAGS.SILENT (\\Seen)\r\n" % (n, n) for n in (3, 1, 2)]
    said = one.send(b"".join(pieces)).decode().splitlines()
    assert [line.split(" ")[0] for line in said] == ["*", "a3", "*", "a1", "*", "a2"]
    numbers = [int(line.split("MODSEQ (")[1].rstrip(")")) for line in said[::2]]
    assert [line.split(" ")[1] for line in said[::2]] == ["3", "1", "2"] and min(numbers) > before
    assert other.ask("NOOP").numbers("FETCH") == [1, 2, 3]


def test_what_fails_together_is_tried_and_answered_one_by_one(imap, monkeypatch):
    imap.given("INBOX", messages=3)
    one = imap.session("INBOX")
    handle = one.connection.state.mailbox
    real, tried = type(handle).set_flags, []

    async def fails(self, uids, *args, **named):
        tried.append(len(uids))
        if len(uids) > 1 or 2 in uids:
            raise TemporaryFailure
        return await real(self, uids, *args, **named)

    monkeypatch.setattr(type(handle), "set_flags", fails)
    said = one.send(b"".join([b"a%d STORE %d +FLAGS (\\Seen)\r\n" % (n, n) for n in (1, 2, 3)])).decode()
    assert tried[0] == 3
    assert [line[:5] for line in said.splitlines() if line.startswith("a")] == ["a1 NO", "a2 NO", "a3 OK"]


def test_a_long_pipeline_is_one_write_and_few_transactions(imap, monkeypatch):
    imap.given("INBOX", messages=300)
    one = imap.session("INBOX")
    handle = type(one.connection.state.mailbox)
    real, sizes = handle.set_flags, []

    async def counted(self, uids, *args, **named):
        sizes.append(len(uids))
        return await real(self, uids, *args, **named)

    monkeypatch.setattr(handle, "set_flags", counted)
    said = one.send(b"".join([b"a%d UID STORE %d +FLAGS (\\Seen)\r\n" % (n, n) for n in range(1, 301)]))
    assert sizes == [alike.MOST + 1, alike.MOST + 1, 300 - 2 * (alike.MOST + 1)]
    expected = [
        b"* %d FETCH (UID %d FLAGS (\\Seen))\r\na%d OK STORE completed\r\n" % (n, n, n) for n in range(1, 301)
    ]
    assert said == b"".join(expected)


def test_a_command_that_has_not_come_whole_is_not_done_with_those_before_it(imap):
    imap.given("INBOX", messages=3)
    one = imap.session("INBOX")
    said = one.send(b"a UID STORE 1 +FLAGS (\\Seen)\r\nb UID STORE 2 +FLAGS (\\Seen)\r\nc UID STORE 3 +FLA")
    assert said.splitlines()[-1] == b"b OK STORE completed"
    assert one.send(b"GS (\\Answered)\r\n").splitlines()[0] == b"* 3 FETCH (UID 3 FLAGS (\\Answered))"


ODD = [
    b"%b UID STORE %d (UNCHANGEDSINCE 1) +FLAGS (\\Seen)\r\n",
    b"%b UID STORE %d (UNCHANGEDSINCE 99999) +FLAGS.SILENT (\\Flagged)\r\n",
    b"%b STORE %d +FLAGS {7}\r\n(\\Seen)\r\n",
    b"%b STORE %d +FLAGS ({5+}\r\n\\Seen)\r\n",
    b"%b STORE %d +FLAGS (\\Seen \\Seen $Work)\n",
    b"%b STORE 0%d +FLAGS (\\Seen)\r\n",
    b"%b STORE %d0000000000 +FLAGS (\\Seen)\r\n",
    b"%b UID STORE %d999999999 +FLAGS (\\Seen)\r\n",
    b"%b STORE %d  +FLAGS (\\Seen)\r\n",
    b"%b STORE %d +FLAGS (\\Recent)\r\n",
    b"%b STORE %d +FLAGS (\\Nonsense)\r\n",
    b"%b STORE %d +FLAGS\r\n",
    b"%b store %d -FLAGS.SILENT \\Seen \\Draft\r\n",
    b"%b STORE %d FLAGS ()\r\n",
    b"%b STORE %d FLAGS (\xed\x95\x9c)\r\n",
    b"\r\n%b STORE %d FLAGS (\\Seen)\r\n\n",
    b"%b EXPUNGE\r\n%.0d",
    b"%b NOOP\r\n%.0d",
    b"%b FETCH %d (FLAGS)\r\n",
    b"* STORE %.0b%d FLAGS (\\Seen)\r\n",
]


def odd_pipeline(rng, count):
    lines = []
    while len(lines) < count:
        if rng.random() < 0.3:
            tag = b"" if (odd := rng.choice(ODD)).startswith(b"*") else b"o%d" % len(lines)
            lines.append(odd % (tag, rng.randrange(1, 21)))
            continue
        change, name = rng.choice(CHANGES).encode(), rng.choice((b"UID STORE", b"STORE"))
        for _ in range(rng.randrange(2, 7)):
            lines.append(b"t%d %b %d %b\r\n" % (len(lines), name, rng.randrange(1, 21), change))
    return lines


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", [InMemoryHouse, MaildirHouse])
def test_whatever_stands_between_them_is_answered_in_its_place(tmp_path, kind, seed):
    """Mod-sequences differ: what is done together has one."""
    rng = random.Random(seed)
    lines = odd_pipeline(rng, 60)
    said, truth = [], []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        imap = kind(tmp_path / str(number))
        imap.given("INBOX", messages=20, deleted=[4, 9])
        enable = (("CONDSTORE",), ("QRESYNC",), ("IMAP4rev2",), ())[seed % 4]
        one = imap.session(**{"examined" if seed % 6 == 5 else "selected": "INBOX"}, enable=enable)
        sent = [b"".join(lines)] if number else lines
        if number and seed % 3 == 1:  # cut anywhere
            cuts = sorted(rng.sample(range(len(sent[0])), 5))
            sent = [sent[0][a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
        answered = b"".join([one.send(piece) for piece in sent])
        said.append(re.sub(rb"(MODSEQ \(?)\d+", rb"\1n", answered))
        truth.append(imap.truth("INBOX"))
    assert said[0] == said[1]
    assert truth[0] == truth[1]
