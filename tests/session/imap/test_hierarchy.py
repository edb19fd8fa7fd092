"""The corners of the hierarchy: renames, deletions, missing names, names with every kind of character."""

import os

import pytest

from mailaccess.proto.imap.mutf7 import encode_mutf7
from tests.session.imap.house import MaildirHouse


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


def listed(client, pattern="*"):
    """Names and attributes of a LIST."""
    found = {}
    for line in client.ask(f'LIST "" "{pattern}"').of("LIST"):
        attributes, _, name = line.removeprefix("LIST (").partition(') "/" ')
        found[name.strip('"')] = set(attributes.split())
    return found


def test_a_hierarchy_is_renamed_as_a_whole(house):
    """RFC 9051 §6.3.6: inferiors go along; names above the new one are made."""
    house.given("a", messages=1)
    house.given("a/b/c", messages=2)
    house.given("ab")
    one, reader = house.session(), house.session("a/b/c")
    one.talk("""
        C: a RENAME a x/y
        S: a OK RENAME completed
        C: b STATUS x/y/b/c (MESSAGES)
        S: * STATUS x/y/b/c (MESSAGES 2)
        S: b OK STATUS completed
        C: c RENAME x x/z
        S: c NO [CANNOT] A mailbox cannot be moved below itself
        C: d RENAME x ab
        S: d NO [ALREADYEXISTS] There is already a mailbox of that name
        C: e RENAME a b
        S: e NO [NONEXISTENT] There is no such mailbox
        C: f RENAME x/y/b q
        S: f OK RENAME completed
    """)
    found = listed(one)
    assert {"ab", "x", "x/y", "q", "q/c"} <= set(found) and not {"a", "a/b", "x/y/b"} & set(found)
    assert "\\Noselect" in found["x"] and "\\Noselect" in found["q"]
    assert reader.ask("FETCH 1:* UID").numbers("FETCH") == [1, 2]


def test_a_mailbox_with_others_below_it_becomes_a_name_only(house):
    """RFC 3501 §6.3.4, RFC 9051 §6.3.5."""
    house.given("a", messages=3)
    house.given("a/b/c")
    one = house.session()
    one.talk("""
        C: a DELETE a
        S: a OK DELETE completed
        C: b SELECT a
        S: b NO [CANNOT] That name holds other mailboxes, not messages
        C: c DELETE a
        S: c NO [HASCHILDREN] The mailbox has mailboxes below it
        C: d DELETE a/b
        S: d NO [HASCHILDREN] The mailbox has mailboxes below it
        C: e DELETE nothing
        S: e NO [NONEXISTENT] There is no such mailbox
        C: f DELETE inbox
        S: f NO [CANNOT] INBOX cannot be deleted
    """)
    assert listed(one)["a"] == {"\\Noselect", "\\HasChildren"}
    assert one.ask("CREATE a").status.startswith("OK")
    assert one.ask("STATUS a (MESSAGES)").untagged == ["STATUS a (MESSAGES 0)"]
    assert one.ask("DELETE a").status.startswith("OK")
    assert one.ask("DELETE a/b/c").status.startswith("OK")
    assert not {"a", "a/b"} & set(listed(one))


def test_renaming_inbox_leaves_it_empty_and_what_is_below_it_where_it_is(house):
    """RFC 9051 §6.3.6."""
    house.given("INBOX", messages=3, seen=[2])
    house.given("INBOX/sub", messages=1)
    one = house.session()
    assert one.ask("RENAME inbox old/mail").status == "OK RENAME completed"
    assert one.ask("RENAME INBOX old/mail").status.startswith("NO [ALREADYEXISTS]")
    assert [flags for _, flags in house.truth("old/mail")] == [frozenset(), {"\\Seen"}, frozenset()]
    assert house.truth("INBOX") == []
    assert {"INBOX", "INBOX/sub", "old/mail"} <= set(listed(one)) and "old/mail/sub" not in listed(one)
    assert one.ask("STATUS inbox/sub (MESSAGES)").untagged == ["STATUS INBOX/sub (MESSAGES 1)"]
    assert one.ask("RENAME INBOX/sub moved").status.startswith("OK")


