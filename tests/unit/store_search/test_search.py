"""Search keys over a mailbox in memory: what each finds, and that only what is needed is looked at."""

from datetime import date

import pytest

from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Comparison, Criterion, DateField
from mailaccess.model.sequence import UidSet
from mailaccess.store import search as search_module
from mailaccess.store.index import cache
from mailaccess.store.search import search
from tests.unit.store_search.memory import MemoryMailbox, run

DAY = 86_400


@pytest.fixture(params=[1, 500], autouse=True, ids=["by texts in memory", "by rows"])
def few(request, monkeypatch) -> None:
    """The same answers whether a key is looked for in memory or in the index."""
    monkeypatch.setattr(search_module, "FEW", request.param)


def found(mailbox: MemoryMailbox, criteria: Criterion, now: float = 0) -> list[int]:
    return run(search(mailbox, criteria, now))


def mail(subject: str = "s", body: str = "b", sender: str = "kim@daum.net", more: str = "") -> bytes:
    return (
        f"From: {sender}\r\nSubject: {subject}\r\n{more}"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


@pytest.fixture
def three() -> MemoryMailbox:
    mailbox = MemoryMailbox()
    mailbox.add(mail("One", "erste Straße"), flags=["\\Seen"], size=100, date=10 * DAY, modseq=5)
    mailbox.add(mail("Two", "회의 내용"), flags=["$Work"], size=200, date=11 * DAY - 1, modseq=6, saved=DAY)
    mailbox.add(mail("Three", "third"), flags=["\\Seen", "\\Flagged"], size=300, date=11 * DAY, modseq=7)
    return mailbox


@pytest.mark.parametrize(
    ("criteria", "uids"),
    [
        (tree.All(), [1, 2, 3]),
        (tree.Uids(UidSet.parse("2:9")), [2, 3]),
        (tree.Uids(UidSet()), []),
        (tree.HasFlag("\\Seen"), [1, 3]),
        (tree.HasFlag("$wORK"), [2]),
        (tree.HasFlag("nothing"), []),
        (tree.Not(tree.HasFlag("\\Seen")), [2]),
        (tree.Larger(200), [3]),
        (tree.Smaller(200), [1]),
        (tree.ModSeqSince(6), [2, 3]),
        (tree.DateIs(DateField.INTERNAL, Comparison.BEFORE, date(1970, 1, 12)), [1, 2]),
        (tree.DateIs(DateField.INTERNAL, Comparison.ON, date(1970, 1, 11)), [1, 2]),
        (tree.DateIs(DateField.INTERNAL, Comparison.SINCE, date(1970, 1, 12)), [3]),
        (tree.DateIs(DateField.SAVED, Comparison.ON, date(1970, 1, 2)), [2]),
        (tree.Older(DAY), [1, 2, 3]),
        (tree.Older(DAY + 1), [1, 2]),
        (tree.Younger(DAY), [3]),
        (tree.Younger(DAY + 1), [2, 3]),
        (tree.Header("SUBJECT", "T", True), [2, 3]),
        (tree.Header("SUBJECT", "", True), [1, 2, 3]),
        (tree.Header("X-NONE", ""), []),
        (tree.Header("CONTENT-TYPE", "UTF-8"), [1, 2, 3]),
        (tree.Body("STRAẞE"), [1]),
        (tree.Body("회의"), [2]),
        (tree.Body("\N{HANGUL CHOSEONG HIEUH}\N{HANGUL JUNGSEONG OE}의"), [2]),
        (tree.Body(""), [1, 2, 3]),
        (tree.Body("Three"), []),
        (tree.Text("three"), [3]),
        (tree.Text("b\0"), []),
        (tree.Header("SUBJECT", "\0", True), []),
        (tree.Or(tree.Body("third"), tree.HasFlag("$Work")), [2, 3]),
        (tree.And((tree.Body("t"), tree.HasFlag("\\Seen"), tree.Not(tree.Larger(250)))), [1]),
        (tree.And(()), [1, 2, 3]),
        (tree.Not(tree.Not(tree.Larger(100))), [2, 3]),
        (tree.Not(tree.And((tree.All(), tree.And((tree.Larger(100), tree.Smaller(300)))))), [1, 3]),
    ],
    ids=repr,
)
def test_a_key_finds(three: MemoryMailbox, criteria: Criterion, uids: list[int]) -> None:
    assert found(three, criteria, now=12 * DAY) == uids


@pytest.mark.parametrize(
    ("key", "uids"),
    [
        ("kim minjun", [1]),
        ("<KIM@daum", [1, 2]),
        ("이서연", [3]),
        ("comment", []),
        ("@daum.net", [1, 2]),
        ("", [1, 2, 3]),
    ],
)
def test_from_looks_at_addresses_written_anew(key: str, uids: list[int]) -> None:
    mailbox = MemoryMailbox()
    mailbox.add(b'From: "Kim\r\n Minjun" (comment) < kim @ daum.net >\r\n\r\n')
    mailbox.add(b"From: kim@daum.net\r\n\r\n")
    mailbox.add(b"From: =?utf-8?B?7J207ISc7Jew?= <lee@naver.com>\r\n\r\n")
    mailbox.add(b"To: nobody\r\n\r\n")
    assert found(mailbox, tree.Header("FROM", key, True)) == uids


def test_sent_disregards_time_and_zone_and_counts_what_has_no_date_as_1970() -> None:
    mailbox = MemoryMailbox()
    mailbox.add(b"Date: Mon, 4 Mar 2019 23:30:00 -0800\r\n\r\n")
    mailbox.add(b"Date: Tue, 5 Mar 2019 00:30:00 +0900\r\n\r\n")
    mailbox.add(b"Subject: none\r\n\r\n", date=1_600_000_000)
    day = date(2019, 3, 5)
    assert found(mailbox, tree.DateIs(DateField.SENT, Comparison.ON, day)) == [2]
    assert found(mailbox, tree.DateIs(DateField.SENT, Comparison.BEFORE, day)) == [1, 3]
    assert found(mailbox, tree.DateIs(DateField.SENT, Comparison.SINCE, day)) == [2]


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize(
    "criteria",
    [
        tree.Header("SUBJECT", "7", True),
        tree.Header("X-NUMBER", "7"),
        tree.Body("7"),
        tree.Text("x-number: 7"),
    ],
    ids=repr,
)
def test_what_is_not_cached_or_indexed_yet_is_found_too(cached: bool, criteria: Criterion) -> None:
    mailbox = MemoryMailbox()
    for number in range(1, 101):
        mailbox.add(
            mail(str(number), str(number), more=f"X-Number: {number}\r\n"), cached=cached, indexed=False
        )
    expected = [n for n in range(1, 101) if "7" in str(n)]
    if isinstance(criteria, tree.Text):
        expected = [n for n in range(1, 101) if str(n).startswith("7")]
    assert found(mailbox, criteria) == expected
    mailbox.reads.clear()
    assert found(mailbox, criteria) == expected
    assert mailbox.reads == []


def test_texts_are_read_only_where_nothing_cheaper_decides(three: MemoryMailbox) -> None:
    three.connection.execute("DELETE FROM fulltext")
    three.reads.clear()
    dear = tree.Text("third")
    assert found(three, tree.And((dear, tree.Header("SUBJECT", "Three", True), tree.HasFlag("\\Seen")))) == [
        3
    ]
    assert found(three, tree.Or(tree.And((dear, tree.Larger(250))), tree.All())) == [1, 2, 3]
    assert three.reads == [103]


def test_copies_of_one_content_are_all_found_and_read_once() -> None:
    mailbox = MemoryMailbox()
    for _ in range(3):
        mailbox.add(mail(body="needle"), content=50, indexed=False)
    assert found(mailbox, tree.Body("needle")) == [1, 2, 3]
    assert mailbox.reads == [50]


def test_contents_in_any_order_come_out_as_ascending_uids() -> None:
    mailbox = MemoryMailbox()
    for content in (900, 3, 70, 5000, 4):
        mailbox.add(mail(body="needle"), content=content)
    assert found(mailbox, tree.Body("needle")) == [1, 2, 3, 4, 5]
    assert found(mailbox, tree.Header("FROM", "kim", True)) == [1, 2, 3, 4, 5]


def test_messages_expunged_meanwhile_are_left_out_and_new_ones_are_not_in(three: MemoryMailbox) -> None:
    def meanwhile() -> None:
        three.between = lambda: None
        three.expunge(1)
        three.add(mail("Four"), size=400)

    three.between = meanwhile
    assert found(three, tree.Not(tree.Body("nowhere"))) == [2, 3]


def test_long_columns_are_compared_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "SLICE", 10)
    mailbox = MemoryMailbox()
    for number in range(95):
        mailbox.add(size=number, flags=["\\Seen"] if number % 2 else [], cached=False, indexed=False)
    criteria = tree.And((tree.Not(tree.HasFlag("\\Seen")), tree.Larger(49)))
    assert found(mailbox, criteria) == [n + 1 for n in range(95) if n > 49 and not n % 2]
    assert mailbox.pauses >= 9


