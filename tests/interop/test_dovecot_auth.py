"""Dovecot's own tools ask our auth sockets: what they understand, Postfix and Exim do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.running import PASSWORD, Server

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(shutil.which("doveadm") is None, reason="install it with: apt install dovecot-core"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("auth"))
    text = server.configuration.read_text()
    server.configuration.write_text(
        text.replace("[listen]", '[listen]\nauth = ["unix:auth"]\nauth_userdb = ["unix:auth-userdb"]', 1)
    )
    server.add_user("lee@naver.com")
    server.start()
    yield server
    server.stop()


def doveadm(house: Server, *arguments: str) -> "subprocess.CompletedProcess[str]":
    configuration = house.folder / "dovecot.conf"
    configuration.write_text(
        f"base_dir = {house.folder}\nauth_socket_path = {socket(house, 'auth-userdb')}\n"
    )
    return subprocess.run(
        ["doveadm", "-c", str(configuration), *arguments], capture_output=True, text=True, timeout=60
    )


def socket(house: Server, name: str) -> Path:
    return house.folder / "state" / name


def test_a_login_is_checked(house: Server) -> None:
    def ask(password: str) -> "subprocess.CompletedProcess[str]":
        return doveadm(
            house, "auth", "test", "-a", str(socket(house, "auth")), "-x", "service=smtp", "lee", password
        )

    right, wrong = ask(PASSWORD), ask("wrong")
    assert right.returncode == 0 and "user=lee@naver.com" in right.stdout, right
    assert wrong.returncode == 77 and "auth failed" in wrong.stdout
    assert "smtp-login: Disconnected" in house.await_log("wrong password")


def test_an_account_is_found(house: Server) -> None:
    found = doveadm(house, "user", "-u", "lee@naver.com")
    assert f"maildir:{house.maildir('lee@naver.com')}" in found.stdout, found
    assert doveadm(house, "user", "-u", "nobody@naver.com").returncode == 67


def test_only_the_owner_may_connect(house: Server) -> None:
    assert socket(house, "auth").stat().st_mode & 0o777 == 0o600
