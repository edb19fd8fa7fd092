"""Changes of a message's own header that a screen asks for. What is not named stays as it is, octet by octet."""

from collections.abc import Mapping

from mailaccess.screening.canonical import fields, name_of
from mailaccess.screening.chain import field


def without(header: bytes, removed: Mapping[str, int]) -> bytes:
    """``header`` without fields. removed: by name which one: 0 all, 1 the first, -1 the last, and so on."""
    wanted = {name.lower().encode("ascii", "replace"): place for name, place in removed.items()}
    found = fields(header)
    by_name: dict[bytes, list[int]] = {}
    for number, each in enumerate(found):
        by_name.setdefault(name_of(each), []).append(number)
    gone: set[int] = set()
    for name, place in wanted.items():
        numbers = by_name.get(name, [])
        if place == 0:
            gone.update(numbers)
        elif -len(numbers) <= place <= len(numbers):
            gone.add(numbers[place - 1 if place > 0 else place])
    if not gone:
        return header
    return b"".join(each for number, each in enumerate(found) if number not in gone)


def with_subject(header: bytes, subject: str) -> bytes:
    """``header`` with another Subject, where the old one stood."""
    found = fields(header)
    place = next((number for number, each in enumerate(found) if name_of(each) == b"subject"), len(found))
    kept = [each for each in found if name_of(each) != b"subject"]
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\r\n"
    kept.insert(min(place, len(kept)), field("Subject", subject))
    return b"".join(kept)
