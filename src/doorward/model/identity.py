"""Who is behind a connection: principals, and the chain of actors that act for one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PrincipalKind(Enum):
    """What sort of being a principal is; policies treat them apart."""

    HUMAN = "human"
    SERVICE = "service"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, service or agent that Doorward knows.

    *id* never changes and is what the log refers to; *name* is what it signs in with (the startup packet's ``user``).
    *acting_for* is the name of the principal an agent acts for, and None for everyone else.
    """

    id: str
    kind: PrincipalKind
    name: str
    groups: tuple[str, ...] = ()
    acting_for: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A proven chain: the principal a session is attributed to, and the actors that act for it.

    *actors* runs from the nearest to the principal to the one holding the connection (RFC 8693 ``act``, read from the
    inside out); it is empty when the principal itself connects. *proof* is what the credential proves beside the name: the
    repository and run of a pipeline's token, say.
    """

    principal: Principal
    actors: tuple[Principal, ...]
    proven_by: str
    credential_id: str
    proof: tuple[tuple[str, str], ...] = ()

    @property
    def speaker(self) -> Principal:
        """Whoever holds the connection: the last actor, or the principal itself."""
        return self.actors[-1] if self.actors else self.principal

    @property
    def chain(self) -> str:
        """The chain as people read it: ``report-bot for alice``."""
        return " for ".join([actor.name for actor in reversed(self.actors)] + [self.principal.name])

    def involves(self, principal_id: str) -> bool:
        """Whether *principal_id* is anywhere in the chain."""
        return self.principal.id == principal_id or any(actor.id == principal_id for actor in self.actors)
