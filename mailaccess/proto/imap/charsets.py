"""Charsets in which a SEARCH may come (RFC 9051 §6.4.4; names as in IANA's registry).

An allow-list: Python knows codecs that are no charsets, and some whose work is not linear.
"""

from typing import Final

_CODECS: Final = {
    "US-ASCII": "ascii",
    "UTF-8": "utf-8",
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
    **{f"WINDOWS-{page}": f"cp{page}" for page in range(1250, 1259)},
    "WINDOWS-874": "cp874",
    "TIS-620": "tis_620",
    "KOI8-R": "koi8_r",
    "KOI8-U": "koi8_u",
    "EUC-KR": "cp949",
    "KS_C_5601-1987": "cp949",
    "ISO-2022-KR": "iso2022_kr",
    "JOHAB": "johab",
    "ISO-2022-JP": "iso2022_jp",
    "SHIFT_JIS": "cp932",
    "EUC-JP": "euc_jp",
    "GB2312": "gb18030",
    "GBK": "gb18030",
    "GB18030": "gb18030",
    "HZ-GB-2312": "hz",
    "BIG5": "cp950",
    "BIG5-HKSCS": "big5hkscs",
    "UTF-16": "utf-16",
    "IBM437": "cp437",
    "IBM850": "cp850",
    "IBM866": "cp866",
    "MACINTOSH": "mac_roman",
}

_ALIASES: Final = {
    "ASCII": "US-ASCII",
    "UTF8": "UTF-8",
    "LATIN1": "ISO-8859-1",
    "ISO8859-1": "ISO-8859-1",
    "ISO8859-15": "ISO-8859-15",
    "KS_C_5601": "KS_C_5601-1987",
    "KSC5601": "KS_C_5601-1987",
    "CP949": "EUC-KR",
    "UHC": "EUC-KR",
    "WINDOWS-949": "EUC-KR",
    "CP1251": "WINDOWS-1251",
    "CP1252": "WINDOWS-1252",
    "SJIS": "SHIFT_JIS",
    "CP932": "SHIFT_JIS",
    "WINDOWS-31J": "SHIFT_JIS",
    "EUC-CN": "GB2312",
    "CP936": "GBK",
    "CP950": "BIG5",
}

TOLD: Final = (
    "UTF-8",
    "US-ASCII",
    "ISO-8859-1",
    "ISO-8859-15",
    "EUC-KR",
    "ISO-2022-JP",
    "SHIFT_JIS",
    "GB18030",
    "BIG5",
    "KOI8-R",
)
"""What BADCHARSET tells: enough to choose from."""


def codec(charset: str) -> str | None:
    """The Python codec for ``charset`` (in capitals); None if it may not be used."""
    return _CODECS.get(_ALIASES.get(charset, charset))
