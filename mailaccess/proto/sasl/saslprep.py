"""SASLprep, the profile of stringprep for user names and passwords (RFC 4013, RFC 3454)."""

import stringprep
import unicodedata

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """``text`` prepared as a "stored string". Raises ValueError for what RFC 4013 §2.3 to §2.5 forbid."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    # Unicode 3.2 data, as stringprep demands: newer characters count as unassigned.
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    for char in prepared:
        if any(forbidden(char) for forbidden in _PROHIBITED) or stringprep.in_table_a1(char):
            raise ValueError("a character that SASLprep forbids")
    if any(stringprep.in_table_d1(char) for char in prepared):
        _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """RFC 3454 §6: right-to-left text has no left-to-right character and begins and ends with its own."""
    if any(stringprep.in_table_d2(char) for char in text):
        raise ValueError("left-to-right within right-to-left text")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left text that does not begin and end so")
