"""A socket that takes what a test lets it take."""

ENDLESS = 10**9


class Socket:
    """Takes ``room`` octets and then no more; None: it is broken.

    sent: what it took.  calls: how often it was asked.
    """

    def __init__(self, room=ENDLESS):
        self.room = room
        self.sent = bytearray()
        self.calls = 0

    def sendmsg(self, parts):
        return self.send(b"".join(parts))

    def send(self, data):
        self.calls += 1
        if self.room is None:
            raise ConnectionResetError(104, "reset")
        if not self.room:
            raise BlockingIOError(11, "would block")
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.sent += taken
        return len(taken)
