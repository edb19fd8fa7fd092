"""Where this server answers otherwise than the Dovecot that gave the golden answers, and why: all of it.

The corpus has a list of its own (``accepted.json``) of what else counts as right; these come on top. The tests hold
the list exact: a difference that is not here fails, and so does one that is here and no longer found. Messages are
told by the names that the corpus gives them, never by their content.
"""

from collections.abc import Mapping
from typing import Final

FETCHED: Final[Mapping[str, tuple[str, ...]]] = {
    # Dovecot decodes the leaves of a message/rfc822 and rewrites their headers. What is taken off is the encoding
    # of the section asked for, and a message has none (RFC 3516 §4.3, RFC 2045 §6.4): whoever saves such an
    # attachment gets it octet for octet, with signatures that still hold.
    "a message inside is not altered": (
        "2f7fd859d275 BINARY.SIZE[2]",
        "2f7fd859d275 BINARY[2]",
        "3409432b72f0 BINARY[5]",
        "4b5ed085d71e BINARY.SIZE[2]",
        "4b5ed085d71e BINARY[2]",
        "61606bd98796 BINARY.SIZE[2]",
        "61606bd98796 BINARY[2]",
        "715d6cdd964f BINARY.SIZE[2]",
        "715d6cdd964f BINARY[2]",
        "9da90e71795b BINARY.SIZE[2]",
        "9da90e71795b BINARY[2]",
        "9f7a46ee925e BINARY.SIZE[2]",
        "9f7a46ee925e BINARY[2]",
        "b8e55485126e BINARY.SIZE[3]",
        "b8e55485126e BINARY[3]",
        "c83999643dfe BINARY.SIZE[5]",
        "c83999643dfe BINARY[5]",
        "d856729710b7 BINARY.SIZE[3]",
        "d856729710b7 BINARY[3]",
        "e05e0face547 BINARY[5]",
        "e8e05086206c BINARY.SIZE[2]",
        "e8e05086206c BINARY[2]",
    ),
    # RFC 3516 §4.3: the size MUST be that of BINARY, which the golden answers contradict (once by 2 to the 64th),
    # or it is refused because of another part's encoding.
    "BINARY.SIZE is the size of BINARY": (
        "030c5bec5bbc BINARY.SIZE[4]",
        "0e383a22c776 BINARY.SIZE[1]",
        "7112b0834e63 BINARY.SIZE[1.1]",
        "87964f833968 BINARY.SIZE[1]",
        "ef76291778ab BINARY.SIZE[1.2]",
        "f0d9560a4ab7 BINARY.SIZE[1.1]",
    ),
    # RFC 8970 §3.2: the empty string is for a message that has no text. Dovecot looks no further than the first
    # part: nothing for HTML of markup alone before text, for messages forwarded as attachments and digests, for
    # text after an empty part, or where the media type can't be read.
    "a preview where there is text": (
        "0411e6b8b238 PREVIEW",
        "148960071477 PREVIEW",
        "194107d23363 PREVIEW",
        "1d28856a9191 PREVIEW",
        "1e88d1a6d612 PREVIEW",
        "24dcabbe1663 PREVIEW",
        "41b5566cadae PREVIEW",
        "6645d784effe PREVIEW",
        "692f9026bdbb PREVIEW",
        "6c039ccb8803 PREVIEW",
        "8a3a9ef6b471 PREVIEW",
        "8ffdf0ebf55d PREVIEW",
        "925fc89310f6 PREVIEW",
        "9385e0bffe6f PREVIEW",
        "972f0f6f8120 PREVIEW",
        "ab9c8e9ef955 PREVIEW",
        "adc6f6f48400 PREVIEW",
        "b198c367f555 PREVIEW",
        "b3ac204ca1ac PREVIEW",
        "b8caaf30c1bb PREVIEW",
        "ce3662e79c91 PREVIEW",
        "e08c7c27d871 PREVIEW",
        "eb7970cdbfca PREVIEW",
        "f90a4ead3f83 PREVIEW",
    ),
    # Digests: text of its first message, not that message's header. Two that no server reads well: of two
    # encodings the first counts, as in BODYSTRUCTURE; 8-bit text whose charset was damaged.
    "a preview of other text": (
        "3a7ea816f0a8 PREVIEW",
        "7ccaa08db870 PREVIEW",
        "8840045d10e1 PREVIEW",
        "d6b32ae45107 PREVIEW",
        "fe77a6f6b11a PREVIEW",
    ),
}

SEARCHES: Final[Mapping[str, str]] = {
    'NOT BODY "body"': 'what accepted.json has as contested for BODY "body": parts that Dovecot does not look into',
}

SORTS: Final[Mapping[str, str]] = dict.fromkeys(
    ("SIZE", "REVERSE SIZE", "REVERSE SIZE FROM"),
    "by the octets received (RFC 5256 §3): Dovecot alters CR CR LF and NUL, and sorts by what became of them",
)
