"""``mailadm dkim``: keys that sign outgoing mail, and the DNS records that publish them."""

import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mailaccess.admin.opening import become
from mailaccess.admin.output import CANNOT_CREATE, DATA, NO_INPUT, TEMPORARY, Failure
from mailaccess.admin.tool import Tool, pass_tool
from mailaccess.config.forms import domain as domain_form
from mailaccess.net.lookups import LookupFailed, Lookups
from mailaccess.screening import keys

RIGHT: Final = "right"
ABSENT: Final = "absent"
DIFFERENT: Final = "another key"

T = TypeVar("T")


@click.group("dkim")
def command() -> None:
    """DKIM: make keys, show their DNS records, check what DNS says."""


@command.command()
@click.argument("domain")
@click.option(
    "--selector", default="", help="The key's name; by default this month, as s202611 (or e202611)."
)
@click.option("--kind", type=click.Choice([keys.RSA, keys.ED25519]), default=keys.RSA, show_default=True)
@click.option("--bits", type=click.Choice(["2048", "3072", "4096"]), default="2048", help="Of an RSA key.")
@pass_tool
def create(tool: Tool, domain: str, selector: str, kind: str, bits: str) -> None:
    """Make a key for DOMAIN, and print the DNS record that publishes it.

    Nothing is signed with it before dkim.domains names it: publish the record first, then check it.
    """
    domain = _domain(domain)
    selector = selector or time.strftime("s%Y%m" if kind == keys.RSA else "e%Y%m")
    if not keys.SELECTOR.fullmatch(selector):
        raise Failure(DATA, f"{selector!r} cannot be a selector: letters, digits, hyphens and dots")
    become(tool.settings.process.user)
    folder = _folder(tool)
    try:
        key = keys.create(folder, domain, selector, kind, int(bits))
    except FileExistsError:
        raise Failure(CANNOT_CREATE, f"{keys.path(folder, domain, selector)} exists already") from None
    if tool.output.as_json:
        tool.output.record(_facts(folder, key))
        return
    tool.output.text(keys.zone_line(key))
    named = _selectors(tool, domain)
    both = ", ".join([*named, selector])
    print(f"\nThe key is in {keys.path(folder, domain, selector)}. When DNS has the record", flush=True)
    print(f"(mailadm dkim check {domain}), sign with it and restart the server:\n")
    print(f'[dkim.domains]\n"{domain}" = "{both}"')


@command.command()
@click.argument("domain", required=False)
@pass_tool
def show(tool: Tool, domain: str | None) -> None:
    """The DNS records of DOMAIN's keys, or of all."""
    folder = _folder(tool)
    found = _keys(tool, domain)
    if tool.output.as_json:
        rows = [
            {**_facts(folder, key), "signs": key.selector in _selectors(tool, key.domain)} for key in found
        ]
        tool.output.table(("domain", "selector", "kind", "name", "record", "file", "signs"), rows)
        return
    for key in found:
        tool.output.text(keys.zone_line(key))


@command.command()
@click.argument("domain", required=False)
@pass_tool
def check(tool: Tool, domain: str | None) -> int:
    """Ask DNS whether it has the keys' records; exit code 65 where one is wrong, 75 where DNS does not answer."""
    found = _keys(tool, domain)
    states = _run(_published(tool, found))
    rows = [
        {
            "domain": key.domain,
            "selector": key.selector,
            "kind": key.kind,
            "signs": key.selector in _selectors(tool, key.domain),
            "dns": state,
        }
        for key, state in zip(found, states, strict=True)
    ]
    tool.output.table(("domain", "selector", "kind", "signs", "dns"), rows)
    if all(state == RIGHT for state in states):
        return 0
    return DATA if any(state in (ABSENT, DIFFERENT) for state in states) else TEMPORARY


async def _published(tool: Tool, found: list[keys.Key]) -> list[str]:
    from twisted.internet import reactor

    from mailaccess.relay.mx import resolver

    seconds: Any = reactor
    names = Lookups(resolver(reactor, tool.settings.relay.dns), seconds.seconds)
    states = []
    for key in found:
        try:
            texts = await names.look_up(key.name, "TXT")
        except LookupFailed:
            states.append("no answer")
            continue
        told = [_tags(each) for each in texts if isinstance(each, bytes)]
        wanted = _tags(key.record.encode("ascii"))
        right = any(each.get("p") == wanted["p"] and each.get("k", "rsa") == wanted["k"] for each in told)
        states.append(RIGHT if right else DIFFERENT if told else ABSENT)
    return states


def _tags(record: bytes) -> dict[str, str]:
    parts = (part.partition("=") for part in record.decode("ascii", "replace").split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in parts}


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for the network."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    running: Any = reactor
    results: list[Any] = []

    def start() -> None:
        waiting = Deferred.fromCoroutine(work)
        waiting.addBoth(results.append)
        waiting.addBoth(lambda _: running.stop())

    running.callWhenRunning(start)
    running.run(installSignalHandlers=False)
    result: Any = results[0]
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result  # type: ignore[no-any-return]


def _domain(written: str) -> str:
    try:
        return domain_form(written)
    except ValueError as error:
        raise Failure(DATA, f"{written!r} must be {error}") from None


def _folder(tool: Tool) -> Path:
    return tool.settings.dkim.folder or tool.settings.state_dir / "dkim"


def _selectors(tool: Tool, domain: str) -> list[str]:
    return [each.strip() for each in tool.settings.dkim.domains.get(domain, "").split(",") if each.strip()]


def _keys(tool: Tool, domain: str | None) -> list[keys.Key]:
    """The keys that have a file. Ends with 66 where there is none, 65 where one cannot be used."""
    folder = _folder(tool)
    pattern = f"{_domain(domain)}/*.pem" if domain else "*/*.pem"
    files = sorted(folder.glob(pattern))
    if not files:
        raise Failure(NO_INPUT, f"there is no key in {folder}; make one with: mailadm dkim create DOMAIN")
    try:
        return [keys.load(folder, file.parent.name, file.stem) for file in files]
    except keys.BadKey as error:
        raise Failure(DATA, str(error)) from None


def _facts(folder: Path, key: keys.Key) -> dict[str, Any]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "kind": key.kind,
        "name": key.name,
        "record": key.record,
        "file": str(keys.path(folder, key.domain, key.selector)),
    }
