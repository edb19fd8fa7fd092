"""The documents tell the truth: what they link to, and every key, command, option and script that they name, exists."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import click
import pytest

from mailaccess.admin.main import cli
from mailaccess.config.load import load
from mailaccess.config.sections import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])
RECIPES = sorted(
    path for path in ROOT.glob("conf/**/*") if path.is_file() and path.name != "mailaccess.toml.reference"
)
TEXTS = [*DOCUMENTS, *RECIPES]

NOT_KEYS = {
    "auth.sock": "a socket",
    "relay.md": "a document",
    "rspamd.password": "a file",
    "config.sections": "a module",
}
"""What looks like ``section.key`` and is something else."""

NOT_FILES = {"tests/bench/test_"}
"""What looks like a file's name and is the beginning of several."""


def section_keys() -> dict[str, frozenset[str]]:
    found = {}
    for field in fields(Settings):
        value = getattr(Settings(), field.name)
        if is_dataclass(value):
            found[field.name] = frozenset(option.name for option in fields(value))
    return found


SECTIONS = section_keys()
KEY = re.compile(rf"(?<![\w/.@-])({'|'.join(SECTIONS)})\.([a-z][a-z_0-9]*)(?![\w@(/-])(?!\.[a-z])")


def spans(text: str) -> Iterator[str]:
    """What stands in code: between backquotes, and the lines between fences."""
    parts = re.split(r"^```.*$", text, flags=re.MULTILINE)
    for index, part in enumerate(parts):
        if index % 2:
            yield from part.splitlines()
        else:
            yield from (span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", part))


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found = set()
    for title in re.findall(r"^#{1,6} +(.+)$", path.read_text("utf-8"), re.MULTILINE):
        plain = re.sub(r"[`*]|\[|\]\([^)]*\)", "", title).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_relative_link_leads_somewhere(path):
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_every_key_named_is_an_option(path):
    unknown = {
        f"{section}.{key}"
        for section, key in KEY.findall(path.read_text("utf-8"))
        if key not in SECTIONS[section] and f"{section}.{key}" not in NOT_KEYS
    }
    assert unknown == set()


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_every_script_named_is_there(path):
    scripts = set(re.findall(r"(?<![\w.])(?:\./)?scripts/([\w-]+)", path.read_text("utf-8")))
    assert {name for name in scripts if not (ROOT / "scripts" / name).is_file()} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_file_of_ours_named_is_there(path):
    names = set()
    for span in spans(path.read_text("utf-8")):
        names |= set(
            re.findall(r"(?<![\w./-])((?:mailaccess|conf|docs|tests|bench|plugin)/[\w./-]*\w)", span)
        )
    assert {name for name in names - NOT_FILES if not (ROOT / name).exists()} == set()


class Wrong(Exception):
    """A command line that mailadm would not take."""


def words_of(line: str) -> list[str]:
    """The words behind ``mailadm``, up to a comment, a pipe, or the end of the sentence."""
    line = re.split(r"\s#|\s[|<>]\s|[;:](?:\s|$)", line)[0]
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def check(line: str) -> None:
    """Whether the line's commands and options exist; ``a|b`` names several at once. Raises Wrong."""
    commands: list[click.Command] = [cli]
    words = iter(words_of(line))
    for word in words:
        if word == "--":
            return
        if word.startswith("-"):
            takes = [option_of(command, word) for command in commands]
            if not any(takes):
                raise Wrong(f"{line}: no option {word}")
            if any(option is not None and not option.is_flag for option in takes) and "=" not in word:
                next(words, None)
            continue
        if not all(isinstance(command, click.Group) for command in commands):
            continue
        groups = [command for command in commands if isinstance(command, click.Group)]
        if not re.fullmatch(r"[a-z|-]+", word):
            return  # "mailadm NOUN VERB", "mailadm ..."
        found = []
        for name in word.split("|"):
            for group in groups:
                command = group.get_command(click.Context(group), name)
                if command is None:
                    raise Wrong(f"{line}: no command {name}")
                found.append(command)
        commands = found


def option_of(command: click.Command, word: str) -> click.Option | None:
    name = word.partition("=")[0]
    if name in ("--help", "-h"):
        return click.Option(["--help"], is_flag=True)
    for parameter in command.params:  # those of mailadm itself stand before the noun
        if isinstance(parameter, click.Option) and name in [*parameter.opts, *parameter.secondary_opts]:
            return parameter
    return None


@pytest.mark.parametrize(
    "line",
    [
        "user nonsense",
        "user add NAME --nonsense",
        "queue list|nonsense",
        "config check --config FILE",
        "--nonsense config check",
        "nonsense",
    ],
)
def test_the_rule_itself(line):
    with pytest.raises(Wrong):
        check(line)


def lines_with_mailadm(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    code = spans(text) if path.suffix == ".md" else text.splitlines()
    found = []
    for span in code:
        for rest in re.findall(r"(?<![\w-])mailadm ((?:--config|[-a-z|]).*)", span):
            rest = re.split(r'["`]|\$\(', rest)[0] if path.suffix != ".md" else rest
            # "user list | show NAME | delete NAME" is one noun with several verbs
            first, *others = re.split(r" \| ", rest)
            found.append(first)
            noun = first.split()[0]
            found += [f"{noun} {other}" for other in others]
    return found


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_every_command_named_exists_with_its_options(path):
    wrong = []
    for line in lines_with_mailadm(path):
        try:
            check(line)
        except Wrong as error:
            wrong.append(str(error))
    assert wrong == []


def leaves(command: click.Command, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield names
        return
    for name in command.list_commands(click.Context(command)):
        below = command.get_command(click.Context(command), name)
        assert below is not None
        yield from leaves(below, (*names, name))


@cache
def told() -> frozenset[tuple[str, ...]]:
    """Every command that a document shows."""
    found = set()
    for path in DOCUMENTS:
        for line in lines_with_mailadm(path):
            words = [word for word in words_of(line) if not word.startswith("-")]
            for length in (1, 2, 3):
                sets: list[tuple[str, ...]] = [()]
                for word in words[:length]:
                    sets = [(*each, name) for each in sets for name in word.split("|")]
                found |= set(sets)
    return frozenset(found)


@pytest.mark.parametrize("names", list(leaves(cli, ())), ids=" ".join)
def test_every_command_stands_in_a_document(names):
    assert names in told()


@pytest.fixture
def any_account(monkeypatch):
    """Accounts and groups are those of the reader's machine: here there need be no Postfix."""
    monkeypatch.setattr("pwd.getpwnam", lambda name: None)
    monkeypatch.setattr("grp.getgrnam", lambda name: None)


EXAMPLES = [path for path in RECIPES if path.suffix == ".toml" and path.name != "clients.toml"]


@pytest.mark.parametrize("path", [*EXAMPLES, ROOT / "conf/mailaccess.toml.example"], ids=named)
def test_an_example_is_a_right_configuration(path, any_account):
    assert load(path, files=False).domains


def tables(path: Path) -> list[str]:
    """The TOML blocks of a document that are pieces of a configuration."""
    blocks = re.findall(r"^```toml\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "[[client]]" not in block]


@pytest.mark.parametrize(
    ("path", "block"),
    [(path, block) for path in DOCUMENTS for block in tables(path)],
    ids=lambda value: named(value) if isinstance(value, Path) else value.splitlines()[0],
)
def test_a_piece_of_configuration_in_a_document_is_right(path, block, tmp_path, any_account):
    (tmp_path / "mailaccess.toml").write_text(
        f'domains = ["naver.com", "daum.net"]\n{block}' if "domains =" not in block else block
    )
    assert load(tmp_path / "mailaccess.toml", files=False).domains, "a wrong key or value raises ConfigError"


def shape(path: Path) -> list[str]:
    """What a translation keeps: its headings' depth, commands, links, keys."""
    text = path.read_text("utf-8")
    commands = re.findall(r"^(\./scripts/\S+(?: --[a-z]+(?: [a-z]+)?)?)", text, re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    steps = re.findall(r"^(\d)\. ", text, re.MULTILINE)
    return ["#" * len(depth) for depth in re.findall(r"^(#+) ", text, re.MULTILINE)] + commands + rows + steps


def test_the_lab_is_told_in_korean_as_in_english():
    english, korean = ROOT / "docs/lab.md", ROOT / "docs/lab.ko.md"
    assert shape(korean) == shape(english)
    both = [
        {
            *re.findall(r"`([^`\n]+)`", path.read_text("utf-8")),
            *re.findall(r"\]\(([^)]+)\)", path.read_text("utf-8")),
        }
        - {"lab.md", "lab.ko.md"}
        for path in (english, korean)
    ]
    assert both[0] == both[1]
