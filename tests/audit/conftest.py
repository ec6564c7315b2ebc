"""Entries and logs that the audit tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from doorward.audit.log import AuditLog
from doorward.errors import AuditUnavailable
from doorward.model.entry import ActorStamp, IdentityStamp, StatementIntent, StatementOutcome

MakeIntent = Callable[..., StatementIntent]
MakeOutcome = Callable[..., StatementOutcome]


@pytest.fixture
def intent() -> MakeIntent:
    def make(number: int, *, verdict: str = "allow", statement: str = "SELECT 1", attachment: str = "") -> StatementIntent:
        entry = StatementIntent(
            action="read",
            at_us=1_700_000_000_000_000 + number,
            execution=f"x_{number}",
            identity=IdentityStamp(
                (ActorStamp("p_b", "agent", "bot"),), "bot for al", "c_1", ActorStamp("p_a", "person", "al"), "scram"
            ),
            labels=(),
            objects=("public.t",),
            parameters=(),
            policy="v1",
            protocol="simple",
            reason="",
            rules=("r",),
            session="s_1",
            statement=statement,
            tags=("SELECT",),
            upstream="db",
            verdict=verdict,
        )
        return msgspec.structs.replace(entry, attachment=attachment) if attachment else entry

    return make


@pytest.fixture
def outcome() -> MakeOutcome:
    def make(number: int) -> StatementOutcome:
        return StatementOutcome(
            at_us=1,
            columns=(),
            duration_us=1,
            error_code="",
            execution=f"x_{number}",
            masked=0,
            result_bytes=0,
            rows=0,
            status="done",
            tag="",
        )

    return make


@pytest.fixture
def open_log(tmp_path: Path) -> Iterator[Callable[..., AuditLog]]:
    """Opens the log in tmp_path/log; whatever a test leaves open is closed."""
    opened: list[AuditLog] = []

    def make(**options: object) -> AuditLog:
        log = AuditLog.open(tmp_path / "log", **options)  # type: ignore[arg-type]
        opened.append(log)
        return log

    yield make
    for log in opened:
        with suppress(AuditUnavailable):
            log.close()
