"""A search answers what a sequential scan over the decoded text answers, in every language.

The scan here is the definition, written as plainly as possible: fold the whole text, look for the folded
key. Alphabets are small and full of trouble, so that keys do occur: composed and decomposed letters,
jamo, full width, ligatures, ß, İ, combining marks on their own.
"""

from base64 import b64encode
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.message import structure
from mailaccess.message.text import fold, search_text
from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Comparison, Criterion, DateField
from mailaccess.model.sequence import UidSet
from mailaccess.store import search as search_module
from mailaccess.store.search import search
from tests.unit.store_search.memory import MemoryMailbox, run

LETTERS = (
    "a", "A", "b", "é", "e\u0301", "E", "\u0301", "\u0308", "ß", "ẞ", "s", "S", "İ", "ı", "i", "I", "\u0307",
    "회", "의", "\u1112", "\u116c", "\u11bc", "会", "議", "ｶ", "カ", "\u3099", "Ж", "ж", "й", "и\u0306",
    "ﬁ", "ｆ", "fi", "ς", "σ", "Σ", "ﷺ", "𝒜", "🎂", " ", "\r\n", "-", "<", "\u00ad", "\u200b",
)  # fmt: skip
texts = st.lists(st.sampled_from(LETTERS), max_size=12).map("".join)
words = st.lists(st.sampled_from([x for x in LETTERS if x != "\r\n"]), max_size=6).map("".join)
needles = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=3).map("".join)
FLAGS = ("\\Seen", "\\Flagged", "Work")
START = datetime(2019, 3, 1, tzinfo=UTC)


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    subject = b"=?utf-8?B?" + b64encode(draw(words).encode()) + b"?="
    day = START + timedelta(days=draw(st.integers(0, 5)))
    head = b"Subject: " + subject + b"\r\nDate: " + day.strftime("%d %b %Y 12:00:00 +0900").encode() + b"\r\n"
    if draw(st.booleans()):
        head += b"X-Odd: " + draw(words).encode() + b"\r\n"
    kind = b"Content-Type: text/plain; charset=utf-8\r\n"
    if draw(st.booleans()):
        return head + kind + b"\r\n" + draw(texts).encode()
    part = b"--b\r\n" + kind + b"Content-Transfer-Encoding: base64\r\n\r\n"
    parts = [part + b64encode(draw(texts).encode()) + b"\r\n" for _ in range(2)]
    return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(parts) + b"--b--\r\n"


@pytest.fixture(autouse=True, scope="module")
def few():
    """Keys of small mailboxes too are looked for in memory; ``test_search`` of the unit does both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "FEW", 1)
        yield


days = st.integers(0, 5).map(lambda n: (START + timedelta(days=n)).date())
leaves: st.SearchStrategy[Criterion] = st.one_of(
    st.builds(tree.Body, needles),
    st.builds(tree.Text, needles),
    st.builds(tree.Header, st.just("SUBJECT"), needles, st.just(True)),
    st.builds(tree.Header, st.just("X-ODD"), st.one_of(needles, st.just(""))),
    st.builds(tree.HasFlag, st.sampled_from(FLAGS)),
    st.builds(tree.Larger, st.integers(0, 300)),
    st.builds(tree.Smaller, st.integers(0, 300)),
    st.builds(tree.Uids, st.sets(st.integers(1, 12)).map(UidSet.of)),
    st.builds(tree.DateIs, st.sampled_from(DateField), st.sampled_from(Comparison), days),
    st.just(tree.All()),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(tree.Not, inner),
        st.builds(tree.Or, inner, inner),
        st.lists(inner, max_size=3).map(lambda parts: tree.And(tuple(parts))),
    ),
    max_leaves=8,
)
messages = st.tuples(
    mails(),
    st.sets(st.sampled_from(FLAGS)),
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(messages, max_size=8), trees)
def test_a_search_is_a_sequential_scan(
    given_messages: list[tuple[bytes, set[str], int, bool, bool]], criteria: Criterion
) -> None:
    mailbox, scanned = MemoryMailbox(), []
    for uid, (wire, flags, day, cached, indexed) in enumerate(given_messages, 1):
        when = int((START + timedelta(days=day, hours=3)).timestamp())
        mailbox.add(wire, flags=flags, date=when, saved=when, cached=cached, indexed=indexed)
        if matches(criteria, uid, wire, flags, when):
            scanned.append(uid)
    assert run(search(mailbox, criteria, 0)) == scanned
    assert run(search(mailbox, criteria, 0)) == scanned  # from what the first one kept


@given(
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
    st.data(),
)
def test_every_piece_of_a_text_is_found(text: str, data: st.DataObject) -> None:
    """Any characters, any piece of the folded text; folding the piece alone may make another one of it."""
    mailbox = MemoryMailbox()
    mailbox.add(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())
    whole = fold(text)
    start = data.draw(st.integers(0, len(whole)))
    piece = whole[start : data.draw(st.integers(start, len(whole)))]
    assert run(search(mailbox, tree.Body(piece), 0)) == ([1] if fold(piece) in whole else [])


def matches(node: Criterion, uid: int, wire: bytes, flags: set[str], when: int) -> bool:
    def inner(part: Criterion) -> bool:
        return matches(part, uid, wire, flags, when)

    text = search_text(wire, structure.parse(wire))
    match node:
        case tree.And(parts):
            return all(map(inner, parts))
        case tree.Or(left, right):
            return inner(left) or inner(right)
        case tree.Not(part):
            return not inner(part)
        case tree.Body(key):
            return fold(key) in fold(text.body)
        case tree.Text(key):
            return fold(key) in fold(text.body) or fold(key) in fold(text.headers)
        case tree.Header(field, key):
            lines = [line.partition(": ") for line in text.headers.partition("\0")[0].split("\r\n")]
            return any(name.upper() == field and fold(key) in fold(value) for name, _, value in lines)
        case tree.HasFlag(flag):
            return flag in flags
        case tree.Larger(octets):
            return len(wire) > octets
        case tree.Smaller(octets):
            return len(wire) < octets
        case tree.Uids(uids):
            return uid in uids
        case tree.DateIs(field, comparison, day):
            own = datetime.fromtimestamp(when, UTC).date()
            if field is DateField.SENT:
                own = sent_day(wire)
            return {
                Comparison.BEFORE: own < day,
                Comparison.ON: own == day,
                Comparison.SINCE: own >= day,
            }[comparison]
        case tree.All():
            return True
    raise AssertionError(node)


def sent_day(wire: bytes) -> date:
    line = wire.partition(b"Date: ")[2].partition(b"\r\n")[0].decode()
    return datetime.strptime(line, "%d %b %Y %H:%M:%S %z").date()
