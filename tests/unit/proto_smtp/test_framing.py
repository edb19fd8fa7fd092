import pytest

from mailaccess.proto.smtp.framing import MAX_LINE, Framer, LineTooLong


def data(framer, *pieces):
    """The content, whether it ended, and what is left."""
    content = b""
    ended = False
    framer.begin_data()
    for piece in pieces:
        framer.feed(piece)
        got, ended = framer.data()
        content += got
        if ended:
            break
    return content, ended


@pytest.mark.parametrize(
    ("wire", "content"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n..a\r\n.b\r\n.\r\n", b"..\r\n.a\r\nb\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
        (b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n"),
        (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n"),
        (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\r\n"),
    ],
)
def test_content_ends_at_crlf_dot_crlf_only(wire, content):
    assert data(Framer(), wire) == (content, True)
    assert data(Framer(), *[wire[i : i + 1] for i in range(len(wire))]) == (content, True)


def test_what_follows_the_end_is_a_command_again():
    framer = Framer()
    framer.feed(b"DATA\r\na\r\n.\r\nQUIT\r\n")
    assert framer.line() == b"DATA"
    framer.begin_data()
    assert framer.data() == (b"a\r\n", True)
    assert framer.line() == b"QUIT"
    assert framer.line() is None and framer.pending == 0


def test_chunks_are_taken_as_they_are():
    framer = Framer()
    framer.feed(b"BDAT 5\r\n.\r\n.QUIT\r\n")
    assert framer.line() == b"BDAT 5"
    assert framer.chunk(3) == b".\r\n" and framer.chunk(2) == b".Q"
    assert framer.line() == b"UIT"


def test_a_long_line_is_told_once_and_skipped():
    framer = Framer()
    framer.feed(b"a" * (MAX_LINE + 1))
    with pytest.raises(LineTooLong):
        framer.line()
    for _ in range(10):
        framer.feed(b"a" * MAX_LINE)
        assert framer.line() is None
        assert framer.pending == 0
    framer.feed(b"\r\nNOOP\r\n")
    assert framer.line() == b"NOOP"
    framer.feed(b"b" * (MAX_LINE + 5) + b"\r\nNOOP\r\n")
    with pytest.raises(LineTooLong):
        framer.line()
    assert framer.line() == b"NOOP"
