"""Messages read one after the other: what comes is what ``read`` gives, wherever it lay, whatever happens meanwhile."""

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailaccess.model.errors import MailError, TemporaryFailure
from mailaccess.model.sequence import UidSet
from mailaccess.store import bodies as bodies_module
from mailaccess.store.api import Fact, FlagOperation
from mailaccess.store.maildir.files import Files
from tests.unit.store.inline import House, now

COUNT = 12


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    for number in range(COUNT):
        house.append(text(number))
    house.settle()
    return house


def text(number: int) -> bytes:
    return b"Subject: %d\r\n\r\n" % number + b"text\r\n" * number * 100


def one_by_one(box: Any, uids: Sequence[int]) -> list[Any]:
    return [one(box, bodies, place) for bodies in [now(box.bodies(uids))] for place in range(len(uids))]


def one(box: Any, bodies: Any, place: int) -> Any:
    found = bodies.present(place)
    return found if found is not None else now(bodies.read(place))


def nothing_present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Files, "read_present", lambda self, path, most: None)


@pytest.fixture(params=["in memory", "on disk", "on disk, in short stretches"])
def lying(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "in memory":
        nothing_present(monkeypatch)
    if "short" in request.param:
        monkeypatch.setattr(bodies_module, "STRETCH", 2000)


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("uids", [range(1, COUNT + 1), [5, 6, 9], [COUNT]])
def test_each_message_is_the_one_asked_for(house: House, uids: Sequence[int]) -> None:
    assert one_by_one(house.open().box, uids) == [text(uid - 1) for uid in uids]


@pytest.mark.usefixtures("lying")
def test_places_may_be_asked_for_again_and_in_any_order(house: House) -> None:
    box = house.open().box
    bodies = now(box.bodies(range(1, 11)))
    order = [9, 0, 1, 1, 4, 3, 9, 2]
    assert [one(box, bodies, place) for place in order] == [text(place) for place in order]


@pytest.mark.usefixtures("lying")
def test_what_is_renamed_or_goes_meanwhile_is_found_or_is_not(house: House) -> None:
    box = house.open().box
    bodies = now(box.bodies(range(1, 11)))
    assert one(box, bodies, 0) == text(0)
    now(box.set_flags(UidSet.of([7]), FlagOperation.ADD, frozenset({"\\Seen"})))
    now(house.open().box.remove(UidSet.of([9])))
    house.settle()
    bodies.close()
    assert [one(box, bodies, place) for place in (6, 8, 9)] == [text(6), None, text(9)]


@pytest.mark.usefixtures("lying")
def test_a_large_message_comes_as_an_open_file_and_those_around_it_as_octets(house: House) -> None:
    large = b"Subject: large\r\n\r\n" + b"0123456789\r\n" * 200_000
    house.append(large)
    house.append(text(1))
    uids = (COUNT, COUNT + 1, COUNT + 2)
    before, body, after = one_by_one(house.open().box, uids)
    assert before == text(COUNT - 1) and after == text(1)
    assert body.size == len(large) and now(body.read(1_000_000, 100)) == large[1_000_000:1_000_100]
    body.close()


def test_few_jobs_read_what_is_on_disk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_present(monkeypatch)
    box = house.open().box
    before = house.account.asked
    assert one_by_one(box, range(1, COUNT + 1)) == [text(number) for number in range(COUNT)]
    assert house.account.asked - before <= 2


def test_a_file_that_ends_its_lines_in_lf_alone_is_served_with_crlf(house: House) -> None:
    folder = Path(house.account.location.maildir) / "cur"
    stored = b"Subject: lf\n\na\nb\r\nc\rd\n"
    wire = b"Subject: lf\r\n\r\na\r\nb\r\nc\rd\r\n"
    (folder / f"1700000000.M1P1.other,S={len(stored)},W={len(wire)}:2,S").write_bytes(stored)
    (folder / "1700000001.M2P1.other,S=9,W=9999:2,S").write_bytes(b"Subject: untrue\n\n")
    box = house.open().box
    assert one_by_one(box, list(box.columns.uids[-2:])) == [wire, b"Subject: untrue\r\n\r\n"]


def test_a_large_message_that_cannot_be_converted_leaves_no_open_file(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"Subject: large\n\n" + b"0123456789\n" * 300_000
    wire = large.replace(b"\n", b"\r\n")
    house.drop(f"1700000000.M1P1.other,S={len(large)},W={len(wire)}:2,S", large, place="cur")
    box = house.open().box

    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(MailError):
            now(box.read([box.columns.uids[-1]]))
        with pytest.raises(MailError):
            now(box.facts([box.columns.uids[-1]], [Fact.ENVELOPE, Fact.BODYSTRUCTURE, Fact.HEADER]))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_disk_that_fails_while_a_large_message_is_read_is_a_failure_that_protocols_know(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """POP3 took it for an error of its own, and told it in the middle of the message."""
    house.append(b"Subject: large\r\n\r\n" + b"0123456789\r\n" * 200_000)
    (body,) = now(house.open().box.read([COUNT + 1]))
    monkeypatch.setattr("mailaccess.store.reading.present_octets", lambda *_: None)

    def fails(*_: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fails)
    assert body is not None and not isinstance(body, bytes)
    with pytest.raises(TemporaryFailure):
        now(body.read(0, 100))
    body.close()
