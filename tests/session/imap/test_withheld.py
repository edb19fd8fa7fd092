"""What a capability gives inside commands is refused where it is withheld (imap.capabilities), for each of them.

``ASKED`` has for every name all it gives: what a server without it would answer with BAD. Names that give whole
commands are tried by the table's own list, and the test fails for a name that is in neither.
"""

import pytest

from mailaccess.proto.imap.capabilities import TABLE
from tests.session.driving import Promise
from tests.session.imap.house import InMemoryHouse, MaildirHouse

BAD = "BAD That is not offered here"

ASKED = {
    "LITERAL+": ["STATUS {5+}\r\nINBOX (MESSAGES)", "APPEND INBOX {1+}\r\nx"],
    "LITERAL-": ["@LOGIN {3+}\r\nlee secret"],
    "SASL-IR": ["@AUTHENTICATE PLAIN AGxlZQBzZWNyZXQ="],
    "STARTTLS": ["!STARTTLS"],
    "MULTIAPPEND": ["APPEND INBOX {1+}\r\nx {1+}\r\ny"],
    "CATENATE": [
        "APPEND INBOX CATENATE (TEXT {1+}\r\nx)",
        "APPEND INBOX CATENATE (URL /INBOX/;UID=1)",
        "APPEND INBOX {1+}\r\nx CATENATE (TEXT {1+}\r\nx)",
        "REPLACE 1 INBOX CATENATE (URL /INBOX/;UID=1)",
    ],
    "SPECIAL-USE": ['LIST (SPECIAL-USE) "" *', 'LIST "" * RETURN (SPECIAL-USE)'],
    "CREATE-SPECIAL-USE": ["CREATE a (USE (\\Flagged))"],
    "LIST-EXTENDED": [
        'LIST (SUBSCRIBED) "" *',
        'LIST () "" *',
        'LIST "" (INBOX)',
        'LIST "" * RETURN (CHILDREN)',
        'LIST "" * RETURN (STATUS (MESSAGES))',
    ],
    "LIST-STATUS": ['LIST "" * RETURN (STATUS (MESSAGES))'],
    "LIST-MYRIGHTS": ['LIST "" * RETURN (MYRIGHTS)'],
    "LIST-METADATA": ['LIST "" * RETURN (METADATA (/private/comment))'],
    "STATUS=SIZE": ["STATUS INBOX (SIZE)", 'LIST "" * RETURN (STATUS (MESSAGES SIZE))'],
    "APPENDLIMIT": ["STATUS INBOX (APPENDLIMIT)"],
    "QUOTA=RES-STORAGE": ["STATUS INBOX (DELETED-STORAGE)", 'SETQUOTA "" (STORAGE 1)'],
    "QUOTA=RES-MESSAGE": ['SETQUOTA "" (MESSAGE 1)'],
    "QUOTA=RES-MAILBOX": ['SETQUOTA "" (MAILBOX 1)'],
    "RIGHTS=texk": ["SETACL INBOX kim@daum.net +t"],
    "CONDSTORE": [
        "SELECT INBOX (CONDSTORE)",
        "EXAMINE INBOX (QRESYNC (1 1))",
        "FETCH 1 MODSEQ",
        "FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "STORE 1 (UNCHANGEDSINCE 9) +FLAGS (\\Seen)",
        "SEARCH OR UNSEEN NOT MODSEQ 1",
        "STATUS INBOX (HIGHESTMODSEQ)",
    ],
    "QRESYNC": ["SELECT INBOX (QRESYNC (1 1))", "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)"],
    "ESEARCH": ["SEARCH RETURN () ALL", "UID SEARCH RETURN (COUNT) ALL", "SEARCH RETURN (PARTIAL 1:2) ALL"],
    "SEARCHRES": [
        "SEARCH RETURN (SAVE) ALL",
        "FETCH $ UID",
        "SEARCH NOT $",
        "SORT RETURN (SAVE) (DATE) UTF-8 ALL",
    ],
    "FILTERS": ["SEARCH FILTER tea", "THREAD REFS UTF-8 FILTER tea"],
    "WITHIN": ["SEARCH YOUNGER 3600", "SORT (DATE) UTF-8 OR SEEN NOT OLDER 3600"],
    "SEARCH=FUZZY": ["SEARCH FUZZY BODY x", "SORT (RELEVANCY) UTF-8 FUZZY BODY x"],
    "BINARY": [
        "FETCH 1 (FLAGS BINARY.PEEK[1])",
        "FETCH 1 BINARY.SIZE[1]",
        "APPEND INBOX ~{1+}\r\nx",
        "APPEND INBOX {1+}\r\nx ~{1+}\r\nx",
    ],
    "UTF8=ACCEPT": ["APPEND INBOX UTF8 (~{1+}\r\nx)"],
    "NOTIFY": ["SEARCH RETURN (UPDATE (FLAGS)) ALL"],
    "PREVIEW": ["FETCH 1 PREVIEW", "FETCH 1 (UID PREVIEW (LAZY))"],
    "OBJECTID": ["FETCH 1 EMAILID", "FETCH 1 THREADID", "SEARCH EMAILID x", "STATUS INBOX (MAILBOXID)"],
    "SAVEDATE": ["FETCH 1 SAVEDATE", "SEARCH SAVEDSINCE 1-Jan-2020", "SEARCH SAVEDATESUPPORTED"],
    "PARTIAL": ["UID FETCH 1:* FLAGS (PARTIAL 1:2)"],
    "SORT=DISPLAY": ["SORT (DISPLAYTO) UTF-8 ALL"],
    "ESORT": ["SORT RETURN () (DATE) UTF-8 ALL", "SORT RETURN (UPDATE) (DATE) UTF-8 ALL"],
    "CONTEXT=SEARCH": ["SEARCH RETURN (UPDATE) ALL", "SEARCH RETURN (CONTEXT COUNT) ALL"],
    "CONTEXT=SORT": ["SORT RETURN (UPDATE) (DATE) UTF-8 ALL", "SORT RETURN (PARTIAL 1:2) (DATE) UTF-8 ALL"],
    "THREAD=ORDEREDSUBJECT": ["THREAD ORDEREDSUBJECT UTF-8 ALL"],
    "THREAD=REFERENCES": ["THREAD REFERENCES UTF-8 ALL"],
    "THREAD=REFS": ["UID THREAD REFS UTF-8 ALL"],
}
"""Capability -> commands with what it gives. ``@`` before login, ``!`` without TLS."""

