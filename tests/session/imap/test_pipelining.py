"""Order, pace and bounds of a connection (RFC 3501 §5.5)."""

from mailaccess.imap.connection import MAX_BEHIND
from tests.session.driving import Promise


def test_pipelined_commands_are_answered_in_order_in_one_write(imap):
    imap.given("INBOX", messages=3)
    one = imap.session("INBOX")
    before = one.wire.writes
    said = one.send(b"".join(b"n%d NOOP\r\n" % n for n in range(150)))
    assert said == b"".join(b"n%d OK NOOP completed\r\n" % n for n in range(150))
    assert one.wire.writes == before + 1


def test_a_command_waits_for_the_one_before_it(imap):
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX")
    waiting = imap.account.waits["set_flags"] = Promise()
    assert one.send("a NOOP\r\nb STORE 1 +FLAGS.SILENT (\\Seen)\r\nc FETCH 1 FLAGS\r\n") == b""
    imap.clock.advance(0.01)  # what is ready waits only a moment for the rest
    assert one.take() == b"a OK NOOP completed\r\n"
    assert one.send("d NOOP\r\n") == b""
    waiting.keep()
    assert one.take().decode().splitlines() == [
        "b OK STORE completed",
        "* 1 FETCH (FLAGS (\\Seen))",
        "c OK FETCH completed",
        "d OK NOOP completed",
    ]


def test_input_is_held_while_a_command_runs_long(imap):
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX")
    waiting = imap.account.waits["refresh"] = Promise()
    one.send(b"a NOOP\r\n")
    one.send(b"b NOOP\r\n" * (MAX_BEHIND // 8 + 1))
    assert one.wire.held
    waiting.keep()
    assert not one.wire.held
    assert one.take().count(b"OK NOOP") == MAX_BEHIND // 8 + 2


def test_a_slow_reader_who_pipelines_is_not_answered_faster_than_he_reads(imap):
    imap.given("INBOX", messages=1000)
    one = imap.session("INBOX", room=50_000)
    one.connection.received(b"a FETCH 1:* (UID FLAGS)\r\n" * 500)
    got = one.take()
    while not got.endswith(b"completed\r\n") or got.count(b"a OK") < 500:
        assert len(one.wire.sent) < 200_000
        got += one.take()
    assert one.wire.peak < 200_000 and got.count(b" FETCH (") == 500_000


def test_an_endless_line_is_cut_short(imap):
    one = imap.connect()
    assert one.send(b"a LOGIN " + b"x" * 100_000).startswith(b"a BAD")
    one = imap.connect()
    assert one.send(b"a LOGIN {100000}\r\n").startswith(b"a NO [TOOBIG]")


def test_deep_nesting_is_refused(imap):
    one = imap.session("INBOX")
    assert one.ask("SEARCH " + "(" * 5000 + "ALL" + ")" * 5000).status.startswith("NO [LIMIT]")
    assert one.ask("SEARCH " + "NOT " * 5000 + "ALL").status.startswith("NO [LIMIT]")


def test_binary_noise_never_breaks_a_session(imap):
    one = imap.session("INBOX")
    one.send(bytes(range(256)) * 4)
    said = one.send(b"\r\n\r\nz NOOP\r\n")
    assert said.endswith(b"z OK NOOP completed\r\n")


def test_a_bug_outside_of_any_command_ends_the_connection_politely(imap, monkeypatch):
    one, other = imap.session("INBOX"), imap.session("INBOX")
    monkeypatch.setattr("mailaccess.imap.connection.parse.parse", lambda *args, **named: 1 / 0)
    said = one.send(b"a NOOP\r\n")
    assert said.startswith(b"* BYE [SERVERBUG] ") and one.wire.closed
    monkeypatch.undo()
    assert other.ask("NOOP").status.startswith("OK")
    assert any(event == "imap-server-bug" for event, _, _ in imap.log.events)