def test_a_subscription_outlives_its_mailbox(house):
    """RFC 9051 §6.3.7; RFC 5258 §3.1: \\NonExistent."""
    one = house.session()
    one.ask("CREATE work/now")
    for name in ("work/now", "never/was", '"&vBvHQA- &07jJwA-"'):
        assert one.ask(f"SUBSCRIBE {name}").status.startswith("OK")
    one.ask("DELETE work/now")
    told = one.ask('LIST (SUBSCRIBED) "" "*"').untagged
    assert 'LIST (\\Subscribed \\NonExistent) "/" work/now' in told
    assert 'LIST (\\Subscribed \\NonExistent) "/" never/was' in told
    assert 'LIST (\\Subscribed \\NonExistent) "/" "&vBvHQA- &07jJwA-"' in told
    assert 'LSUB (\\Noselect) "/" work/now' in one.ask('LSUB "" "*"').untagged
    assert (
        'LIST (\\NonExistent) "/" never ("CHILDINFO" ("SUBSCRIBED"))'
        in one.ask('LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"').untagged
    )
    one.ask("CREATE work/now")
    assert 'LIST (\\Subscribed \\HasNoChildren) "/" work/now' in one.ask('LIST (SUBSCRIBED) "" "*"').untagged
    assert one.ask("UNSUBSCRIBE never/was").status.startswith("OK")
    assert "never" not in repr(one.ask('LSUB "" "*"'))


def test_special_uses_are_told_by_plain_list_and_by_lsub(house):
    """Outlook and old clients ask for nothing else (RFC 6154 §2)."""
    one = house.session()
    assert 'LIST (\\HasNoChildren \\Sent) "/" Sent' in one.ask('LIST "" "*"').untagged
    assert 'LSUB (\\HasNoChildren \\Sent) "/" Sent' in one.ask('LSUB "" "*"').untagged
    one.ask("RENAME Sent Gesendet")
    assert 'LIST (\\HasNoChildren \\Sent) "/" Gesendet' in one.ask('LIST "" "*"').untagged


@pytest.mark.parametrize(
    "name",
    [
        "받은 편지함/보고서",
        "日本語",
        "😀/👩‍👩‍👧",
        "a.b/c.d",
        "~",
        "~root/~",
        "&",
        "&-",
        "A&AOk-",
        "per%cent",
        "st*r",
        'quo"te',
        "back\\slash",
        "\\5c",
        "{5}",
        "(paren)",
        "[bracket]",
        " ",
        " lead and trail ",
        "#news",
        "-dash",
        "cur",
        "new",
        "tmp",
        "..." + "x",
        "NIL",
        "inboxes",
        "INBOX/INBOX",
        "é",
        "a" * 200,
        "/".join("abcdefghij"),
        "ß",
        "'; DROP TABLE mailboxes; --",
        "$(id)`id`",
        "a:2,S",
    ],
)
def test_a_name_of_any_characters_goes_the_whole_way(house, name):
    """Created, listed, selected, subscribed, renamed and deleted under its name, and no folder lies elsewhere."""
    one = house.session()
    wire = encode_mutf7(name)

    def literal(octets):
        return b"{%d+}\r\n%b" % (len(octets), octets)

    def say(command, *arguments):
        return one.ask(command.encode() + b" " + b" ".join(map(literal, arguments)))

    def names(command):
        """The names of a LIST with literals and quoted strings read."""
        found = []
        for line in one.ask(command).untagged:
            text = line.partition(' "/" ')[2]
            if text.startswith('"'):
                text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
            found.append(text)
        return found

    assert say("CREATE", wire).status.startswith("OK"), name
    assert say("CREATE", wire).status.startswith("NO [ALREADYEXISTS]")
    assert wire.decode() in names('LIST "" "*"')
    assert say("SUBSCRIBE", wire).status.startswith("OK")
    assert wire.decode() in names('LSUB "" "*"')
    said = one.send(b"a APPEND " + literal(wire) + b" {8+}\r\nA: b\r\n\r\n\r\n")
    assert b"a OK" in said
    assert say("SELECT", wire).status.startswith("OK")
    assert one.ask("UNSELECT").status.startswith("OK")
    other = encode_mutf7("renamed") + b"/" + wire
    assert say("RENAME", wire, other).status.startswith("OK")
    assert other.decode() in names('LIST "" "*"')
    assert say("RENAME", other, wire).status.startswith("OK")
    assert say("DELETE", wire).status.startswith("OK")
    assert wire.decode() not in names('LIST "" "*"')
    base = house.authenticator.base
    assert os.listdir(base) == ["lee@naver.com"]
    assert sorted(os.listdir(base / "lee@naver.com")) == ["Maildir", "index"]


@pytest.mark.parametrize(
    "wire", [b"a//b", b"/a", b"..", b"a/../b", b".", b"a\x07b", b"", b"&AAA-", b"&IKw", b"\xff"]
)
def test_impossible_names_are_refused_and_make_nothing(house, wire):
    one = house.session()
    before = listed(one)
    for command in (b"CREATE", b"RENAME Sent"):
        answer = one.ask(command + b" {%d+}\r\n%b" % (len(wire), wire))
        assert answer.status.startswith(("NO", "BAD")), answer
    assert listed(one) == before
