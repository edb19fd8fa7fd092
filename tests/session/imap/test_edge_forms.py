"""Every command with the forms at the edge of its grammar: what is taken, what is BAD and what is NO.

Written as a conformance suite would ask, from the formal syntax of RFC 9051 §9 and RFC 3501 §9, the examples of both,
and RFC 4315, 4731, 5182, 5256, 5258, 7162, 9394. The first word is the answer's beginning.
"""

import pytest

from tests.session.imap.house import MaildirHouse

SELECTED = r"""
BAD     FETCH
BAD     FETCH 1
BAD     FETCH 0 FLAGS
BAD     FETCH 4 FLAGS
BAD     FETCH 2:9 FLAGS
BAD     FETCH 4294967296 FLAGS
BAD     FETCH 1,,2 FLAGS
BAD     FETCH 1: FLAGS
BAD     FETCH :1 FLAGS
BAD     FETCH 1 ()
BAD     FETCH 1 (ALL)
BAD     FETCH 1 (FLAGS FAST)
BAD     FETCH 1 FLAGS UID
BAD     FETCH 1 (FLAGS UID
BAD     FETCH 1 BODY[MIME]
BAD     FETCH 1 BODY[0]
BAD     FETCH 1 BODY[HEADER.FIELDS]
BAD     FETCH 1 BODY[HEADER.FIELDS ()]
BAD     FETCH 1 BODY[]<0.0>
BAD     FETCH 1 BODY[]<5>
BAD     FETCH 1 BINARY.SIZE[1]<0.3>
BAD     FETCH 1 BINARY[HEADER]
BAD     FETCH 1 RFC822.PEEK
BAD     FETCH 1 FLAGS ()
BAD     FETCH 1:* FLAGS (PARTIAL 1:2)
BAD     UID FETCH 1:* FLAGS (PARTIAL 0:2)
BAD     UID FETCH 1:* FLAGS (PARTIAL -1:2)
BAD     UID FETCH 1:* FLAGS (VANISHED)
OK      FETCH *:2 UID
OK      FETCH 3:1 UID
OK      UID FETCH 4294967295 FLAGS
OK      UID FETCH 999:* FLAGS
OK      UID FETCH 1:* FLAGS (PARTIAL 10:20)
OK      fetch 1 (uid body.peek[header.fields.not ("subject" {4+}\r\nDate)])
BAD     SEARCH
BAD     SEARCH ()
BAD     SEARCH NOT
BAD     SEARCH OR SEEN
BAD     SEARCH 0
BAD     SEARCH ON 32-Jan-1980
BAD     SEARCH ON 1-Foo-1980
BAD     SEARCH LARGER -1
BAD     SEARCH OLDER 0
BAD     SEARCH ALL FOO
BAD     SEARCH CHARSET UTF-8
BAD     SEARCH CHARSET UTF-8 RETURN (ALL) ALL
BAD     SEARCH RETURN (FOO) ALL
BAD     SEARCH RETURN (PARTIAL 1) ALL
BAD     SEARCH RETURN (PARTIAL 1:*) ALL
BAD     SEARCH RETURN (PARTIAL 1:2 ALL) ALL
NO      SEARCH CHARSET X-NONE ALL
OK      SEARCH CHARSET "utf-8" HEADER Subject {1+}\r\nx
OK      SEARCH SUBJECT NIL
OK      SEARCH 9
OK      SEARCH OR (SEEN) (NOT SEEN)
OK      SEARCH BEFORE "01-Jan-1980" SENTSINCE 1-Feb-2000
OK      SEARCH MODSEQ "/flags/\\draft" all 0
BAD     SORT DATE UTF-8 ALL
BAD     SORT () UTF-8 ALL
BAD     SORT (REVERSE) UTF-8 ALL
BAD     SORT (REVERSE REVERSE DATE) UTF-8 ALL
BAD     SORT (DATE) UTF-8
NO      SORT (DATE) ALL
BAD     THREAD FOO UTF-8 ALL
BAD     THREAD REFS UTF-8
BAD     STORE 1 FLAGS
BAD     STORE 1 FLAGSX (\Seen)
BAD     STORE 1 +FLAGS (\Unheard)
BAD     STORE 1 +FLAGS (\*)
BAD     STORE 1 () +FLAGS (\Seen)
BAD     STORE 9 +FLAGS (\Seen)
OK      STORE 1 +FLAGS \Seen \Flagged
OK      STORE 1 FLAGS ()
OK      UID STORE 99 +FLAGS (\Seen)
BAD     COPY 9 INBOX
NO      COPY 1 nowhere
OK      UID COPY 99 INBOX
NO      MOVE 1 nowhere
OK      UID MOVE 99 INBOX
BAD     EXPUNGE 1
BAD     UID EXPUNGE
OK      UID EXPUNGE 99
BAD     UID
BAD     UID NOOP
BAD     NOOP x
BAD     CLOSE x
BAD     IDLE x
BAD     SELECT INBOX ()
BAD     SELECT INBOX (FOO)
BAD     SELECT INBOX (CONDSTORE CONDSTORE)
BAD     SELECT INBOX (QRESYNC (1 1))
"""

