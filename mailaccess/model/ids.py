"""Numbers that must not be mistaken for one another (RFC 9051 §2.3.1, RFC 7162 §3).

All are plain ``int`` at run time; the types keep a sequence number from passing for a UID.
"""

from typing import Final, NewType

Uid = NewType("Uid", int)
"""Unique identifier, 1 to 2**32 - 1, ascending in a mailbox. RFC 9051 §2.3.1.1."""

SeqNum = NewType("SeqNum", int)
"""Message sequence number, 1 to the number of messages, of one session's view. RFC 9051 §2.3.1.2."""

ModSeq = NewType("ModSeq", int)
"""Mod-sequence, 1 to 2**63 - 1, of one mailbox. RFC 7162 §3.1."""

UidValidity = NewType("UidValidity", int)
"""Unique identifier validity value, 1 to 2**32 - 1. RFC 9051 §2.3.1.1."""

MAX_NUMBER: Final = 2**32 - 1
MAX_MODSEQ: Final = 2**63 - 1