def test_keys_are_asked_in_batches_so_that_other_jobs_come_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "KEYS_AT_ONCE", 10)
    monkeypatch.setattr(search_module, "FEW", 500)
    mailbox = MemoryMailbox()
    for number in range(45):
        mailbox.add(mail(str(number)), indexed=False)
    assert found(mailbox, tree.Header("SUBJECT", "4", True)) == [5, 15, 25, 35, *range(41, 46)]
    assert mailbox.jobs == 5


def test_numbers_that_only_a_session_knows_are_refused(three: MemoryMailbox) -> None:
    with pytest.raises(ValueError):
        found(three, tree.Recent())


def test_nesting_costs_no_more_than_its_leaves(three: MemoryMailbox) -> None:
    node: Criterion = tree.HasFlag("\\Seen")
    for _ in range(60):
        node = tree.And((tree.Not(tree.And((tree.All(), tree.Not(node)))), tree.And((node, tree.All()))))
        node = node.parts[0] if isinstance(node, tree.And) else node
    assert found(three, node) == [1, 3]


def test_a_field_longer_than_the_bound_is_searched_up_to_it() -> None:
    mailbox = MemoryMailbox()
    mailbox.add(b"Subject: first " + b"x" * (cache.MAX_KEPT_HEADER * 2) + b" last\r\n\r\n")
    assert found(mailbox, tree.Header("SUBJECT", "first", True)) == [1]
    assert found(mailbox, tree.Header("SUBJECT", "last", True)) == []
    assert mailbox.reads == []


def test_a_long_key_is_found_as_a_whole() -> None:
    mailbox = MemoryMailbox()
    mailbox.add(mail("ab" * 100 + "c"))
    mailbox.add(mail("ab" * 100 + "d"))
    assert found(mailbox, tree.Header("SUBJECT", "AB" * 90 + "c", True)) == [1]
    assert found(mailbox, tree.Header("CC", "x" * 100, True)) == []
