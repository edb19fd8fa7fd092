"""IMAP4rev2 beside IMAP4rev1 in one server (RFC 9051, above all its Appendices A and E; RFC 7888)."""

import pytest

from tests.session.imap.house import MaildirHouse

NFD = "Cafe\u0301"
NFC = "Caf\u00e9"


def rev2(imap, **how):
    return imap.session(enable=("IMAP4rev2",), **how)


def test_both_revisions_are_offered_and_enable_answers_with_the_name_as_the_rfc_writes_it(imap):
    one = imap.connect()
    assert "[CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- " in one.greeting
    assert "CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ " in one.ask("LOGIN lee secret").status
    assert one.ask("ENABLE imap4REV2 nonsense").untagged == ["ENABLED IMAP4rev2"]
    assert one.ask("ENABLE IMAP4rev2").untagged == ["ENABLED"]


def test_select_tells_list_and_neither_recent_nor_unseen(imap):
    """The example of RFC 9051 §6.3.2, with our own extensions."""
    imap.given("INBOX", messages=3, seen=[1], claimed=False)
    imap.given("Drafts")
    imap.account.rooms["Drafts"].special_use = frozenset({"\\Drafts"})
    rev2(imap).talk("""
        C: a SELECT INBOX
        S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
        S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags permitted
        S: * 3 EXISTS
        S: * LIST (\\HasNoChildren) "/" INBOX
        S: * OK [UIDVALIDITY 1001] UIDs valid
        S: * OK [UIDNEXT 4] Predicted next UID
        S: * OK [HIGHESTMODSEQ 4] Highest
        S: * OK [MAILBOXID (M1)] Id
        S: a OK [READ-WRITE] SELECT completed
        C: b EXAMINE Drafts
        S: * OK [CLOSED] Previous mailbox closed
        S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
        S: * OK [PERMANENTFLAGS ()] Read-only mailbox
        S: * 0 EXISTS
        S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
        S: * OK [UIDVALIDITY 1002] UIDs valid
        S: * OK [UIDNEXT 1] Predicted next UID
        S: * OK [HIGHESTMODSEQ 1] Highest
        S: * OK [MAILBOXID (M2)] Id
        S: b OK [READ-ONLY] EXAMINE completed
    """)


def test_recent_is_nowhere_and_is_left_to_the_clients_that_know_it(imap):
    imap.given("INBOX", messages=1, claimed=False)
    one = rev2(imap, selected="INBOX")
    imap.deliver("INBOX")
    assert one.ask("NOOP").untagged == ["2 EXISTS"]
    assert one.ask("FETCH 1:2 FLAGS").untagged == ["1 FETCH (FLAGS ())", "2 FETCH (FLAGS ())"]
    other = imap.session()
    assert other.ask("SELECT INBOX").numbers("RECENT") == [2]
    assert other.ask("FETCH 2 FLAGS").untagged == ["2 FETCH (FLAGS (\\Recent))"]


@pytest.mark.parametrize(
    "command",
    [
        "SEARCH NEW",
        "SEARCH NOT (OR OLD SEEN)",
        "UID SEARCH RECENT",
        "SORT (DATE) UTF-8 RECENT",
        "THREAD REFERENCES UTF-8 NEW",
        "STATUS INBOX (MESSAGES RECENT)",
        'LIST "" * RETURN (STATUS (RECENT))',
        "FETCH 1 RFC822",
        "FETCH 1 (UID RFC822.HEADER)",
        "UID FETCH 1 RFC822.TEXT",
    ],
)
def test_what_the_second_revision_has_no_more_is_bad_there_and_fine_in_the_first(tmp_path, command):
    imap = MaildirHouse(tmp_path)
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX")
    assert one.ask(command).status.startswith("OK")
    one.ask("ENABLE IMAP4rev2")
    assert one.ask(command).status.startswith("BAD [CLIENTBUG]")


def test_search_answers_esearch(imap):
    """Examples of RFC 9051 §6.4.4."""
    imap.given("INBOX", messages=4, seen=[2])
    rev2(imap, selected="INBOX").talk("""
        C: A282 SEARCH RETURN (MIN COUNT) UNSEEN
        S: * ESEARCH (TAG "A282") MIN 1 COUNT 3
        S: A282 OK SEARCH completed
        C: A283 SEARCH UNSEEN
        S: * ESEARCH (TAG "A283") ALL 1,3:4
        S: A283 OK SEARCH completed
        C: A284 SEARCH FLAGGED
        S: * ESEARCH (TAG "A284")
        S: A284 OK SEARCH completed
        C: A285 UID SEARCH CHARSET UTF-8 SEEN
        S: * ESEARCH (TAG "A285") UID ALL 2
        S: A285 OK SEARCH completed
        C: A286 SEARCH RETURN (SAVE) UNSEEN
        S: A286 OK SEARCH completed
        C: A287 SEARCH RETURN (SAVE) $ NEW
        S: A287 BAD [CLIENTBUG] IMAP4rev2 has no NEW, OLD and RECENT
        C: A288 FETCH $ UID
        S: * 1 FETCH (UID 1)
        S: * 3 FETCH (UID 3)
        S: * 4 FETCH (UID 4)
        S: A288 OK FETCH completed
    """)


