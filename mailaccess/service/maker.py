"""``twistd mailaccess``: the options and the service that Twisted asks for.

A configuration that cannot be used ends the start with exit code 78 (sysexits' EX_CONFIG) and the reason
on standard error; an address that cannot be had, with 75 (EX_TEMPFAIL).
"""

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Union

from twisted.python import usage

from mailaccess import __version__
from mailaccess.config.errors import ConfigError
from mailaccess.config.load import load_with_origin
from mailaccess.config.sections import Listen, Settings
from mailaccess.service.failing import EX_CONFIG, EX_TEMPFAIL, CannotStart, refuse
from mailaccess.service.supervisor import CannotServe, Supervisor, how_many

if TYPE_CHECKING:
    from mailaccess.service.starting import StartingHouse


class Options(usage.Options):
    """What may follow ``twistd mailaccess``."""

    synopsis = "[--config FILE] [--log-json]"
    longdesc = f"mailaccess {__version__}: IMAP, POP3, SMTP, submission and LMTP over Maildir++."
    optParameters = [
        [
            "config",
            "c",
            None,
            "The configuration; else $MAILACCESS_CONFIG, ./mailaccess.toml, /etc/mailaccess/mailaccess.toml",
        ]
    ]
    optFlags = [["log-json", None, "Write the log as JSON, an object a line"]]


class StartingSupervisor(Supervisor):
    """A supervisor whose failure to start ends the process with a sentence, or with its first worker's."""

    def privilegedStartService(self) -> None:
        """As Supervisor's; raises SystemExit."""
        try:
            super().privilegedStartService()
        except CannotStart as error:
            refuse(str(error), EX_TEMPFAIL)

    def startService(self) -> None:
        """As Supervisor's; raises SystemExit."""
        try:
            super().startService()
        except CannotServe as error:
            sys.exit(error.code)


def starting(settings: Settings, *, as_json: bool) -> Union["StartingHouse", "StartingSupervisor"]:
    """What serves: one process, or a supervisor with its workers."""
    count = how_many(settings)
    if count == 1:  # imported only here, as a supervisor serves nobody: 51 instead of 73 MB
        from mailaccess.service.starting import StartingHouse

        return StartingHouse(settings, as_json=as_json)
    return StartingSupervisor(settings, count, as_json=as_json)


def settings(config: str | None) -> Settings:
    """The settings from the file named or found. Raises SystemExit."""
    try:
        loaded = load_with_origin(Path(config) if config else None)
    except ConfigError as error:
        refuse(str(error), EX_CONFIG)
    if not any(getattr(loaded.settings.listen, field.name) for field in fields(Listen)):
        place = loaded.file or "no configuration was found, and the defaults have no listener"
        refuse(f'{place}: [listen] opens nothing; write for example imap = ["127.0.0.1:1143"]', EX_CONFIG)
    return loaded.settings


def makeService(options: Options) -> Union["StartingHouse", "StartingSupervisor"]:
    """The service, not yet started; Twisted's name."""
    return starting(settings(options["config"]), as_json=bool(options["log-json"]))
