"""The start of a client's session, sans-I/O: from the first byte until it is signed in."""

from __future__ import annotations

from enum import Enum, auto

from doorward.errors import DoorwardError, ProtocolViolation
from doorward.model.claim import claims_of
from doorward.wire.handshake import HandshakeEvent, Proves, ShowsPassword, WantsCancel, WantsSignIn, WantsTls
from doorward.wire.postgres import authentication, messages, startup
from doorward.wire.postgres.exchange import PINNED_SETTINGS

# What a client may send before it is answered: several times what any message of this phase can hold. Clients wait, and
# nobody has proven anything yet.
MAX_AHEAD_BYTES = 64 << 10

# Settings of this name go no further: -c doorward.job=nightly is for the record, and some are wishes.
CLAIM_PREFIX = "doorward."
# By their letters alone: what was meant to bound a connection must not pass for a claim.
WISHES = {"readonly": "read_only", "rows": "rows", "report": "report", "notices": "notices"}

_TLS_HANDSHAKE = 0x16  # the first byte of a ClientHello (RFC 8446, section 5.1); no start-up packet is long enough to begin so


class _Stage(Enum):
    PACKETS = auto()
    AWAITING_TLS = auto()
    SASL_FIRST = auto()
    SASL_FINAL = auto()
    PASSWORD = auto()
    DONE = auto()


_PROVING = (_Stage.SASL_FIRST, _Stage.SASL_FINAL, _Stage.PASSWORD)

# Other words for the pinned values; "auto" is libpq's for the client's own locale.
_SAME_AS_PINNED = ("auto", "true", "1")