ALONE = {"PARTIAL": ("-PARTIAL",), "CONTEXT=SORT": ("-CONTEXT=SORT", "-PARTIAL")}
"""Where two names give the same, what has to be withheld so that a command of ``ASKED`` is unknown."""

NOTHING = {
    "IMAP4rev1",  # the base
    "IMAP4rev2",  # ENABLE
    "LOGINDISABLED",  # takes away
    "CHILDREN",  # attributes of LIST, told unasked
    "URL-PARTIAL",  # a URL that means nothing: below
    "INPROGRESS",  # told unasked: below, too
    "UIDONLY",  # ENABLE
}
"""Names that give nothing inside commands."""


@pytest.fixture
def client_of(tmp_path):
    def make(first, capabilities):
        house = MaildirHouse(tmp_path, capabilities=capabilities)
        house.given("INBOX", messages=2)
        if first == "@":
            return house.connect()
        if first == "!":
            return house.connect(encrypted=False, tls=True)
        return house.session("INBOX")

    return make


def answer(client, command):
    said = client.send(f"t1 {command.lstrip('@!')}\r\nt2 NOOP\r\n").decode()
    return next(line for line in said.split("\r\n") if line.startswith("t1 ")).removeprefix("t1 ")


def test_each_name_says_what_it_gives():
    names = {row.name for row in TABLE} | {"APPENDLIMIT"}
    commands = {row.name for row in TABLE if row.commands}
    assert names - commands - ASKED.keys() == NOTHING


