"""The base subject (RFC 5256 §2.1)."""

import pytest

from mailaccess.message.subject import base_subject


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("hello", "hello", False),
        ("Re: hello", "hello", True),
        ("RE:hello", "hello", True),
        ("Fwd: Re: fw: hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("re [x] : hello", "hello", True),
        ("hello (fwd)", "hello", True),
        ("hello (FWD) (fwd) ", "hello", True),
        ("[Fwd: hello]", "hello", True),
        ("[Fwd: Re: [list] hello (fwd)]", "hello", True),
        ("[list] hello", "hello", False),
        ("[list] Re: [list] hello", "hello", True),
        ("[a][b] Re: hello", "hello", True),
        ("[only a tag]", "[only a tag]", False),
        ("[a] [b]", "[b]", False),
        ("Re: [list]", "[list]", True),
        ("Re:", "", True),
        ("  many   spaces\t here ", "many spaces here", False),
        ("regarding: x", "regarding: x", False),
        ("회의 일정", "회의 일정", False),
        ("", "", False),
    ],
)
def test_a_subject_reduces_to(subject: str, base: str, is_reply: bool) -> None:
    assert base_subject(subject) == (base, is_reply)


def test_reducing_again_changes_nothing() -> None:
    for subject in ("[Fwd: [a] Re: x (fwd)]", "[a][b][c]", "Re: Re: [x] [fwd: y]"):
        once = base_subject(subject).text
        assert base_subject(once).text == once
