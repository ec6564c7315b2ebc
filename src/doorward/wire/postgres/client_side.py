"""The start of a client's session, sans-I/O: from the first byte until it is signed in."""

from __future__ import annotations

from enum import Enum, auto

from doorward.errors import DoorwardError, ProtocolViolation
from doorward.wire.handshake import HandshakeEvent, Proves, WantsCancel, WantsSignIn, WantsTls
from doorward.wire.postgres import authentication, messages, startup
from doorward.wire.postgres.exchange import PINNED_SETTINGS

# What a client may send before it is answered: clients wait, so this is generous. Nobody has proven anything yet.
MAX_AHEAD_BYTES = 1 << 20


class _Stage(Enum):
    PACKETS = auto()
    AWAITING_TLS = auto()
    SASL_FIRST = auto()
    SASL_FINAL = auto()
    DONE = auto()


# Other words for the pinned values; "auto" is libpq's for the client's own locale.
_SAME_AS_PINNED = ("auto", "true", "1", "'utf8'")


class ClientHandshake:
    """Takes bytes, gives what the client wants one by one, and makes the answers.

    Every ``receive`` may raise ProtocolViolation; ``refuse`` then makes the error to send before closing.
    """

    def __init__(self) -> None:
        self._stage = _Stage.PACKETS
        self._buffer = b""
        self._negotiation = b""
        self._declined_gss = False
        self._overflowed = False
        self.encrypted = False
        self.to_client: list[bytes] = []

    def receive(self, data: bytes) -> list[HandshakeEvent]:
        """Take a chunk; return what the client wants, in order."""
        if self._overflowed or len(self._buffer) + len(data) > MAX_AHEAD_BYTES:
            self._overflowed = True
            self._buffer = b""
            raise ProtocolViolation("Too much was sent before signing in was over.")
        self._buffer += data
        events: list[HandshakeEvent] = []
        while self._stage in (_Stage.PACKETS, _Stage.SASL_FIRST, _Stage.SASL_FINAL):
            event = self._packet() if self._stage is _Stage.PACKETS else self._proof()
            if event is None:
                break
            events.append(event)
        return events

    @property
    def rest(self) -> bytes:
        """Bytes received that belong to what follows. Raises ProtocolViolation when there were too many to keep."""
        if self._overflowed:
            raise ProtocolViolation("Too much was sent before signing in was over.")
        return self._buffer

    def accept_tls(self) -> bytes:
        """The answer to WantsTls when TLS begins right after it."""
        self.encrypted = True
        self._stage = _Stage.PACKETS
        return b"S"

    def decline_tls(self) -> bytes:
        """The answer to WantsTls when there is no TLS."""
        self._stage = _Stage.PACKETS
        return b"N"

    def ask_for_proof(self) -> bytes:
        """The answer to WantsSignIn: SCRAM-SHA-256."""
        self._stage = _Stage.SASL_FIRST
        return self._negotiation + authentication.sasl_mechanisms(authentication.SCRAM_SHA_256)

    def challenge(self, data: bytes) -> bytes:
        """The answer to the client's first proof step."""
        self._stage = _Stage.SASL_FINAL
        return authentication.sasl_continue(data)

    def welcome(self, data: bytes, parameters: dict[str, str], process_id: int, key: bytes) -> bytes:
        """The end of a good handshake: our own proof, the upstream's settings, the key that cancels, readiness."""
        self._stage = _Stage.DONE
        reported = b"".join(messages.parameter_status(name, value) for name, value in parameters.items())
        return (
            authentication.sasl_final(data)
            + authentication.OK
            + reported
            + authentication.backend_key_data(process_id, key)
            + messages.ready_for_query(b"I")
        )

    def refuse(self, error: DoorwardError) -> bytes:
        """The error that ends the connection."""
        return messages.fields("FATAL", error.sqlstate, error.message, "", error.remedy).encode(b"E")

    def _packet(self) -> HandshakeEvent | None:
        if self._buffer[:1] == b"\x16" and not self.encrypted:
            raise ProtocolViolation("TLS without a request first is not spoken here.", "Set sslnegotiation=postgres.")
        length = startup.packet_length(self._buffer)
        if length == 0 or len(self._buffer) < length:
            return None
        packet, self._buffer = self._buffer[:length], self._buffer[length:]
        wish = startup.read_packet(packet)
        if isinstance(wish, startup.GssRequest):
            if self._declined_gss:
                raise ProtocolViolation("GSS encryption was declined already.")
            self._declined_gss = True
            self.to_client.append(b"N")
            return self._packet()
        if isinstance(wish, startup.TlsRequest):
            if self._buffer:
                # Bytes sent ahead in clear would be taken for encrypted ones (CVE-2021-23214).
                raise ProtocolViolation("Data was sent before TLS began.")
            if self.encrypted:
                raise ProtocolViolation("TLS was asked for inside TLS.")
            self._stage = _Stage.AWAITING_TLS
            return WantsTls()
        self._stage = _Stage.DONE
        if isinstance(wish, startup.CancelRequest):
            return WantsCancel(wish.process_id, wish.key)
        return self._sign_in(wish)

    def _sign_in(self, wish: startup.Startup) -> WantsSignIn:
        if wish.replication:
            raise ProtocolViolation(
                "Replication connections are refused: what they carry can't be read, decided on or masked.",
                "Connect without replication=.",
            )
        if wish.minor or wish.unknown_options:
            self._negotiation = startup.negotiate_version(wish.unknown_options)
        settings = {**wish.parameters}
        application = settings.get("application_name", "")
        for name, pinned in PINNED_SETTINGS.items():
            for asked in [settings.pop(given) for given in list(settings) if given.lower() == name]:
                if asked.lower().replace("-", "").replace("unicode", "utf8") not in (pinned.lower(), *_SAME_AS_PINNED):
                    raise ProtocolViolation(f"The setting {name} can only be {pinned} here.", f"Connect without {name}.")
            settings[name] = pinned
        return WantsSignIn(wish.user, wish.database, application, settings)

    def _proof(self) -> HandshakeEvent | None:
        if len(self._buffer) < 5:
            return None
        length = int.from_bytes(self._buffer[1:5], "big")
        if self._buffer[:1] != b"p" or not 4 <= length <= authentication.MAX_AUTHENTICATION_BYTES:
            raise ProtocolViolation("An authentication message was expected.")
        if len(self._buffer) < length + 1:
            return None
        body, self._buffer = self._buffer[5 : length + 1], self._buffer[length + 1 :]
        first = self._stage is _Stage.SASL_FIRST
        self._stage = _Stage.DONE
        if not first:
            return Proves(body, first=False)
        mechanism, data = authentication.read_sasl_initial(body)
        if mechanism != authentication.SCRAM_SHA_256:
            raise ProtocolViolation("Only SCRAM-SHA-256 is offered.")
        return Proves(data, first=True)
