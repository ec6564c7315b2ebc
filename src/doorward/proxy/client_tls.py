"""TLS towards clients: the certificate shown, which may change while Doorward runs."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from doorward import telemetry
from doorward.authentication.channel_binding import end_point_binding
from doorward.errors import ConfigurationInvalid, ProtocolViolation


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What one connection is encrypted with. *binding* is what a sign-in inside can be bound to, if to anything."""

    context: ssl.SSLContext
    binding: bytes | None


class Certificate:
    """A certificate and its key, in PEM files, read again once these change.

    A pair that can't be used leaves the one before in force, and is reported once.
    """

    def __init__(self, certificate: Path, private_key: Path, alpn: str) -> None:
        """*alpn* is the protocol's name inside TLS. Raises ConfigurationInvalid when there is nothing to begin with."""
        self._files = (certificate, private_key)
        self._alpn = alpn
        self._seen = self._marks()
        self._in_force = self._load()

    def current(self) -> ClientTls:
        """For a new connection. Looks at the files: two system calls, where TLS takes a millisecond."""
        if self._marks() != self._seen:
            self.reload()
        return self._in_force

    def reload(self) -> bool:
        """Read the files, whether or not they changed; whether they could be used."""
        self._seen = self._marks()
        try:
            self._in_force = self._load()
        except ConfigurationInvalid as error:
            telemetry.log("certificate.refused", level=logging.ERROR, error=error, in_force="the one before")
            return False
        telemetry.log("certificate.loaded", file=self._files[0])
        return True

    def _marks(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What changes with a file; a symbolic link to another one, as certificate managers set it, counts as well."""
        return tuple(map(_mark, self._files))

    def _load(self) -> ClientTls:
        certificate, private_key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # As PostgreSQL has it: a session is never resumed or renegotiated, so no ticket is worth sending.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.num_tickets = 0
        context.set_alpn_protocols([self._alpn])
        try:
            # Without a password given, a key that is encrypted would be asked for at the terminal.
            context.load_cert_chain(certificate, private_key, password="")
            first = certificate.read_text("latin-1").partition("-----END CERTIFICATE-----")
            shown = ssl.PEM_cert_to_DER_cert(first[0][first[0].index("-----BEGIN CERTIFICATE-----") :] + first[1])
        except (OSError, ValueError) as error:
            raise ConfigurationInvalid(
                f"The certificate {certificate} can't be used: {error}.",
                "Give a PEM certificate and its private key, not encrypted.",
            ) from None
        return ClientTls(context, end_point_binding(shown))


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


async def begin_tls(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext, begun: bytes
) -> asyncio.Transport:
    """Begin TLS as its server on a connection that is not being read from; *begun* is what was read of it already.

    The caller hands its *protocol* over and goes on with the transport returned. Raises ProtocolViolation when the client's
    part is not one; the connection is closed then.
    """
    loop = asyncio.get_running_loop()
    starting = loop.create_task(loop.start_tls(transport, protocol, context, server_side=True), name="tls")
    try:
        if begun:
            # One turn of the loop, and TLS has put its own protocol into the place of ours; another, and that one is ready.
            await asyncio.sleep(0)
            loop.call_soon(_feed, cast(asyncio.BufferedProtocol, transport.get_protocol()), begun)
        secured = await starting
    except OSError as error:
        words = (error.reason if isinstance(error, ssl.SSLError) else "") or type(error).__name__
        raise ProtocolViolation(f"TLS with the client failed: {words}.") from None
    finally:
        starting.cancel()
    if secured is None or secured.get_extra_info("ssl_object") is None:
        raise ProtocolViolation("The client closed the connection while TLS began.")
    return secured


def _feed(below: asyncio.BufferedProtocol, begun: bytes) -> None:
    """Give bytes to a protocol as if they had just been received."""
    while begun:
        buffer = memoryview(below.get_buffer(len(begun)))
        taken = min(len(buffer), len(begun))
        buffer[:taken] = begun[:taken]
        below.buffer_updated(taken)
        begun = begun[taken:]
