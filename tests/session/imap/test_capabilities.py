"""Each name that CAPABILITY may tell is used here once and does what its RFC promises (RFC 9051 §6.1.1).

A name without a row in ``PROOFS`` fails: nothing is offered that nobody has tried. Whole dialogues of each extension
stand in the other files of this room.
"""

import re
from dataclasses import replace

import pytest

from mailaccess.model.account import QuotaLimit
from tests.house.citations import offered
from tests.session.driving import Promise
from tests.session.imap.house import InMemoryHouse, MaildirHouse

LETTER = b"From: Kim <kim@daum.net>\r\nSubject: tea\r\nMessage-ID: <1@x>\r\n\r\nGreen tea.\r\n"
REPLY = (
    b"From: Lee <lee@naver.com>\r\nSubject: Re: tea\r\nReferences: <1@x>\r\nMessage-ID: <2@x>\r\n\r\nYes!\r\n"
)

PROOFS = {
    "IMAP4rev1": ["FETCH 1 RFC822.SIZE", r"\* 1 FETCH \(RFC822.SIZE \d+\)"],
    "IMAP4rev2": ["ENABLE IMAP4rev2", "SEARCH ALL", r"\* ESEARCH \(TAG \"\w+\"\) ALL 1:2"],
    "LITERAL+": ["STATUS {5+}\r\nINBOX (MESSAGES)", r'\* STATUS "?INBOX"? \(MESSAGES 2\)'],
    "LITERAL-": ["@LOGIN {3+}\r\nlee {6+}\r\nsecret", "t1 OK"],
    "SASL-IR": ["@AUTHENTICATE PLAIN AGxlZQBzZWNyZXQ=", "t1 OK"],
    "AUTH": ["@CAPABILITY", r"AUTH=PLAIN\b"],
    "ID": ['ID ("name" "x")', r'\* ID \("name" "mailaccess"'],
    "IDLE": ["IDLE\r\nDONE", r"\+ idling\r\nt1 OK"],
    "ENABLE": ["ENABLE CONDSTORE", r"\* ENABLED CONDSTORE"],
    "LANGUAGE": ["LANGUAGE ko", r"\* LANGUAGE \(ko\)"],
    "STARTTLS": ["!STARTTLS", "t1 OK"],
    "LOGINDISABLED": ["!LOGIN lee secret", r"t1 NO \[PRIVACYREQUIRED\]"],
    "NAMESPACE": ["NAMESPACE", r'\* NAMESPACE \(\("" "/"\)\)'],
    "CHILDREN": ["CREATE a/b", 'LIST "" a', r"\* LIST \([^)]*\\HasChildren"],
    "UIDPLUS": ["STORE 1 +FLAGS (\\Deleted)", "UID EXPUNGE 1", r"\* 1 EXPUNGE"],
    "UNSELECT": ["UNSELECT", "t1 OK"],
    "MOVE": ["CREATE a", "MOVE 1 a", r"\* OK \[COPYUID \d+ 1 1\][^\r]*\r\n\* 1 EXPUNGE"],
    "MULTIAPPEND": ["APPEND INBOX {1+}\r\nx {1+}\r\ny", r"OK \[APPENDUID \d+ 3:4\]"],
    "CATENATE": [
        "APPEND INBOX CATENATE (URL /INBOX/;UID=1/;SECTION=HEADER TEXT {1+}\r\nx)",
        r"APPENDUID \d+ 3\]",
    ],
    "URL-PARTIAL": [
        "APPEND INBOX CATENATE (URL /INBOX/;UID=1/;PARTIAL=0.6)",
        "FETCH 3 BODY.PEEK[]",
        r"\* 3 FETCH \(BODY\[\] \{6\}\r\nFrom: \)",
    ],
    "URLAUTH": [
        'GENURLAUTH "imap://lee%40naver.com@mail.naver.com/INBOX/;uid=1;urlauth=authuser" INTERNAL',
        r"\* GENURLAUTH \S+:internal:[0-9a-f]{32}",
    ],
    "SPECIAL-USE": ['LIST (SPECIAL-USE) "" *', r"\* LIST \([^)]*\\Drafts"],
    "CREATE-SPECIAL-USE": [
        "CREATE a (USE (\\Flagged))",
        'LIST "" a RETURN (SPECIAL-USE)',
        r"\* LIST \([^)]*\\Flagged",
    ],
    "LIST-EXTENDED": ["SUBSCRIBE INBOX", 'LIST (SUBSCRIBED) "" (INBOX x)', r"\* LIST \([^)]*\\Subscribed"],
    "LIST-STATUS": ['LIST "" INBOX RETURN (STATUS (MESSAGES))', r"\* STATUS INBOX \(MESSAGES 2\)"],
    "STATUS=SIZE": ["STATUS INBOX (SIZE)", rf"\(SIZE {len(LETTER) + len(REPLY)}\)"],
    "CONDSTORE": ["FETCH 1 (MODSEQ)", r"\* 1 FETCH \(MODSEQ \(\d+\)"],
    "QRESYNC": [
        "ENABLE QRESYNC",
        "STORE 1 +FLAGS (\\Deleted)",
        "EXPUNGE",
        r"\* VANISHED 1\r\n.* OK \[HIGHESTMODSEQ \d+",
    ],
    "ESEARCH": ["SEARCH RETURN (MIN MAX COUNT) ALL", r"\* ESEARCH \(TAG \"\w+\"\) MIN 1 MAX 2 COUNT 2"],
    "SEARCHRES": ["SEARCH RETURN (SAVE) SUBJECT Re", "FETCH $ UID", r"\* 2 FETCH \(UID 2\)"],
    "MULTISEARCH": [
        "ESEARCH IN (mailboxes INBOX) SUBJECT Re",
        r'\* ESEARCH \(TAG "\w+" MAILBOX INBOX UIDVALIDITY \d+\) UID ALL 2',
    ],
    "FILTERS": [
        'SETMETADATA "" (/private/filters/values/tea "SUBJECT Re")',
        "SEARCH FILTER tea",
        r"\* SEARCH 2\r",
    ],
    "WITHIN": ["SEARCH YOUNGER 3600 NOT OLDER 3600", r"\* SEARCH 1 2"],
    "SEARCH=FUZZY": ["SEARCH FUZZY BODY green", r"\* SEARCH 1\r"],
    "BINARY": ["FETCH 1 BINARY.SIZE[1]", r"BINARY.SIZE\[1\] 12"],
    "UTF8=ACCEPT": ["ENABLE UTF8=ACCEPT", 'CREATE "\ud3b8\uc9c0"', 'LIST "" \ud3b8*', '"?\ud3b8\uc9c0"?\r\n'],
    "QUOTA": ["GETQUOTAROOT INBOX", r"\* QUOTAROOT INBOX"],
    "QUOTA=RES-STORAGE": ['GETQUOTA ""', r'\* QUOTA "" \([^)]*STORAGE \d+ 100'],
    "QUOTA=RES-MESSAGE": ['GETQUOTA ""', r'\* QUOTA "" \([^)]*MESSAGE 2 50'],
    "QUOTA=RES-MAILBOX": ['GETQUOTA ""', r'\* QUOTA "" \([^)]*MAILBOX \d+ 20'],
    "ACL": ["SETACL INBOX kim@daum.net lr", "GETACL INBOX", r"\* ACL INBOX .*kim@daum.net lr"],
    "RIGHTS=texk": ["MYRIGHTS INBOX", r"\* MYRIGHTS INBOX (?=\w*t)(?=\w*e)(?=\w*x)(?=\w*k)"],
    "LIST-MYRIGHTS": ['LIST "" INBOX RETURN (MYRIGHTS)', r"\* MYRIGHTS INBOX \w+"],
    "PREVIEW": ["FETCH 1 PREVIEW", r'PREVIEW "Green tea\."'],
    "NOTIFY": [
        "NOTIFY SET STATUS (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))",
        r"\* STATUS Drafts \(MESSAGES 0 UIDNEXT 1 .*[\s\S]*OK NOTIFY",
    ],
    "OBJECTID": ["FETCH 1 (EMAILID THREADID)", r"EMAILID \([\w-]+\) THREADID (\([\w-]+\)|NIL)"],
    "SAVEDATE": ["FETCH 1 SAVEDATE", r'SAVEDATE "'],
    "METADATA": [
        'SETMETADATA "" (/private/comment "x")',
        'GETMETADATA "" /private/comment',
        r'\(/private/comment "?x"?\)',
    ],
    "LIST-METADATA": [
        'SETMETADATA INBOX (/private/comment "x")',
        'LIST "" INBOX RETURN (METADATA (/private/comment))',
        r'\* METADATA INBOX \(/private/comment "?x"?\)',
    ],
    "REPLACE": ["REPLACE 1 INBOX {1+}\r\nx", r"\* OK \[APPENDUID \d+ 3\]"],
    "PARTIAL": ["UID SEARCH RETURN (PARTIAL 1:1) ALL", r"PARTIAL \(1:1 1\)"],
    "UIDBATCHES": ["UIDBATCHES 2000", r"\* UIDBATCHES \(TAG \"\w+\"\) "],
    "UIDONLY": ["ENABLE UIDONLY", "UID FETCH 2 FLAGS", r"\* 2 UIDFETCH \("],
    "I18NLEVEL=2": ["COMPARATOR", r"\* COMPARATOR \S+"],
    "SORT": ["SORT (REVERSE FROM SIZE) US-ASCII ALL", r"\* SORT 2 1"],
    "SORT=DISPLAY": ["SORT (DISPLAYFROM) UTF-8 ALL", r"\* SORT 1 2"],
    "ESORT": ["SORT RETURN (COUNT ALL) (SUBJECT) UTF-8 ALL", r"\* ESEARCH .* COUNT 2"],
    "CONTEXT=SEARCH": [
        "SEARCH RETURN (UPDATE ALL) ALL",
        "STORE 1 +FLAGS (\\Seen)",
        'CANCELUPDATE "t1"',
        "t3 OK",
    ],
    "CONTEXT=SORT": [
        "SORT RETURN (UPDATE ALL) (ARRIVAL) UTF-8 UNSEEN",
        "STORE 1 +FLAGS (\\Seen)",
        r"REMOVEFROM \(\d+ 1\)",
    ],
    "THREAD=ORDEREDSUBJECT": ["THREAD ORDEREDSUBJECT UTF-8 ALL", r"\* THREAD \(1 2\)"],
    "THREAD=REFERENCES": ["THREAD REFERENCES UTF-8 ALL", r"\* THREAD \(1 2\)"],
    "THREAD=REFS": ["THREAD REFS UTF-8 ALL", r"\* THREAD \(1 2\)"],
    "COMPRESS=DEFLATE": ["COMPRESS DEFLATE", "t1 OK DEFLATE active"],
    "UNAUTHENTICATE": ["UNAUTHENTICATE", r"t1 OK \[CAPABILITY "],
    "APPENDLIMIT": ["STATUS INBOX (APPENDLIMIT)", r"APPENDLIMIT \d+"],
    "MESSAGELIMIT": ["FETCH 1:* UID", r"\* 2 FETCH .*\r\nt1 OK \[MESSAGELIMIT 1 2\]"],
    "SAVELIMIT": ["COPY 1:* Drafts", r"t1 NO \[MESSAGELIMIT 1"],
}
"""Capability -> commands, and what must stand in all that comes back. ``@`` before login, ``!`` without TLS."""


