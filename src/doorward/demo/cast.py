"""The people of the demo: who they are, and fresh secrets for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from doorward.control.office import Office
from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind

SECRET_HOURS = 8.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part in the demo: who it is, in a word."""

    name: str
    kind: PrincipalKind
    groups: tuple[str, ...] = ()
    acting_for: str | None = None
    told: str = ""


CAST = (
    Part("alice", PrincipalKind.HUMAN, ("developers",), told="developer"),
    Part("bob", PrincipalKind.HUMAN, ("security",), told="security, may approve"),
    Part("nightly-etl", PrincipalKind.SERVICE, ("pipelines",), told="service"),
    Part("report-bot", PrincipalKind.AGENT, acting_for="alice", told="agent, acts for alice"),
)


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody who can sign in now."""

    part: Part
    secret: str = field(repr=False)
    host: str
    port: int
    database: str

    @property
    def name(self) -> str:
        """What they sign in with."""
        return self.part.name

    @property
    def url(self) -> str:
        """How they connect, secret included."""
        return f"postgresql://{quote(self.name)}:{self.secret}@{self.host}:{self.port}/{self.database}"


async def assemble(office: Office, port: int, database: str) -> dict[str, Player]:
    """Add whoever is not known yet, and mint everyone a secret."""
    known = {record.principal.name for record in office.principals.all(LOCAL)}
    players = {}
    for part in CAST:
        if part.name not in known:
            await office.principals.add(LOCAL, part.kind, part.name, part.groups, part.acting_for)
        minted = await office.secrets.mint(LOCAL, part.name, SECRET_HOURS, "doorward demo")
        players[part.name] = Player(part, minted.secret, office.address.host, port, database)
    return players
