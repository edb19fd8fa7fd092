"""What a message's file should be called: the border between flags of a row and letters of a name."""

from mailaccess.model.flags import Flag, FlagSet
from mailaccess.store.maildir import names

Keywords = dict[int, str]
"""A mailbox's keywords by number; those below ``names.LETTERED`` have letters."""


class Lettering:
    """The letters of one mailbox's flags, both ways; flags without a letter are left out of names."""

    def __init__(self, keywords: Keywords) -> None:
        self.letters: dict[Flag, str] = dict(names.LETTERS)
        for number, keyword in keywords.items():
            if number < names.LETTERED:
                self.letters[keyword] = chr(ord("a") + number)
        self.flags = {letter: flag for flag, letter in self.letters.items()}
        self._read: dict[str, FlagSet] = {}

    def flags_of(self, letters: str) -> FlagSet:
        """The flags that ``letters`` stand for; letters that stand for nothing are passed over."""
        found = self._read.get(letters)
        if found is None:
            found = frozenset([self.flags[letter] for letter in letters if letter in self.flags])
            self._read[letters] = found
        return found

    def letters_of(self, flags: FlagSet, now: str) -> str:
        """The letters for ``flags``, and those system letters of ``now`` that mean nothing to us (``P``).

        Keyword letters without a keyword are not kept: they would mean one that gets the letter later.
        """
        ours = [self.letters[flag] for flag in flags if flag in self.letters]
        return "".join([*ours, *[letter for letter in now if letter.isupper() and letter not in self.flags]])

    def strays(self, letters: str) -> bool:
        """Whether ``letters`` holds keyword letters without a keyword."""
        return any(letter.islower() and letter not in self.flags for letter in letters)

    def merged(self, ours: FlagSet, before: bytes, after: bytes) -> FlagSet:
        """``ours`` with what another program changed between the file names ``before`` and ``after``."""
        was, now = self.flags_of(names.letters(before)), self.flags_of(names.letters(after))
        return ours if was == now else (ours | (now - was)) - (was - now)
