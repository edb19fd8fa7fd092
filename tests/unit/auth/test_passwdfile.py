"""The passwd-file as Dovecot writes and reads it, and how its changes are noticed."""

import ipaddress
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.auth.accounts import SourceUnavailable
from mailaccess.auth.names import Naming
from mailaccess.auth.passwdfile import BadLine, Defaults, PasswdFile, parse_line, parse_quota, parse_table
from mailaccess.model.account import QuotaLimit
from mailaccess.model.work import InlineRunner
from mailaccess.observe.events import Recorder

NAMING = Naming(("naver.com", "daum.net"), "mail/{domain}/{user}", Path("/var/lib/mailaccess"))


def account(line):
    found = parse_line(line, NAMING)
    assert found is not None
    return found


def run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def test_a_name_and_a_hash_are_enough():
    found = account("lee:{PLAIN}secret")
    location = found.identity.location
    assert found.identity.name == location.name == "lee@naver.com"
    assert found.password == "{PLAIN}secret"
    assert location.home == Path("/var/lib/mailaccess/mail/naver.com/lee")
    assert location.maildir == location.home / "Maildir"
    assert location.index == location.home / "index"
    assert location.uid is None and location.quota == QuotaLimit()


def test_every_field_of_dovecots_format_counts():
    found = account(
        "Kim@Daum.NET:{SSHA}abc=:1000:100:Kim Minsu,,:/srv/kim:/bin/false:"
        "userdb_mail=maildir:~/Maildir:INDEX=/var/idx allow_nets=10.0.0.0/8,192.0.2.1,local "
        "userdb_quota_rule=*:storage=1G colour=red userdb_class=gold"
    )
    location = found.identity.location
    assert found.identity.name == "kim@daum.net"
    assert (location.uid, location.gid) == (1000, 100)
    assert location.home == Path("/srv/kim")
    assert location.maildir == Path("/srv/kim/Maildir")
    assert location.quota == QuotaLimit(2**30, None)
    assert found.networks == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("192.0.2.1/32"))
    assert found.allows("10.1.2.3") and found.allows("::ffff:10.1.2.3") and found.allows("")
    assert not found.allows("11.0.0.1") and not found.allows("2001:db8::1")
    assert found.identity.extra["colour"] == "red" and found.identity.extra["class"] == "gold"


@pytest.mark.parametrize(
    ("mail", "maildir"),
    [
        ("maildir:~/Maildir", "/home/lee/Maildir"),
        ("maildir:/vmail/%d/%n", "/vmail/naver.com/lee"),
        ("maildir:%h/mail:LAYOUT=Maildir++", "/home/lee/mail"),
        ("maildir:mail", "/home/lee/mail"),
        ("~/Maildir", "/home/lee/Maildir"),
        ("maildir:/vmail/%u%%", "/vmail/lee@naver.com%"),
    ],
)
def test_where_the_maildir_lies(mail, maildir):
    found = account(f"lee:{{PLAIN}}x::::/home/lee::userdb_mail={mail}")
    assert found.identity.location.maildir == Path(maildir)


@pytest.mark.parametrize("line", ["", "   ", "# lee:{PLAIN}x", "  # note"])
def test_comments_and_empty_lines_are_no_accounts(line):
    assert parse_line(line, NAMING) is None


@pytest.mark.parametrize(
    "line",
    [
        ":{PLAIN}x",
        "../lee:{PLAIN}x",
        ".lee:{PLAIN}x",
        "a/b:{PLAIN}x",
        "lee@:{PLAIN}x",
        "lee@a..b:{PLAIN}x",
        "lee@../etc:{PLAIN}x",
        "lee kim:{PLAIN}x",
        "le\0e:{PLAIN}x",
        "lee:{PLAIN}x:nosuchuser",
        "lee:{PLAIN}x::::::userdb_mail=mbox:~/mail",
        "lee:{PLAIN}x::::::userdb_mail=maildir:",
        "lee:{PLAIN}x::::::userdb_mail=maildir:~/M:LAYOUT=fs",
        "lee:{PLAIN}x::::::allow_nets=10.0.0.0/40",
        "lee:{PLAIN}x::::::userdb_quota_rule=*:storage=lots",
        "lee:{PLAIN}x::::::nopassword",
        "lee:" + "x" * 20000,
    ],
)
def test_a_line_that_cannot_be_read_says_why(line):
    with pytest.raises(BadLine):
        parse_line(line, NAMING)


def test_flags_of_a_login():
    assert account("lee:{PLAIN}x::::::nologin reason=moved").disabled
    assert account("lee:::::::nopassword=y").open
    assert account("lee:{PLAIN}x::::::deny").denied
    assert not account("lee:{PLAIN}x::::::nologin=no").disabled


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ("*:storage=1G", QuotaLimit(2**30, 8)),
        ("*:storage=100", QuotaLimit(100 * 1024, 8)),
        ("*:storage=10M:messages=1000", QuotaLimit(10 * 2**20, 1000)),
        ("*:bytes=5000", QuotaLimit(5000, 8)),
        ("*:storage=5T", QuotaLimit(5 * 2**40, 8)),
        ("*:messages=9", QuotaLimit(7, 9)),
        ("*:storage=0", QuotaLimit(None, 8)),
        ("*:ignore", QuotaLimit()),
        ("Trash:storage=+10%", QuotaLimit(7, 8)),
    ],
)
def test_quota_rules_as_dovecot_reads_them(rule, limit):
    assert parse_quota({"userdb_quota_rule": rule}, QuotaLimit(7, 8)) == limit


