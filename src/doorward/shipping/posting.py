"""One POST to somebody else's server, with an end to everything: time, size of the answer, redirects (none is followed)."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from doorward.errors import DoorwardError

# An answer is read no further; one that says less is all that is needed.
ANSWER_BYTES = 4 << 20
# From the first failure on, doubled: a receiver that is down for a day is not asked a million times.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0


class DeliveryFailed(DoorwardError):
    """A receiver did not take what it was sent; it is sent again later."""

    code = "delivery-failed"


def longer(pause: float, first: float = FIRST_PAUSE_SECONDS) -> float:
    """How long to wait in seconds, after a failure that came after *pause*; 0 for the first in a row."""
    return min(LONGEST_PAUSE_SECONDS, max(first, pause * 2))


def trust(ca_file: str) -> ssl.SSLContext:
    """TLS that verifies the peer: by the authorities in *ca_file*, or the system's when that is empty.

    Raises DeliveryFailed when *ca_file* can't be used.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise DeliveryFailed(f"{ca_file} can't be used: {error.strerror}.", "Give a file of PEM certificates.") from None


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    name: str,
    seconds: float,
    context: ssl.SSLContext | None,
) -> tuple[int, bytes]:
    """Post *body* over a connection of its own; the status and the answer. *name* is what errors call the receiver.

    Raises DeliveryFailed when there is no answer in time.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        return response.status, _read(response, time.monotonic() + seconds)
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: a host name that can't be one
        raise DeliveryFailed(f"{name} does not answer: {type(error).__name__}.", f"Is {host} up and reachable?") from None
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """The answer, as far as it comes in time: a receiver that drips keeps nobody."""
    parts, size = [], 0
    while size < ANSWER_BYTES:
        part = response.read1(65_536)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts)
