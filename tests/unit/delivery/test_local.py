"""Delivery into mailboxes without an SMTP session: what mailadm deliver does."""

import pytest

from mailaccess.auth.api import Identity
from mailaccess.delivery.api import Drop, Envelope, Target
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.repeats import KEPT, MAX_NOTES, Repeats
from mailaccess.model.errors import NoSuchMailbox, OverQuota, TemporaryFailure, TooBig
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder
from tests.session.smallhouse import FakeStore, location, run

LEE = Identity("lee@naver.com", location("lee@naver.com"))
KIM = Identity("kim@naver.com", location("kim@naver.com"))


class House:
    def __init__(self, tmp_path) -> None:
        self.store = FakeStore()
        self.log = Recorder()
        self.delivery = LocalDelivery(
            self.store, InlineRunner(), self.log, limit=1000, spool=tmp_path / "spool"
        )

    @property
    def lee(self):
        return self.store.account("lee@naver.com")


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_a_message_is_delivered_and_logged(house):
    delivered = run(house.delivery.deliver(LEE, [b"Message-ID:\r\n <a@b>\r\n", b"\r\nx\r\n"]))
    assert (delivered.user, delivered.mailbox, delivered.uid) == ("lee@naver.com", "INBOX", 1)
    assert house.lee.messages() == [b"Message-ID:\r\n <a@b>\r\n\r\nx\r\n"]
    (event, _, fields) = house.log.events[-1]
    assert (event, fields["user"], fields["message_id"]) == ("delivered", "lee@naver.com", "a@b")


def test_pieces_may_come_one_by_one(house):
    async def pieces():
        yield b"a\r\n"
        yield b"b\r\n"

    run(house.delivery.deliver(LEE, pieces(), envelope=Envelope(return_path="")))
    assert house.lee.messages() == [b"Return-Path: <>\r\na\r\nb\r\n"]


def test_a_named_mailbox_must_be_there(house):
    house.lee.boxes["Work"] = {}
    assert run(house.delivery.deliver(LEE, [b"x"], mailbox="Work")).mailbox == "Work"
    with pytest.raises(NoSuchMailbox):
        run(house.delivery.deliver(LEE, [b"x"], mailbox="Nowhere"))
    assert house.lee.messages() == []


@pytest.mark.parametrize(
    ("error", "prepare"),
    [
        (TooBig, lambda account: None),
        (OverQuota, lambda account: setattr(account, "full", True)),
        (TemporaryFailure, lambda account: setattr(account, "write_fails", TemporaryFailure())),
    ],
)
def test_what_fails_is_raised_and_leaves_nothing(house, error, prepare):
    prepare(house.lee)
    with pytest.raises(error):
        run(house.delivery.deliver(LEE, [b"x" * (2000 if error is TooBig else 10)]))
    assert house.lee.messages() == [] and all(each.discarded for each in house.lee.uploads)


def test_an_empty_message_is_a_message(house):
    run(house.delivery.deliver(LEE, []))
    assert house.lee.messages() == [b""]


def test_a_detail_whose_mailbox_was_deleted_meanwhile_is_tried_again(house):
    house.lee.boxes["shop"] = {}
    delivery = house.delivery.begin([Drop(Target(LEE, "shop"))], Envelope())
    run(delivery.write(b"x\r\n"))
    del house.lee.boxes["shop"]
    (outcome,) = run(delivery.finish())
    assert isinstance(outcome.error, TemporaryFailure)


def test_details_of_one_account_are_two_copies(house):
    house.lee.boxes["shop"] = {}
    drops = [Drop(Target(LEE, "shop"), "lee+shop"), Drop(Target(LEE), "lee"), Drop(Target(LEE), "Lee")]
    delivery = house.delivery.begin(drops, Envelope())
    run(delivery.write(b"x\r\n"))
    outcomes = run(delivery.finish())
    assert [each.drop.recipient for each in outcomes] == ["lee+shop", "lee", "Lee"]
    assert house.lee.messages("shop") == [b"Delivered-To: lee+shop\r\nx\r\n"]
    assert house.lee.messages() == [b"Delivered-To: lee\r\nx\r\n"]


def test_one_failure_does_not_touch_the_others(house):
    house.store.account("kim@naver.com").append_fails = TemporaryFailure(detail="disk")
    delivery = house.delivery.begin([Drop(Target(KIM)), Drop(Target(LEE))], Envelope())
    run(delivery.write(b"x\r\n"))
    kim, lee = run(delivery.finish())
    assert isinstance(kim.error, TemporaryFailure) and lee.delivered is not None


def test_notes_of_repeats_are_used_up_and_bounded_and_forgotten():
    now = [0.0]
    repeats = Repeats(lambda: now[0])
    repeats.note(b"1", "a", "lee", "")
    assert not repeats.take(b"1", "a", "kim", "")
    assert repeats.take(b"1", "a", "lee", "") and not repeats.take(b"1", "a", "lee", "")
    repeats.note(b"1", "a", "lee", "")
    now[0] = KEPT
    assert not repeats.take(b"1", "a", "lee", "")
    for number in range(MAX_NOTES + 10):
        repeats.note(b"%d" % number, "a", "lee", "")
    assert len(repeats) == MAX_NOTES