AUTHENTICATED = r"""
BAD     FETCH 1 FLAGS
BAD     CLOSE
BAD     UNSELECT
BAD     CHECK
BAD     LOGIN lee secret
BAD     AUTHENTICATE PLAIN
BAD     STARTTLS
BAD     ENABLE
OK      ENABLE FOO
OK      ENABLE CONDSTORE CONDSTORE
OK      ID NIL
OK      ID ()
OK      ID ("name" NIL)
BAD     ID ("name")
BAD     ID x
BAD     LIST ""
BAD     LIST "" ()
BAD     LIST (FOO) "" *
BAD     LIST (RECURSIVEMATCH) "" *
BAD     LIST (RECURSIVEMATCH REMOTE) "" *
BAD     LIST "" * RETURN (FOO)
BAD     LIST "" * RETURN (STATUS ())
BAD     LIST "" * FOO
OK      LIST () "" ("%" {1+}\r\n*) RETURN ()
OK      LIST NIL NIL
BAD     STATUS INBOX
BAD     STATUS INBOX ()
BAD     STATUS INBOX (FOO)
BAD     STATUS INBOX MESSAGES
NO      STATUS nowhere (MESSAGES)
OK      STATUS {5+}\r\ninbox (MESSAGES)
NO      STATUS "IN\\BOX" (MESSAGES)
NO      SELECT nowhere
NO      SELECT ""
BAD     SELECT
NO      CREATE ""
NO      CREATE INBOX
NO      CREATE /
NO      CREATE a//b
NO      CREATE "a/../b"
NO      CREATE &
OK      CREATE new/
NO      DELETE INBOX
NO      DELETE nowhere
NO      RENAME nowhere x
NO      RENAME Drafts INBOX
NO      RENAME Drafts Drafts/below
OK      SUBSCRIBE nowhere
OK      UNSUBSCRIBE nowhere
NO      APPEND nowhere {3+}\r\nabc
NO      APPEND INBOX {0+}\r\n
BAD     APPEND INBOX
BAD     APPEND INBOX "abc"
BAD     APPEND INBOX (\Unheard) {3+}\r\nabc
BAD     APPEND INBOX "41-Jan-2020 10:00:00 +0900" {3+}\r\nabc
BAD     APPEND INBOX "01-Jan-2020" {3+}\r\nabc
BAD     APPEND INBOX {3+}\r\nabc x
OK      APPEND INBOX (\Seen $x) " 1-Jan-2020 10:00:00 +0900" {3+}\r\nabc
BAD     NAMESPACE x
BAD     NOTIFY SET
BAD     NOTIFY SET (selected (MessageNew))
BAD     NOTIFY SET (selected (MailboxName))
NO      NOTIFY SET (personal (FooEvent))
BAD     ESEARCH IN () ALL
BAD     GETMETADATA INBOX ()
BAD     GETMETADATA (FOO 1) INBOX /private/comment
BAD     SETMETADATA INBOX ()
BAD     SETACL INBOX kim@daum.net +z
NO      COMPRESS FOO
BAD     UIDBATCHES 500
"""


def rows(text):
    return [tuple(line.split(None, 1)) for line in text.strip().splitlines()]


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("INBOX", messages=3)
    return house


