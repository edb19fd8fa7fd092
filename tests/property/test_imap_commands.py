"""Words of IMAP in any order, and noise: every command is answered once, none of them is a bug of ours."""

from hypothesis import given
from hypothesis import strategies as st

from tests.session.imap.house import InMemoryHouse

VOCABULARY = """
FETCH STORE SEARCH UID COPY MOVE EXPUNGE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE LIST LSUB STATUS
APPEND NOOP CHECK CLOSE UNSELECT ENABLE CAPABILITY ID NAMESPACE 1 1:* * 2,1 $ 0 4294967296 INBOX other
a/b "" "*" % (FLAGS) (UID FLAGS) FLAGS +FLAGS -FLAGS.SILENT (\\Seen) \\Deleted $Work BODY[] BODY.PEEK[1]
BODY[HEADER.FIELDS (Subject)] BODY.PEEK[1.2.MIME]<0.5> BINARY.PEEK[1] BINARY.SIZE[] PREVIEW ENVELOPE
BODYSTRUCTURE ALL FULL MODSEQ RFC822.SIZE (MESSAGES) (HIGHESTMODSEQ) (CONDSTORE) (CHANGEDSINCE 1)
VANISHED) (UNCHANGEDSINCE 1) CONDSTORE QRESYNC RETURN (MIN MAX COUNT ALL) (SAVE) NOT OR
SUBJECT x SINCE 1-Jan-2020 OLDER CHARSET UTF-8 NIL (SUBSCRIBED RECURSIVEMATCH) (STATUS (MESSAGES)) {3+}
(QRESYNC (1001 1 1:5 (1,2 1,3)))
"""

WORDS = st.sampled_from(VOCABULARY.split())
LINES = st.lists(
    st.one_of(
        st.lists(WORDS, min_size=1, max_size=8).map(" ".join),
        st.text(alphabet="\t !\"#$%&'()*+,-./019:;<=>?@AZ[]^_`az{|}~\\\x7fé", max_size=40),
    ),
    max_size=12,
)


@given(LINES)
def test_every_command_is_answered_once_and_none_is_our_bug(tmp_path_factory, lines):
    imap = InMemoryHouse(tmp_path_factory.mktemp("house"))
    imap.given("INBOX", messages=5, deleted=[2], seen=[3])
    imap.given("other", messages=1)
    one, witness = imap.session("INBOX"), imap.session("INBOX")
    for number, line in enumerate(lines):
        said = one.send(f"t{number} {line}\r\n".encode())
        said += b"".join(one.send(b"xyz\r\n") for _ in range(line.count("{3+}")))
        if one.wire.closed:
            assert b"* BYE" in said
            break
        assert said.count(b"\r\nt%d " % number) + said.startswith(b"t%d " % number) <= 1 or "{" in line
    bugs = [fields for event, _, fields in imap.log.events if event == "imap-server-bug"]
    assert bugs == []
    assert witness.ask("NOOP").status.startswith("OK")
