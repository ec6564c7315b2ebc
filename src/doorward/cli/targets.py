"""Who connects to what, as ``connect``, ``exec`` and ``proxy`` are told it; and the fresh secret for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from doorward.errors import NotFound

if TYPE_CHECKING:
    from doorward.cli.client import ApiClient

TargetName = Annotated[
    str,
    typer.Argument(
        metavar="[NAME/]UPSTREAM",
        help="Who connects, and to what. Signed in: the database, or an agent of yours.",
    ),
]
AsOperator = Annotated[bool, typer.Option("--operator", help="As the local operator, though a person is signed in.")]
_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - what a gateway may listen on, and nobody can connect to


@dataclass(frozen=True, slots=True)
class Target:
    """*upstream* is empty where there is one alone. *client* is signed in as whoever may mint a secret for *name*."""

    client: ApiClient
    name: str
    upstream: str

    def mint(self, hours: float, purpose: str) -> dict[str, Any]:
        """A fresh secret, and where it is good; with ``url`` and ``environment`` to use it by."""
        body = {"principal": self.name, "hours": hours, "purpose": purpose, "upstream": self.upstream}
        minted: dict[str, Any] = self.client.post("/secrets", body)
        return usable(minted, self.client.address)


def target_of(text: str, data_dir: Path | None, *, as_operator: bool = False) -> Target:
    """What *text* names. A person who is signed in connects as themselves or an agent of theirs, the operator as anybody."""
    from doorward.cli import signed_in
    from doorward.cli.client import ApiClient, data_directory

    name, slash, upstream = text.rpartition("/")
    data = data_directory(data_dir)
    kept = None if as_operator else signed_in.kept()
    if kept is None:
        if slash and not name:
            raise NotFound("Nobody is named.", "Give NAME/UPSTREAM, or sign in first: doorward login")
        return Target(ApiClient.as_operator(data), *((name, upstream) if slash else (text, "")))
    client = ApiClient.as_signed_in(kept, data)
    if slash:
        return Target(client, name or kept.name, upstream)
    if text in client.get("/status")["upstreams"]:
        return Target(client, kept.name, text)
    return Target(client, text, "")


def exchanged(client: ApiClient, token: str, target: str, minutes: float, purpose: str) -> dict[str, Any]:
    """A secret for the *token* of a program's platform; *target* is ``[SERVICE/]UPSTREAM``."""
    service, _, upstream = target.rpartition("/")
    body = {"token": token, "service": service, "upstream": upstream, "minutes": minutes, "purpose": purpose}
    return usable(client.post("/workload-secrets", body), client.address)


def usable(minted: dict[str, Any], address: str) -> dict[str, Any]:
    """*minted* with the host that a client can reach, a URL, and the environment that libpq reads."""
    host = minted["host"] if minted["host"] not in _ANY_ADDRESS else urlsplit(address).hostname or "127.0.0.1"
    sslmode = "require" if minted["tls"] else "disable"
    made = {**minted, "host": host, "sslmode": sslmode}
    shown = f"[{host}]" if ":" in host else host
    made["url"] = (
        f"postgresql://{quote(made['principal'])}:{made['secret']}@{shown}:{made['port']}/{quote(made['database'])}"
        f"?sslmode={sslmode}"
    )
    made["environment"] = {
        "PGHOST": host,
        "PGPORT": str(made["port"]),
        "PGUSER": made["principal"],
        "PGPASSWORD": made["secret"],
        "PGDATABASE": made["database"],
        "PGSSLMODE": sslmode,
    }
    return made