def ask(client, command):
    octets = command.replace("\\r\\n", "\r\n")
    said = client.send(f"x {octets}\r\ny NOOP\r\n".encode()).decode()
    assert said.endswith("y OK NOOP completed\r\n"), (command, said)
    return next(line for line in said.split("\r\n") if line.startswith("x ")).removeprefix("x ")


@pytest.mark.parametrize(("text", "selected"), [(AUTHENTICATED, None), (SELECTED, "INBOX")])
def test_each_form_is_answered_as_the_grammar_has_it(house, text, selected):
    """Whatever the answer, the command behind it is read."""
    wrong = []
    for expected, command in rows(text):
        client = house.session(selected)
        answer = ask(client, command)
        if not answer.startswith(expected + " "):
            wrong.append((command, expected, answer))
    assert wrong == []


EMPTY = """
BAD     FETCH 1:* FLAGS
BAD     FETCH * FLAGS
BAD     STORE 1:* +FLAGS (\\Seen)
BAD     COPY 1:* INBOX
OK      UID FETCH 1:* FLAGS
OK      UID FETCH * FLAGS
OK      UID STORE 1:* +FLAGS (\\Seen)
OK      UID COPY 1:* INBOX
OK      UID MOVE 1:* INBOX
OK      UID EXPUNGE 1:*
OK      EXPUNGE
"""


def test_in_an_empty_mailbox_there_is_no_number_and_no_harm_in_uids(house):
    client = house.session("Drafts")
    for expected, command in rows(EMPTY):
        assert ask(client, command).startswith(expected + " "), command
    for search in ("SEARCH ALL", "SEARCH *", "SEARCH 1:*", "UID SEARCH UID *"):
        assert client.ask(search).untagged == ["SEARCH"]
    assert client.ask("SORT (DATE) UTF-8 ALL").untagged == ["SORT"]
    assert client.ask("THREAD REFS UTF-8 ALL").untagged == ["THREAD"]
    (found,) = client.ask("SEARCH RETURN (MIN MAX ALL COUNT) ALL").untagged
    assert found.endswith(") COUNT 0")


def test_what_is_examined_stays_as_it_is(house):
    client = house.session(examined="INBOX")
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Drafts"):
        assert ask(client, command).startswith("NO [READ-ONLY]"), command
    client.send(b"x FETCH 1 BODY[]\r\n")
    (told,) = client.ask("FETCH 1 FLAGS").untagged
    assert "\\Seen" not in told
    assert ask(client, "COPY 1 Drafts").startswith("OK [COPYUID ")


@pytest.mark.parametrize("name", ["folder", "folder/"])
def test_who_unsubscribes_is_not_subscribed_whether_or_not_a_separator_ends_the_name(house, name):
    """Thunderbird ends names so (quirk_trailing_separator)."""
    client = house.session()
    client.ask("CREATE folder/")
    client.ask("SUBSCRIBE folder/")
    assert len(client.ask('LIST (SUBSCRIBED) "" folder').untagged) == 1
    assert client.ask(f"UNSUBSCRIBE {name}").status.startswith("OK")
    assert client.ask('LIST (SUBSCRIBED) "" folder*').untagged == []


def test_done_may_come_with_its_idle_and_in_any_case(house):
    client = house.session("INBOX")
    said = client.send(b"a IDLE\r\nDONE\r\nb NOOP\r\nc IDLE\r\ndone\r\n").decode()
    assert [line for line in said.split("\r\n") if line[:1] in "+abc"] == [
        "+ idling", "a OK IDLE completed", "b OK NOOP completed", "+ idling", "c OK IDLE completed", "",
    ]  # fmt: skip


def test_an_exchange_that_the_client_breaks_off_is_bad_and_another_may_follow(house):
    """RFC 9051 §6.2.2."""
    client = house.connect()
    assert client.send(b"a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert client.send(b"*\r\n").startswith(b"a BAD ")
    assert client.send(b"b AUTHENTICATE NOTHING\r\n").startswith(b"b NO ")
    assert client.send(b"c AUTHENTICATE PLAIN !!\r\n").startswith(b"c BAD ")
    assert client.send(b"d authenticate plain AGxlZQBzZWNyZXQ=\r\n").startswith(b"d OK ")
