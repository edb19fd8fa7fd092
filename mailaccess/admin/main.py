"""``mailadm``: administers accounts, mailboxes, the queue, configuration. A noun is a module, loaded when asked for."""

import importlib
import os
import sys
from pathlib import Path
from typing import Final

import click

from mailaccess import __version__
from mailaccess.admin.output import (
    CONFIGURATION,
    TEMPORARY,
    USAGE,
    Failure,
    Output,
)
from mailaccess.admin.tool import Tool
from mailaccess.config.errors import ConfigError

NOUNS: Final = {
    "user": "accounts",
    "mailbox": "mailboxes",
    "deliver": "deliver",
    "queue": "queue",
    "sending": "sending",
    "dkim": "dkim",
    "lab": "lab",
    "fsck": "fsck",
    "config": "config",
}
"""Command to module in this room."""


class Nouns(click.Group):
    """The commands, each imported only when it is run or when help is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in NOUNS:
            return None
        module = importlib.import_module(f"mailaccess.admin.{NOUNS[name]}")
        command: click.Command = module.command
        return command


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, readable=False),  # what is wrong with it is told with the configuration
    metavar="FILE",
    help="The configuration; else $MAILACCESS_CONFIG, ./mailaccess.toml, /etc/mailaccess/mailaccess.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
@click.version_option(__version__, prog_name="mailadm")
@click.pass_context
def cli(context: click.Context, config: Path | None, as_json: bool) -> None:
    """Administer the mail server: accounts, mailboxes, configuration.

    Exit codes: 64 usage, 65 data, 67 no such user, 75 temporary failure, 78 configuration.
    """
    context.obj = Tool(config, Output(as_json))


def run(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code. Errors are told, never raised."""
    arguments = sys.argv[1:] if arguments is None else arguments
    output = Output("--json" in arguments)
    try:
        result = cli.main(args=arguments, prog_name="mailadm", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        output.error("interrupted", USAGE)
        return USAGE
    except click.UsageError as error:
        text = error.format_message()
        if text.startswith("Usage:"):  # a noun without a verb: its help, as click 8.2 has it
            print(text, file=sys.stderr)
            return USAGE
        hint = f" (see {error.ctx.command_path} --help)" if error.ctx is not None else ""
        output.error(text + hint, USAGE)
        return USAGE
    except click.ClickException as error:
        output.error(error.format_message(), USAGE)
        return USAGE
    except Failure as failure:
        output.error(str(failure), failure.code)
        return failure.code
    except ConfigError as error:
        output.error(str(error), CONFIGURATION)
        return CONFIGURATION
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has seen enough; nothing is wrong
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        output.error(f"{where}{error.strerror or error}", TEMPORARY)
        return TEMPORARY


def main() -> None:
    """The console entry ``mailadm``. What it makes is nobody else's to read, as with the server."""
    os.umask(0o077)
    sys.exit(run())


if __name__ == "__main__":
    main()
