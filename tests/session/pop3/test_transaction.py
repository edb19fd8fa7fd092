"""After login: the maildrop, messages, deletions."""

import pytest

from mailaccess.model.errors import TemporaryFailure

ONE = b"Subject: one\r\n\r\n.hidden\r\n..\r\nend\r\n"
TWO = b"Subject: two\r\nX: y\r\n\r\n1\r\n.2\r\n3\r\n"
THREE = b"Subject: three\r\n\r\nno line end"


@pytest.fixture
def drop(pop3):
    pop3.given(ONE, TWO, THREE)
    return pop3.login()


def test_stat_list_uidl(drop):
    total = len(ONE) + len(TWO) + len(THREE)
    drop.talk(f"""
        C: STAT
        S: +OK 3 {total}
        C: LIST
        S: +OK 3 messages ({total} octets)
        S: 1 {len(ONE)}
        S: 2 {len(TWO)}
        S: 3 {len(THREE)}
        S: .
        C: list 2
        S: +OK 2 {len(TWO)}
        C: UIDL
        S: +OK
        S: 1 0000000165432100
        S: 2 0000000265432100
        S: 3 0000000365432100
        S: .
        C: UIDL 3
        S: +OK 3 0000000365432100
        C: NOOP
        S: +OK OK
    """)


def test_retr_is_dot_stuffed_and_ended(drop):
    assert drop.send(b"RETR 1\r\n") == (
        b"+OK %d octets\r\nSubject: one\r\n\r\n..hidden\r\n...\r\nend\r\n.\r\n" % len(ONE)
    )
    assert drop.send(b"RETR 3\r\n").endswith(b"no line end\r\n.\r\n")


def test_top(drop):
    header = b"Subject: two\r\nX: y\r\n\r\n"
    ok = b"+OK Top of message follows\r\n"
    assert drop.send(b"TOP 2 0\r\n") == ok + header + b".\r\n"
    assert drop.send(b"TOP 2 2\r\n") == ok + header + b"1\r\n..2\r\n.\r\n"
    assert drop.send(b"TOP 2 4000000000\r\n") == ok + header + b"1\r\n..2\r\n3\r\n.\r\n"
    assert drop.send(b"TOP 3 1\r\n") == ok + b"Subject: three\r\n\r\nno line end\r\n.\r\n"


def test_a_header_without_an_end_gets_one_in_top(pop3):
    pop3.given(b"Subject: only\r\n", b"", b"\r\nbody\r\n")
    drop = pop3.login()
    assert drop.send(b"TOP 1 5\r\n").endswith(b"follows\r\nSubject: only\r\n\r\n.\r\n")
    assert drop.send(b"TOP 2 0\r\n").endswith(b"follows\r\n\r\n.\r\n")
    assert drop.send(b"TOP 3 1\r\n").endswith(b"follows\r\n\r\nbody\r\n.\r\n")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"RETR 4", b"-ERR There is no message 4"),
        (b"RETR 0", b"-ERR There is no message 0"),
        (b"RETR", b"-ERR Syntax: RETR number"),
        (b"RETR x", b"-ERR Syntax: RETR number"),
        (b"RETR 1 2", b"-ERR Syntax: RETR number"),
        (b"RETR 99999999999999999999", b"-ERR Syntax: RETR number"),
        (b"LIST -1", b"-ERR Syntax: LIST [number]"),
        (b"TOP 1", b"-ERR Syntax: TOP number lines"),
        (b"TOP 9 1", b"-ERR There is no message 9"),
        (b"DELE 9", b"-ERR There is no message 9"),
        (b"LAST", b"-ERR Unknown command"),
        (b"", b"-ERR Unknown command"),
    ],
)
def test_wrong_commands(drop, command, answer):
    assert drop.send(command + b"\r\n") == answer + b"\r\n"


