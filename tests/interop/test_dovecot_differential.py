"""The same seeded commands to Dovecot and to us, over the same messages; what comes back means the same.

Dovecot's imap runs by itself over a pipe, ours in this process. Answers are parsed and compared as values; every
difference that is accepted stands in ``ACCEPTED`` with its reason.
"""

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop import messages
from tests.interop.postfix import scratch
from tests.session.imap.house import MaildirHouse

IMAP = "/usr/lib/dovecot/imap"
GOLDEN = Path(__file__).parents[1] / "golden" / "messages"

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(not os.path.exists(IMAP), reason="install it with: apt install dovecot-imapd"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot is run as nobody, which takes root"),
]

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
ssl = no
mail_location = maildir:{folder}/home/Maildir
first_valid_uid = 1
mail_fsync = never
namespace inbox {{
  inbox = yes
  separator = /
}}
"""

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Work")
WORDS = ("a", "report", "kim", "lee", "x", "hello", "안녕", "re", "zzz")


class Dovecot:
    """Its imap, for one user, over a pipe."""

    def __init__(self, folder):
        home = folder / "home"
        home.mkdir()
        shutil.chown(home, "nobody", "nogroup")
        (folder / "conf").write_text(CONFIGURATION.format(folder=folder))
        self.process = subprocess.Popen(
            [IMAP, "-c", str(folder / "conf")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            user="nobody",
            group="nogroup",
            extra_groups=[],
            env={"USER": "lee", "HOME": str(home), "PATH": os.environ["PATH"]},
        )
        assert self.process.stdout.readline().startswith(b"* PREAUTH")

    def send(self, tag, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()
        said = []
        while True:
            line = self.process.stdout.readline()
            assert line, (octets, said)
            said.append(line)
            if line.startswith(tag + b" "):
                return b"".join(said)
            while found := re.search(rb"\{(\d+)\}\r\n\Z", line):
                said.append(self.process.stdout.read(int(found[1])))
                line = self.process.stdout.readline()
                said.append(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def parse(octets):
    """Responses as lists: atoms and strings alike are text, NIL is None, parentheses are lists."""
    place, responses = 0, []
    while place < len(octets):
        stack = [[]]
        while not octets.startswith(b"\r\n", place):
            char = octets[place : place + 1]
            if char == b"(":
                stack.append([])
                place += 1
            elif char == b")":
                done = stack.pop()
                stack[-1].append(done)
                place += 1
            elif char == b" ":
                place += 1
            elif char == b'"':
                found = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(octets, place)
                stack[-1].append(re.sub(rb"\\(.)", rb"\1", found[1]).decode("utf-8", "surrogateescape"))
                place = found.end()
            elif found := re.compile(rb"~?\{(\d+)\}\r\n").match(octets, place):
                end = found.end() + int(found[1])
                stack[-1].append(octets[found.end() : end].decode("utf-8", "surrogateescape"))
                place = end
            else:
                # A section's own parentheses and a code's brackets belong to the atom.
                found = re.compile(rb"(?:[^\s()\[\]\"]|\[[^\]\r\n]*\])+|[\[\]]").match(octets, place)
                assert found, octets[place : place + 80]
                word = found[0].decode("utf-8", "surrogateescape")
                stack[-1].append(None if word.upper() == "NIL" else word)
                place = found.end()
        responses.append(stack[0])
        place += 2
    return responses


def pairs(items):
    """FETCH or STATUS items as a dict; flags without \\Recent as a set, mod-sequences only as being there."""
    found = {}
    for name, value in zip(items[::2], items[1::2], strict=True):
        name = name.upper()
        if name == "FLAGS":
            value = sorted(set(value) - {"\\Recent"})
        elif name in ("MODSEQ", "HIGHESTMODSEQ", "UIDVALIDITY"):
            value = "a number"
        found[name] = value
    return found


def meaning(octets):
    """(status, what was told): what a client would understand."""
    *untagged, last = parse(octets)
    told = []
    for response in untagged:
        words = response[1:]
        kind = words[1] if len(words) > 1 and str(words[0]).isdigit() else words[0]
        if kind in ("RECENT", "FLAGS", "OK", "NO", "CAPABILITY", "MAILBOXID"):
            if kind == "OK" and str(words[1]).startswith("[COPYUID"):
                told.append(("COPYUID", re.findall(r"[\d:,]+", words[1])[1:]))
            continue
        if kind == "FETCH":
            told.append(("FETCH", words[0], pairs(words[2])))
        elif kind == "STATUS":
            told.append(("STATUS", words[1], pairs(words[2])))
        elif kind == "LIST":
            attributes = {each.lower() for each in words[1]} & {"\\noselect", "\\subscribed", "\\nonexistent"}
            told.append(("LIST", sorted(attributes), words[2], words[3]))
        elif kind == "SEARCH":
            told.append(
                ("SEARCH", sorted(map(int, (each for each in words[1:] if not isinstance(each, list)))))
            )
        elif kind == "ESEARCH":
            told.append(
                ("ESEARCH", [each for each in words[1:] if not isinstance(each, list) or each[0] != "TAG"])
            )
        else:
            told.append(tuple(words))
    code = re.match(r"\[(COPYUID|APPENDUID) \d+ ([\d:, ]+)\]", str(last[2])) if len(last) > 2 else None
    if code:
        told.append((code[1], code[2].split()))
    fetched = sorted((each for each in told if each[0] == "FETCH"), key=repr)
    return last[1], [each for each in told if each[0] != "FETCH"], fetched


class Commands:
    """Commands by chance, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = 0

    def some(self):
        r = self.random
        ends = [str(r.randint(1, max(1, self.count))) for _ in range(r.randint(1, 3))]
        return r.choice([ends[0], ",".join(ends), ends[0] + ":*", ":".join((ends * 2)[:2]), "1:*"])

    def flags(self):
        return " ".join(self.random.sample(FLAGS, self.random.randint(0, 2)))

    # numbers=False: THREAD by numbers that are past the end ends Dovecot 2.3 (assertion in view_lookup_uid).
    def key(self, depth=0, *, numbers=True):
        r = self.random
        simple = [
            "ALL", "SEEN", "UNSEEN", "FLAGGED", "DELETED", "UNDELETED", "ANSWERED", "KEYWORD $Work", "UNKEYWORD $Work",
            f"LARGER {r.randint(0, 3000)}", f"SMALLER {r.randint(0, 3000)}", f"UID {self.some()}",
            self.some() if numbers else "ALL",
            f"SINCE {r.randint(1, 28)}-Nov-2026", f"BEFORE {r.randint(1, 28)}-Nov-2026",
            f"ON {r.randint(1, 28)}-Nov-2026",
            f"SENTSINCE {r.randint(1, 28)}-Nov-2026", f"SENTBEFORE {r.randint(1, 28)}-Nov-2026",
        ]  # fmt: skip
        word = r.choice(WORDS)
        texts = [f'{field} "{word}"' for field in ("SUBJECT", "FROM", "TO", "CC", "BODY", "TEXT")]
        texts += [f'HEADER Message-ID "{word}"', 'HEADER Reply-To ""']
        if depth < 2 and r.random() < 0.3:
            return r.choice(
                [
                    f"NOT {self.key(depth + 1, numbers=numbers)}",
                    f"OR {self.key(depth + 1, numbers=numbers)} {self.key(depth + 1, numbers=numbers)}",
                    f"({self.key(depth + 1, numbers=numbers)} {self.key(depth + 1, numbers=numbers)})",
                ]
            )
        return r.choice([*simple, *texts])

    def items(self):
        r = self.random
        part = r.choice(["", "1", "2", "1.1", "1.2", "2.1", "3"])
        dot = f"{part}." if part else ""
        text = r.choice(["HEADER", "TEXT", "HEADER.FIELDS (Subject From)", "HEADER.FIELDS.NOT (Received)"])
        section = r.choice([part, dot + text, f"{part}.MIME" if part else "HEADER"])
        partial = r.choice(["", f"<{r.randint(0, 200)}.{r.randint(1, 300)}>"])
        items = [
            "UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "RFC822.HEADER",
            f"BODY.PEEK[{section}]{partial}", f"BODY.PEEK[{section}]{partial}", "RFC822.TEXT",
        ]  # fmt: skip
        chosen = r.sample(items, r.randint(1, 4))
        return r.choice(
            [f"({' '.join(dict.fromkeys(chosen))})", "ALL", "FAST", "FULL"]
            if r.random() < 0.2
            else [f"({' '.join(dict.fromkeys(chosen))})"]
        )

    def next(self):
        r = self.random
        uid = r.choice(["", "UID "])
        sign = r.choice(["", "+", "-"])
        silent = r.choice(["", ".SILENT"])
        criteria = r.choice(
            ["SUBJECT", "FROM", "TO", "CC", "ARRIVAL", "DATE", "SIZE", "REVERSE SIZE", "REVERSE DATE"]
        )
        method = r.choice(["ORDEREDSUBJECT", "REFERENCES", "REFS"])
        box = r.choice(["INBOX", "work", "work/deep", "nowhere"])
        return r.choice(
            [
                *[f"{uid}FETCH {self.some()} {self.items()}"] * 6,
                *[f"{uid}STORE {self.some()} {sign}FLAGS{silent} ({self.flags()})"] * 3,
                *[f"{uid}SEARCH CHARSET UTF-8 {self.key()} {self.key()}"] * 4,
                f"{uid}SEARCH RETURN (MIN MAX COUNT) CHARSET UTF-8 {self.key()}",
                *[f"{uid}SORT ({criteria}) UTF-8 {self.key()}"] * 2,
                *[f"{uid}THREAD {method} UTF-8 {self.key(numbers=False)}"] * 2,
                f"{uid}COPY {self.some()} {box}",
                f"{uid}MOVE {r.randint(1, max(1, self.count))} {box}",
                f"STATUS {box} (MESSAGES UIDNEXT UNSEEN)",
                r.choice(['LIST "" *', 'LIST "" %', 'LIST work %', 'LIST "" work/%', 'LIST (SUBSCRIBED) "" *']),
                f"{r.choice(['CREATE', 'DELETE'])} {r.choice(['work/new', 'b', 'b/c'])}",
                f"{r.choice(['SUBSCRIBE', 'UNSUBSCRIBE'])} {r.choice(['work', 'work/deep', 'INBOX'])}",
                r.choice(["EXPUNGE", f"UID EXPUNGE {self.some()}", "NOOP", "CHECK"]),
                r.choice(["FETCH 0 UID", "STORE 1", "SEARCH BOGUS", "FETCH 1 (BOGUS)", "NONSENSE", "COPY 1", "LIST"]),
            ]
        )  # fmt: skip


