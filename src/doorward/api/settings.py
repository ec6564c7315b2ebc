"""What the HTTP doors are opened with."""

from __future__ import annotations

from dataclasses import dataclass, field

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """*operator_token* is the local operator's key. *hosts* are the names that browsers may use beside the loopback ones.

    *is_https* says that a TLS proxy stands in front: cookies are then for TLS alone.
    """

    operator_token: str = field(repr=False)
    hosts: frozenset[str] = frozenset()
    is_https: bool = False

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Every host name that a request may be for."""
        return self.hosts | LOOPBACK_HOSTS
