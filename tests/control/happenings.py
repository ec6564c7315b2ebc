"""A morning's worth of sessions, statements and requests, as a gateway would tell them."""

from __future__ import annotations

from doorward.model.approval import ApprovalRequest
from doorward.model.entry import (
    ActorStamp,
    ColumnStamp,
    HoldAnswered,
    HoldRequested,
    IdentityStamp,
    SessionClosed,
    SessionOpened,
    SigninRefused,
    StatementIntent,
    StatementOutcome,
)
from doorward.model.identity import Principal
from doorward.model.link import SessionNote
from tests.approvals.requests import a_request
from tests.control.offices import Scene

TOP_CUSTOMERS = (
    "select c.id, c.email, sum(o.total) as spent from customers c join orders o on o.customer_id = c.id "
    "where o.placed_at between '2027-01-01' and now() and (c.country = 'DE' or c.country = 'FR') group by c.id "
    "order by spent desc limit 20"
)
CLOSE_ACCOUNTS = (
    "update customers set email = null, notes = 'closed on request' where id = any($1) and last_seen < $2 returning id, email"
)


def identity(principal: Principal, *actors: Principal) -> IdentityStamp:
    """The stamp of a chain."""
    names = [actor.name for actor in reversed(actors)] + [principal.name]
    return IdentityStamp(tuple(map(_stamp, actors)), " for ".join(names), "crd_1", _stamp(principal), "scram-sha-256")


def intent(stamp: IdentityStamp, statement: str, at_us: int, execution: str, **changes: object) -> StatementIntent:
    """An allowed read, unless *changes* say otherwise."""
    fields: dict[str, object] = {
        "action": "read",
        "at_us": at_us,
        "execution": execution,
        "identity": stamp,
        "labels": (),
        "objects": ("public.customers",),
        "parameters": (),
        "policy": "p1",
        "protocol": "simple",
        "reason": "Reading is allowed.",
        "rules": ("read",),
        "session": "ses_1",
        "statement": statement,
        "tags": ("SELECT",),
        "upstream": "shop",
        "verdict": "allow",
    }
    return StatementIntent(**(fields | changes))  # type: ignore[arg-type]


def outcome(execution: str, at_us: int, rows: int = 1, **changes: object) -> StatementOutcome:
    """Done, in 1.8 ms, unless *changes* say otherwise."""
    fields: dict[str, object] = {
        "at_us": at_us,
        "columns": (),
        "duration_us": 1800,
        "error_code": "",
        "execution": execution,
        "masked": 0,
        "result_bytes": 100,
        "rows": rows,
        "status": "done",
        "tag": f"SELECT {rows}",
    }
    return StatementOutcome(**(fields | changes))  # type: ignore[arg-type]


def held(scene: Scene, request_id: str = "req_1", **changes: object) -> ApprovalRequest:
    """A request by report-bot for alice, for ben to answer."""
    now_us = scene.office.now()
    fields = {
        "id": request_id,
        "principal_id": scene.principal("alice").id,
        "actor_ids": (scene.principal("report-bot").id,),
        "statement": CLOSE_ACCOUNTS,
        "parameters": ("'{17,21,40}'", "'2026-01-01'"),
        "asked_us": now_us,
        "expires_us": now_us + 280_000_000,
    }
    return a_request(**(fields | changes))


def tell_morning(scene: Scene) -> None:
    """Fill the log."""
    alice, bot, ben = (scene.principal(name) for name in ("alice", "report-bot", "ben"))
    for_alice, as_ben = identity(alice, bot), identity(ben)
    at = scene.office.now() - 95_000_000
    masked = (
        ColumnStamp("email", "email", "public.customers.email", "labelled"),
        ColumnStamp("unclassified", "notes", "public.customers.notes", "unproven"),
    )
    scene.log.add(
        SessionOpened("psql", at, "10.0.3.17:51022", "shop", for_alice, "ses_1", "TLSv1.3", "shop"),
        intent(for_alice, "select id, email, notes from customers limit 50", at + 1_000_000, "e1", labels=("email",)),
        outcome("e1", at + 1_002_000, 50, columns=masked, masked=2),
        SigninRefused(at + 5_000_000, "10.0.9.2:40100", "shop", "The user is not known.", "mallory"),
        intent(
            for_alice,
            "drop table customers",
            at + 9_000_000,
            "e2",
            verdict="deny",
            action="destroy",
            tags=("DROP TABLE",),
            reason="Agents never destroy tables.",
            rules=("forbid-agent-destroy",),
        ),
        SessionOpened("DBeaver", at + 20_000_000, "10.0.3.40:50100", "shop", as_ben, "ses_2", "TLSv1.3", "shop"),
        intent(as_ben, TOP_CUSTOMERS, at + 25_000_000, "e3", session="ses_2", objects=("public.customers", "public.orders")),
        outcome("e3", at + 25_040_000, 20, columns=masked[:1], masked=1, duration_us=38_400),
        intent(as_ben, "select pg_sleep(1), nonsense", at + 27_000_000, "e4", session="ses_2", objects=()),
        outcome("e4", at + 27_100_000, 0, status="failed", error_code="42703"),
        SessionClosed(at + 30_000_000, "the client left", "ses_2", 2),
        intent(
            for_alice,
            "delete from orders where total < 0",
            at + 40_000_000,
            "e5",
            verdict="hold",
            action="write",
            reason="Agents change data only after a person agreed.",
            rules=("hold-agent-writes",),
            objects=("public.orders",),
        ),
        HoldRequested("approvers", at + 40_000_100, "b" * 64, "e5", at + 340_000_000, "req_0"),
        HoldAnswered(at + 55_000_000, "ben", ben.id, "e5", "test orders, see OPS-311", "req_0", "approved"),
        outcome("e5", at + 55_040_000, 3, tag="DELETE 3"),
        intent(for_alice, "select count(*) from orders", at + 90_000_000, "e6", objects=("public.orders",)),
    )


def sessions(scene: Scene) -> tuple[SessionNote, ...]:
    """Three people and machines at work."""
    now_us = scene.office.now()
    return (
        SessionNote(
            "ses_1", "report-bot for alice", "agent", "10.0.3.17:51022", "shop", "mcp", now_us - 95_000_000, CLOSE_ACCOUNTS, 6
        ),
        SessionNote("ses_3", "ben", "human", "10.0.3.40:50177", "shop", "psql", now_us - 3_700_000_000, "", 41),
        SessionNote("ses_4", "eve", "human", "10.0.3.8:40002", "shop", "DBeaver 24.1", now_us - 400_000_000, "", 3),
    )


def _stamp(principal: Principal) -> ActorStamp:
    return ActorStamp(principal.id, principal.kind.value, principal.name)
