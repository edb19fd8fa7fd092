"""fetch-att: items, macros, sections, modifiers, and the names under which sections are answered."""

import pytest

from mailaccess.proto.imap import render_fetch
from mailaccess.proto.imap.commands.messages import Fetch
from mailaccess.proto.imap.fetch import (
    MACROS,
    BodySection,
    BodyStructure,
    Envelope,
    FetchAtt,
    Flags,
    InternalDate,
    ModSeq,
    Rfc822Size,
    Section,
    SectionText,
    Uid,
)
from mailaccess.proto.imap.framing import Frame
from mailaccess.proto.imap.parse import ParseError, parse

HEADER, TEXT, MIME = SectionText.HEADER, SectionText.TEXT, SectionText.MIME
FIELDS, FIELDS_NOT = SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT


def fetch(octets: bytes) -> Fetch:
    command = parse(Frame(b"t " + octets)).command
    assert isinstance(command, Fetch)
    return command


@pytest.mark.parametrize(
    ("octets", "items"),
    [
        (b"FLAGS", [Flags()]),
        (b"(flags uid)", [Flags(), Uid()]),
        (b"( FLAGS  UID )", [Flags(), Uid()]),
        (b"(FLAGS FLAGS)", [Flags()]),
        (b"INTERNALDATE", [InternalDate()]),
        (b"RFC822.SIZE", [Rfc822Size()]),
        (b"ENVELOPE", [Envelope()]),
        (b"BODY", [BodyStructure(extended=False)]),
        (b"BODYSTRUCTURE", [BodyStructure(extended=True)]),
        (b"MODSEQ", [ModSeq()]),
        (b"ALL", list(MACROS[b"ALL"])),
        (b"fast", list(MACROS[b"FAST"])),
        (b"Full", list(MACROS[b"FULL"])),
        (b"RFC822", [BodySection(Section(), asked_as=b"RFC822")]),
        (b"RFC822.HEADER", [BodySection(Section(text=HEADER), peek=True, asked_as=b"RFC822.HEADER")]),
        (b"RFC822.TEXT", [BodySection(Section(text=TEXT), asked_as=b"RFC822.TEXT")]),
        (b"BODY[]", [BodySection(Section())]),
        (b"body.peek[]", [BodySection(Section(), peek=True)]),
        (b"BODY[]<0.1>", [BodySection(Section(), partial=(0, 1))]),
        (b"BODY[1]", [BodySection(Section((1,)))]),
        (b"BODY[1.2.3]<100.5>", [BodySection(Section((1, 2, 3)), partial=(100, 5))]),
        (b"BODY[HEADER]", [BodySection(Section(text=HEADER))]),
        (b"BODY[1.MIME]", [BodySection(Section((1,), MIME))]),
        (b"BODY[1.2.header]", [BodySection(Section((1, 2), HEADER))]),
        (b"BODY[HEADER.FIELDS (From To)]", [BodySection(Section((), FIELDS, (b"From", b"To")))]),
        (b'BODY[1.HEADER.FIELDS.NOT ("X y")]', [BodySection(Section((1,), FIELDS_NOT, (b"X y",)))]),
        (b"BODY[HEADER.FIELDS ({4}\r\nFrom )]", [BodySection(Section((), FIELDS, (b"From",)))]),
    ],
)
def test_items(octets: bytes, items: list[FetchAtt]) -> None:
    assert fetch(b"FETCH 1 " + octets).items == tuple(items)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"()",
        b"(ALL)",
        b"ALL FLAGS",
        b"FLAGS UID",
        b"FOO",
        b"(FLAGS",
        b"BODY[",
        b"BODY[0]",
        b"BODY[1",
        b"BODY[1.]",
        b"BODY[.1]",
        b"BODY[1..2]",
        b"BODY[01]",
        b"BODY[99999999999]",
        b"BODY[MIME]",
        b"BODY[TEXT.1]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (A]",
        b"BODY[HEADER.FIELDS (" + b"A " * 1001 + b"B)]",
        b"BODY[FOO]",
        b"BODY[]<0>",
        b"BODY[]<0.0>",
        b"BODY[]<.5>",
        b"BODY[]<-1.5>",
        b"BODY[]<1.5",
        b"BODY.PEEK",
        b"RFC822.PEEK",
        b"BODY[" + b".".join([b"1"] * 101) + b"]",
        b"(" + b" ".join(b"BODY[%d]" % number for number in range(1, 300)) + b")",
        b"FLAGS (FOO)",
        b"FLAGS ()",
        b"FLAGS (VANISHED)",
        b"FLAGS (CHANGEDSINCE x)",
        b"FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)",
        b"FLAGS (CHANGEDSINCE 9223372036854775808)",
    ],
)
def test_no_items(octets: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        fetch(b"FETCH 1 " + octets)
    assert caught.value.name == "FETCH"


def test_uid_fetch_answers_the_uid_first() -> None:
    assert fetch(b"UID FETCH 1 (FLAGS)").items == (Uid(), Flags())
    assert fetch(b"UID FETCH 1 (FLAGS UID)").items == (Uid(), Flags())
    assert fetch(b"FETCH 1 (FLAGS)").items == (Flags(),)


def test_changedsince_asks_for_modseq() -> None:
    found = fetch(b"FETCH 1:* (FLAGS) (CHANGEDSINCE 0)")
    assert (found.items, found.changed_since, found.vanished) == ((Flags(), ModSeq()), 0, False)
    found = fetch(b"UID FETCH 1:* FLAGS (changedsince 5 VANISHED)")
    assert (found.items, found.changed_since, found.vanished) == ((Uid(), Flags(), ModSeq()), 5, True)


def test_an_error_names_the_place_though_items_are_remembered() -> None:
    for number in (b"1", b"12345"):
        with pytest.raises(ParseError) as caught:
            fetch(b"FETCH " + number + b" (FLAGS FOO)")
        assert str(caught.value).endswith(f"at octet {len(number) + 17}")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"BODY[]", b"BODY[]"),
        (b"BODY.PEEK[]<0.100>", b"BODY[]<0>"),
        (b"body.peek[1.2.text]<7.9>", b"BODY[1.2.TEXT]<7>"),
        (b"BODY[HEADER.FIELDS (From TO)]", b"BODY[HEADER.FIELDS (From TO)]"),
        (b'BODY[1.HEADER.FIELDS.NOT ("From" "a b")]', b'BODY[1.HEADER.FIELDS.NOT (From "a b")]'),
        (b"BODY[HEADER.FIELDS ({3}\r\na\r\n)]", b"BODY[HEADER.FIELDS ({3}\r\na\r\n)]"),
        (b"RFC822", b"RFC822"),
        (b"rfc822.header", b"RFC822.HEADER"),
    ],
)
def test_the_name_of_a_section_in_the_answer(asked: bytes, answered: bytes) -> None:
    (item,) = fetch(b"FETCH 1 " + asked).items
    assert isinstance(item, BodySection)
    assert render_fetch.section_label(item) == answered
