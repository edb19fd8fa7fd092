"""COMPRESS=DEFLATE (RFC 4978) and UNAUTHENTICATE (RFC 8437)."""

import zlib

from mailaccess.imap.connection import MAX_BEHIND
from tests.session.driving import Promise


class Compressing:
    """A client's side of the DEFLATE layer."""

    def __init__(self, client):
        self.client = client
        self.out, self.back = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)

    def pack(self, octets):
        return self.out.compress(octets) + self.out.flush(zlib.Z_SYNC_FLUSH)

    def send(self, octets):
        return self.back.decompress(self.client.send(self.pack(octets)))


def test_both_ways_are_compressed_after_the_ok(imap):
    imap.given("INBOX", messages=200)
    one = imap.session("INBOX")
    assert one.send("a COMPRESS DEFLATE\r\n") == b"a OK DEFLATE active\r\n"
    packed = Compressing(one)
    assert packed.send(b"b NOOP\r\n") == b"b OK NOOP completed\r\n"
    assert packed.send(b"c COMPRESS DEFLATE\r\n").startswith(b"c NO [COMPRESSIONACTIVE]")
    said = packed.send(b"d FETCH 1:* (UID FLAGS)\r\n")
    assert said.count(b" FETCH (") == 200 and said.endswith(b"d OK FETCH completed\r\n")
    assert packed.send(b"e APPEND INBOX {3+}\r\nabc\r\n").endswith(b"APPEND completed\r\n")


def test_what_comes_octet_by_octet_is_not_waited_for(imap):
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    packed = Compressing(one)
    octets = packed.pack(b"b NOOP\r\n")
    said = b"".join(one.send(octets[place : place + 1]) for place in range(len(octets)))
    assert packed.back.decompress(said) == b"b OK NOOP completed\r\n"


def test_commands_pipelined_behind_it_are_compressed_already(imap):
    one = imap.session("INBOX")
    packed = Compressing(one)
    said = one.send(b"a COMPRESS DEFLATE\r\n" + packed.pack(b"b IDLE\r\nDONE\r\nc NOOP\r\n"))
    plain, _, rest = said.partition(b"\r\n")
    assert plain == b"a OK DEFLATE active"
    assert packed.back.decompress(rest) == b"+ idling\r\nb OK IDLE completed\r\nc OK NOOP completed\r\n"


def test_a_bomb_is_inflated_a_piece_at_a_time(imap):
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    packed = Compressing(one)
    waiting = imap.account.waits["refresh"] = Promise()
    one.connection.received(packed.pack(b"b NOOP\r\n" + b"\r\n" * 20_000_000))
    assert one.connection.framer.pending <= MAX_BEHIND
    waiting.keep()
    assert packed.back.decompress(one.take()) == b"b OK NOOP completed\r\n"
    assert packed.send(b"c NOOP\r\n") == b"c OK NOOP completed\r\n"


def test_what_is_not_compressed_ends_the_connection(imap):
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    one.send(b"\xff\xff\xff\xff b NOOP\r\n")
    assert one.wire.closed


def test_only_deflate_is_known(imap):
    assert imap.session().ask("COMPRESS LZW").status.startswith("NO")
    assert imap.connect().ask("COMPRESS DEFLATE").status.startswith("BAD")


def test_unauthenticate_brings_back_the_greetings_state(imap):
    one = imap.session("INBOX", enable=["QRESYNC"])
    answer = one.ask("UNAUTHENTICATE")
    assert answer.status.startswith("OK [CAPABILITY IMAP4rev1 ") and "AUTH=PLAIN" in answer.status
    assert imap.account.rooms["INBOX"].handles == [] and one.wire.admitted == []
    assert one.ask("SELECT INBOX").status.startswith("BAD")
    assert one.ask("LOGIN kim@daum.net secret").status.startswith("OK")
    assert one.ask("SELECT INBOX (QRESYNC (1 1))").status.startswith("BAD")
    one.ask("UNAUTHENTICATE")
    imap.clock.advance(181)
    assert one.wire.closed


def test_unauthenticate_ends_the_compression_even_with_a_plain_command_right_behind_it(imap):
    """RFC 8437 §4.1: the OK is compressed, the command behind it is not."""
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    packed = Compressing(one)
    said = one.send(packed.pack(b"b UNAUTHENTICATE\r\n") + b"c LOGIN lee secret\r\nd NOOP\r\n")
    head, flushed, plain = said.partition(b"\0\0\xff\xff")
    answer = packed.back.decompress(head + flushed)
    assert answer.startswith(b"b OK [CAPABILITY IMAP4rev1 ") and answer.endswith(b"nobody now\r\n")
    assert plain.startswith(b"c OK [CAPABILITY ") and plain.endswith(b"d OK NOOP completed\r\n")
    assert one.ask("COMPRESS DEFLATE").status == "OK DEFLATE active"


def test_a_client_that_finishes_its_stream_goes_on_in_plain_too(imap):
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    packed = Compressing(one)
    last = packed.out.compress(b"b UNAUTHENTICATE\r\n") + packed.out.flush(zlib.Z_FINISH)
    one.send(last)
    assert one.send(b"c NOOP\r\n") == b"c OK NOOP completed\r\n"


def test_a_stream_that_ends_otherwise_ends_the_connection(imap):
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    packed = Compressing(one)
    one.send(packed.out.compress(b"b NOOP\r\n") + packed.out.flush(zlib.Z_FINISH))
    one.send(b"c NOOP\r\n")
    assert one.wire.closed


def test_a_message_that_looks_like_the_end_of_the_compression_is_whole(imap):
    one = imap.session("INBOX")
    one.send("a COMPRESS DEFLATE\r\n")
    packed = Compressing(one)
    packed.out = zlib.compressobj(0, wbits=-15)  # stored: the octets stand in the stream as they are
    content = b"x\0\0\xff\xffa NOOP\r\n" * 500
    body = b"Content-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content
    said = packed.send(
        b"b APPEND INBOX (\\Seen) ~{%d+}\r\n%b\r\nc FETCH 1 BINARY.SIZE[1]\r\n" % (len(body), body)
    )
    assert b"b OK [APPENDUID" in said and b"BINARY.SIZE[1] %d" % len(content) in said
