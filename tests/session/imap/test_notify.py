"""NOTIFY (RFC 5465): what is told without a command, and what is not."""

import pytest

from mailaccess.imap import contexts
from mailaccess.model.errors import TemporaryFailure
from tests.session.imap.house import MaildirHouse, run
from tests.session.imap.sharing import KIM, LEE, Houses

PAIR = "MessageNew MessageExpunge"
ALL = f"{PAIR} FlagChange"


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("INBOX", messages=3)
    house.given("Lists", messages=1)
    house.given("Lists/Lemonade", messages=2)
    house.given("misc")
    house.session("INBOX").connection.lost()  # nothing of it is \Recent any more
    return house


def asked(client, groups, command="NOTIFY SET"):
    reply = client.ask(f"{command} {groups}")
    assert reply.status == "OK NOTIFY completed", reply.status
    return reply.untagged


def told(house, client):
    """What the client is told while it says nothing, without the numbers that change from run to run."""
    house.clock.advance(1)
    return [line.removeprefix("* ") for line in client.take().decode().splitlines()]


def status_of(lines):
    """Each STATUS as a mailbox with its items."""
    found = {}
    for line in lines:
        name, _, items = line.removeprefix("STATUS ").partition(" (")
        words = items.rstrip(")").split()
        found[name.strip('"')] = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    return found


# --- the selected mailbox


