"""THREAD: messages gathered into trees (RFC 5256 §3), as pure functions over what is cached of them.

The trees come in the shape of the THREAD response: a thread is a list of numbers, each the parent of the
next, and at its end a list for every branch; ``[3, 6, [4, 23], [44, 7, 96]]`` is ``(3 6 (4 23)(44 7 96))``.
A thread whose first message is not among those searched begins with its branches: ``[[3], [5]]``.

Nothing here calls itself, for threads may be as deep as there are messages; and a message whose ancestry
is longer than MAX_DEPTH begins a thread of its own, so that looking for loops stays cheap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_DEPTH: Final = 1_000
"""Ancestors of a message; the longest discussions have some hundreds. Bounds every search for a loop."""

Tree = list[Any]
"""Numbers, then lists of the same kind. (Python's type checkers can say no more without a class.)"""


@dataclass(frozen=True, slots=True)
class Threadable:
    """What threading needs of one message.

    number: as the answer shows it, a message number or UID.  sent: seconds since the epoch, §2.2.
    subject, is_reply: the folded base subject (§2.1), and whether something was taken off it.
    message_id, references: normalised identifiers, oldest first (``message.searchkeys``).
    """

    number: int
    sent: int
    subject: str = ""
    is_reply: bool = False
    message_id: bytes | None = None
    references: Sequence[bytes] = ()


def ordered_subject(messages: Iterable[Threadable]) -> list[Tree]:
    """ORDEREDSUBJECT: one thread for each base subject, everything under its first message."""
    threads: dict[str, list[Threadable]] = {}
    for message in sorted(messages, key=_age):
        threads.setdefault(message.subject, []).append(message)
    # The dict keeps the order of each thread's first message.
    answer: list[Tree] = []
    for first, *others in threads.values():
        branches: list[Any] = [other.number for other in others]
        answer.append([first.number, *(branches if len(branches) == 1 else [[each] for each in branches])])
    return answer


def references(messages: Iterable[Threadable]) -> list[Tree]:
    """REFERENCES: by the messages' references, then by the subjects of what has none."""
    forest = _Forest(sorted(messages, key=lambda message: message.number))
    return forest.answer(_merged_by_subject(forest, forest.roots()), newest=False)


def refs(messages: Iterable[Threadable]) -> list[Tree]:
    """REFS (draft-ietf-morg-inthread §5): by references alone; the thread with the newest message is last."""
    forest = _Forest(sorted(messages, key=lambda message: message.number))
    return forest.answer(forest.roots(), newest=True)


def _age(message: Threadable) -> tuple[int, int]:
    return message.sent, message.number


class _Root:
    """A child of the root: a message, or a dummy (None) with at least two children.

    orphaned: whether the thread's first message names one that is not there.
    """

    __slots__ = ("children", "node", "orphaned")

    def __init__(self, node: int | None, children: list[int], orphaned: bool = True) -> None:
        self.node = node
        self.children = children
        self.orphaned = orphaned


class _Forest:
    """Messages by their places in the given order, linked as steps 1 to 3 of REFERENCES say.

    Places past the messages are dummies: identifiers that are named, of messages that are not there.
    """

    def __init__(self, messages: list[Threadable]) -> None:
        self.messages = messages
        self.parents = [-1] * len(messages)
        self.children: list[dict[int, None]] = [{} for _ in messages]  # as sets that keep their order
        self._places: dict[bytes, int] = {}
        for place, message in enumerate(messages):
            if message.message_id is not None:
                self._places.setdefault(message.message_id, place)
        for place, message in enumerate(messages):
            self._link_ancestry(place, message.references)

    def _link_ancestry(self, place: int, ancestors: Sequence[bytes]) -> None:
        """Step 1: what a message names, one under the other, and the message under the last."""
        previous = -1
        for identifier in ancestors:
            node = self._place(identifier)
            if previous >= 0 and self.parents[node] < 0 and not self._descends(previous, node):
                self._link(previous, node)
            previous = node
        if self.parents[place] >= 0:
            del self.children[self.parents[place]][place]
            self.parents[place] = -1
        if previous >= 0 and not self._descends(previous, place):
            self._link(previous, place)

    def _place(self, identifier: bytes) -> int:
        place = self._places.setdefault(identifier, len(self.parents))
        if place == len(self.parents):
            self.parents.append(-1)
            self.children.append({})
        return place

    def _link(self, parent: int, child: int) -> None:
        self.parents[child] = parent
        self.children[parent][child] = None

    def _descends(self, node: int, ancestor: int) -> bool:
        """Whether ``node`` is ``ancestor`` or below it, or too deep for anything to stand below it."""
        if not self.children[ancestor]:
            return node == ancestor
        for _ in range(MAX_DEPTH):
            if node == ancestor:
                return True
            node = self.parents[node]
            if node < 0:
                return False
        return True

    def roots(self) -> list[_Root]:
        """Steps 2 and 3: the heads of threads, with dummies inside threads replaced by their children."""
        order = [node for node, parent in enumerate(self.parents) if parent < 0]
        heads = len(order)
        for node in order:  # it grows: parents before children
            order += self.children[node]
        self.pruned: list[list[int]] = [[] for _ in self.parents]
        for node in reversed(order):
            self.pruned[node] = self._spliced(self.children[node])
        roots: list[_Root] = []
        for node in order[:heads]:
            children = self.pruned[node]
            if not self._is_dummy(node):
                roots.append(_Root(node, children, False))
            elif len(children) == 1:
                roots.append(_Root(children[0], self.pruned[children[0]]))
            elif children:
                roots.append(_Root(None, children))
        return roots

    def _is_dummy(self, node: int) -> bool:
        return node >= len(self.messages)

    def _spliced(self, children: Iterable[int]) -> list[int]:
        found: list[int] = []
        for child in children:
            if self._is_dummy(child):
                found += self.pruned[child]
            else:
                found.append(child)
        return found

    def age(self, node: int) -> tuple[int, int]:
        return _age(self.messages[node])

    def first(self, root: _Root) -> int:
        """The message that stands for a root: itself, or the oldest child of a dummy."""
        return root.node if root.node is not None else min(root.children, key=self.age)

    def newest(self, root: _Root) -> tuple[int, bool, int]:
        """The sent date of a thread's newest message; of equals those without their head, then by number.

        The draft leaves equals open; Dovecot, the only other server with REFS, has them in this order.
        """
        nodes = [*root.children] if root.node is None else [root.node]
        for node in nodes:  # it grows
            nodes += self.pruned[node]
        number = self.messages[self.first(root)].number
        return max(self.messages[node].sent for node in nodes), not root.orphaned, number

    def answer(self, roots: list[_Root], *, newest: bool) -> list[Tree]:
        """Steps 4 and 6: siblings by age, threads by that of their first message (or their newest)."""
        key = self.newest if newest else (lambda root: self.age(self.first(root)))
        return [self._tree(root) for root in sorted(roots, key=key)]

    def _tree(self, root: _Root) -> Tree:
        tree: Tree = []
        pending: list[tuple[Tree, int | None, list[int]]] = [(tree, root.node, root.children)]
        while pending:
            into, node, children = pending.pop()
            if node is not None:
                into.append(self.messages[node].number)
            ordered = sorted(children, key=self.age)
            if len(ordered) == 1:
                pending.append((into, ordered[0], self.pruned[ordered[0]]))
                continue
            for child in ordered:
                branch: Tree = []
                into.append(branch)
                pending.append((branch, child, self.pruned[child]))
        return tree


def _merged_by_subject(forest: _Forest, roots: list[_Root]) -> list[_Root]:
    """Step 5: threads of one subject become one."""
    roots = sorted(roots, key=lambda root: forest.age(forest.first(root)))

    def head(root: _Root) -> Threadable:
        return forest.messages[forest.first(root)]

    def is_reply(root: _Root) -> bool:
        return root.node is not None and forest.messages[root.node].is_reply

    table: dict[str, _Root] = {}
    for root in roots:
        subject = head(root).subject
        known = table.get(subject)
        if known is None or (
            known.node is not None and (root.node is None or (is_reply(known) and not is_reply(root)))
        ):
            table[subject] = root
    table.pop("", None)
    merged: list[_Root] = []
    inside: set[int] = set()  # ids of roots that have gone into others
    for root in roots:
        subject = head(root).subject
        known = table.get(subject)
        if id(root) in inside:
            continue
        if known is None or known is root:
            merged.append(root)
        elif known.node is None:
            known.children += root.children if root.node is None else [root.node]
            inside.add(id(root))
        elif root.node is not None and is_reply(root) and not is_reply(known):
            known.children.append(root.node)
            inside.add(id(root))
        else:
            members = [known.node] + (root.children if root.node is None else [root.node])
            table[subject] = dummy = _Root(None, members)
            inside |= {id(known), id(root)}
            merged.append(dummy)
    return [root for root in merged if id(root) not in inside]
