"""The passwd-file: accounts in one text file, in Dovecot's format.

    user:{SCHEME}hash:uid:gid:gecos:home:shell:extra=value userdb_field=value ...

Everything after the name is optional; comments (#) and empty lines are skipped; a name may have a domain or
not (then it is in the first local one). A line that cannot be read is logged with file and line and skipped;
the others stand. Of two lines for one name the first stands, as in Dovecot.

Understood extra fields: nopassword, nologin, deny, reason, allow_nets, userdb_mail (maildir:PATH),
userdb_quota_rule (``*:storage=1G``, ``*:messages=1000``), userdb_quota_mailbox_count, userdb_home,
userdb_uid, userdb_gid; others are handed on (userdb_imap_capability: ``-MOVE,+UIDONLY``, for IMAP;
userdb_acl_groups: ``sales,staff``, for lists of rights).

The file is looked at again at most once a second, in a thread, and read when its stat changed. Of a large one
only the names are read then, and each line when its account is asked for: 100,000 lines would keep the
interpreter busy for seconds.
"""

import grp
import ipaddress
import pwd
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mailaccess.auth.accounts import Account, Network, SourceUnavailable
from mailaccess.auth.api import Identity
from mailaccess.auth.names import Naming
from mailaccess.model.account import AccountLocation, QuotaLimit
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level

CHECK_INTERVAL: Final = 1.0
"""Seconds between two looks at the file: a stat in a thread."""

SETTLED: Final = 2.0
"""Seconds after which a change must show in the file's time stamps, whatever their granularity."""

MAX_LINE: Final = 16384
"""Octets of a line: far more than any real one, so that a binary file by mistake costs nothing."""

EAGER: Final = 256 * 1024
"""Octets of a file whose lines are all read, and their faults told, at once: some 2,000 accounts."""

MAX_LOGGED: Final = 20
"""Broken lines logged one by one at each reading; the rest is a number."""


class BadLine(ValueError):
    """What is wrong with a line, for the log and ``mailadm``."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an account has unless its line says otherwise."""

    quota: QuotaLimit = field(default_factory=QuotaLimit)


@dataclass(frozen=True, slots=True)
class Table:
    """The file as read: accounts by canonical name, and what was wrong (line number, text)."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    broken: tuple[tuple[int, str], ...] = ()


# -- a line -----------------------------------------------------------------------------------------


def parse_line(line: str, naming: Naming, defaults: Defaults = Defaults()) -> Account | None:
    """The account of one line without its line end; None for a comment or an empty line. Raises BadLine."""
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    if len(line) > MAX_LINE:
        raise BadLine("the line is too long")
    if "\0" in line:
        raise BadLine("the line holds a NUL")
    # The eighth field is the rest of the line: userdb_mail=maildir:~/Maildir has a colon of its own.
    fields = [*line.split(":", 7), *[""] * 7][:8]
    name = naming.canonical(fields[0].strip())
    if name is None:
        raise BadLine(f"{fields[0][:80]!r} is not a user name")
    extra = parse_extra(fields[7])
    identity = Identity(name, _location(name, fields, extra, naming, defaults), _handed_on(extra))
    return _account(identity, fields[1], extra)


def parse_extra(text: str) -> dict[str, str]:
    """``key=value key`` separated by spaces; a key without a value is "yes"."""
    pairs = (word.partition("=") for word in text.split())
    return {key: value if equals else "yes" for key, equals, value in pairs}


def _handed_on(extra: dict[str, str]) -> dict[str, str]:
    return {key.removeprefix("userdb_"): value for key, value in extra.items()}


def _account(identity: Identity, password: str, extra: dict[str, str]) -> Account:
    is_open = _flag(extra, "nopassword")
    if is_open and password:
        # Dovecot refuses it too: somebody who set a password did not mean to let everybody in.
        raise BadLine("nopassword beside a password")
    networks, local = _networks(extra["allow_nets"]) if "allow_nets" in extra else (None, False)
    return Account(
        identity,
        password,
        open=is_open,
        denied=_flag(extra, "deny"),
        disabled=_flag(extra, "nologin"),
        reason=extra.get("reason", ""),
        networks=networks,
        local=local,
    )


def _flag(extra: dict[str, str], key: str) -> bool:
    # In Dovecot the mere presence counts; "=no" is what people write who want it off.
    return extra.get(key, "no").lower() not in ("no", "n", "0", "false", "off")


def _networks(text: str) -> tuple[tuple[Network, ...], bool]:
    words = [word for word in text.split(",") if word]
    try:
        return tuple(
            ipaddress.ip_network(word, strict=False) for word in words if word != "local"
        ), "local" in words
    except ValueError as error:
        raise BadLine(f"allow_nets: {error}") from None


def _location(
    name: str, fields: list[str], extra: dict[str, str], naming: Naming, defaults: Defaults
) -> AccountLocation:
    written = extra.get("userdb_home") or fields[5]
    home = naming.state / naming.expand(written, name) if written else naming.default_home(name)
    mail = extra.get("userdb_mail", "")
    maildir = _maildir(mail, name, home, naming) if mail else home / "Maildir"
    return AccountLocation(
        name,
        home,
        maildir,
        home / "index",
        _number(extra.get("userdb_uid") or fields[2], "uid", lambda word: pwd.getpwnam(word).pw_uid),
        _number(extra.get("userdb_gid") or fields[3], "gid", lambda word: grp.getgrnam(word).gr_gid),
        parse_quota(extra, defaults.quota),
    )


def _maildir(mail: str, name: str, home: Path, naming: Naming) -> Path:
    """``maildir:~/Maildir:LAYOUT=...``: the folder; Dovecot's options after it concern its own indexes."""
    kind, colon, rest = mail.partition(":")
    if not colon and kind.startswith(("~", "/", "%h")):
        kind, rest = "maildir", mail
    if kind.lower() != "maildir" or not rest:
        raise BadLine(f"userdb_mail={mail}: only maildir:PATH can be served")
    path, *options = rest.split(":")
    if any(
        option.upper().startswith("LAYOUT=") and option.upper() != "LAYOUT=MAILDIR++" for option in options
    ):
        raise BadLine(f"userdb_mail={mail}: only the layout Maildir++ can be served")
    return home / naming.expand(path, name, home)