def test_deletion_waits_for_quit(pop3, drop):
    account = pop3.store.account("lee@naver.com")
    drop.talk(f"""
        C: DELE 2
        S: +OK Message 2 will be deleted at QUIT
        C: DELE 2
        S: -ERR Message 2 is marked for deletion
        C: RETR 2
        S: -ERR Message 2 is marked for deletion
        C: STAT
        S: +OK 2 {len(ONE) + len(THREE)}
        C: UIDL
        S: +OK
        S: 1 0000000165432100
        S: 3 0000000365432100
        S: .
        C: RSET
        S: +OK 1 messages unmarked, 3 messages ({len(ONE + TWO + THREE)} octets)
        C: DELE 1
        S: +OK ...
        C: DELE 3
        S: +OK ...
    """)
    assert len(account.messages()) == 3
    drop.talk("""
        C: QUIT
        S: +OK Bye, 2 messages removed
    """)
    assert account.messages() == [TWO]
    assert drop.wire.closed and not account.locked


def test_a_lost_connection_deletes_nothing(pop3, drop):
    drop.send(b"DELE 1\r\nRETR 2\r\n")
    drop.lose()
    account = pop3.store.account("lee@naver.com")
    assert len(account.messages()) == 3
    assert account.seen == {2}
    assert not account.locked and account.opened[0].closed


def test_a_failing_removal_is_told(pop3, drop):
    pop3.store.account("lee@naver.com").remove_fails = TemporaryFailure(detail="disk full")
    assert drop.send(b"DELE 1\r\nQUIT\r\n").endswith(
        b"-ERR [SYS/TEMP] The messages could not be removed; they are still there\r\n"
    )
    assert drop.wire.closed and not pop3.store.account("lee@naver.com").locked


def test_what_was_retrieved_is_seen_and_a_top_is_not(pop3, drop):
    drop.send(b"RETR 1\r\nTOP 2 10\r\nRETR 3\r\nDELE 3\r\nQUIT\r\n")
    assert pop3.store.account("lee@naver.com").seen == {1}


def test_messages_that_come_or_go_meanwhile_change_no_number(pop3, drop):
    account = pop3.store.account("lee@naver.com")
    account.put(b"new\r\n")
    del account.boxes["INBOX"][2]
    drop.talk("""
        C: RETR 2
        S: -ERR Message 2 was removed by another program
        C: TOP 2 0
        S: -ERR Message 2 was removed by another program
        C: UIDL 2
        S: +OK 2 0000000265432100
        C: LIST 4
        S: -ERR There is no message 4
        C: DELE 2
        S: +OK ...
        C: QUIT
        S: +OK Bye, 1 messages removed
    """)
    assert len(account.messages()) == 3


def test_pipelined_retrievals_are_answered_in_order_and_read_ahead(pop3):
    messages = [b"Subject: %d\r\n\r\n%d\r\n" % (n, n) for n in range(1, 101)]
    account = pop3.given(*messages)
    drop = pop3.login()
    said = drop.send(b"".join(b"RETR %d\r\n" % n for n in range(1, 101)))
    assert said == b"".join(b"+OK %d octets\r\n%b.\r\n" % (len(each), each) for each in messages)
    assert len(account.opened[0].reads) < 10
    assert account.opened[0].reads[0] == [1]


def test_going_backwards_reads_nothing_ahead(pop3):
    account = pop3.given(*[b"x\r\n"] * 10)
    drop = pop3.login()
    for number in range(10, 0, -1):
        drop.send(b"RETR %d\r\n" % number)
    assert account.opened[0].reads == [[number] for number in range(10, 0, -1)]


def test_pipelined_tops_are_read_ahead_too(pop3):
    pop3.given(*[b"Subject: %d\r\n\r\nx\r\n" % n for n in range(50)])
    drop = pop3.login()
    said = drop.send(b"".join(b"TOP %d 0\r\n" % n for n in range(1, 51)))
    assert [line for line in said.split(b"\r\n") if line.startswith(b"Subject")] == [
        b"Subject: %d" % n for n in range(50)
    ]