SETTINGS = {
    "UIDONLY": {"capabilities": ("+UIDONLY",)},
    "URLAUTH": {"capabilities": ("+URLAUTH",)},
    "MESSAGELIMIT": {"message_limit": 1},
    "SAVELIMIT": {"save_limit": 1},
}
"""What the configuration has to say for a capability to be offered, by default nothing."""


class LimitedHouse(MaildirHouse):
    """Accounts with quotas."""

    def __init__(self, tmp_path, **settings):
        super().__init__(tmp_path, **settings)
        identity = self.authenticator.identity
        limit = QuotaLimit(storage=100 * 1024, messages=50, mailboxes=20)

        def limited(name):
            found = identity(name)
            return replace(found, location=replace(found.location, quota=limit))

        self.authenticator.identity = limited


@pytest.fixture
def house(tmp_path):
    def make(name):
        house = LimitedHouse(tmp_path, **SETTINGS.get(name, {}))
        house.given("INBOX", [LETTER, REPLY])
        return house

    return make


def test_nothing_is_offered_untried():
    assert sorted(PROOFS.keys() | {"INPROGRESS"}) == sorted(offered())


@pytest.mark.parametrize("name", PROOFS)
def test_what_is_offered_is_there(house, name):
    house = house(name)
    *commands, expected = PROOFS[name]
    first = commands[0]
    if first[0] == "@":
        client = house.connect()
    elif first[0] == "!":
        client = house.connect(encrypted=False, tls=True)
    else:
        client = house.session()
    capability = client.ask("CAPABILITY").untagged[0].split()
    assert any(word == name or word.startswith(name + "=") for word in capability)
    if first[0] not in "@!":
        client.ask("SELECT INBOX")
    said = "".join(
        client.send(f"t{number} {command.lstrip('@!')}\r\n").decode()
        for number, command in enumerate(commands, 1)
    )
    assert re.search(expected, said), said


def test_a_long_command_shows_signs_of_life(tmp_path):
    """INPROGRESS, RFC 9585."""
    house = InMemoryHouse(tmp_path)
    house.given("INBOX", messages=1)
    one = house.session("INBOX")
    assert " INPROGRESS" in one.ask("CAPABILITY").untagged[0]
    waiting = house.account.waits["search"] = Promise()
    one.send("t1 SEARCH ALL\r\n")
    house.clock.advance(30)
    assert '* OK [INPROGRESS ("t1" NIL NIL)]' in one.take().decode()
    waiting.keep()
