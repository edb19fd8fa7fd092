"""Threads of RFC 5256 §3: its rules one by one, and threads as deep or tangled as anybody can make them."""

import dataclasses

import pytest

from mailaccess.store import thread
from mailaccess.store.sort import Sortable, SortCriterion, SortKey, in_order
from mailaccess.store.thread import Threadable


def message(
    number: int, name: str = "", refs: str = "", subject: str = "", sent: int | None = None
) -> Threadable:
    base = subject.removeprefix("re: ")
    return Threadable(
        number,
        number if sent is None else sent,
        base,
        base != subject,
        name.encode() or None,
        refs.encode().split(),
    )


@pytest.mark.parametrize(
    ("messages", "threads"),
    [
        ([], []),
        ([message(1, "a"), message(2, "b")], [[1], [2]]),
        ([message(1, "a"), message(2, "b", "a"), message(3, "c", "a b")], [[1, 2, 3]]),
        ([message(1, "a"), message(2, "b", "a"), message(3, "c", "a")], [[1, [2], [3]]]),
        ([message(1, "c", "a b"), message(2, "a", sent=5)], [[2, 1]]),
        # What is not there still holds its answers together, but is no message.
        ([message(1, "b", "gone"), message(2, "c", "gone")], [[[1], [2]]]),
        ([message(1, "b", "gone")], [[1]]),
        ([message(1, "a"), message(2, "c", "a gone"), message(3, "d", "a gone")], [[1, [2], [3]]]),
        # The second of one identifier is a message of its own.
        ([message(1, "a"), message(2, "a"), message(3, "b", "a")], [[1, 3], [2]]),
        # No loops, whoever claims to answer whom.
        ([message(1, "a", "b"), message(2, "b", "a")], [[2, 1]]),
        ([message(1, "a", "a")], [[1]]),
        # A subject gathers what has no references.
        ([message(1, "a", subject="x"), message(2, "b", subject="re: x")], [[1, 2]]),
        ([message(1, "a", subject="x"), message(2, "b", subject="x")], [[[1], [2]]]),
        ([message(1, "a", subject="re: x"), message(2, "b", subject="x")], [[2, 1]]),
        ([message(1, "a"), message(2, "b")], [[1], [2]]),
        (
            [
                message(1, "a", "gone", "re: x"),
                message(2, "b", "gone", "re: x"),
                message(3, "c", subject="x"),
            ],
            [[[1], [2], [3]]],
        ),
    ],
)
def test_references(messages: list[Threadable], threads: list[thread.Tree]) -> None:
    assert thread.references(messages) == threads


def test_ordered_subject_puts_everything_under_the_first_of_a_subject() -> None:
    messages = [
        message(1, subject="b"),
        message(2, subject="a"),
        message(3, subject="b"),
        message(4, subject="b"),
    ]
    assert thread.ordered_subject(messages) == [[1, [3], [4]], [2]]


def test_refs_orders_threads_by_their_newest_message_and_ignores_subjects() -> None:
    messages = [message(1, "a", subject="x"), message(2, "b", subject="re: x"), message(3, "c", "a")]
    assert thread.refs(messages) == [[2], [1, 3]]


def test_refs_puts_a_thread_whose_head_is_missing_before_others_as_new() -> None:
    """As Dovecot; the draft leaves equals open."""
    messages = [message(1, "a"), message(2, "b", "gone")]
    at_once = [dataclasses.replace(each, sent=7) for each in messages]
    assert thread.refs(at_once) == [[2], [1]]


def test_a_conversation_as_long_as_the_mailbox_is_one_chain_up_to_the_bound() -> None:
    count = 5 * thread.MAX_DEPTH
    messages = [message(n, f"m{n}", f"m{n - 1}" if n > 1 else "") for n in range(1, count + 1)]
    (tree,) = thread.refs(messages)
    assert tree == list(range(1, count + 1))


def test_ancestry_tangled_to_provoke_loops_stays_cheap_and_loses_no_message() -> None:
    count = 20_000
    messages = [
        message(n, f"m{n}", f"m{(n * 7919) % count} m{(n + 1) % count} m{(n * 31) % count}")
        for n in range(count)
    ]
    seen, pending = 0, thread.references(messages)
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        else:
            seen += 1
    assert seen == count


def test_sorting_by_several_keys_leaves_equal_ones_in_the_order_of_numbers() -> None:
    messages = [
        Sortable(1, size=5, subject="b"),
        Sortable(2, size=7, subject="Äpfel"),
        Sortable(3, size=5, subject="a"),
        Sortable(4, size=7, subject="azur"),
    ]
    by_size = SortCriterion(SortKey.SIZE, reverse=True)
    assert in_order(messages, [by_size]) == [2, 4, 1, 3]
    assert in_order(messages, [by_size, SortCriterion(SortKey.SUBJECT)]) == [4, 2, 3, 1]
    assert in_order(messages, []) == [1, 2, 3, 4]
