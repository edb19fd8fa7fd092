"""Writing to a connection's socket at once, under Twisted's own writing, where nothing of it waits to be sent.

Twisted's ``write`` waits for the reactor to find the socket writable: two system calls and a turn of the loop more for
each answer (a third of the cost of a NOOP), and two copies of the octets. Its TLS adds a copy of each record on its
way into OpenSSL's memory and back, twice the room that takes, and a turn for 128 KiB.

Whatever the socket or OpenSSL does not take, and every error, is left to the transport: its own writing goes on from
there, or meets the error again. Transports that are not what is known here are left alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.tcp import Client, Server
from twisted.protocols.tls import BufferingTLSTransport

GATHERED: Final = 1000
"""Parts given to the kernel at once; it takes 1,024 (IOV_MAX)."""

RECORD: Final = 16 * 1024
"""The most that one TLS record holds; parts that are smaller are put together first."""

SEALED: Final = 64 * 1024
"""Octets that OpenSSL encrypts before they are taken out of its memory: they are still in the processor's cache."""

OVERHEAD: Final = 1024
"""More than the headers and tags of the records of SEALED octets take."""

TOGETHER: Final = 256 * 1024
"""Encrypted octets that one system call sends."""

_TCP: Final = (Server, Client)


def send(transport: Any, parts: list[bytes]) -> list[bytes]:
    """Send ``parts``, one after the other, as far as that can be done now; returns the rest, for the transport.

    Over TLS, what was encrypted counts as sent: the connection below has it.
    """
    if is_plain(transport):
        return _gathered(transport, parts) if _is_free(transport) else parts
    layers = _layers(transport)
    return parts if layers is None else _sealed(*layers, parts)


def is_plain(transport: Any) -> bool:
    """Whether this is a TCP connection without TLS."""
    return type(transport) in _TCP and not transport.TLS


def _is_free(tcp: Any) -> bool:
    """Whether it is open, and nothing waits to be sent."""
    return tcp.connected and not (tcp.disconnecting or tcp.dataBuffer or tcp._tempDataBuffer)


def _layers(transport: Any) -> tuple[Any, Any] | None:
    """The TLS layer and the TCP connection below it, where its handshake is over and nothing waits in either."""
    if type(transport) in _TCP:  # after STARTTLS
        tls, tcp = transport.protocol, transport
    else:
        tls, tcp = transport, getattr(transport, "transport", None)
    if type(tls) is not BufferingTLSTransport or type(tcp) not in _TCP:
        return None
    if not tls._handshakeDone or tls._lostTLSConnection or tls._aborted or tls.disconnecting:
        return None
    if tls._appSendBuffer or getattr(tls._aggregator, "_buffer", True) or not _is_free(tcp):
        return None
    return tls, tcp


def _gathered(tcp: Any, parts: list[bytes]) -> list[bytes]:
    """Send what the socket takes at once; returns the rest. The kernel gathers: nothing is copied together."""
    done = 0
    while done < len(parts):
        some = parts[done : done + GATHERED]
        try:
            sent = tcp.socket.sendmsg(some)
        except OSError:  # full, or an error that Twisted's own write meets again
            break
        for part in some:
            if sent < len(part):
                return [part[sent:] if sent else part, *parts[done + 1 :]]
            sent -= len(part)
            done += 1
    return parts[done:]


def _sealed(tls: Any, tcp: Any, parts: Sequence[bytes]) -> list[bytes]:
    """Encrypt ``parts`` and send them; returns what OpenSSL did not take."""
    connection = tls._tlsConnection
    waiting: list[bytes] = []
    gathered = 0
    stretches = _stretches(parts)
    for stretch in stretches:
        done, failed = 0, False
        while done < len(stretch) and not failed:
            try:
                done += connection.send(stretch[done:])
            except SSL.Error:
                failed = True
        waiting += _taken(connection)
        gathered += done
        if failed:
            _hand_over(tls, tcp, waiting)
            return [bytes(each) for each in (stretch[done:], *stretches)]
        if gathered >= TOGETHER:
            _hand_over(tls, tcp, waiting)
            waiting, gathered = [], 0
    _hand_over(tls, tcp, waiting)
    return []


def _stretches(parts: Sequence[bytes]) -> Iterator[memoryview]:
    """The same octets, some records at a time."""
    small: list[bytes] = []
    size = 0
    for part in parts:
        if len(part) >= RECORD:
            if small:
                yield memoryview(b"".join(small))
                small, size = [], 0
            view = memoryview(part)
            for start in range(0, len(part), SEALED):
                yield view[start : start + SEALED]
            continue
        small.append(part)
        size += len(part)
        if size >= RECORD:
            yield memoryview(b"".join(small))
            small, size = [], 0
    if size:
        yield memoryview(b"".join(small))


def _taken(connection: SSL.Connection) -> Iterator[bytes]:
    """What OpenSSL has for the other side."""
    try:
        while True:  # ends: it holds what was encrypted last, and perhaps an answer to the other side
            taken = connection.bio_read(SEALED + OVERHEAD)
            yield taken
            if len(taken) < SEALED + OVERHEAD:
                return
    except SSL.Error:  # nothing, or an error that Twisted's own write meets again
        return


def _hand_over(tls: Any, tcp: Any, sealed: list[bytes]) -> None:
    """Send encrypted octets; what the socket does not take waits in the transport, as everything that follows."""
    for rest in _gathered(tcp, sealed) if _is_free(tcp) else sealed:
        tls.transport.write(rest)
