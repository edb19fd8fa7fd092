"""Signs of life of a long command (RFC 9585)."""

from tests.session.driving import Promise


def test_a_long_search_tells_that_it_is_alive(imap):
    imap.given("INBOX", messages=1)
    one = imap.session("INBOX")
    waiting = imap.account.waits["search"] = Promise()
    assert one.send("a SEARCH ALL\r\n") == b""
    imap.clock.advance(21)
    assert one.take().decode().split("\r\n")[:-1] == ['* OK [INPROGRESS ("a" NIL NIL)] Still at it'] * 2
    waiting.keep()
    assert one.take() == b"* SEARCH 1\r\na OK SEARCH completed\r\n"
    imap.clock.advance(60)
    assert one.take() == b""


def test_a_tag_that_would_end_the_code_is_not_told(imap):
    one = imap.session("INBOX")
    waiting = imap.account.waits["search"] = Promise()
    one.send("a] SEARCH ALL\r\n")
    imap.clock.advance(11)
    assert one.take() == b"* OK [INPROGRESS (NIL NIL NIL)] Still at it\r\n"
    waiting.keep()