def test_the_selected_mailbox_is_told_of_between_commands(house):
    one, other = house.session("INBOX"), house.session("INBOX")
    asked(one, f"(selected ({ALL}))")
    other.ask("STORE 2 +FLAGS (\\Flagged)")
    assert told(house, one) == ["2 FETCH (UID 2 FLAGS (\\Flagged))"]
    other.ask("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ask("EXPUNGE")
    assert told(house, one)[-1] == "1 EXPUNGE"
    house.deliver("INBOX")
    assert [line for line in told(house, one) if "RECENT" not in line] == ["3 EXISTS"]
    assert one.ask("NOOP").untagged == []


def test_new_messages_come_with_what_was_asked_for(house):
    one, other = house.session("INBOX"), house.session("INBOX")
    asked(one, "(selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge))")
    house.deliver("INBOX", b"Subject: hello\r\n\r\nx\r\n")
    lines = told(house, one)
    assert lines.index("4 EXISTS") < lines.index("4 FETCH (UID 4 BODY[HEADER.FIELDS (SUBJECT)] {18}")
    assert "Subject: hello" in lines
    other.ask("STORE 4 +FLAGS (\\Flagged)")
    assert told(house, one) == []  # FlagChange was not asked for
    assert one.ask("NOOP").untagged == []


def test_what_the_client_appended_itself_is_not_fetched(house):
    one = house.session("INBOX")
    asked(one, "(selected (MessageNew (UID) MessageExpunge))")
    reply = one.ask("COPY 1 INBOX")
    assert "4 EXISTS" in reply.untagged and not reply.of("4")[0].startswith("4 FETCH")
    assert told(house, one) == []


def test_delayed_expunges_wait_for_a_command_that_may_tell_them(house):
    one, other = house.session("INBOX"), house.session("INBOX")
    asked(one, f"(selected-delayed ({ALL}))")
    other.ask("STORE 1 +FLAGS (\\Deleted)")
    assert told(house, one) == ["1 FETCH (UID 1 FLAGS (\\Deleted))"]
    other.ask("EXPUNGE")
    assert told(house, one) == []
    assert one.ask("FETCH 3 UID").untagged == ["3 FETCH (UID 3)"]
    assert told(house, one) == []
    assert one.ask("NOOP").untagged == ["1 EXPUNGE"]


@pytest.mark.parametrize("groups", ["NONE", "SET (selected NONE)", f"SET (mailboxes misc ({PAIR}))"])
def test_a_client_that_does_not_ask_for_the_selected_mailbox_keeps_its_snapshot(house, groups):
    one, other = house.session("INBOX"), house.session("INBOX")
    asked(one, groups, "NOTIFY")
    house.deliver("INBOX")
    other.ask("STORE 1 +FLAGS (\\Deleted)")
    other.ask("EXPUNGE")
    other.ask("STORE 1 +FLAGS (\\Flagged)")
    assert told(house, one) == [] and one.ask("NOOP").untagged == []
    one.send("i IDLE\r\n")
    assert told(house, one) == []
    assert one.send("DONE\r\n") == b"i OK IDLE completed\r\n"
    # NOTIFY SET implies NOOP: everything that has gathered is told.
    lines = asked(one, f"(selected ({ALL}))")
    assert "1 EXPUNGE" in lines and "3 EXISTS" in lines
    assert "1 FETCH (UID 2 FLAGS (\\Flagged))" in lines


def test_idle_tells_what_notify_asked_for(house):
    one = house.session("INBOX")
    asked(one, f"(selected ({PAIR})) (mailboxes misc ({PAIR}))")
    one.send("i IDLE\r\n")
    house.deliver("misc")
    house.deliver("INBOX")
    lines = told(house, one)
    assert "4 EXISTS" in lines and status_of(lines[-1:])["misc"]["MESSAGES"] == 1
    assert one.send("DONE\r\n") == b"i OK IDLE completed\r\n"
    house.deliver("INBOX")
    assert "5 EXISTS" in told(house, one)


def test_with_qresync_expunges_are_told_as_vanished(house):
    one, other = house.session("INBOX", enable=["QRESYNC"]), house.session("INBOX")
    asked(one, f"(selected ({ALL}))")
    other.ask("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ask("EXPUNGE")
    assert told(house, one)[-1] == "VANISHED 1"


def test_a_search_that_is_told_of_brings_what_was_asked_for(house):
    """The example of RFC 5465 §7: EXISTS, then FETCH, then ESEARCH."""
    one = house.session("INBOX")
    asked(one, f"(selected ({PAIR}))")
    one.send('a00 SEARCH RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (TO FROM SUBJECT)])) FROM "boss"\r\n')
    house.deliver("INBOX", b"Subject: Re: good morning\r\nFrom: myboss@example.org\r\n\r\nx\r\n")
    lines = [line for line in told(house, one) if not line.endswith("RECENT")]
    assert lines[0] == "4 EXISTS"
    assert lines[1].startswith("4 FETCH (UID 4 BODY[HEADER.FIELDS (TO FROM SUBJECT)] {")
    assert lines[-1] == 'ESEARCH (TAG "a00") ADDTO (0 4)'
    house.deliver("INBOX", b"From: lee@naver.com\r\n\r\nx\r\n")
    assert [line for line in told(house, one) if not line.endswith("RECENT")] == ["5 EXISTS"]


def test_one_fetch_tells_what_notify_and_searches_want(house):
    one, other = house.session("INBOX"), house.session("INBOX")
    asked(one, "(selected (MessageNew (RFC822.SIZE) MessageExpunge FlagChange))")
    one.send("b1 UID SEARCH RETURN (UPDATE (INTERNALDATE)) UNSEEN\r\n")
    house.deliver("INBOX")
    lines = told(house, one)
    fetched = [line for line in lines if " FETCH " in line]
    assert len(fetched) == 1 and "UID 4" in fetched[0]
    assert "INTERNALDATE" in fetched[0] and "RFC822.SIZE" in fetched[0]
    other.ask("STORE 1 +FLAGS (\\Seen)")
    told(house, one)
    other.ask("STORE 1 -FLAGS (\\Seen)")
    lines = told(house, one)
    assert lines == [
        "1 FETCH (UID 1 FLAGS ())",
        'ESEARCH (TAG "b1") UID ADDTO (0 1)',
    ]  # not new: no FETCH of it


def test_evolution_gets_what_it_asks_for(house):
    one = house.session("INBOX", enable=["QRESYNC"])
    asked(
        one,
        "(selected (MessageNew (UID RFC822.SIZE RFC822.HEADER FLAGS) MessageExpunge FlagChange))"
        " (personal (MessageNew MessageExpunge MailboxName SubscriptionChange ServerMetadataChange))",
    )
    house.deliver("INBOX", b"Subject: hello\r\n\r\nx\r\n")
    lines = told(house, one)
    assert "4 EXISTS" in lines
    fetched = next(line for line in lines if " FETCH (UID 4 " in line)
    assert all(item in fetched for item in ("RFC822.SIZE 21", "FLAGS (", "RFC822.HEADER {"))
    house.deliver("Lists/Lemonade")
    assert "HIGHESTMODSEQ" in status_of(told(house, one))["Lists/Lemonade"]


def test_a_failing_store_is_not_asked_again_at_once(house, monkeypatch):
    one, other = house.session("INBOX"), house.session("INBOX")
    asked(one, f"(selected ({ALL}))")
    one.send("b1 UID SEARCH RETURN (UPDATE) ALL\r\n")

    async def fail(session, out):
        raise TemporaryFailure(detail="the disk is gone")

    monkeypatch.setattr(contexts, "tell_losses", fail)
    other.ask("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ask("EXPUNGE")
    house.clock.advance(10)
    failures = [event for event in house.log.events if "imap-update-failed" in str(event)]
    assert 2 <= len(failures) <= 40
    monkeypatch.undo()
    house.clock.advance(1)
    assert "1 EXPUNGE" in told(house, one)


# --- other mailboxes


def test_other_mailboxes_are_told_of_by_status(house):
    one, other = house.session("INBOX"), house.session("misc")
    asked(one, f"(subtree Lists ({PAIR})) (mailboxes misc ({ALL}))")
    house.deliver("Lists/Lemonade")
    assert status_of(told(house, one)) == {
        "Lists/Lemonade": {"MESSAGES": 3, "UIDNEXT": 4, "UIDVALIDITY": _uidvalidity(house, "Lists/Lemonade")}
    }
    house.deliver("misc")
    assert set(status_of(told(house, one))["misc"]) == {"MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"}
    other.ask("NOOP")
    other.ask("STORE 1 +FLAGS (\\Seen)")
    assert status_of(told(house, one)) == {"misc": {"UIDVALIDITY": _uidvalidity(house, "misc"), "UNSEEN": 0}}
    other.ask("STORE 1 +FLAGS (\\Deleted)")
    other.ask("EXPUNGE")
    assert status_of(told(house, one)[-1:])["misc"]["MESSAGES"] == 0
    house.deliver("INBOX")
    assert told(house, one) == []  # selected, and not asked for


def _uidvalidity(house, name):
    return run(house.account.status(name)).uidvalidity


def test_with_condstore_the_highest_mod_sequence_is_told(house):
    one, other = house.session(enable=["CONDSTORE"]), house.session("Lists")
    asked(one, f"(personal ({ALL}))")
    other.ask("STORE 1 +FLAGS (\\Seen)")
    assert set(status_of(told(house, one))["Lists"]) == {"UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ"}


def test_many_changes_are_told_once(house):
    one = house.session()
    asked(one, f"(personal ({PAIR}))")
    for _ in range(20):
        house.deliver("misc")
    lines = told(house, one)
    assert len(lines) == 1 and status_of(lines)["misc"]["MESSAGES"] == 20


def test_status_tells_what_everything_is_like_at_first(house):
    one = house.session("INBOX")
    lines = asked(one, f"STATUS (subtree Lists ({PAIR})) (mailboxes (INBOX misc) ({ALL}))")
    found = status_of(lines)
    assert set(found) == {"Lists", "Lists/Lemonade", "misc"}  # not the selected one
    assert set(found["Lists"]) == {"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
    assert "HIGHESTMODSEQ" in found["misc"] and found["Lists/Lemonade"]["MESSAGES"] == 2


def test_what_the_client_does_itself_is_not_told(house):
    one = house.session("INBOX")
    asked(one, f"(selected ({ALL})) (personal ({ALL} MailboxName SubscriptionChange MailboxMetadataChange))")
    for command in (
        "COPY 1 misc",
        "CREATE New/Deep",
        "RENAME New Old",
        "DELETE Old/Deep",
        "SUBSCRIBE misc",
        'SETMETADATA misc ("/private/comment" "x")',
    ):
        reply = one.ask(command)
        assert reply.status.startswith("OK") and told(house, one) == [], command
    house.deliver("misc")
    assert status_of(told(house, one))["misc"]["MESSAGES"] == 2


def test_a_mailbox_that_is_left_is_watched_again(house):
    one = house.session("misc")
    asked(one, f"(selected ({PAIR})) (personal ({PAIR}))")
    one.ask("SELECT INBOX")
    house.deliver("misc")
    assert "misc" in status_of(told(house, one))
    house.deliver("INBOX")
    assert "4 EXISTS" in told(house, one)


@pytest.mark.parametrize("idle", [False, True])
def test_a_client_that_does_not_read_costs_no_memory(house, idle):
    one, other = house.session("INBOX", room=2_000), house.session("INBOX")
    asked(one, f"(selected ({ALL})) (personal ({ALL}))")
    if idle:
        one.send("i IDLE\r\n")
    for number in range(500):
        other.ask(f"STORE 1:3 {'+-'[number % 2]}FLAGS (\\Flagged)")
        if number % 50 == 0:
            house.deliver("misc")
        house.clock.advance(1)
    assert one.wire.peak < 4_000
    one.take()
    assert status_of([line for line in told(house, one) if "STATUS" in line])["misc"]["MESSAGES"] == 10


# --- names and subscriptions


def test_names_that_come_and_go_are_listed(house):
    one, other = house.session(), house.session()
    asked(one, "(personal (MailboxName))")
    other.ask("CREATE Lists/New")
    assert told(house, one) == [
        'LIST (\\HasNoChildren) "/" Lists/New',
        'LIST (\\HasChildren) "/" Lists',
    ]
    other.ask("DELETE Lists/New")
    lines = told(house, one)
    assert 'LIST (\\NonExistent) "/" Lists/New' in lines and 'LIST (\\HasChildren) "/" Lists' in lines
    other.ask("RENAME misc other")
    assert told(house, one) == ['LIST (\\HasNoChildren) "/" other ("OLDNAME" (misc))']
    other.ask("RENAME Lists Post")
    assert told(house, one) == ['LIST (\\HasChildren) "/" Post ("OLDNAME" (Lists))']
    house.deliver("Post/Lemonade")
    assert told(house, one) == []


def test_only_names_that_are_meant_are_listed(house):
    one, other = house.session(), house.session()
    asked(one, "(subtree Lists (MailboxName)) (mailboxes Wanted (MailboxName))")
    other.ask("CREATE Elsewhere")
    assert told(house, one) == []
    other.ask("CREATE Wanted")
    assert told(house, one) == ['LIST (\\HasNoChildren) "/" Wanted']


def test_subscriptions_are_listed_with_what_the_mailbox_is(house):
    one, other = house.session(), house.session()
    asked(one, "(personal (SubscriptionChange))")
    other.ask("SUBSCRIBE misc")
    assert told(house, one) == ['LIST (\\Subscribed \\HasNoChildren) "/" misc']
    other.ask("UNSUBSCRIBE misc")
    assert told(house, one) == ['LIST (\\HasNoChildren) "/" misc']
    other.ask("SUBSCRIBE nowhere")
    assert told(house, one) == ['LIST (\\Subscribed \\NonExistent) "/" nowhere']


def test_subscribed_mailboxes_are_those_of_the_moment(house):
    one, other = house.session(), house.session()
    asked(one, f"(subscribed ({PAIR}))")
    house.deliver("misc")
    assert told(house, one) == []
    other.ask("SUBSCRIBE misc")
    assert told(house, one) == []
    house.deliver("misc")
    assert status_of(told(house, one))["misc"]["MESSAGES"] == 2


# --- annotations


def test_changed_annotations_are_told_by_name(house):
    one, other = house.session(), house.session()
    asked(one, "(personal (MailboxMetadataChange ServerMetadataChange))")
    other.ask('SETMETADATA misc ("/private/comment" "x" "/shared/comment" "y")')
    assert told(house, one) == ["METADATA misc /private/comment /shared/comment"]
    other.ask('SETMETADATA misc ("/private/comment" NIL)')
    assert told(house, one) == ["METADATA misc /private/comment"]
    other.ask('SETMETADATA "" ("/private/vendor/naver/x" "1")')
    assert told(house, one) == ['METADATA "" /private/vendor/naver/x']
    other.ask('SETMETADATA "" ("/private/vendor/naver/x" "1")')
    assert told(house, one) == []


def test_annotations_are_told_once_also_after_enable_metadata(house):
    one, other = house.session(enable=["METADATA"]), house.session()
    asked(one, "(personal (MailboxMetadataChange))")
    other.ask('SETMETADATA misc ("/private/comment" "x")')
    assert one.ask("NOOP").of("METADATA") == ["METADATA misc /private/comment"]
    assert told(house, one) == []


# --- refusals


@pytest.mark.parametrize("event", ["AnnotationChange", "MoonPhase"])
def test_what_cannot_be_told_is_named_and_changes_nothing(house, event):
    one = house.session("INBOX")
    asked(one, f"(selected ({PAIR}))")
    status = one.ask(f"NOTIFY SET (selected ({PAIR} {event}))").status
    assert status.startswith(
        "NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange"
        " MailboxMetadataChange ServerMetadataChange)] "
    )
    house.deliver("INBOX")
    assert "4 EXISTS" in told(house, one)


@pytest.mark.parametrize(
    "groups",
    [
        "(selected (MessageNew))",
        "(selected (FlagChange))",
        "(selected (MailboxName))",
        f"(selected ({PAIR})) (selected-delayed ({PAIR}))",
        "(personal (MessageNew (UID) MessageExpunge))",
        "(subtree-one Lists (MailboxName))",
        "()",
    ],
)
def test_what_means_nothing_is_refused_and_changes_nothing(house, groups):
    one = house.session("INBOX")
    asked(one, f"(selected ({PAIR}))")
    assert one.ask(f"NOTIFY SET {groups}").status.startswith("BAD")
    house.deliver("INBOX")
    assert "4 EXISTS" in told(house, one)


def test_too_many_mailboxes_are_refused_and_later_given_up(house, monkeypatch):
    from mailaccess.imap import picture

    one, other = house.session("INBOX"), house.session()
    count = len(one.ask('LIST "" *').untagged)
    monkeypatch.setattr(picture, "MAX_WATCHED", count - 1)
    assert one.ask(f"NOTIFY SET (personal ({PAIR}))").status.startswith("NO [NOTIFICATIONOVERFLOW] ")
    monkeypatch.setattr(picture, "MAX_WATCHED", count)
    asked(one, f"(selected ({PAIR})) (personal ({PAIR}))")
    other.ask("CREATE more")
    assert told(house, one)[0].startswith("OK [NOTIFICATIONOVERFLOW] ")
    house.deliver("INBOX")
    house.deliver("misc")
    assert told(house, one) == [] and one.ask("NOOP").untagged == []


def test_unauthenticate_ends_it(house):
    one = house.session("INBOX")
    asked(one, f"(selected ({PAIR})) (personal ({PAIR}))")
    one.ask("UNAUTHENTICATE")
    house.deliver("misc")
    assert told(house, one) == []
    assert not house.account._overhearing


def test_a_lost_client_leaves_nothing_behind(house):
    one = house.session("INBOX")
    asked(one, f"(selected ({PAIR})) (personal ({PAIR}))")
    one.connection.lost()
    house.deliver("misc")
    house.clock.advance(1)
    assert not house.account._overhearing


# --- mailboxes of others


@pytest.fixture
def houses(tmp_path):
    houses = Houses(tmp_path)
    houses.given("Work", messages=1)
    houses.given("Work/Plan", messages=1)
    return houses


WORK = f"Other Users/{LEE}/Work"


def test_mailboxes_of_others_are_told_of_with_the_rights_to_see_and_read_them(houses):
    houses.grant("lr", "Work")
    houses.grant("l", "Work/Plan")
    kim = houses.kim()
    assert asked(kim, f'STATUS (subtree "{WORK}" ({PAIR}))') == [
        f'LIST (\\HasNoChildren \\NoAccess) "/" "{WORK}/Plan"',
        f'STATUS "{WORK}" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY {_uidvalidity(houses, "Work")})',
    ]
    houses.deliver("Work/Plan")
    assert told(houses, kim) == []
    houses.deliver("Work")
    assert status_of(told(houses, kim))[WORK]["MESSAGES"] == 2


def test_rights_that_are_taken_and_given_end_and_begin_it(houses):
    houses.grant("lr", "Work")
    kim = houses.kim()
    asked(kim, f'(subtree "{WORK}" ({PAIR}))')
    houses.grant("l", "Work")
    assert told(houses, kim) == [f'LIST (\\HasNoChildren \\NoAccess) "/" "{WORK}"']
    houses.deliver("Work")
    assert told(houses, kim) == []
    houses.grant("lr", "Work")
    assert told(houses, kim) == [f'LIST (\\HasNoChildren) "/" "{WORK}"']
    houses.deliver("Work")
    assert WORK in status_of(told(houses, kim))
    assert houses.session().ask(f"DELETEACL Work {KIM}").status.startswith("OK")
    assert told(houses, kim) == [f'LIST (\\NonExistent \\NoAccess) "/" "{WORK}"']
    houses.deliver("Work")
    assert told(houses, kim) == []


def test_a_granted_mailbox_counts_as_made_and_a_revoked_one_as_deleted(houses):
    kim = houses.kim()
    asked(kim, f'(subtree "{WORK}" (MailboxName))')
    houses.grant("lr", "Work")
    assert f'LIST (\\HasNoChildren) "/" "{WORK}"' in told(houses, kim)
    houses.session().ask(f"DELETEACL Work {KIM}")
    assert f'LIST (\\NonExistent) "/" "{WORK}"' in told(houses, kim)
