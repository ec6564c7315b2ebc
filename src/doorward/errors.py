"""Every error that Doorward raises on purpose: a stable code, what happened, what the reader can do next.

No message carries a value from rows, parameters or credentials.
"""

from __future__ import annotations


class DoorwardError(Exception):
    """Base of all. *code* is stable and documented; *remedy* says what to do next; *sqlstate* is what a client is sent.

    *reason* is for the log alone, where a client is told less than the whole.
    """

    code = "doorward"
    sqlstate = "XX000"

    def __init__(self, message: str, remedy: str = "", *, sqlstate: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.reason = reason
        if sqlstate:
            self.sqlstate = sqlstate

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class ProtocolViolation(DoorwardError):
    """The peer sent bytes that the protocol does not allow; the connection can't go on."""

    code = "protocol-violation"
    sqlstate = "08P01"


class AuthenticationFailed(DoorwardError):
    """The client did not prove who it is. The message never says which part was wrong; *reason* does, for the log alone."""

    code = "authentication-failed"
    sqlstate = "28P01"


class ProviderUnavailable(DoorwardError):
    """Whoever vouches for somebody can't be asked: an identity provider, or an issuer of tokens."""

    code = "provider-unavailable"
    sqlstate = "57P03"


class UpstreamUnavailable(DoorwardError):
    """The upstream can't be reached, or refused Doorward's own credentials."""

    code = "upstream-unavailable"
    sqlstate = "08001"


class NoRoom(DoorwardError):
    """There are as many connections as the operator allows: in total, of one principal, or of those that have not signed in."""

    code = "no-room"
    sqlstate = "53300"


class TooManyAttempts(DoorwardError):
    """Too many sign-ins failed, from one source or for one name: whoever tries has to wait."""

    code = "too-many-attempts"
    sqlstate = "53300"


class AuditUnavailable(DoorwardError):
    """The audit log can't be written: nothing may be forwarded."""

    code = "audit-unavailable"
    sqlstate = "58030"


class LogDamaged(DoorwardError):
    """The audit log does not verify. *index* is the first entry affected, -1 when no single one is."""

    code = "log-damaged"

    def __init__(self, message: str, remedy: str = "", index: int = -1) -> None:
        super().__init__(message, remedy)
        self.index = index


class PolicyInvalid(DoorwardError):
    """A policy text can't be used; the one in force stays."""

    code = "policy-invalid"


class ConfigurationInvalid(DoorwardError):
    """A setting, address or file the operator gave can't be used."""

    code = "configuration-invalid"


class NotFound(DoorwardError):
    """What was named does not exist."""

    code = "not-found"


class NotPermitted(DoorwardError):
    """Whoever asks may not do this."""

    code = "not-permitted"


class Conflict(DoorwardError):
    """It can't be done in the present state: it exists already, or was answered already."""

    code = "conflict"


class IndexUnavailable(DoorwardError):
    """What is asked is answered from the search index alone, and that is being made."""

    code = "index-unavailable"


class InvalidRequest(DoorwardError):
    """What was asked for makes no sense as it stands: a malformed name, a value out of bounds."""

    code = "invalid-request"
