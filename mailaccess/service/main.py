"""``mailaccess serve``: the same service as ``twistd mailaccess``, in the foreground and without a plugin."""

import sys
from typing import Any

import click

from mailaccess import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailaccess")
def main() -> None:
    """A mail server: IMAP, POP3, SMTP, submission and LMTP over Maildir++."""


@main.command()
@click.option(
    "--config",
    "-c",
    metavar="FILE",
    help="The configuration; else $MAILACCESS_CONFIG, ./mailaccess.toml, /etc/mailaccess/mailaccess.toml.",
)
@click.option("--log-json", is_flag=True, help="Write the log as JSON, an object a line.")
def serve(config: str | None, log_json: bool) -> None:
    """Serve until interrupted; the log goes to standard output."""
    from mailaccess.service.maker import settings, starting  # here, so that Ctrl-C meanwhile is no traceback

    foreground(starting(settings(config), as_json=log_json))


def foreground(house: Any) -> None:
    """Run the service until the reactor stops."""
    from twisted.logger import (
        FilteringLogObserver,
        LogLevel,
        LogLevelFilterPredicate,
        globalLogBeginner,
        textFileLogObserver,
    )

    from mailaccess.net.signals import end_once

    # Twisted's chatter is dropped; tracebacks of what nobody handled go to standard error, and the house
    # writes an event for each.
    critical: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.critical)
    to_stderr: Any = textFileLogObserver(sys.stderr)
    tracebacks: Any = FilteringLogObserver(to_stderr, [critical])
    globalLogBeginner.beginLoggingTo([tracebacks], redirectStandardIO=False, discardBuffer=True)
    from twisted.internet import reactor as installed

    reactor: Any = installed
    house.privilegedStartService()
    house.startService()
    reactor.addSystemEventTrigger("before", "shutdown", house.stopService)
    end_once(reactor)
    reactor.run()


if __name__ == "__main__":
    main()