def _number(text: str, what: str, by_name: Callable[[str], int]) -> int | None:
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,10}", text):
        return int(text)
    try:
        return by_name(text)
    except KeyError:
        raise BadLine(f"there is no {what} {text[:40]!r} on this system") from None


_SIZE: Final = re.compile(r"([0-9]{1,18})\s*([BKMGT%]?)(?:I?B)?", re.IGNORECASE)
_UNIT: Final = {"": 1024, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_quota(extra: Mapping[str, str], default: QuotaLimit) -> QuotaLimit:
    """The limit of ``userdb_quota_rule``, ``userdb_quota_rule2`` ...: those for the whole account (``*``).

    A storage without a unit is in kilobytes, as Dovecot reads it; 0 and "ignore" are no limit.
    """
    storage, messages, mailboxes = default.storage, default.messages, default.mailboxes
    count = extra.get("userdb_quota_mailbox_count", "")
    if count:
        if not re.fullmatch(r"[0-9]{1,9}", count):
            raise BadLine(f"userdb_quota_mailbox_count={count}: not a number")
        mailboxes = int(count) or None
    for key, rule in sorted(extra.items()):
        if not re.fullmatch(r"userdb_quota_rule[0-9]*", key):
            continue
        mailbox, _, limits = rule.partition(":")
        if mailbox != "*":
            continue  # a rule for one mailbox: not something an account's limit can say
        for limit in limits.split(":"):
            kind, _, value = limit.partition("=")
            size = _SIZE.fullmatch(value)
            if kind == "ignore":
                storage = messages = None
            elif kind not in ("storage", "bytes", "messages") or size is None or size[2] == "%":
                raise BadLine(f"{key}={rule}: not storage=SIZE or messages=NUMBER")
            elif kind == "messages":
                messages = int(size[1]) or None
            else:
                unit = 1 if kind == "bytes" and not size[2] else _UNIT[size[2].upper()]
                storage = int(size[1]) * unit or None
    return QuotaLimit(storage, messages, mailboxes)


# -- the file ---------------------------------------------------------------------------------------


def parse_table(data: bytes, naming: Naming, defaults: Defaults = Defaults()) -> Table:
    """All lines of a passwd-file; never raises for what is in it."""
    accounts: dict[str, Account] = {}
    broken: list[tuple[int, str]] = []
    for number, octets in enumerate(data.split(b"\n"), 1):
        try:
            account = parse_line(octets.removesuffix(b"\r").decode("utf-8"), naming, defaults)
            if account is None:
                continue
            if account.identity.name in accounts:
                raise BadLine(f"{account.identity.name} stands further up already")
            accounts[account.identity.name] = account
        except UnicodeDecodeError:
            broken.append((number, "the line is not UTF-8"))
        except BadLine as error:
            broken.append((number, str(error)))
    return Table(accounts, tuple(broken))


class LazyAccounts(Mapping[str, Account]):
    """The accounts of a large file by canonical name; a line is read when its account is first asked for.

    tell: takes line number and text of a line that turns out broken; its account does not exist.
    """

    def __init__(
        self, data: bytes, naming: Naming, defaults: Defaults, tell: Callable[[int, str], None]
    ) -> None:
        self._naming = naming
        self._defaults = defaults
        self._tell = tell
        self._read: dict[str, Account | None] = {}
        self._lines: dict[str, tuple[int, bytes]] = {}
        for number, line in enumerate(data.split(b"\n"), 1):
            written = line.partition(b":")[0].strip()
            if written and not written.startswith(b"#"):
                name = naming.canonical(written.decode("utf-8", "replace"))
                if name is not None:
                    self._lines.setdefault(name, (number, line))

    def __getitem__(self, name: str) -> Account:
        if name not in self._read:
            number, line = self._lines[name]
            table = parse_table(line, self._naming, self._defaults)
            for _, text in table.broken:
                self._tell(number, text)
            self._read[name] = table.accounts.get(name)
        account = self._read[name]
        if account is None:
            raise KeyError(name)
        return account

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


Stamp = tuple[int, int, int, int, int]


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev


class PasswdFile:
    """A source of accounts that follows its file.

    clock: seconds, monotonic.  wall: seconds since the epoch, to tell a change that is too fresh to show.
    """

    def __init__(
        self,
        path: Path,
        naming: Naming,
        runner: ThreadRunner,
        log: EventLog,
        *,
        defaults: Defaults = Defaults(),
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._naming = naming
        self._runner = runner
        self._log = log
        self._defaults = defaults
        self._clock = clock
        self._wall = wall
        self._table = Table()
        self._stamp: Stamp | None = None
        self._checked: float | None = None
        self._read_at = float("-inf")
        self._error = ""

    async def find(self, name: str) -> Account | None:
        """The account of the canonical ``name``. Raises SourceUnavailable.

        A name that is not there is looked for in the file as it is now: ``mailadm user add`` counts at once.
        """
        await self._refresh()
        account = self._table.accounts.get(name)
        if account is None and self._stamp is not None:
            await self._look()
            account = self._table.accounts.get(name)
        return account

    async def accounts(self) -> Mapping[str, Account]:
        """All accounts in the file's order. Raises SourceUnavailable."""
        await self._refresh()
        return self._table.accounts

    async def _refresh(self) -> None:
        now = self._clock()
        if self._checked is None or now - self._checked >= CHECK_INTERVAL:
            first = self._checked is None
            self._checked = now  # before the wait: others meanwhile go on with what was read last
            try:
                await self._look()
            except BaseException:
                self._checked = None if first else self._checked
                raise
        elif self._stamp is None and not self._error:
            await self._look()  # being read for the first time: there is nothing to go on with yet
        if self._error:
            raise SourceUnavailable(self._error)

    def _look(self) -> Awaitable[None]:
        return self._runner.run_in_order(("passwd-file", self._path), self._read_if_changed)

    def _read_if_changed(self) -> None:
        """On a thread, one at a time: the table is replaced as a whole."""
        try:
            stamp = _stamp(self._path)
            fresh = self._clock() - self._read_at < CHECK_INTERVAL
            if stamp == self._stamp or (self._stamp == (0, *stamp[1:]) and fresh):
                return
            data = self._path.read_bytes()
        except OSError as error:
            if not self._error:
                self._log.log(
                    "passwd-file-unreadable", Level.ERROR, file=str(self._path), error=error.strerror
                )
            self._error = f"{self._path}: {error.strerror}"
            self._stamp = None
            return
        self._read_at = self._clock()
        if len(data) <= EAGER:
            table = parse_table(data, self._naming, self._defaults)
            self._report(table)
        else:
            table = Table(LazyAccounts(data, self._naming, self._defaults, self._tell_line))
        self._table = table
        self._error = ""
        # Changed a moment ago, it may change again without its stamp telling: read it once more.
        settled = self._wall() - stamp[0] / 1e9 > SETTLED
        self._stamp = stamp if settled else (0, *stamp[1:])

    def _report(self, table: Table) -> None:
        if table.broken == self._table.broken:
            return
        for number, text in table.broken[:MAX_LOGGED]:
            self._tell_line(number, text)
        if len(table.broken) > MAX_LOGGED:
            more = len(table.broken) - MAX_LOGGED
            self._log.log(
                "passwd-file-lines", Level.ERROR, file=str(self._path), error=f"{more} more broken lines"
            )

    def _tell_line(self, number: int, text: str) -> None:
        self._log.log("passwd-file-line", Level.ERROR, file=f"{self._path}:{number}", error=text)
