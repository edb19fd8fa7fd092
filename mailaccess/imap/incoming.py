"""What comes from a client on its way to the framer: as it is, or inflated piece by piece (RFC 4978)."""

from mailaccess.imap.deflate import Inflate
from mailaccess.proto.imap import framing


class Incoming:
    """Octets in, events out. framer: for handlers, which say what it is to expect."""

    __slots__ = ("_inflate", "framer")

    def __init__(self, limits: framing.Limits) -> None:
        self.framer = framing.Framer(limits)
        self._inflate: Inflate | None = None

    def feed(self, octets: bytes) -> None:
        """Take what came, decrypted."""
        if self._inflate is None:
            self.framer.feed(octets)
        else:
            self._inflate.feed(octets)

    @property
    def waiting(self) -> int:
        """Octets that came and wait their turn."""
        return self.framer.pending + (0 if self._inflate is None else self._inflate.waiting)

    @property
    def more(self) -> bool:
        """Whether there is something left to inflate."""
        return self._inflate is not None and self._inflate.more

    def inflate(self) -> bool:
        """Hand the framer a piece of what came compressed; says whether there was any.

        Raises ValueError for what is not DEFLATE.
        """
        piece = self._inflate.next() if self._inflate is not None and self._inflate.more else b""
        self.framer.feed(piece)
        return bool(piece)

    @property
    def compressed(self) -> bool:
        return self._inflate is not None

    def compress(self) -> None:
        """From here on it comes compressed, also what has come already."""
        self._inflate = Inflate()
        self._inflate.feed(self.framer.take())

    def uncompress(self) -> None:
        """From here on it comes plain, also what has come already."""
        if self._inflate is not None:
            self.framer.feed(self._inflate.take())
            self._inflate = None
