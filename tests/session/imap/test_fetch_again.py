"""The same list asked for again comes out of memory; what it says is as if it had been made anew."""

import random

import pytest

from mailaccess.imap.fetch import again, produce

ASKED = (
    "FETCH 1:* (UID FLAGS)",
    "FETCH 1:* (FLAGS)",
    "UID FETCH 1:* (FLAGS RFC822.SIZE)",
    "FETCH 1:* FAST",
    "FETCH 3:9 (UID FLAGS MODSEQ)",
    "UID FETCH 2:* (FLAGS) (CHANGEDSINCE 5)",
)


@pytest.fixture
def small_slices(monkeypatch):
    monkeypatch.setattr(produce, "SLICE", 5)
    monkeypatch.setattr(again, "WORTH", 5)


def answer(client, text, monkeypatch, *, anew=False):
    if anew:
        with monkeypatch.context() as patched:
            patched.setattr(again, "WORTH", 10**9)
            return client.send(f"x {text}\r\n")
    return client.send(f"x {text}\r\n")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("enabled", [(), ("UIDONLY",)], ids=["numbers", "uids only"])
def test_every_answer_is_as_if_made_anew_whatever_others_do(imap, small_slices, monkeypatch, seed, enabled):
    rng = random.Random(seed)
    imap.given("INBOX", messages=23, seen=[2, 7, 8], claimed=False)
    clients = [imap.session("INBOX", enable=enabled), imap.session("INBOX", enable=enabled)]
    asked = [text for text in ASKED if not enabled or text.startswith("UID ")]
    for _ in range(25):
        client = rng.choice(clients)
        uid = rng.choice(imap.truth("INBOX"))[0]
        change = rng.choice(
            (
                "NOOP",
                f"UID STORE {uid} +FLAGS (\\Seen)",
                f"UID STORE {uid} -FLAGS (\\Seen)",
                f"UID STORE {uid} FLAGS ($Forwarded \\Deleted)",
                "UID EXPUNGE 1:*",
                "deliver",
            )
        )
        if change == "deliver":
            imap.deliver("INBOX")
        else:
            client.send(f"y {change}\r\n")
        for text in rng.choices(asked, k=3):
            answer(client, text, monkeypatch)  # tells what others did, and may switch CONDSTORE on
            expected = answer(client, text, monkeypatch, anew=True)
            assert [answer(client, text, monkeypatch) for _ in range(3)] == [expected] * 3


def test_what_was_asked_for_twice_is_kept_and_shared(imap, small_slices, monkeypatch):
    imap.given("INBOX", messages=20)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    expected = one.send("x FETCH 1:* (UID FLAGS)\r\n")
    assert one.send("x FETCH 1:* (UID FLAGS)\r\n") == expected
    made = []
    monkeypatch.setattr(again, "_made", lambda session, plan, rows: made.append(rows) or b"")
    assert other.send("x FETCH 1:* (UID FLAGS)\r\n") == expected
    assert made == []


def test_a_change_of_one_message_costs_its_slice(imap, small_slices, monkeypatch):
    imap.given("INBOX", messages=20)
    one = imap.session("INBOX")
    for _ in range(2):
        one.send("x FETCH 1:* (UID FLAGS)\r\n")
    one.send("y STORE 7 +FLAGS.SILENT (\\Flagged)\r\n")
    made = []
    real = again._made
    monkeypatch.setattr(
        again, "_made", lambda session, plan, rows: made.append(rows.numbers) or real(session, plan, rows)
    )
    assert b"* 7 FETCH (UID 7 FLAGS (\\Flagged))" in one.send("x FETCH 1:* (UID FLAGS)\r\n")
    assert made == [range(6, 11)]


def test_recent_is_told_to_one_session_alone(imap, small_slices):
    imap.given("INBOX", messages=10, claimed=False)
    one, other = imap.session("INBOX"), imap.session("INBOX")
    for _ in range(3):
        assert one.send("x FETCH 1:* (FLAGS)\r\n").count(b"\\Recent") == 10
        assert other.send("x FETCH 1:* (FLAGS)\r\n").count(b"\\Recent") == 0
