"""The comparators in which SEARCH, SORT and THREAD compare texts (RFC 4790, RFC 5255 §4.2).

i;ascii-numeric is not among them: it has no substring operation, which RFC 5255 §4.4 asks of all.
"""

from enum import Enum
from typing import Final


class Collation(Enum):
    """Identifiers, the one we prefer first. UNICODE_CASEMAP is the default: RFC 5051, by ``message.text.fold``.

    It deviates in one thing: texts are compared composed, so a letter is not found in one with an accent, nor a
    Hangul syllable in one that has a letter more, as it would be in RFC 5051 §2's decomposed form.
    """

    UNICODE_CASEMAP = "i;unicode-casemap"
    ASCII_CASEMAP = "i;ascii-casemap"
    OCTET = "i;octet"

    def form(self, text: str) -> str:
        """Texts that are equal under the comparator are equal in this form, and order as their octets do.

        Not of UNICODE_CASEMAP, whose form is ``message.text.fold`` for finding and ``store.sort.collation`` for
        order.  i;ascii-casemap: the letters a to z are capitals, RFC 4790 §9.2.1.  i;octet: §9.3.1.
        """
        return text.translate(_CAPITALS) if self is Collation.ASCII_CASEMAP else text


_CAPITALS: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