def absent_sections(command, told, fetched, other):
    """A section that is not there: NIL here, an empty string there (RFC 9051 §6.4.5 leaves it open)."""
    for _, _, items in fetched:
        for name in items:
            if name.startswith("BODY[") and items[name] == "":
                items[name] = None
    return told, fetched


def folded_dates(command, told, fetched, other):
    """ENVELOPE's date where the field was folded with a tab: Dovecot keeps the tab."""
    for _, _, items in fetched:
        if "ENVELOPE" in items:
            items["ENVELOPE"][0] = " ".join((items["ENVELOPE"][0] or "").split())
    return told, fetched


def order_of_lists(command, told, fetched, other):
    """Mailboxes come in any order."""
    lists = sorted((each for each in told if each[0] == "LIST"), key=repr)
    return [*lists, *(each for each in told if each[0] != "LIST")], fetched


def order_of_expunges(command, told, fetched, other):
    """Dovecot tells removals from the last to the first, we from the first: the same messages go."""
    gone = []
    for each in told:
        if each[1:] == ("EXPUNGE",):
            number = int(each[0])
            for before in sorted(gone):
                number += before <= number
            gone.append(number)
    rest = [each for each in told if each[1:] != ("EXPUNGE",)]
    return [*rest, ("GONE", sorted(gone))], fetched


