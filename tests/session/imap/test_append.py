"""APPEND (RFC 3501 §6.3.11; RFC 3502; RFC 4315 §3; RFC 7888)."""

from mailaccess.imap import receiving
from tests.session.imap.house import MaildirHouse

MAIL = b"Subject: hi\r\n\r\nhello\r\n"


def appended(name, *, plus=b"", options=b"", mail=MAIL):
    return b"a APPEND %b %b{%d%b}\r\n" % (name, options, len(mail), plus)


def test_a_message_waits_for_the_continuation_and_gets_its_uid(imap):
    imap.given("Drafts", messages=2)
    one = imap.session()
    assert (
        one.send(appended(b"Drafts", options=b'(\\Seen $Todo) "17-Jul-1996 02:44:25 -0700" ')) == b"+ OK\r\n"
    )
    assert one.send(MAIL + b"\r\n") == b"a OK [APPENDUID 1002 3] APPEND completed\r\n"
    room = imap.account.rooms["Drafts"]
    assert room.bodies[3] == MAIL and room.columns.dates[2] == 837596665
    assert room.columns.flag_sets[room.columns.flag_ids[2]] == {"\\Seen", "$Todo"}
    assert imap.account.uploads[0].discarded


def test_a_literal_plus_needs_no_continuation(imap):
    one = imap.session()
    said = one.send(appended(b"INBOX", plus=b"+") + MAIL + b"\r\nb NOOP\r\n")
    assert said.startswith(b"a OK [APPENDUID 1001 1]") and said.endswith(b"b OK NOOP completed\r\n")


def test_it_may_come_octet_by_octet(imap):
    one = imap.session()
    said = b"".join(one.send(bytes([octet])) for octet in appended(b"INBOX") + MAIL + b"\r\n")
    assert said.startswith(b"+ OK\r\na OK [APPENDUID ")
    assert imap.account.rooms["INBOX"].bodies[1] == MAIL


def test_the_selected_mailbox_tells_its_new_message(imap):
    one, other = imap.session("INBOX"), imap.session("INBOX")
    said = one.send(appended(b"INBOX", plus=b"+") + MAIL + b"\r\n")
    assert said.startswith(b"* 1 EXISTS\r\n* 1 RECENT\r\na OK [APPENDUID")
    assert other.ask("NOOP").untagged == ["1 EXISTS", "0 RECENT"]


def test_an_unknown_mailbox_is_refused_before_the_message_is_sent(imap):
    one = imap.session()
    assert one.send(appended(b"nowhere")).startswith(b"a NO [TRYCREATE]")
    assert one.ask("NOOP").status.startswith("OK")
    said = one.send(appended(b"nowhere", plus=b"+") + MAIL + b"\r\nb NOOP\r\n")
    assert said.startswith(b"a NO [TRYCREATE]") and said.endswith(b"b OK NOOP completed\r\n")


def test_a_message_too_large_is_refused_at_once(imap):
    one = imap.session()
    assert one.send(b"a APPEND INBOX {5000000}\r\n").startswith(b"a NO [TOOBIG]")
    said = one.send(b"b APPEND INBOX {5000000+}\r\n")
    assert said.startswith(b"b NO [TOOBIG]")
    assert one.send(b"x" * 5000000 + b"\r\nc NOOP\r\n") == b"c OK NOOP completed\r\n"
    assert imap.account.uploads == []


def test_a_full_account_is_refused_before_the_message_is_sent(imap):
    imap.account.quota_left = 10
    one = imap.session()
    assert one.send(appended(b"INBOX")).startswith(b"a NO [OVERQUOTA]")


def test_a_failing_store_keeps_the_connection_in_step(imap):
    from mailaccess.model.errors import TemporaryFailure

    imap.account.waits["append"] = TemporaryFailure(detail="disk full")
    one = imap.session()
    said = one.send(appended(b"INBOX", plus=b"+") + MAIL + b"\r\nb NOOP\r\n").decode().splitlines()
    assert said[0].startswith("a NO [UNAVAILABLE]") and "disk" not in said[0]
    assert said[1] == "b OK NOOP completed"
    assert any(fields.get("error") == "disk full" for _, _, fields in imap.log.events)


def test_several_messages_are_stored_at_once(imap):
    """MULTIAPPEND, RFC 3502 §6.3.11."""
    one = imap.session()
    assert one.send(b"a APPEND INBOX (\\Seen) {3}\r\n") == b"+ OK\r\n"
    assert one.send(b"one (\\Flagged) {3}\r\n") == b"+ OK\r\n"
    assert one.send(b"two {5+}\r\nthree\r\n") == b"a OK [APPENDUID 1001 1:3] APPEND completed\r\n"
    assert list(imap.account.rooms["INBOX"].bodies.values()) == [b"one", b"two", b"three"]


def test_of_many_messages_what_is_too_much_to_be_kept_goes_to_disk_before_the_last_has_come(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(receiving, "MAX_HELD", 8)
    house = MaildirHouse(tmp_path)
    texts = [b"number %d" % number * (number % 3 + 1) for number in range(6)]
    one = house.session()
    maildir = house.account.location.maildir
    said = one.send(b"a APPEND INBOX" + b"".join(b" {%d+}\r\n%b" % (len(text), text) for text in texts[:4]))
    assert said == b"" and len(list((maildir / "tmp").iterdir())) == 3
    said = one.send(b"".join(b" {%d+}\r\n%b" % (len(text), text) for text in texts[4:]) + b"\r\n")
    assert said.startswith(b"a OK [APPENDUID ") and b" 1:6]" in said
    assert not list((maildir / "tmp").iterdir())
    stored = sorted((maildir / "new").iterdir(), key=lambda path: int(path.name.split(",I=")[1]))
    assert [path.read_bytes() for path in stored] == texts


def test_the_message_that_has_no_room_beside_those_before_it_is_refused_before_it_comes(imap):
    imap.account.quota_left = 10
    one = imap.session()
    assert one.send(b"a APPEND INBOX {4}\r\n") == b"+ OK\r\n"
    assert one.send(b"four {6}\r\n") == b"+ OK\r\n"
    assert one.send(b"sixsix {1}\r\n").startswith(b"a NO [OVERQUOTA]")
    assert imap.account.rooms["INBOX"].bodies == {}


def test_nonsense_behind_a_message_stores_nothing(imap):
    one = imap.session()
    said = one.send(b"a APPEND INBOX {3+}\r\none nonsense\r\nb NOOP\r\n").decode().splitlines()
    assert said[0].startswith("a BAD") and said[1] == "b OK NOOP completed"
    assert imap.account.rooms["INBOX"].bodies == {}


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(imap):
    one = imap.session()
    one.send(b"a APPEND INBOX {100}\r\n")
    one.send(b"half of it")
    one.lose()
    assert imap.account.uploads[0].discarded and imap.account.rooms["INBOX"].bodies == {}


def test_a_mailbox_that_was_appended_to_and_is_gone_is_refused_before_the_message_comes(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("work", messages=1)
    one, other = house.session(), house.session()
    for expected in (b"+ ", b"x NO [TRYCREATE]", b"+ "):
        said = one.send(b"x APPEND work {3}\r\n")
        assert said.startswith(expected)
        if said.startswith(b"+"):
            assert b"x OK [APPENDUID" in one.send(b"a\r\n\r\n")
        command = "CREATE work" if b"NO" in said else "DELETE work"
        assert other.ask(command).status.startswith("OK")
