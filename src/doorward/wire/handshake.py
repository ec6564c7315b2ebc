"""What a client wants while it signs in, as the proxy sees it; the same for every database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WantsTls:
    """The client asks for TLS; answer with ``accept_tls`` or ``decline_tls``. Nothing may have followed the request."""


@dataclass(frozen=True, slots=True)
class WantsCancel:
    """The client asks to cancel what another session runs."""

    process_id: int
    key: bytes


@dataclass(frozen=True, slots=True)
class WantsSignIn:
    """The client says who it is and which database it wants. *settings* are run-time settings to begin with."""

    user: str
    database: str
    application: str
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proves:
    """One step of the client's proof. *first* tells the opening step from the closing one."""

    data: bytes
    first: bool


HandshakeEvent = WantsTls | WantsCancel | WantsSignIn | Proves