@pytest.mark.parametrize("name", ASKED)
def test_what_is_withheld_is_refused_inside_commands(client_of, name):
    for command in ASKED[name]:
        client = client_of(command[0], ALONE.get(name, (f"-{name}",)))
        assert answer(client, command) == BAD, command


@pytest.mark.parametrize("name", ASKED)
def test_what_is_not_withheld_is_not_refused(client_of, name):
    for command in ASKED[name]:
        client = client_of(command[0], ())
        assert answer(client, command) != BAD, command


@pytest.mark.parametrize("row", [row for row in TABLE if row.commands], ids=lambda row: row.name)
def test_commands_of_what_is_withheld_are_refused(client_of, row):
    """Their arguments may be missing: BAD it is all the same, and nothing is done."""
    sharing = [f"-{other.name}" for other in TABLE if set(other.commands) & set(row.commands)]
    client = client_of("", tuple(sharing))
    for command in row.commands:
        assert answer(client, command).startswith("BAD "), command


def test_what_builds_upon_something_goes_with_it(client_of):
    client = client_of("", ("-ESEARCH", "-SORT", "-ACL"))
    told = set(client.ask("CAPABILITY").untagged[0].split())
    gone = {
        "SEARCHRES",
        "PARTIAL",
        "CONTEXT=SEARCH",
        "ESORT",
        "SORT=DISPLAY",
        "CONTEXT=SORT",
        "LIST-MYRIGHTS",
    }
    assert not told & (gone | {"RIGHTS=texk", "ESEARCH", "SORT", "ACL"})
    assert {"THREAD=REFS", "MULTISEARCH", "QUOTA"} <= told


def test_two_names_give_windows_of_results(client_of):
    """PARTIAL of SEARCH is of RFC 5267 and of RFC 9394: with one of them left it is there."""
    assert answer(client_of("", ("-PARTIAL",)), "SEARCH RETURN (PARTIAL 1:2) ALL").startswith("OK")
    assert answer(client_of("", ("-PARTIAL", "-CONTEXT")), "SEARCH RETURN (PARTIAL 1:2) ALL") == BAD


def test_a_message_that_comes_behind_another_is_looked_at_too(client_of):
    """Nothing of the APPEND is kept, and what follows it is read as commands again."""
    client = client_of("", ("-BINARY",))
    said = client.send(b"a APPEND INBOX {3}\r\n")
    assert said.startswith(b"+ ")
    said = client.send(b"abc ~{5}\r\n")
    assert said == f"a {BAD}\r\n".encode()
    assert client.ask("STATUS INBOX (MESSAGES)").untagged == ["STATUS INBOX (MESSAGES 2)"]


def test_octets_of_a_literal_that_may_not_come_are_no_commands(client_of):
    client = client_of("", ("-LITERAL+",))
    said = client.send(b"a STATUS {12+}\r\nx EXPUNGE\r\n\r\n (MESSAGES)\r\nb NOOP\r\n").decode()
    assert said.startswith(f"a {BAD}\r\n") and "EXPUNGE" not in said and "b OK" in said


def test_part_of_a_message_is_no_url_without_url_partial(client_of):
    client = client_of("", ("-URL-PARTIAL",))
    assert answer(client, "APPEND INBOX CATENATE (URL /INBOX/;UID=1/;PARTIAL=0.6)").startswith("NO [BADURL ")
    assert answer(client, "APPEND INBOX CATENATE (URL /INBOX/;UID=1)").startswith("OK")


def test_signs_of_life_are_not_shown_where_inprogress_is_withheld(tmp_path):
    house = InMemoryHouse(tmp_path, capabilities=("-INPROGRESS",))
    house.given("INBOX", messages=1)
    one = house.session("INBOX")
    waiting = house.account.waits["search"] = Promise()
    one.send("t1 SEARCH ALL\r\n")
    house.clock.advance(30)
    assert one.take() == b""
    waiting.keep()


def test_appendlimit_is_not_told_where_it_is_withheld(client_of):
    assert "APPENDLIMIT" not in client_of("", ("-APPENDLIMIT",)).ask("CAPABILITY").untagged[0]
