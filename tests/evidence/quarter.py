"""A made-up quarter of that company as entries of a log, in order, with violations planted where one asks for them.

One thing because a history hangs together: who was added before they sign in, what was held before it ran.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from doorward.audit.checkpoint import create_key
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.model.entry import (
    ActorStamp,
    Administered,
    Entry,
    HoldAnswered,
    HoldRequested,
    IdentityStamp,
    ServiceStarted,
    SessionClosed,
    SessionOpened,
    SigninRefused,
    StatementIntent,
    StatementOutcome,
)
from tests.evidence.company import (
    AGENTS,
    CLEARANCES,
    DROP,
    PEOPLE,
    PIPELINE,
    PURGE,
    READS,
    SCHEMA,
    SERVICES,
    WRITES,
    Form,
    shown,
)

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
START_US = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp()) * SECOND
DAYS = 92
# People and agents are added this long before the quarter begins.
BEFORE_DAYS = 10
SECRET_DAYS = 200
FLUSH_EVERY = 5_000

Timed = tuple[int, Entry]


@dataclass(frozen=True, slots=True, order=True)
class Planted:
    """A violation that is in the history: of which control, and what the exception must name."""

    control: str
    about: str


@dataclass
class Quarter:
    """*statements* of them, about, over *days*, the same for the same *seed*. Reading :meth:`entries` fills *planted*."""

    statements: int
    days: int = DAYS
    seed: int = 7
    violations: bool = True
    planted: list[Planted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._count = 0
        self._identities: dict[str, IdentityStamp] = {}
        self._cleared: dict[str, frozenset[str]] = {}
        self._policy = "v1"

    @property
    def from_us(self) -> int:
        return START_US

    @property
    def until_us(self) -> int:
        return START_US + self.days * DAY

    def entries(self) -> Iterator[Entry]:
        """The history, in order."""
        before = START_US - BEFORE_DAYS * DAY
        yield ServiceStarted(at_us=before, resumed_at=0, version="0.1.0")
        for _at, entry in self._people(before + HOUR):
            yield entry
        speakers = [*self._identities]
        weights = [4.0 if name in AGENTS or name in SERVICES else 1.0 for name in speakers]
        for day in range(self.days):
            begin = START_US + day * DAY
            events: list[Timed] = []
            daily = self.statements / self.days
            for name, weight in zip(speakers, weights, strict=True):
                if name != "doorward-probe":
                    count = daily * weight / sum(weights)
                    whole = int(count) + (self._dice.random() < count % 1)
                    if whole:
                        events += self._session(name, begin + self._dice.randrange(6 * HOUR, 18 * HOUR), whole)
            events += self._routine(day, begin)
            if self.violations:
                events += self._violations(day, begin)
            events.sort(key=lambda event: event[0])
            for _at, entry in events:
                yield entry

    # --- who there is ----------------------------------------------------------------------------------------------------

    def _people(self, at: int) -> Iterator[Timed]:
        for group, names in PEOPLE.items():
            for name in names:
                yield from self._added(name, "human", at, (group,))
        for name, groups in SERVICES.items():
            yield from self._added(name, "service", at, groups)
        for name, owner in AGENTS.items():
            yield from self._added(name, "agent", at, (), owner)

    def _added(self, name: str, kind: str, at: int, groups: tuple[str, ...] = (), owner: str = "") -> Iterator[Timed]:
        stamp = ActorStamp(f"prn_{name}", kind, name)
        principal = self._identities[owner].principal if owner else stamp
        actors = (stamp,) if owner else ()
        chain = f"{name} for {owner}" if owner else name
        self._identities[name] = IdentityStamp(actors, chain, f"crd_{name}", principal, "scram-sha-256")
        self._cleared[name] = frozenset(label for group in groups for label in CLEARANCES.get(group, ()))
        by = "operator" if name == "dana" else "dana"
        details = {"id": stamp.id, "kind": kind, "groups": ", ".join(groups), "acting_for": owner}
        yield self._change(at, by, "principal.added", name, **details)
        expires = str(at + SECRET_DAYS * DAY)
        yield self._change(at + SECOND, by, "secret.minted", name, credential=f"crd_{name}", expires_us=expires, purpose="work")

    def _change(self, at: int, by: str, act: str, subject: str, **details: str) -> Timed:
        return at, Administered(act=act, at_us=at, by=by, details=details, subject=subject)

    # --- what they do ----------------------------------------------------------------------------------------------------

    def _next(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._count:012x}"

    def _forms(self, name: str) -> tuple[Form, ...]:
        if name == "nightly-etl":
            return (*READS[:4], PIPELINE)
        if name in PEOPLE["developers"]:
            return (*READS, WRITES[0])
        return (*READS[:5], WRITES[1]) if name in SERVICES else READS

    def _session(self, name: str, at: int, statements: int, *, tls: str = "TLSv1.3", credential: str = "") -> list[Timed]:
        identity = self._identities[name]
        if credential:
            identity = IdentityStamp(identity.actors, identity.chain, credential, identity.principal, identity.proven_by)
        session, dice = self._next("ses"), self._dice
        events: list[Timed] = [(at, self._opened(identity, session, at, tls))]
        forms, clock = self._forms(name), at
        for _ in range(statements):
            clock += dice.randrange(SECOND, 20 * SECOND)
            events += self._run(identity, session, dice.choice(forms), clock, self._cleared[name])
        closed = clock + 5 * SECOND
        events.append((closed, SessionClosed(at_us=closed, cause="the client left", session=session, statements=statements)))
        return events

    def _opened(self, identity: IdentityStamp, session: str, at: int, tls: str) -> SessionOpened:
        return SessionOpened(
            application="psql",
            at_us=at,
            client=f"10.0.3.{self._dice.randrange(2, 250)}:{self._dice.randrange(40_000, 60_000)}",
            database="shop",
            identity=identity,
            session=session,
            tls=tls,
            upstream="shop",
            upstream_pid=self._dice.randrange(1_000, 60_000),
            upstream_use=1,
        )

    def _run(
        self, identity: IdentityStamp, session: str, form: Form, at: int, cleared: frozenset[str] = frozenset(), **changes: str
    ) -> list[Timed]:
        execution = self._next("exe")
        intent = self._intent(identity, session, form, at, execution, **changes)
        return [(at, intent), self._outcome(form, at + self._dice.randrange(500, 40_000), execution, cleared)]

    def _intent(
        self,
        identity: IdentityStamp,
        session: str,
        form: Form,
        at: int,
        execution: str,
        verdict: str = "allow",
        grant: str = "",
    ) -> StatementIntent:
        fields = {"grant": grant} if grant else {}
        return StatementIntent(
            action=form.action,
            at_us=at,
            execution=execution,
            identity=identity,
            labels=form.labels,
            objects=form.objects,
            parameters=(),
            policy=self._policy,
            protocol="extended",
            reason="A rule says so.",
            rules=form.rules,
            session=session,
            statement=form.text,
            tags=(form.tag,),
            upstream="shop",
            verdict=verdict,
            **fields,
        )

    def _outcome(
        self, form: Form, at: int, execution: str, cleared: frozenset[str] = frozenset(), status: str = "done"
    ) -> Timed:
        rows = self._dice.randrange(form.rows + 1) if status == "done" and form.rows > 1 else form.rows
        columns = shown(form, cleared)
        return at, StatementOutcome(
            at_us=at,
            columns=columns if status == "done" else (),
            duration_us=self._dice.randrange(300, 40_000),
            error_code="",
            execution=execution,
            masked=sum(column.treatment == "labelled" for column in columns),
            result_bytes=rows * 90,
            rows=rows if status == "done" else 0,
            status=status,
            tag=f"{form.tag} {rows}",
        )

    def _held(
        self, name: str, form: Form, at: int, answer: str = "approved", by: str = "iris", *, runs: bool = True
    ) -> tuple[list[Timed], str, str]:
        """A statement that is held; the events, its request and its second execution's entry."""
        identity, session, execution, request = self._identities[name], self._next("ses"), self._next("exe"), self._next("req")
        by_id = f"prn_{by}" if answer in ("approved", "rejected") else ""
        asked, answered = at + SECOND, at + 240 * SECOND
        events: list[Timed] = [
            (at, self._opened(identity, session, at, "TLSv1.3")),
            (asked, self._intent(identity, session, form, asked, execution, "hold")),
            (asked + 1, HoldRequested("security", asked + 1, "b" * 64, execution, asked + 300 * SECOND, request)),
            (answered, HoldAnswered(answered, by if by_id else "", by_id, execution, "OPS-311", request, answer)),
        ]
        if runs:
            events += [
                self._outcome(form, answered + 1, execution, status="approved"),
                (answered + 2, self._intent(identity, session, form, answered + 2, execution, "allow", request)),
                self._outcome(form, answered + 9_000, execution),
            ]
        else:
            events.append(self._outcome(form, answered + 1, execution, status="refused"))
        end = answered + SECOND
        events.append((end, SessionClosed(at_us=end, cause="the client left", session=session, statements=1)))
        return events, request, execution

    def _denied(self, name: str, form: Form, at: int) -> list[Timed]:
        identity, session, execution = self._identities[name], self._next("ses"), self._next("exe")
        end = at + 2 * SECOND
        return [
            (at, self._opened(identity, session, at, "TLSv1.3")),
            (at + SECOND, self._intent(identity, session, form, at + SECOND, execution, "deny")),
            (end, SessionClosed(at_us=end, cause="the client left", session=session, statements=1)),
        ]

    # --- what goes on anyway --------------------------------------------------------------------------------------------

    def _routine(self, day: int, begin: int) -> Iterator[Timed]:
        dice, noon = self._dice, begin + 12 * HOUR
        if day % 3 == 0:
            developer, approver = dice.choice(PEOPLE["developers"]), dice.choice(("iris", "jack"))
            yield from self._held(developer, dice.choice(SCHEMA), noon, by=approver)[0]
        if day % 7 == 2:
            yield from self._held("cleo", PURGE, noon + HOUR, "rejected", runs=False)[0]
        if day % 11 == 4:
            yield from self._held("ben", PURGE, noon + 2 * HOUR, "expired", runs=False)[0]
        if day % 5 == 1:
            yield from self._denied(dice.choice([*AGENTS]), DROP, noon + 3 * HOUR)
            at = noon + 4 * HOUR
            client = f"203.0.113.{dice.randrange(250)}:50000"
            yield at, SigninRefused(at_us=at, client=client, database="shop", reason="The secret is not right.", user="root")

    def _violations(self, day: int, begin: int) -> Iterator[Timed]:
        return iter(())


def write_log(directory: Path, entries: Iterator[Entry]) -> int:
    """A real log of *entries* in *directory*, signed; how many there are."""
    directory.mkdir(parents=True, exist_ok=True)
    log = AuditLog.open(directory)
    sequencer = Sequencer(directory, create_key(directory, "log.example/audit"))
    try:
        for count, entry in enumerate(entries, 1):
            log.append(entry)
            if count % FLUSH_EVERY == 0:
                log.flush()
                log.sync_within(0)
                sequencer.step()
        log.close()
        sequencer.step()
        return log.size
    finally:
        sequencer.close()