def flags_that_stay(command, told, fetched, other):
    """STORE that changes nothing is answered by us as RFC 9051 §6.4.6 has it, and passed over by Dovecot."""
    if "STORE" in command:
        numbers = {each[1] for each in other}
        fetched = [each for each in fetched if each[1] in numbers]
    return told, fetched


def flags_unasked(command, told, fetched, other):
    """Reading a body sets \\Seen: we tell the flags of all that were read, Dovecot of those that were new."""
    if not re.search("STORE|FLAGS|ALL|FAST|FULL", command):
        fetched = [
            (kind, number, {k: v for k, v in items.items() if k != "FLAGS"})
            for kind, number, items in fetched
        ]
        fetched = [each for each in fetched if each[2].keys() - {"UID"}]
    return told, fetched


def numbers_past_the_end(command, told, fetched, other):
    """In a search, 21:* of 10 messages is 10 (RFC 9051 §9, seq-range); Dovecot finds nothing."""
    if re.search(r"(SEARCH|SORT|THREAD) .*(?<!UID )(?<![\d,:])\d+:\*", command):
        told = [each for each in told if each[0] not in ("SEARCH", "ESEARCH", "SORT", "THREAD")]
    return told, fetched


def deleted_parents(command, told, fetched, other):
    """A mailbox with children that was deleted is \\Noselect (RFC 9051 §6.3.5); Dovecot's LIST "" % forgets it."""
    for each in told:
        if each[0] == "LIST" and each[3] == "b" and "\\noselect" in each[1]:
            each[1].remove("\\noselect")
    return told, fetched