def test_the_site_has_a_quota_unless_the_line_says_otherwise():
    defaults = Defaults(QuotaLimit(10, 20))
    found = parse_table(b"lee:x\nkim:x::::::userdb_quota_rule=*:storage=1M\n", NAMING, defaults).accounts
    assert found["lee@naver.com"].identity.location.quota == QuotaLimit(10, 20)
    assert found["kim@naver.com"].identity.location.quota == QuotaLimit(2**20, 20)


def test_broken_lines_are_told_and_the_others_stand():
    table = parse_table(b"# site\r\nlee:{PLAIN}x\r\n:::\nk\xffm:x\nLEE@naver.com:second\nkim:y", NAMING)
    assert list(table.accounts) == ["lee@naver.com", "kim@naver.com"]
    assert table.accounts["lee@naver.com"].password == "{PLAIN}x"
    assert [line for line, _ in table.broken] == [3, 4, 5]


@given(st.binary(max_size=300))
def test_any_file_can_be_read(data):
    table = parse_table(data, NAMING)
    for name, found in table.accounts.items():
        assert NAMING.canonical(name) == name
        assert found.identity.location.name == name


@given(st.text(max_size=30))
def test_no_name_leads_out_of_the_homes(text):
    name = NAMING.canonical(text)
    if name is not None:
        home = NAMING.default_home(name)
        assert Path(os.path.normpath(home)) == home
        assert home.is_relative_to("/var/lib/mailaccess/mail") and len(home.parts) == 7


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Lee", "lee@naver.com"),
        ("LEE@DAUM.NET", "lee@daum.net"),
        ("lee@elsewhere.org", "lee@elsewhere.org"),
        ("박지민@naver.com", "박지민@naver.com"),
        ("e\u0301ric", "éric@naver.com"),
        ("lee+shop", "lee+shop@naver.com"),
        ("", None),
        ("@naver.com", None),
        ("lee@a@b", None),
        ("lee\0", None),
        ("lee\r\nx", None),
        ("%2e%2e", None),
        ("x" * 256, None),
        ("lee@" + "x" * 256, None),
        ("x" * 10**6, None),
    ],
)
def test_names_as_typed_and_as_accounts_are_called(written, canonical):
    assert NAMING.canonical(written) == canonical


# -- the file and its changes -----------------------------------------------------------------------


class Times:
    """Two clocks moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wall = 2e9

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def house(tmp_path):
    class House:
        path = tmp_path / "users"
        log = Recorder()
        times = Times()

        def __init__(self) -> None:
            self.file = PasswdFile(
                self.path,
                NAMING,
                InlineRunner(),
                self.log,
                clock=self.times.monotonic,
                wall=lambda: self.times.wall,
            )

        def names(self):
            return list(run(self.file.accounts()))

    House.path.write_text("lee:{PLAIN}x\n")
    return House()


def test_a_change_is_seen_within_a_second(house):
    assert house.names() == ["lee@naver.com"]
    house.path.write_text("lee:{PLAIN}x\nkim:{PLAIN}y\n")
    assert house.names() == ["lee@naver.com"]
    house.times.now += 1
    assert house.names() == ["lee@naver.com", "kim@naver.com"]


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(house):
    """An editor that writes twice within the file system's granularity."""
    stamp = house.path.stat()
    house.times.wall = stamp.st_mtime + 0.5
    assert run(house.file.find("lee@naver.com")).password == "{PLAIN}x"
    with house.path.open("r+") as file:
        file.write("lee:{PLAIN}z\n")
    os.utime(house.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    house.times.now += 1
    assert run(house.file.find("lee@naver.com")).password == "{PLAIN}z"


def test_a_file_that_is_not_there_is_a_failure_and_not_an_empty_house(house):
    house.path.unlink()
    with pytest.raises(SourceUnavailable):
        run(house.file.find("lee@naver.com"))
    house.path.write_text("lee:{PLAIN}x\n")
    house.times.now += 1
    assert house.names() == ["lee@naver.com"]
    house.path.unlink()
    house.times.now += 1
    with pytest.raises(SourceUnavailable):
        house.names()
    assert [event for event, _, _ in house.log.events] == ["passwd-file-unreadable"] * 2


def test_broken_lines_are_logged_once_with_file_and_line(house):
    house.path.write_text("lee:{PLAIN}x\n:broken\n")
    assert house.names() == ["lee@naver.com"]
    house.times.now += 1
    house.names()
    assert [fields["file"] for _, _, fields in house.log.events] == [f"{house.path}:2"]


def test_a_large_file_is_read_line_by_line_when_its_accounts_are_asked_for(house):
    filler = "".join(f"u{number}:{{PLAIN}}{'x' * 100}\n" for number in range(3000))
    house.path.write_text(f"# people\nlee:{{PLAIN}}x\nlee:second\nbad:x:nosuchuser\n.dot:x\n{filler}kim:y")
    assert run(house.file.find("lee@naver.com")).password == "{PLAIN}x"
    assert run(house.file.find("u2999@naver.com")).password == "{PLAIN}" + "x" * 100
    assert run(house.file.find("kim@naver.com")).password == "y"
    assert run(house.file.find("nobody@naver.com")) is None
    for _ in range(2):
        assert run(house.file.find("bad@naver.com")) is None
    assert [fields["file"] for _, _, fields in house.log.events] == [f"{house.path}:4"]


def test_an_account_added_a_moment_ago_is_found_at_once(house):
    assert run(house.file.find("kim@naver.com")) is None
    with house.path.open("a") as file:
        file.write("kim:{PLAIN}y\n")
    assert run(house.file.find("kim@naver.com")).password == "{PLAIN}y"


def test_a_file_of_nothing_but_rubbish_does_not_fill_the_log(house):
    house.path.write_bytes(b":x\n" * 5000)
    assert house.names() == []
    assert len(house.log.events) < 30
