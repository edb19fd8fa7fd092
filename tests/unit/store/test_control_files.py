"""mailaccess-uids, and Dovecot's uidlist, keywords and subscriptions."""

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store.maildir import subscriptions, uids


def test_mailaccess_uids_reads_back():
    whole = uids.Uids(
        1764000000,
        "5f0cab",
        3000,
        20000,
        "\\Sent",
        {0: "$Forwarded", 26: "Later"},
        {26: UidSet.parse("4:6,9")},
    )
    assert uids.parse(uids.render(whole)) == whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"something else\n",
        b"mailaccess-uids 1\n",
        b"mailaccess-uids 1\nuidvalidity 0\nmailbox-id a\n",
        b"mailaccess-uids 1\nuidvalidity 5\nmailbox-id ../x\n",
        b"mailaccess-uids 1\nuidvalidity five\nmailbox-id a\n",
        b"mailaccess-uids 1\nuidvalidity 5\nmailbox-id a\nkeyword 0 a(b\n",
        b"mailaccess-uids 1\nuidvalidity 5\nmailbox-id a\ncarries 26 0:3\n",
        b"\xff\xfe\x00" * 100,
    ],
)
def test_a_damaged_file_is_not_believed(data):
    assert uids.parse(data) is None


def test_dovecots_uidlist_of_version_3_is_read():
    found = uids.parse_uidlist(
        b"3 V1795565670 N9 G58e0f8286528066bdc3d000083ecc375\n"
        b"1 :1795565669.M692065P15836.vm,S=5,W=6\n"
        b"3 W120 :1795565670.M1P1.vm,S=100\n"
        b"garbage\n"
        b"7 P:1795565671.M1P1.vm:2,S\n"
    )
    assert found == uids.Uidlist(
        1795565670, 9, {b"1795565669.M692065P15836.vm": 1, b"1795565670.M1P1.vm": 3, b"1795565671.M1P1.vm": 7}
    )


def test_its_next_uid_is_above_its_records_as_dovecot_writes_the_header_late():
    assert uids.parse_uidlist(b"3 V5 N1\n4 :a\n").uidnext == 5


def test_dovecots_uidlist_of_version_1_is_read():
    assert uids.parse_uidlist(b"1 1234 6\n2 a.b:2,S\n5 c.d\n") == uids.Uidlist(
        1234, 6, {b"a.b": 2, b"c.d": 5}
    )


@pytest.mark.parametrize("data", [b"", b"3\n", b"3 N4\n1 :a\n", b"3 V99999999999 N1\n", b"7 V1 N1\n"])
def test_what_is_no_uidlist_is_none(data):
    assert uids.parse_uidlist(data) is None


def test_dovecots_keywords_are_read():
    assert uids.parse_keywords(b"0 kw1\n1 $Fw\nx y\n2 \n3 a(b\n0 again\n\\Seen\n") == {0: "kw1", 1: "$Fw"}


def test_a_new_keyword_takes_the_lowest_letter_that_is_free():
    assert [uids.lowest_free([]), uids.lowest_free([0, 1]), uids.lowest_free([1, 0, 3])] == [0, 2, 2]


def test_subscriptions_of_both_versions_are_read():
    second = b"V\t2\n\nEntw&APw-rfe\tx\nINBOX\nFoo\nv1\\2e2\nFoo\n"
    assert subscriptions.parse(second) == ["Entwürfe/x", "INBOX", "Foo", "v1.2"]
    assert subscriptions.parse(b"Entw&APw-rfe.x\nINBOX\nFoo\n") == ["Entwürfe/x", "INBOX", "Foo"]


def test_subscriptions_are_written_as_dovecot_writes_them():
    assert (
        subscriptions.render(["Entwürfe/x", "INBOX", "Foo", "v1.2"])
        == b"V\t2\n\nEntw&APw-rfe\tx\nINBOX\nFoo\nv1\\2e2\n"
    )


def test_a_run_of_uids_says_its_first_number() -> None:
    names = [b"1700000000.a b", b"1700000001.c", b"1700000002.d"]
    data = uids.render_uidlist(5, 20, b"", [uids.run(7, names), uids.line(15, b"1700000009.e:2,S")])
    found = uids.parse_uidlist(data)
    assert found is not None
    assert found.uids == {names[0]: 7, names[1]: 8, names[2]: 9, b"1700000009.e": 15}
    assert uids.parse_uidlist(b"3 V5 N1\n:a\n4294967295 :b\n:c\n") == uids.Uidlist(
        5, 4294967296, {b"b": 4294967295}
    )
