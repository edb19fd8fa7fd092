"""LMTP (RFC 2033): mail from an MTA that keeps the queue, so each recipient has a reply of its own."""

from mailaccess.smtp.policy import Policy


class Lmtp(Policy):
    """The policy of ``listen.lmtp``: whoever can reach it is trusted to be the MTA."""

    service = "lmtp"
    lmtp = True
    lenient = True
    counts_unknown = False