def test_a_slow_reader_of_a_large_message_costs_a_few_pieces(pop3):
    """8 MiB; the client makes us wait after everything written."""
    large = b"Subject: large\r\n\r\n" + b".23456789012345678901234567890\r\n" * (8 * 2**20 // 32)
    pop3.given(large)
    drop = pop3.login()

    class OneTurn:
        def __await__(self):
            yield

    async def drain():
        await OneTurn()

    drop.wire.drain = drain
    said = [drop.send(b"RETR 1\r\n")]
    while not drop.running.done:
        drop.go()
        said.append(drop.wire.take())
        assert len(said[-1]) < 600_000
    assert b"".join(said) == (
        b"+OK %d octets\r\n" % len(large) + large.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    )
    assert all(body.closed for body in pop3.store.account("lee@naver.com").opened[0].open_bodies)


def test_top_of_a_large_message_reads_only_its_beginning(pop3):
    large = b"Subject: large\r\n\r\n" + b"line\r\n" * 400_000
    pop3.given(large)
    drop = pop3.login()
    assert drop.send(b"TOP 1 2\r\n").endswith(b"large\r\n\r\nline\r\nline\r\n.\r\n")
    assert all(body.closed for body in pop3.store.account("lee@naver.com").opened[0].open_bodies)


def test_a_read_that_fails_in_the_middle_breaks_the_connection(pop3):
    """The client must not take the half for the whole."""
    pop3.given(b"Subject: large\r\n\r\n" + b"line\r\n" * 400_000)
    drop = pop3.login()
    mailbox = pop3.store.account("lee@naver.com").opened[0]
    read = mailbox.read

    async def failing(uids):
        (body,) = await read(uids)
        whole = body.read

        async def read_piece(offset, length):
            if offset:
                raise TemporaryFailure(detail="I/O error")
            return await whole(offset, length)

        body.read = read_piece
        return [body]

    mailbox.read = failing
    said = drop.send(b"RETR 1\r\n")
    assert said.startswith(b"+OK") and not said.endswith(b".\r\n")
    assert drop.wire.closed


def test_a_message_that_is_cut_short_while_it_is_sent_breaks_the_connection(pop3):
    """It was ended with its dot, and the client might have deleted it then."""
    pop3.given(b"Subject: large\r\n\r\n" + b"line\r\n" * 400_000)
    drop = pop3.login()
    mailbox = pop3.store.account("lee@naver.com").opened[0]
    read = mailbox.read

    async def shorter(uids):
        (body,) = await read(uids)
        whole = body.read

        async def read_piece(offset, length):
            return b"" if offset else await whole(offset, length)

        body.read = read_piece
        return [body]

    mailbox.read = shorter
    said = drop.send(b"RETR 1\r\nDELE 1\r\nQUIT\r\n")
    assert said.startswith(b"+OK") and not said.endswith(b".\r\n") and b"-ERR" not in said
    assert drop.wire.closed and pop3.store.account("lee@naver.com").boxes["INBOX"]


def test_a_read_that_fails_at_once_is_told(pop3, drop):
    async def failing(uids):
        raise TemporaryFailure(detail="I/O error")

    pop3.store.account("lee@naver.com").opened[0].read = failing
    assert drop.send(b"RETR 1\r\n") == b"-ERR [SYS/TEMP] Temporary failure, please try again later\r\n"


def test_long_listings(pop3):
    pop3.given(*[b"x\r\n"] * 5000)
    drop = pop3.login()
    lines = drop.send(b"LIST\r\n").split(b"\r\n")
    assert lines[1] == b"1 3" and lines[5000] == b"5000 3" and lines[5001:] == [b".", b""]
    assert drop.send(b"DELE 7\r\nUIDL\r\n").count(b"65432100\r\n") == 4999


def test_wrong_commands_in_a_row_end_the_session(drop):
    drop.send(b"X\r\n" * 19 + b"NOOP\r\n")
    assert not drop.wire.closed
    assert drop.send(b"FOO\r\n" * 20).endswith(b"-ERR Too many wrong commands\r\n")
    assert drop.wire.closed