ACCEPTED = (
    absent_sections,
    folded_dates,
    deleted_parents,
    order_of_lists,
    order_of_expunges,
    flags_that_stay,
    flags_unasked,
    numbers_past_the_end,
)
"""Every difference that is accepted: its reason, and how answers are made alike in spite of it."""


def alike(command, one, other):
    status, told, fetched = one
    for rule in ACCEPTED:
        told, fetched = rule(command, told, fetched, other[2])
    return status, told, fetched


def given():
    """The messages of both: octets, flags, date."""
    octets = [path.read_bytes() for path in sorted(GOLDEN.glob("*.eml"))]
    octets += [
        value for name, value in sorted(vars(messages).items()) if name.isupper() and isinstance(value, bytes)
    ]
    for number, each in enumerate(octets):
        each = re.sub(rb"\r?\n", b"\r\n", each)
        if b"\0" not in each:
            yield each, FLAGS[number % 4 : number % 4 + 1], f"{number % 28 + 1:02}-Nov-2026 10:00:00 +0900"


@pytest.mark.parametrize("seed", range(3))
def test_dovecot_and_we_understand_the_same(tmp_path, seed, request):
    house = MaildirHouse(tmp_path)
    commands, differences = Commands(seed), []
    with scratch() as folder:
        dovecot, ours = Dovecot(folder), house.session()
        tags = iter(range(10**9))

        def both(command):
            tag = b"d%d" % next(tags)
            octets = tag + b" " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n"
            return ours.send(octets), dovecot.send(tag, octets)

        try:
            for name in ("Drafts", "Sent", "Trash", "Junk", "Archive"):
                ours.ask(f"UNSUBSCRIBE {name}")
                ours.ask(f"DELETE {name}")
            ours.ask("UNSUBSCRIBE INBOX")
            for name in ("work", "work/deep"):
                both(f"CREATE {name}")
            for octets, flags, date in given():
                head = f'APPEND INBOX ({" ".join(flags)}) "{date}" {{{len(octets)}+}}\r\n'
                both(head.encode() + octets)
                commands.count += 1
            both("SELECT INBOX")
            for _ in range(4000 if request.config.getoption("--long") else 300):
                command = commands.next()
                mine, theirs = (meaning(said) for said in both(command))
                mine, theirs = alike(command, mine, theirs), alike(command, theirs, mine)
                if mine != theirs:
                    differences.append((command, mine, theirs))
        finally:
            dovecot.end()
    assert differences == []
