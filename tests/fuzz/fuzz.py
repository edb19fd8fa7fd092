"""atheris over one entry: ``python -m tests.fuzz.fuzz imap -dict=tests/fuzz/mail.dict CORPUS``; it runs until stopped.

Other options are libFuzzer's, e.g. ``-runs=100000``, ``-max_total_time=600``. A crash leaves its input in a file.
"""

import sys


def main() -> None:
    """Fuzz the entry named first."""
    import atheris

    with atheris.instrument_imports(include=["mailaccess"]):
        from tests.fuzz.entries import ENTRIES
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, ENTRIES[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
