"""A data directory with a history: people, a catalog, and as many recorded statements as are asked for.

``python -m tests.rehearsal.history FOLDER 1000000`` writes one to measure ``doorward policy replay`` with.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET

from doorward.audit.day_keys import keys_in
from doorward.audit.log import AuditLog
from doorward.audit.sealing import Sealer
from doorward.audit.wrapping import ensure_key
from doorward.config import DataDirectory
from doorward.model.entry import ActorStamp, IdentityStamp, SessionOpened, StatementIntent
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.upstream import Upstream
from doorward.rehearsal.replaying import NOT_KEPT
from doorward.rehearsal.schemas import demo_schema
from doorward.sql.normalised import normalised
from doorward.store.database import open_store
from doorward.store.records import ColumnChange, PrincipalRecord

BEGAN_US = 1_799_000_000_000_000
APART_US = 40_000  # a statement every 40 ms: a million in eleven hours
FLUSH_EVERY = 10_000

PEOPLE = (
    *(Principal(f"p-{n}", PrincipalKind.HUMAN, f"person-{n}", ("developers",) if n % 3 else ()) for n in range(30)),
    *(Principal(f"s-{n}", PrincipalKind.SERVICE, f"service-{n}", ("pipelines",)) for n in range(8)),
)
AGENTS = tuple(Principal(f"a-{n}", PrincipalKind.AGENT, f"agent-{n}", (), f"person-{n}") for n in range(5))

# What applications send: the same texts with other values, some with parameters.
TEXTS = (
    "SELECT id, status, total FROM orders WHERE customer_id = {n}",
    "SELECT * FROM customers WHERE id = {n}",
    "SELECT email, phone FROM customers WHERE last_name = 'name-{n}'",
    "UPDATE orders SET status = 'sent' WHERE id = {n}",
    "INSERT INTO order_items (order_id, product_id, quantity, unit_price) VALUES ({n}, 2, 1, 9.99)",
    "SELECT o.id, sum(i.quantity * i.unit_price) FROM orders o JOIN order_items i USING (id) WHERE o.id = {n} GROUP BY 1",
    "SELECT body FROM support_tickets WHERE customer_id = $1",
    "SELECT count(*) FROM sign_ins WHERE customer_id = $1 AND succeeded",
    "BEGIN",
    "COMMIT",
)
# And what people type: a text that is seen once.
TYPED = "SELECT total AS run_{n} FROM orders WHERE id = {n} ORDER BY {k}"
RARE = ("DELETE FROM order_items", "EXECUTE fetch_one", "CREATE ROLE [the text is not kept: it may hold a password]")


@dataclass(frozen=True)
class Said:
    """A statement as it was recorded."""

    text: str
    speaker: int
    verdict: str = "allow"
    claimed: tuple[tuple[str, str], ...] = ()
    grant: str = ""
    rules: tuple[str, ...] = ("everyone-may-read",)


def statements(count: int, typed_every: int = 50) -> Iterator[Said]:
    """*count* statements of everybody, drawn the same way each time; one in *typed_every* has a text that never comes again."""
    draw = random.Random(7)
    for n in range(count):
        if n % 997 == 0:
            text = RARE[n // 997 % len(RARE)]
        elif n % typed_every == 0:
            text = TYPED.format(n=n, k=1 + n % 7)
        else:
            text = draw.choice(TEXTS).format(n=draw.randrange(1_000_000))
        yield Said(text, draw.randrange(len(PEOPLE) + len(AGENTS)))


def _stamp(who: Principal) -> ActorStamp:
    return ActorStamp(who.id, who.kind.value, who.name)


def identity_stamps() -> list[IdentityStamp]:
    """Everybody by themselves, then the agents for those they act for."""
    stamps = [IdentityStamp((), one.name, "c", _stamp(one), "scram-sha-256") for one in PEOPLE]
    by_name = {one.name: one for one in PEOPLE}
    for agent in AGENTS:
        behind = by_name[agent.acting_for or ""]
        stamps.append(IdentityStamp((_stamp(agent),), f"{agent.name} for {behind.name}", "c", _stamp(behind), "scram-sha-256"))
    return stamps


def write_history(folder: Path, said: Iterable[Said]) -> DataDirectory:
    """A data directory in *folder* with people, the demo's catalog and *said* in its log."""
    data = DataDirectory(folder)
    data.prepare()
    store = open_store(data.store)
    try:
        for one in (*PEOPLE, *AGENTS):
            store.principals.add(PrincipalRecord(one, b"salt", 1))
        store.upstreams.put(Upstream("shop", "postgresql", "h", 1, "shop", "u"))
        store.history.add(
            ColumnChange("shop", r.oid, c.number, 1, "added", r.qualified_name, c.name, c.type_name, c.label.value, "", "")
            for r in demo_schema().relations
            for c in r.columns
        )
    finally:
        store.close()
    _write_log(data, said)
    return data


def _write_log(data: DataDirectory, said: Iterable[Said]) -> None:
    stamps = identity_stamps()
    ensure_key(data.wrapping_key)
    sealer = Sealer(keys_in(data.day_keys, data.wrapping_key).current(BEGAN_US), BEGAN_US)
    log = AuditLog.open(data.log)
    try:
        for number, stamp in enumerate(stamps):
            log.append(
                SessionOpened(
                    application="psql", at_us=BEGAN_US, client=f"10.0.0.{number}:5", database="shop", identity=stamp,
                    session=f"ses-{number}", tls="TLSv1.3 AES", upstream="shop",
                )
            )  # fmt: skip
        for number, one in enumerate(said):
            log.append(_intent(number, one, stamps[one.speaker], sealer))
            if number % FLUSH_EVERY == 0:
                log.flush()
    finally:
        log.close()


def _intent(number: int, one: Said, stamp: IdentityStamp, sealer: Sealer) -> StatementIntent:
    """As the gateway writes it: without its literals, and whole in a seal where that makes a difference."""
    is_kept = NOT_KEPT not in one.text
    shown = normalised(one.text) if is_kept else one.text
    return StatementIntent(
        action="read", at_us=BEGAN_US + number * APART_US, execution=f"ses-{one.speaker}.{number}", identity=stamp, labels=(),
        objects=(), parameters=(), policy="p", protocol="extended", reason="r", rules=one.rules, session=f"ses-{one.speaker}",
        statement=shown, tags=("SELECT",), upstream="shop", verdict=one.verdict, claimed=dict(one.claimed) or UNSET,
        grant=one.grant or UNSET, sealed=sealer.seal(one.text.encode()) if shown != one.text else UNSET,
    )  # fmt: skip


if __name__ == "__main__":
    write_history(Path(sys.argv[1]), statements(int(sys.argv[2])))