class ClientHandshake:
    """Takes bytes, gives what the client wants one by one, and makes the answers.

    Every ``receive`` may raise ProtocolViolation; ``refuse`` then makes the error to send before closing.
    """

    def __init__(self) -> None:
        self._stage = _Stage.PACKETS
        self._buffer = bytearray()
        self._negotiation = b""
        self._mechanisms: tuple[str, ...] = ()
        self._has_begun = False
        self._is_stranger = False  # what it sent first is no start-up packet
        self._asked_for_gss = False
        self._asked_for_tls = False
        self._is_direct = False
        self._overflowed = False
        self.encrypted = False
        self.to_client: list[bytes] = []

    def receive(self, data: bytes) -> list[HandshakeEvent]:
        """Take a chunk; return what the client wants, in order."""
        if self._overflowed or len(self._buffer) + len(data) > MAX_AHEAD_BYTES:
            self._overflowed = True
            self._buffer.clear()
            raise ProtocolViolation("Too much was sent before signing in was over.")
        self._buffer += data
        events: list[HandshakeEvent] = []
        while self._stage in (_Stage.PACKETS, *_PROVING):
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
        return bytes(self._buffer)

    def accept_tls(self) -> tuple[bytes, bytes]:
        """The answer to WantsTls when TLS begins right after it, and what came of TLS already.

        Raises ProtocolViolation when something followed the request in clear: it would be taken for what came encrypted
        (CVE-2021-23214).
        """
        begun = bytes(self._buffer)
        if begun and not self._is_direct:
            raise ProtocolViolation("Data was sent before TLS began.")
        self._buffer.clear()
        self.encrypted = True
        self._stage = _Stage.PACKETS
        return (b"" if self._is_direct else b"S"), begun

    def secured(self, protocol_name: str | None) -> None:
        """TLS stands; *protocol_name* is what was agreed on in it (ALPN). Raises ProtocolViolation.

        Who begins with TLS must name the protocol, so that nobody can lead a client of another one here.
        """
        if self._is_direct and protocol_name != startup.ALPN_NAME:
            raise ProtocolViolation(
                "A connection that begins with TLS must name the protocol postgresql in it (ALPN).",
                "Use a client that does, or let it ask for TLS first: sslnegotiation=postgres.",
            )

    def decline_tls(self) -> bytes:
        """The answer to WantsTls when there is no TLS. Raises ProtocolViolation when it began without asking."""
        if self._is_direct:
            raise ProtocolViolation("TLS is not offered here.", "Connect with sslmode=disable, if the network is your own.")
        self._stage = _Stage.PACKETS
        return b"N"

    def ask_for_proof(self, *, binds: bool = False) -> bytes:
        """The answer to WantsSignIn: SCRAM-SHA-256, and where the connection *binds*, its variant with channel binding."""
        self._stage = _Stage.SASL_FIRST
        plus = (authentication.SCRAM_SHA_256_PLUS,) if binds else ()
        self._mechanisms = (*plus, authentication.SCRAM_SHA_256)
        return self._negotiation + authentication.sasl_mechanisms(*self._mechanisms)

    def let_in(self) -> bytes:
        """The answer to WantsSignIn where nothing has to be proven; ``welcome`` follows."""
        return self._negotiation

    def ask_for_password(self) -> bytes:
        """The answer to WantsSignIn for who shows a token: the password in clear, over an encrypted connection alone."""
        assert self.encrypted, "nobody is asked for a password in clear on a connection in clear"
        self._stage = _Stage.PASSWORD
        return self._negotiation + authentication.CLEARTEXT_PASSWORD

    def challenge(self, data: bytes) -> bytes:
        """The answer to the client's first proof step."""
        self._stage = _Stage.SASL_FINAL
        return authentication.sasl_continue(data)

    def welcome(self, data: bytes, parameters: dict[str, str], process_id: int, key: bytes) -> bytes:
        """The end of a good handshake: our own proof if any, the upstream's settings, the key that cancels, readiness."""
        self._stage = _Stage.DONE
        reported = b"".join(messages.parameter_status(name, value) for name, value in parameters.items())
        return (
            (authentication.sasl_final(data) if data else b"")
            + authentication.OK
            + reported
            + authentication.backend_key_data(process_id, key)
            + messages.ready_for_query(b"I")
        )

    def refuse(self, error: DoorwardError) -> bytes:
        """The error that ends the connection; nothing for what never began to speak this protocol, as PostgreSQL does it."""
        if self._is_stranger:
            return b""
        return messages.fields("FATAL", error.sqlstate, error.message, "", error.remedy).encode(b"E")

    def _packet(self) -> HandshakeEvent | None:
        if not self._has_begun and self._buffer[:1] == bytes([_TLS_HANDSHAKE]):
            self._has_begun = self._asked_for_tls = self._is_direct = True
            self._stage = _Stage.AWAITING_TLS
            return WantsTls(is_direct=True)
        try:
            length = startup.packet_length(self._buffer)
        except ProtocolViolation:
            self._is_stranger = True
            raise
        if length == 0 or len(self._buffer) < length:
            return None
        self._has_begun = True
        wish = startup.read_packet(self._take(length))
        if isinstance(wish, startup.GssRequest):
            if self._asked_for_gss or self.encrypted:
                raise ProtocolViolation("GSS encryption was declined already, or TLS is there.")
            self._asked_for_gss = True
            self.to_client.append(b"N")
            return self._packet()
        if isinstance(wish, startup.TlsRequest):
            if self._buffer:
                raise ProtocolViolation("Data was sent before TLS began.")
            if self._asked_for_tls:
                raise ProtocolViolation("TLS was asked for twice.")
            self._asked_for_tls = True
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
        minor = startup.spoken_minor(wish.minor)
        if wish.minor != minor or wish.unknown_options:
            self._negotiation = startup.negotiate_version(minor, wish.unknown_options)
        settings = {name: value for name, value in wish.parameters.items() if not name.lower().startswith(CLAIM_PREFIX)}
        said = [(name[len(CLAIM_PREFIX) :], value) for name, value in wish.parameters.items() if name not in settings]
        application = settings.get("application_name", "")
        for name, pinned in PINNED_SETTINGS.items():
            for asked in [settings.pop(given) for given in list(settings) if given.lower() == name]:
                # The server looks at letters and digits alone in the name of an encoding.
                letters = "".join(character for character in asked.lower() if character.isalnum())
                if letters.replace("unicode", "utf8") not in (pinned.lower(), *_SAME_AS_PINNED):
                    raise ProtocolViolation(f"The setting {name} can only be {pinned} here.", f"Connect without {name}.")
            settings[name] = pinned
        key_bytes = startup.KEY_BYTES_BY_MINOR[minor]
        wishes = {WISHES[letters]: value for name, value in said if (letters := _letters(name)) in WISHES}
        claimed = claims_of((name, value) for name, value in said if _letters(name) not in WISHES)
        return WantsSignIn(wish.user, wish.database, application, settings, key_bytes, claimed, wishes)

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _proof(self) -> HandshakeEvent | None:
        if len(self._buffer) < 5:
            return None
        length = int.from_bytes(self._buffer[1:5], "big")
        shows = self._stage is _Stage.PASSWORD
        most = authentication.MAX_PASSWORD_BYTES if shows else authentication.MAX_AUTHENTICATION_BYTES
        if self._buffer[:1] != b"p" or not 4 <= length <= most:
            raise ProtocolViolation("An authentication message was expected.")
        if len(self._buffer) < length + 1:
            return None
        body = self._take(length + 1)[5:]
        first = self._stage is _Stage.SASL_FIRST
        self._stage = _Stage.DONE
        if shows:
            return ShowsPassword(authentication.read_password(body))
        if not first:
            return Proves(body, first=False)
        mechanism, data = authentication.read_sasl_initial(body)
        if mechanism not in self._mechanisms:
            raise ProtocolViolation(f"Only {' and '.join(self._mechanisms)} is offered.")
        return Proves(data, first=True, mechanism=mechanism)


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
