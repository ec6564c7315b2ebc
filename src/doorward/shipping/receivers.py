"""Handing a batch of events over: to a file, over HTTP, by syslog. It was taken then, or DeliveryFailed is raised."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from doorward.shipping.destinations import Destination
from doorward.shipping.envelopes import ENVELOPES, lines, syslog_messages
from doorward.shipping.ocsf import Event
from doorward.shipping.posting import DeliveryFailed, post, trust

_SYSLOG_TLS_PORT, _SYSLOG_PORT = 6514, 514


class ConnectionEnded(DeliveryFailed):
    """The receiver ended the connection without a word: the batch before may not have been kept either."""

    code = "connection-ended"


class Receiver(Protocol):
    """Takes batches, one after the other."""

    def take(self, events: Sequence[Event]) -> None:
        """Hand *events* over. Raises DeliveryFailed when it is not sure that all were taken."""

    def close(self) -> None:
        """Let go of what is open."""


def receiver_of(destination: Destination) -> Receiver:
    """What speaks to *destination*. Raises ConfigurationInvalid when its secret can't be had."""
    if destination.kind == "file":
        return FileReceiver(Path(destination.to))
    if destination.kind == "syslog":
        return SyslogReceiver(destination)
    return HttpReceiver(destination)


class FileReceiver:
    """Appends lines of JSON to a file, which may be moved away at any time: the next batch begins a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, events: Sequence[Event]) -> None:
        """See :class:`Receiver`: they are on stable storage then."""
        content = lines(events)
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                # What a full disk cut off is taken away again, or the next batch would begin in the middle of a line.
                size = os.fstat(descriptor).st_size
                try:
                    view = memoryview(content)
                    while view:
                        view = view[os.write(descriptor, view) :]
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DeliveryFailed(f"{self._path} can't be written: {error.strerror}.", "Make room, or make it yours.") from None

    def close(self) -> None:
        """See :class:`Receiver`."""


class HttpReceiver:
    """Posts batches, each over a connection of its own: they are seconds apart, and one that went stale tells nothing."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._envelope = ENVELOPES[destination.kind]
        self._headers = {
            "Content-Type": self._envelope.content_type,
            "User-Agent": "doorward",
            **self._envelope.authorization(destination.token()),
        }
        self._context = trust(destination.ca_file) if urlsplit(destination.to).scheme == "https" else None

    def take(self, events: Sequence[Event]) -> None:
        """See :class:`Receiver`."""
        name = self._destination.name
        status, answer = post(
            self._destination.to,
            self._envelope.body(events, self._destination),
            self._headers,
            name=name,
            seconds=self._destination.timeout_seconds,
            context=self._context,
        )
        if not 200 <= status < 300:
            raise DeliveryFailed(f"{name} answered with status {status}.", "Its own log says why.")
        refusal = self._envelope.refusal(answer, len(events))
        if refusal:
            raise DeliveryFailed(f"{name} did not take all: {refusal[:200]}.", "Its own log says why.")

    def close(self) -> None:
        """See :class:`Receiver`."""


class SyslogReceiver:
    """RFC 5424 over TLS (RFC 5425), or over plain TCP where that is asked for.

    The protocol has no answers. That a batch was sent is known, not that it was kept: a connection that the receiver closed is
    noticed, and what was sent over it last is sent again.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._url = urlsplit(destination.to)
        self._context = trust(destination.ca_file) if self._url.scheme == "tls" else None
        self._socket: socket.socket | None = None
        self._host = socket.gethostname()[:255]

    def take(self, events: Sequence[Event]) -> None:
        """See :class:`Receiver`."""
        name = self._destination.name
        try:
            if self._socket is not None and _was_closed(self._socket):
                self.close()
                raise ConnectionEnded(f"{name} closed the connection; what was sent over it last is sent again.")
            if self._socket is None:
                self._socket = self._connect()
            self._socket.sendall(syslog_messages(events, self._host))
            if _was_closed(self._socket):
                raise ConnectionResetError
        except OSError as error:
            self.close()
            raise DeliveryFailed(f"{name} can't be written to: {type(error).__name__}.", "Is it up and reachable?") from None

    def close(self) -> None:
        """See :class:`Receiver`."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        port = self._url.port or (_SYSLOG_TLS_PORT if self._context else _SYSLOG_PORT)
        host, seconds = self._url.hostname or "", self._destination.timeout_seconds
        plain = socket.create_connection((host, port), timeout=seconds)
        if self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise


def _was_closed(connection: socket.socket) -> bool:
    """Whether the peer ended it. Syslog receivers say nothing: whatever can be read is the end."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return not connection.recv(1)
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return not connection.recv(4_096)
    except (ssl.SSLWantReadError, BlockingIOError, TimeoutError):
        return False  # a TLS message of its own, a new session ticket
