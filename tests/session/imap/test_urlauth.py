"""URLs that let others read one message or part (RFC 4467)."""

import os
import re
import stat
from dataclasses import replace

import pytest

from tests.session.imap.house import MaildirHouse

MAIL = (
    b"Subject: words\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nfirst\r\n--b\r\n\r\nSi vis pacem, para bellum.\r\n\r\n--b--\r\n"
)
URL = "imap://lee%40naver.com@mail.naver.com/INBOX/;uid=1/;section=2"


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path, capabilities=("+URLAUTH",), submit_users=("submit@naver.com",))
    house.authenticator.passwords["submit@naver.com"] = b"secret"
    house.clock.time = 1_800_000_000.0  # 15 January 2027
    house.house = replace(house.house, clock=lambda: house.clock.time)
    house.given("INBOX", [MAIL])
    return house


def login(house, name):
    client = house.connect()
    assert client.ask(f"LOGIN {name} secret").status.startswith("OK")
    return client


def authorized(client, rump):
    """The URL completed."""
    answer = client.ask(f'GENURLAUTH "{rump}" INTERNAL')
    assert answer.status.startswith("OK"), answer.status
    found = re.fullmatch(r'GENURLAUTH "?([^" ]+)"?', answer.untagged[0]).group(1)
    assert found.startswith(rump + ":internal:") and len(found) >= len(rump) + 32
    return found


def fetched(client, url):
    """What URLFETCH gives for it, None for NIL."""
    said = client.send(f'f URLFETCH "{url}"\r\n'.encode())
    assert said.endswith(b"\r\nf OK URLFETCH completed\r\n")
    head = b'* URLFETCH "' + url.encode() + b'" '
    assert said.startswith(head)
    rest = said[len(head) :].removesuffix(b"\r\nf OK URLFETCH completed\r\n")
    return None if rest == b"NIL" else rest.split(b"}\r\n", 1)[1]


def test_a_submission_server_reads_a_part(house):
    """The examples of RFC 4467 §7."""
    url = authorized(house.session(), URL + ";urlauth=submit+lee%40naver.com")
    assert fetched(login(house, "submit@naver.com"), url) == b"Si vis pacem, para bellum.\r\n"
    assert fetched(login(house, "kim@daum.net"), url) is None
    assert fetched(house.session(), url) is None  # its owner is no submission server
    assert house.truth("INBOX")[0][1] == frozenset()


def test_access_identifiers_say_who(house):
    one, kim = house.session(), login(house, "kim@daum.net")
    for_kim = authorized(one, URL + ";urlauth=user+kim%40daum.net")
    assert fetched(kim, for_kim) is not None
    assert fetched(login(house, "submit@naver.com"), for_kim) is None
    for access in ("authuser", "anonymous"):
        assert fetched(kim, authorized(one, f"{URL};urlauth={access}")) is not None


