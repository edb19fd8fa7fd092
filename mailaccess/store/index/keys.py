"""Search keys: a content's address fields, subject and dates, decoded and folded, ready to be searched."""

from dataclasses import dataclass
from typing import Final

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS search_keys (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL, sent INTEGER,
        "from" BLOB, "to" BLOB, cc BLOB, bcc BLOB, subject BLOB, "message-id" BLOB, "in-reply-to" BLOB,
        "references" BLOB)""",
)


@dataclass(frozen=True, slots=True)
class Keys:
    """Folded UTF-8 of each field, None where the message has none. sent: day of the Date field, as an ordinal."""

    sent: int | None
    values: tuple[bytes | None, ...]
