"""What ``[listen]`` asks for, as the process that opens it needs to know it."""

import grp
import os
import pwd
from dataclasses import fields
from typing import Final

from mailaccess.config.sections import Listen, Settings
from mailaccess.net.endpoints import EVERYBODY, Address, ListenError, SocketAccess, parse_address

UNIX: Final = "unix:"


class NoSuchUser(Exception):
    """``process.user`` is nobody on this machine; the text is for the operator."""


def wanted(settings: Settings) -> list[tuple[str, str]]:
    """Service (a name of ``[listen]``) and address as written, of each listener."""
    return [(field.name, text) for field in fields(Listen) for text in getattr(settings.listen, field.name)]


def prepare(settings: Settings, service: str, text: str) -> tuple[Address, SocketAccess]:
    """The address to open, and who may connect to it; makes the folder of a socket. Raises ListenError, OSError."""
    if text.startswith(UNIX):
        make_state_dir(settings)
    access = EVERYBODY
    if service in ("auth", "auth_userdb"):
        auth = settings.auth
        access = SocketAccess(int(auth.socket_mode, 8), auth.socket_user, auth.socket_group)
    return parse_address(text, str(settings.state_dir)), access


def naming(service: str, error: Exception) -> ListenError:
    """What is told when a listener cannot be opened: the key it stands under, and why."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return ListenError(f"listen.{service}: {where}{error.strerror}")
    return ListenError(f"listen.{service}: {error}")


def make_state_dir(settings: Settings) -> None:
    """What is made below it while we are still root must not make it root's: it is its future user's."""
    folder, user = settings.state_dir, settings.process.user
    if folder.exists():
        return
    folder.mkdir(parents=True)
    if user and os.geteuid() == 0:
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            return  # told by become
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def become(settings: Settings) -> None:
    """Give up root for ``process.user``; its groups first, or they could not be given up any more.

    Raises NoSuchUser.
    """
    wanted_user = settings.process.user
    if not wanted_user or os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(wanted_user)
    except KeyError:
        raise NoSuchUser(f'process.user: there is no account "{wanted_user}" on this machine') from None
    groups = [group.gr_gid for group in grp.getgrall() if wanted_user in group.gr_mem]
    os.setgroups([entry.pw_gid, *groups])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