def test_nothing_of_a_url_can_be_changed(house):
    one, kim = house.session(), login(house, "kim@daum.net")
    url = authorized(one, URL + ";expire=2027-02-01T00:00:00Z;urlauth=authuser")
    assert fetched(kim, url) is not None
    for changed in (
        url.replace("section=2", "section=1"),
        url.replace("authuser", "anonymous"),
        url.replace("2027-02", "2028-02"),
        url.replace("mail.naver", "MAIL.naver"),
        url.replace("INBOX", "inbox"),
        url.replace(":internal:", ":other:"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url[: url.index(":internal")],
        url.replace("lee%40naver.com", "kim%40daum.net"),
        url.replace("lee%40naver.com", "nobody"),
        "imap://lee%40naver.com@mail.naver.com/INBOX",
        "nonsense",
    ):
        assert fetched(kim, changed) is None, changed


def test_a_url_ends(house):
    url = authorized(house.session(), URL + ";expire=2027-02-01T00:00:00Z;urlauth=authuser")
    kim = login(house, "kim@daum.net")
    assert fetched(kim, url) is not None
    house.clock.time += 30 * 86_400
    assert fetched(kim, url) is None


def test_keys_are_replaced_and_removed(house):
    house.given("Sent", [MAIL])
    one, kim = house.session(), login(house, "kim@daum.net")
    sent = URL.replace("INBOX", "Sent")
    urls = [authorized(one, f"{each};urlauth=authuser") for each in (URL, sent)]
    assert one.ask("RESETKEY INBOX").status == "OK [URLMECH INTERNAL] Key replaced"
    assert [fetched(kim, url) is None for url in urls] == [True, False]
    again = authorized(one, URL + ";urlauth=authuser")
    assert again != urls[0] and fetched(kim, again) is not None
    assert one.ask("RESETKEY").status.startswith("OK")
    assert [fetched(kim, url) for url in (*urls, again)] == [None] * 3
    assert one.ask("RESETKEY INBOX XSAMPLE").status.startswith("NO [CANNOT]")
    assert one.ask("RESETKEY nowhere").status.startswith("NO [NONEXISTENT]")


def test_sessions_that_have_the_mailbox_selected_are_told_of_a_new_key(house):
    """RFC 4467 §7, RESETKEY: those of the same user, once, also in IDLE; nobody is told that all are gone."""
    one, other, idle, elsewhere, kim = (
        login(house, name) for name in ("lee", "lee", "lee", "lee", "kim@daum.net")
    )
    for client in (one, other, idle, kim):
        client.ask("SELECT INBOX")
    elsewhere.ask("SELECT Drafts")
    idle.send(b"i IDLE\r\n")
    assert one.ask("RESETKEY INBOX").untagged == []
    told = "OK [URLMECH INTERNAL] The key was replaced"
    assert idle.take() == f"* {told}\r\n".encode()
    assert other.ask("FETCH 1 UID").untagged[-1] == told
    assert [client.ask("NOOP").untagged for client in (one, other, elsewhere, kim)] == [[], [], [], []]
    one.ask("RESETKEY")
    other.ask("UNSELECT")
    one.ask("RESETKEY INBOX")
    assert other.ask("NOOP").untagged == []


def test_a_url_outlives_the_index_and_follows_a_rename_but_not_a_deletion(house):
    house.given("Keep", [MAIL])
    one = house.session()
    url = authorized(one, URL.replace("INBOX", "Keep") + ";urlauth=authuser")
    path = house.account.location.maildir / "mailaccess-access-keys"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    house.lose_index()
    kim = login(house, "kim@daum.net")
    assert fetched(kim, url) is not None
    one = house.session()
    one.ask("DELETE Keep")
    one.ask("CREATE Keep")
    assert fetched(kim, url) is None


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (f'"{URL}" INTERNAL', "BAD"),
        ('"imap://mail.naver.com/INBOX/;uid=1;urlauth=authuser" INTERNAL', "BAD"),
        ('"imap://kim%40daum.net@mail.naver.com/INBOX/;uid=1;urlauth=authuser" INTERNAL', "BAD"),
        ('"imap://lee%40naver.com@mail.naver.com/nowhere/;uid=1;urlauth=authuser" INTERNAL', "BAD"),
        (f'"{URL};urlauth=authuser:internal:{"0" * 32}" INTERNAL', "BAD"),
        ('"/INBOX/;uid=1;urlauth=authuser" INTERNAL', "BAD"),
        (f'"{URL};urlauth=authuser" XSAMPLE', "NO [CANNOT]"),
        (f'"{URL};urlauth=authuser"', "BAD"),
        ("", "BAD"),
    ],
)
def test_what_cannot_be_authorized(house, arguments, answer):
    assert house.session().ask(f"GENURLAUTH {arguments}").status.startswith(answer)


def test_several_at_once_and_large_ones(house):
    house.deliver("INBOX", b"Subject: large\r\n\r\n" + b"z" * 3_000_000)
    one = house.session()
    two = URL.replace("uid=1/;section=2", "uid=2/;section=TEXT")
    answer = one.ask(f'GENURLAUTH "{URL};urlauth=authuser" INTERNAL "{two};urlauth=anonymous" internal')
    first, second = answer.untagged[0].removeprefix("GENURLAUTH ").replace('"', "").split()
    said = one.send(f'f URLFETCH "{first}" "nonsense" "{second}"\r\n'.encode())
    assert b"para bellum" in said and b'URLFETCH "nonsense" NIL\r\n' in said
    assert b"{3000000}\r\nzzz" in said and said.endswith(b"z\r\nf OK URLFETCH completed\r\n")


def test_it_is_off_by_default(tmp_path, house):
    assert " URLAUTH" in house.session().ask("CAPABILITY").untagged[0]
    assert "[URLMECH INTERNAL]" in " ".join(house.session().ask("SELECT INBOX").untagged)
    plain = MaildirHouse(tmp_path / "plain").session()
    assert " URLAUTH" not in plain.ask("CAPABILITY").untagged[0]
    for command in ("RESETKEY", f'URLFETCH "{URL}"', f'GENURLAUTH "{URL}" INTERNAL'):
        assert plain.ask(command).status.startswith("BAD")
