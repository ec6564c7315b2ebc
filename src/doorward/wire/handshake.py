"""What a client wants while it signs in, as the proxy sees it; the same for every database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WantsTls:
    """The client asks for TLS; answer with ``accept_tls`` or ``decline_tls``. Nothing may have followed the request.

    *is_direct* says that it has begun already, without asking in clear; then there is nothing to decline.
    """

    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class WantsCancel:
    """The client asks to cancel what another session runs."""

    process_id: int
    key: bytes


@dataclass(frozen=True, slots=True)
class WantsSignIn:
    """The client says who it is and which database it wants. *settings* are run-time settings to begin with.

    *key_bytes* is how long a key to cancel with it can keep; *claimed* is what it says of itself for the record,
    *wishes* what it wants of Doorward.
    """

    user: str
    database: str
    application: str
    settings: dict[str, str] = field(default_factory=dict)
    key_bytes: int = 4
    claimed: tuple[tuple[str, str], ...] = ()
    wishes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proves:
    """One step of the client's proof. *first* tells the opening step from the closing one; it names the *mechanism* chosen."""

    data: bytes
    first: bool
    mechanism: str = ""


@dataclass(frozen=True, slots=True)
class ShowsPassword:
    """The client shows a password in clear, as it was asked to."""

    password: str = field(repr=False)


HandshakeEvent = WantsTls | WantsCancel | WantsSignIn | Proves | ShowsPassword