def test_a_flag_change_told_unasked_carries_the_uid(imap):
    """RFC 9051 §7.5.2."""
    imap.given("INBOX", messages=2)
    old, new, other = imap.session("INBOX"), rev2(imap, selected="INBOX"), imap.session("INBOX")
    other.ask("STORE 2 +FLAGS (\\Flagged)")
    assert old.ask("NOOP").untagged == ["2 FETCH (FLAGS (\\Flagged))"]
    assert new.ask("NOOP").untagged == ["2 FETCH (UID 2 FLAGS (\\Flagged))"]
    assert new.ask("STORE 2 +FLAGS (\\Seen)").untagged == ["2 FETCH (FLAGS (\\Flagged \\Seen))"]


def test_mailbox_names_are_utf8_both_ways_and_modified_utf7_elsewhere(imap):
    new, old = rev2(imap), imap.session()
    assert new.ask('CREATE "보낸편지"').status.startswith("OK")
    assert new.ask('LIST "" 보낸*').untagged == ['LIST (\\HasNoChildren) "/" "보낸편지"']
    assert old.ask('LIST "" &vPSwuA-*').untagged == ['LIST (\\HasNoChildren) "/" &vPSwuNO4ycA-']
    assert new.ask("STATUS 보낸편지 (MESSAGES DELETED SIZE)").untagged == [
        'STATUS "보낸편지" (MESSAGES 0 DELETED 0 SIZE 0)'
    ]
    assert new.ask("CREATE R&D").status.startswith("OK")
    assert old.ask('LIST "" R*').untagged == ['LIST (\\HasNoChildren) "/" R&-D']


def test_a_name_written_otherwise_than_it_is_kept_is_told_with_oldname(imap):
    """RFC 9051 §6.3.9.7."""
    imap.given("INBOX")
    one, old = rev2(imap), imap.session()
    told = f'LIST (\\HasNoChildren) "/" "{NFC}" ("OLDNAME" ("{NFD}"))'
    assert one.ask(f'CREATE "{NFD}"').untagged == [told]
    assert told in one.ask(f'SELECT "{NFD}"').untagged
    assert 'LIST (\\HasNoChildren) "/" INBOX ("OLDNAME" (inbox))' in one.ask("SELECT inbox").untagged
    assert one.ask(f'RENAME "{NFD}" Tea').untagged == [
        f'LIST (\\HasNoChildren) "/" Tea ("OLDNAME" ("{NFD}"))'
    ]
    assert one.ask(f'RENAME Tea "{NFD}"').untagged == [
        f'LIST (\\HasNoChildren) "/" "{NFC}" ("OLDNAME" (Tea))'
    ]
    assert one.send(f'a APPEND "{NFD}" {{3+}}\r\nabc\r\n').decode().startswith(f"* {told}\r\na OK [APPENDUID")
    assert one.ask(f'DELETE "{NFD}"').untagged == [f'LIST (\\NonExistent) "/" "{NFC}" ("OLDNAME" ("{NFD}"))']
    assert one.ask(f'CREATE "{NFC}"').untagged == [] == one.ask(f'RENAME "{NFC}" Tea').untagged
    assert old.ask(f'CREATE "{NFD}"').untagged == []


def test_headers_and_texts_may_be_utf8_after_enable_only(imap):
    imap.given("INBOX", messages=["Subject: 안녕\r\n\r\nx\r\n".encode()])
    assert b'"' + "안녕".encode() + b'"' not in imap.session("INBOX").send(b"a FETCH 1 ENVELOPE\r\n")
    said = rev2(imap, selected="INBOX").send(b"a FETCH 1 ENVELOPE\r\n")
    assert "안녕".encode() in said and said.endswith(b"a OK FETCH completed\r\n")


@pytest.mark.parametrize("command", ["CHECK", 'LSUB "" *', "UNSELECT", "NAMESPACE", "IDLE\r\nDONE"])
def test_old_commands_still_serve_whoever_sends_them(imap, command):
    one = rev2(imap, selected="INBOX")
    assert b"\r\nz OK" in b"\r\n" + one.send(b"z " + command.encode() + b"\r\n")


def test_unauthenticate_takes_the_revision_back(imap):
    one = rev2(imap)
    one.ask("UNAUTHENTICATE")
    one.ask("LOGIN lee secret")
    assert one.ask("SELECT INBOX").numbers("RECENT") == [0]


def test_before_login_a_literal_that_does_not_wait_is_small(imap):
    """LITERAL-: RFC 7888 §5."""
    one = imap.connect()
    said = one.send(b"a LOGIN {4097+}\r\n" + b"x" * 4097 + b" y\r\nb NOOP\r\n")
    assert said == b"a BAD [TOOBIG] At most 4096 octets are taken here\r\nb OK NOOP completed\r\n"
    assert one.send(b"c LOGIN {4096+}\r\n" + b"x" * 4096 + b" y\r\n").startswith(
        b"c NO [AUTHENTICATIONFAILED]"
    )
    one = imap.connect()
    assert one.send(b"c LOGIN {5000}\r\n") == b"+ OK\r\n"


def test_after_login_it_may_be_as_large_as_any_and_the_limit_is_back_after_unauthenticate(imap):
    one = imap.session()
    message = b"x" * 5000
    assert b"a OK [APPENDUID" in one.send(b"a APPEND INBOX {5000+}\r\n" + message + b"\r\n")
    one.ask("UNAUTHENTICATE")
    assert one.send(b"b LOGIN {4097+}\r\n" + message[:4097] + b" y\r\n").startswith(b"b BAD [TOOBIG]")
