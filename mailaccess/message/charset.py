"""Charsets of mail as text, by a closed list of codecs (RFC 2978 names and those of the wild).

A name is looked up in a table made once, never in the codec registry: that imports modules by name
and searches the disk again for every name it does not know, at the sender's bidding.
"""

import encodings.aliases
import re
from functools import lru_cache

_NAME = re.compile(r"[^a-z0-9]+")
CODECS_KEPT = 512
"""Names whose codec is remembered; each is bounded too."""

# Codecs that are no charsets of text, or whose work is not linear (punycode, idna).
_EXCLUDED = frozenset(
    (
        "base64_codec", "bz2_codec", "hex_codec", "mbcs", "oem", "quopri_codec", "rot_13", "uu_codec",
        "zlib_codec", "undefined", "charmap", "idna", "punycode", "raw_unicode_escape", "unicode_escape",
    )
)  # fmt: skip

# Senders name the smaller charset and use the larger one; each of these decodes what it stands for.
_SUPERSETS = {
    "euc_kr": "cp949",
    "ks_c_5601_1987": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext",
    "ascii": "utf_8",
    "utf_8_sig": "utf_8",
}

_MORE = {
    "ks_c_5601": "cp949", "ksc_5601": "cp949", "ksc5601": "cp949", "ksc5601_1987": "cp949", "korean": "cp949",
    "uhc": "cp949", "windows_949": "cp949", "x_windows_949": "cp949", "cseuckr": "cp949", "euckr": "cp949",
    "x_euc_kr": "cp949", "ms949": "cp949", "iso_ir_149": "cp949",
    "x_sjis": "cp932", "x_gbk": "gb18030", "x_mac_roman": "mac_roman", "macintosh": "mac_roman",
    "x_mac_japanese": "cp932", "x_big5": "big5hkscs", "big_5": "big5hkscs", "cn_gb": "gb18030",
    "iso_8859_8_i": "iso8859_8", "iso_8859_8_e": "iso8859_8", "windows_874": "cp874",
    "x_windows_874": "cp874",
    "utf8": "utf_8", "unicode_1_1_utf_8": "utf_8", "unicode_1_1_utf_7": "utf_7", "unicode_2_0_utf_7": "utf_7",
    "x_unicode_2_0_utf_7": "utf_7", "utf8mb4": "utf_8", "unicode": "utf_16", "ucs_2": "utf_16",
    "iso_10646_ucs_2": "utf_16_be", "ansi_x3_4_1968": "utf_8", "ansi": "cp1252", "default": "utf_8",
    "unknown_8bit": "utf_8", "unknown": "utf_8", "x_unknown": "utf_8", "8bit": "utf_8", "binary": "utf_8",
    "koi8_ru": "koi8_u",
}  # fmt: skip


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for alias, codec in encodings.aliases.aliases.items():
        if codec not in _EXCLUDED:
            name = _SUPERSETS.get(codec, codec)
            table[_NAME.sub("_", alias)] = name
            table[_NAME.sub("_", codec)] = name
    for codec in (
        "koi8_r",
        "koi8_u",
        "koi8_t",
        "mac_cyrillic",
        "mac_greek",
        "mac_iceland",
        "cp856",
        "cp874",
        "cp1006",
    ):
        table[codec] = codec
    table.update({name: _SUPERSETS.get(codec, codec) for name, codec in _SUPERSETS.items()})
    table.update(_MORE)
    return table


_CODECS = _table()


@lru_cache(CODECS_KEPT)
def codec(name: bytes) -> str | None:
    """The codec for a charset name in any case, or None.

    A language after ``*`` is left aside (RFC 2231 §5).
    """
    if len(name) > 80:  # no registered name is longer than 45
        return None
    text = name.partition(b"*")[0].decode("ascii", "replace").strip(" \t\"'").lower()
    return _CODECS.get(_NAME.sub("_", text).strip("_"))


_SHIFTING = ("iso2022", "hz", "utf_7")
"""Charsets in which some ASCII tells what those after it stand for."""


def keeps_ascii(name: bytes | None) -> bool:
    """Whether octets below 128 stand for themselves in the charset ``name``, whatever comes before them."""
    return name is None or _keeps_ascii(codec(name) or "utf_8")


@lru_cache(CODECS_KEPT)
def _keeps_ascii(known: str) -> bool:
    if known.startswith(_SHIFTING):
        return False
    every = bytes(range(128))
    try:
        return every.decode(known) == every.decode("ascii")
    except (UnicodeError, ValueError):
        return False


def decode(octets: bytes, name: bytes | None) -> str:
    """Text of ``octets`` in the charset ``name``; what cannot be read becomes U+FFFD.

    No charset, US-ASCII and unknown ones are read as UTF-8, of which ASCII is a part: so the
    letters that every charset shares are kept.
    """
    known = codec(name) if name else "utf_8"
    if known in (None, "utf_8"):
        return octets.decode("utf-8", "replace")
    try:
        text = octets.decode(known or "utf-8", "replace")
        # UTF-7 lets half of a surrogate pair through, which no UTF-8 file or reply can hold.
        return (
            text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if known == "utf_7" else text
        )
    except (UnicodeError, ValueError):  # a codec that is stricter than its error handler
        return octets.decode("utf-8", "replace")
