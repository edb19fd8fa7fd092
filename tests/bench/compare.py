"""Measures mail servers side by side: ours and, where it is installed, a throw-away Dovecot. Loopback only.

python -m tests.bench.compare [--quick] [--repeats N] [--only ROW,ROW] [--json FILE] [PEER ...]

PEER: mailaccess, dovecot, or one that runs: HOST:IMAP:POP3:LMTP,users=FILE[,imaps=PORT][,pid=N][,maildir=TEMPLATE]
[,name=NAME] with lines "name:password" in FILE. Without any: mailaccess, and dovecot if there is one.

Servers take turns row by row, so that what else the machine does hits both. A value is the median over the repeats;
a ratio above 1 means that the first server is ahead. CPU is the server's whole process tree for one operation: it
hardly depends on what else runs, while times do. The load of the machine stands below the table.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from tests.bench import reading, usage, writing
from tests.bench.house import QUICK, Bench, Corpus, Sizes
from tests.bench.measuring import Record, Row
from tests.bench.servers import Dovecot, Peer, named

ROWS: dict[str, Callable[[Bench], None]] = {**reading.ROWS, **writing.ROWS}


def run(
    peers: Sequence[Peer],
    sizes: Sizes,
    rows: Sequence[str],
    repeats: int,
    folder: Path,
    tell: Callable[[str], None],
) -> Record:
    """Start the peers in ``folder``, measure, stop them."""
    record = Record(tell)
    corpus = Corpus(folder / "corpus", sizes.octets)
    with ExitStack() as stack:
        benches = []
        for peer in peers:
            place = folder / peer.name.replace("/", "_")
            place.mkdir()
            stack.callback(peer.stop)
            peer.start(place)
            benches.append(Bench(peer, sizes, corpus, record))
        for repeat in range(repeats):
            for name in rows:
                # A B, then B A: who comes second finds warmer caches of the machine.
                for bench in benches if repeat % 2 == 0 else reversed(benches):
                    tell(f"{name}, {repeat + 1} of {repeats}, load {usage.load():.1f}")
                    ROWS[name](bench)
    return record


def table(record: Record, names: Sequence[str]) -> str:
    """As Markdown, which is also good to read."""
    lines = []
    first, *others = names
    head = ["row", "unit", *names, *(f"{first} : {other}" for other in others)]
    head += [f"CPU/op {name}" for name in names]
    rows = [head, ["---"] * len(head)]
    for row in record.rows.values():
        cells = [row.name, row.unit, *(_value(row, name) for name in names)]
        for other in others:
            ratio = row.ratio(first, other)
            cells.append("" if ratio is None else f"{ratio:.2f}")
        rows.append(cells + [_cpu(row.cpu(name)) for name in names])
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(head))]
    for cells in rows:
        lines.append(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
        )
    return "\n".join(lines)


def _value(row: Row, name: str) -> str:
    median = row.median(name)
    if median is None:
        return f"n/a: {row.reason(name)[:60]}"
    return f"{median:,.0f}" if median >= 1000 else f"{median:.3g}"


def _cpu(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds:.3g} ms" if milliseconds >= 0.1 else f"{1000 * milliseconds:.3g} us"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", nargs="*", metavar="PEER")
    parser.add_argument("--quick", action="store_true", help="small sizes, a minute or two")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default=",".join(ROWS), metavar="ROW,ROW", help="of: " + ", ".join(ROWS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--folder", type=Path, help="where servers and mail live meanwhile; a temporary one")
    given = parser.parse_args()
    rows = [row for row in given.only.split(",") if row]
    if unknown := [row for row in rows if row not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    wanted = given.peers or ["mailaccess", *(["dovecot"] if Dovecot.installed() else [])]
    try:
        peers = [named(argument) for argument in wanted]
    except ValueError as error:
        parser.error(str(error))
    if len({peer.name for peer in peers}) < len(peers):
        parser.error("two servers have the same name; give one name=NAME")
    if not given.peers and len(peers) == 1:
        print("Dovecot is not installed: nothing to compare with", file=sys.stderr)
    sizes = QUICK if given.quick else Sizes()
    with tempfile.TemporaryDirectory(prefix="mailaccess-bench-", dir=given.folder) as made:
        Path(made).chmod(0o755)
        record = run(peers, sizes, rows, given.repeats, Path(made), lambda line: print(line, file=sys.stderr))
    names = [peer.name for peer in peers]
    print(table(record, names))
    print(f"\n{os.cpu_count()} cores, load {usage.load():.1f}, Python {platform.python_version()}")
    if given.json:
        document = {"sizes": asdict(sizes), "rows": [asdict(row) for row in record.rows.values()]}
        given.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
