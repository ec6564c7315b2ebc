"""A made-up quarter of that company as entries of a log, in order, with violations planted where one asks for them.

One thing because a history hangs together: who was added before they sign in, what was held before it ran.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from doorward.audit.checkpoint import create_key
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.model.entry import (
    AccessBegun,
    AccessEnded,
    ActorStamp,
    Administered,
    Entry,
    GlassReviewed,
    HoldAnswered,
    HoldMoved,
    HoldRequested,
    IdentityStamp,
    ServiceStarted,
    SessionClosed,
    SessionOpened,
    SigninRefused,
    StatementIntent,
    StatementOutcome,
    ValuesShown,
)
from tests.evidence.company import (
    AGENTS,
    CLEAR_EMAIL,
    CLEAR_SSN,
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
        later: list[Timed] = []  # what goes on after the day on which it began
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
            events = sorted([*later, *events], key=lambda event: event[0])
            later = [event for event in events if event[0] >= begin + DAY]
            for _at, entry in events[: len(events) - len(later)]:
                yield entry
        for _at, entry in later:
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
        end, outcome = self._outcome(form, at + self._dice.randrange(500, 40_000), execution, cleared)
        assert isinstance(outcome, StatementOutcome)
        clear = tuple(column for column in outcome.columns if column.treatment == "cleared")
        if not clear or not outcome.rows:
            return [(at, intent), (end, outcome)]
        told = ValuesShown(
            at_us=end,
            columns=clear,
            execution=execution,
            identity=identity,
            rows=outcome.rows,
            session=session,
            upstream="shop",
        )
        return [(at, intent), (end, told), (end, outcome)]

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

    # --- access for a time -----------------------------------------------------------------------------------------------

    def _asked(
        self, name: str, form: Form, at: int, labels: tuple[str, ...] = (), actions: tuple[str, ...] = (), by: str = "kim"
    ) -> tuple[list[Timed], str]:
        """Access that *name* asks for, gets from *by*, uses once for *form*, and that ends by itself; and its id."""
        access, request = self._next("agr"), self._next("req")
        answered, until = at + 300 * SECOND, at + HOUR
        details = {"request": request, "what": f"{name}: {', '.join((*labels, *actions))}", "reason": "dunning letters"}
        events: list[Timed] = [self._change(at, name, "access.asked", name, **details)]
        events.append((answered, HoldAnswered(answered, by, f"prn_{by}", "", "ticket 4711", request, "approved")))
        events += self._timed_access(access, "granted", name, answered + 1, until, labels, actions, by, request)
        events += self._used(access, name, form, answered + 60 * SECOND, frozenset(labels))
        return events, access

    def _broken(self, name: str, at: int, form: Form, reviewed_by: str, after_us: int) -> tuple[list[Timed], str]:
        """Glass that *name* breaks, and that *reviewed_by* looks at so long after it was over, if anybody does."""
        access = self._next("agr")
        end = at + HOUR
        events = self._timed_access(access, "break-glass", name, at, end, (), (), name, "")
        events += self._used(access, name, form, at + 60 * SECOND, frozenset({"email", "national_id"}))
        if reviewed_by:
            when = end + after_us
            told = GlassReviewed(access, when, reviewed_by, f"prn_{reviewed_by}", "restored the orders, nothing else")
            events.append((when, told))
        return events, access

    def _timed_access(
        self,
        access: str,
        kind: str,
        name: str,
        at: int,
        until: int,
        labels: tuple[str, ...],
        actions: tuple[str, ...],
        by: str,
        request: str,
    ) -> list[Timed]:
        identity = self._identities[name]
        begun = AccessBegun(
            access=access,
            access_kind=kind,
            actions=actions,
            at_us=at,
            by=by,
            by_id=f"prn_{by}",
            labels=labels,
            reason="orders are stuck",
            request=request,
            row_limit=0,
            speaker=identity.actors[-1] if identity.actors else identity.principal,
            tables=(),
            ticket="INC-12",
            until_us=until,
            upstream="shop",
        )
        return [(at, begun), (until, AccessEnded(access, until, "", "", "", "expired"))]

    def _used(self, access: str, name: str, form: Form, at: int, cleared: frozenset[str]) -> list[Timed]:
        identity, session = self._identities[name], self._next("ses")
        return [
            (at, self._opened(identity, session, at, "TLSv1.3")),
            *self._run(identity, session, form, at + SECOND, cleared, grant=access),
            (at + 9 * SECOND, SessionClosed(at + 9 * SECOND, "the client left", session, 1)),
        ]

    def _two_yeses(self, at: int, event: str) -> tuple[list[Timed], str]:
        """A statement that took two yeses; what the first of them last said was *event*."""
        events, request, _ = self._held("eli", SCHEMA[2], at)
        said = ["second", "take back", "second"] if event == "second" else ["second", event]
        for number, each in enumerate(said):
            when = at + (number + 3) * SECOND
            events.append((when, HoldMoved(when, "jack", "prn_jack", each, "OPS-311", request)))
        others = (ActorStamp("prn_jack", "human", "jack"),)
        return [
            (when, msgspec.structs.replace(entry, others=others) if isinstance(entry, HoldAnswered) else entry)
            for when, entry in events
        ], request

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
        if day % 9 == 5:
            yield from self._asked("wes", CLEAR_EMAIL, noon + 5 * HOUR, labels=("email",))[0]
            yield from self._asked("olga-bot", CLEAR_EMAIL, noon + 5 * HOUR, labels=("email",))[0]
            yield from self._asked("gus", SCHEMA[1], noon + 5 * HOUR, actions=("define",))[0]
            yield from self._two_yeses(noon + 6 * HOUR, "second")[0]
        if day in (6, 36):
            yield from self._broken("finn", noon + 7 * HOUR, CLEAR_SSN, "jack", DAY // 8)[0]
            yield from self._broken("finn", noon + 7 * HOUR, SCHEMA[0], "max", DAY // 8)[0]
        if day == 40:
            self._policy = "v2"
            yield self._change(begin, "leo", "policy.published", "policy 2", version="v2", before="v1", reason="OPS-9")
            yield self._change(begin + HOUR, "dana", "policy.reviewed", "policy 2", version="v2", reason="as discussed")
        if day == 15:  # somebody joins, works, and leaves in order
            yield from self._added("paul", "human", begin + 8 * HOUR, ("analysts",))
            yield from self._session("paul", begin + 9 * HOUR, 3)
        if day == 60:
            yield self._change(begin + 8 * HOUR, "dana", "principal.revoked", "paul", id="prn_paul", reason="left")
        if day % 6 == 0 and not (self.violations and 30 <= day < 48):
            yield from self._probed(begin + HOUR, "yes")
        if day % 5 == 0 and not (self.violations and 50 <= day < 65):
            yield self._compared(begin + 2 * HOUR, 0)
        if day == 45:
            yield from self._reviewed(begin + 10 * HOUR)

    def _probed(self, at: int, refused: str) -> Iterator[Timed]:
        for name in ("drop of a table", "read of a password file"):
            yield from self._denied("doorward-probe", DROP, at)
            details = {"round": f"r{at}", "refused": refused, "told": "42501"}
            yield self._change(at + 5 * SECOND, "operator", "probe.tried", name, **details)

    def _compared(self, at: int, beside: int) -> Timed:
        told = "every session came through Doorward" if not beside else f"{beside} sessions did not come through Doorward"
        details = {"sessions": "12", "beside": str(beside), "told": told}
        return self._change(at, "operator", "coverage.checked", "shop", **details)

    def _reviewed(self, at: int) -> Iterator[Timed]:
        yield self._change(at, "dana", "review.started", "rev_1", lines="3")
        for number, whom in enumerate(("ada", "ben", "cleo")):
            details = {"whom": whom, "decision": "keep", "reason": "works on the shop"}
            yield self._change(at + number * SECOND, "leo", "review.decided", "rev_1", **details)
        yield self._change(at + HOUR, "dana", "review.closed", "rev_1", decided="3", undecided="0")

    # --- what must not be ------------------------------------------------------------------------------------------------

    def _violations(self, day: int, begin: int) -> Iterator[Timed]:
        """What is planted on *day*; between three and five in the morning, where nothing else goes on."""
        plant = getattr(self, f"_plant_{day}", None)
        return plant(begin + 3 * HOUR) if plant else iter(())

    def _plant(self, control: str, about: str) -> None:
        self.planted.append(Planted(control, about))

    def _plant_3(self, at: int) -> Iterator[Timed]:
        events, request, _ = self._held("iris", SCHEMA[0], at, by="iris")
        self._plant("approver-is-never-requester", request)
        yield from events
        events, request, _ = self._held("ada-bot", PURGE, at + HOUR, by="ada")
        self._plant("approver-is-never-requester", request)
        yield from events

        events, request, _ = self._held("cleo", SCHEMA[2], at + HOUR + 600 * SECOND)
        self._plant("approver-is-never-requester", request)
        for when, entry in events:  # iris answers, after cleo herself had been the first of two
            if isinstance(entry, HoldAnswered):
                entry = msgspec.structs.replace(entry, others=(ActorStamp("prn_cleo", "human", "cleo"),))
            yield when, entry

    def _plant_5(self, at: int) -> Iterator[Timed]:
        events, request, _execution = self._held("ben", PURGE, at, "rejected")
        self._plant("held-runs-only-approved", request)
        yield from events
        events, request, _ = self._held("dev", SCHEMA[1], at + HOUR)
        other = Form("create index other on orders (total)", SCHEMA[1].objects, (), "define", "CREATE INDEX", SCHEMA[1].rules)
        self._plant("held-runs-only-approved", request)
        for when, entry in events:
            is_run = isinstance(entry, StatementIntent) and entry.verdict == "allow"
            if is_run and isinstance(entry, StatementIntent):
                entry = self._intent(entry.identity, entry.session, other, when, entry.execution, "allow", request)
            yield when, entry

    def _plant_8(self, at: int) -> Iterator[Timed]:
        identity, session, execution = self._identities["eli"], self._next("ses"), self._next("exe")
        self._plant("denied-never-runs", execution)
        yield at, self._opened(identity, session, at, "TLSv1.3")
        yield at + SECOND, self._intent(identity, session, DROP, at + SECOND, execution, "deny")
        yield self._outcome(DROP, at + 2 * SECOND, execution)

    def _plant_10(self, at: int) -> Iterator[Timed]:
        """Somebody whom nobody added, with a secret that nobody minted."""
        ghost = ActorStamp("prn_ghost", "human", "ghost")
        identity = IdentityStamp((), "ghost", "crd_ghost", ghost, "scram-sha-256")
        session = self._next("ses")
        self._plant("access-approved-before-use", "prn_ghost")
        self._plant("secrets-good-when-used", "crd_ghost")
        yield at, self._opened(identity, session, at, "TLSv1.3")
        yield from self._run(identity, session, READS[1], at + SECOND)

    def _plant_12(self, at: int) -> Iterator[Timed]:
        expires = str(at + HOUR)
        yield self._change(at, "dana", "secret.minted", "finn", credential="crd_short", expires_us=expires, purpose="once")
        self._plant("secrets-good-when-used", "crd_short")
        yield from self._session("finn", at + 90 * 60 * SECOND, 1, credential="crd_short")
        self._plant("access-approved-before-use", "prn_leo2")
        yield self._change(at, "leo2", "principal.added", "leo2", id="prn_leo2", kind="human", groups="admins", acting_for="")

    def _plant_20(self, at: int) -> Iterator[Timed]:
        """A leaver who goes on, and whose agent stays."""
        yield from self._added("zed", "human", at, ("analysts",))
        yield from self._added("zed-bot", "agent", at + 2 * SECOND, (), "zed")
        yield from self._session("zed", at + 60 * SECOND, 1)
        yield self._change(at + HOUR, "dana", "principal.revoked", "zed", id="prn_zed", reason="left")
        self._plant("leavers-are-out", "zed")
        self._plant("agents-have-owners", "zed-bot")
        yield from self._session("zed-bot", at + 90 * 60 * SECOND, 2)

    def _plant_22(self, at: int) -> Iterator[Timed]:
        self._plant("agents-have-owners", "stray-bot")
        details = {"id": "prn_stray", "kind": "agent", "groups": "", "acting_for": ""}
        yield self._change(at, "dana", "principal.added", "stray-bot", **details)

    def _plant_25(self, at: int) -> Iterator[Timed]:
        identity, session = self._identities["gus"], self._next("ses")
        yield at, self._opened(identity, session, at, "TLSv1.3")
        rules = ("developers-may-define",)
        for number, (text, tag) in enumerate((("create table t (id int)", "CREATE TABLE"), ("drop view v", "DROP VIEW"))):
            form = Form(text, (), (), "define" if number == 0 else "destroy", tag, rules, rows=0)
            events = self._run(identity, session, form, at + (number + 1) * SECOND)
            assert isinstance(events[0][1], StatementIntent)
            self._plant("schema-changes-approved", events[0][1].execution)
            yield from events
        # No finding: what keeps statistics is no change of the schema, and a pipeline has a rule that stands for it.
        form = Form("analyze orders", ("public.orders",), (), "define", "ANALYZE", rules, rows=0)
        yield from self._run(identity, session, form, at + 9 * SECOND)

    def _plant_28(self, at: int) -> Iterator[Timed]:
        identity, session = self._identities["wes"], self._next("ses")
        yield at, self._opened(identity, session, at, "TLSv1.3")
        self._plant("clear-reads-justified", "wes public.customers.ssn")
        yield from self._run(identity, session, CLEAR_SSN, at + SECOND, frozenset({"national_id"}))
        agent = self._identities["olga-bot"]
        self._plant("clear-reads-justified", "olga-bot for olga public.customers.email")
        yield from self._run(agent, session, CLEAR_EMAIL, at + 2 * SECOND, frozenset({"email"}))

    def _plant_30(self, at: int) -> Iterator[Timed]:
        """Access that nobody approved, that who has it or asked for it approved, and that was used when it was over."""
        events, access = self._asked("yuri", CLEAR_EMAIL, at, labels=("email",))
        self._plant("timed-access-in-order", access)
        yield from [(when, entry) for when, entry in events if not isinstance(entry, HoldAnswered)]
        events, access = self._asked("iris", CLEAR_EMAIL, at, labels=("email",), by="iris")
        self._plant("timed-access-in-order", access)
        yield from events
        events, access = self._asked("ada-bot", CLEAR_EMAIL, at, labels=("email",), by="ada")
        self._plant("timed-access-in-order", access)
        yield from events
        events, access = self._asked("zoe", CLEAR_EMAIL, at, labels=("email",))
        self._plant("timed-access-in-order", access)
        yield from [*events, *self._used(access, "zoe", READS[0], at + 2 * HOUR, frozenset())]
        self._plant("timed-access-in-order", "agr_never")
        yield from self._used("agr_never", "zoe", READS[0], at, frozenset())
        # What it was given for is another label: the read has no reason.
        events, _access = self._asked("amir", CLEAR_SSN, at, labels=("email",))
        self._plant("clear-reads-justified", "amir public.customers.ssn")
        for when, entry in events:
            if isinstance(entry, StatementOutcome):
                columns = shown(CLEAR_SSN, frozenset({"national_id"}))
                entry = msgspec.structs.replace(entry, columns=columns, rows=1)
            yield when, entry

    def _plant_52(self, at: int) -> Iterator[Timed]:
        """Broken glass that nobody looked at, that only who broke it did, and that somebody else did too late."""
        for reviewed_by, after_us in (("", 0), ("finn", HOUR), ("jack", 8 * DAY)):
            events, access = self._broken("finn", at, CLEAR_SSN, reviewed_by, after_us)
            self._plant("broken-glass-reviewed", access)
            yield from events

    def _plant_54(self, at: int) -> Iterator[Timed]:
        """A yes that was taken back counted all the same."""
        events, request = self._two_yeses(at, "take back")
        self._plant("held-runs-only-approved", request)
        yield from events

    def _plant_33(self, at: int) -> Iterator[Timed]:
        session = self._session("hana", at, 1, tls="")
        assert isinstance(session[0][1], SessionOpened)
        self._plant("sessions-encrypted", session[0][1].session)
        yield from session
        # Days 30, 36 and 42 lack their probes.
        self._plant("guardrails-proven", "gap from 2026-07-25")

    def _plant_48(self, at: int) -> Iterator[Timed]:
        identity, session, execution = self._identities["ian"], self._next("ses"), self._next("exe")
        yield at, self._opened(identity, session, at, "TLSv1.3")
        self._plant("log-is-complete", execution)
        yield at + SECOND, self._intent(identity, session, READS[0], at + SECOND, execution)
        self._plant("guardrails-proven", "drop of a table")
        details = {"round": "rx", "refused": "no", "told": "it ran"}
        yield self._change(at + 2 * SECOND, "operator", "probe.tried", "drop of a table", **details)

    def _plant_55(self, at: int) -> Iterator[Timed]:
        # Days 50, 55 and 60 lack their comparison.
        self._plant("nothing-passed-beside", "gap from 2026-08-15")
        return iter(())

    def _plant_65(self, at: int) -> Iterator[Timed]:
        self._plant("nothing-passed-beside", "shop")
        yield self._compared(at, 2)

    def _plant_70(self, at: int) -> Iterator[Timed]:
        self._policy = "v3"
        self._plant("rules-reviewed", "v3")

        yield self._change(at, "leo", "policy.published", "policy 3", version="v3", before="v2", reason="OPS-10")
        yield self._change(at + HOUR, "leo", "policy.reviewed", "policy 3", version="v3", reason="I wrote it")

    def _plant_80(self, at: int) -> Iterator[Timed]:
        self._policy = "v4"  # and nothing in the log says who changed them
        self._plant("rules-reviewed", "v4")
        return iter(())

    def _plant_75(self, at: int) -> Iterator[Timed]:
        yield self._change(at, "dana", "review.started", "rev_2", lines="3")
        for number, (by, whom, decision, reason) in enumerate(
            (("leo", "jo", "keep", ""), ("leo", "leo", "keep", "it is me"), ("leo", "kai", "revoke", "moved on"))
        ):
            self._plant("access-reviewed", f"rev_2: {whom}")
            details = {"whom": whom, "decision": decision, "reason": reason}
            yield self._change(at + number * SECOND, by, "review.decided", "rev_2", **details)
        yield self._change(at + HOUR, "dana", "review.closed", "rev_2", decided="3", undecided="0")

    def _plant_85(self, at: int) -> Iterator[Timed]:
        """A session that opens after the clock was set back by a minute."""
        self._plant("log-is-complete", "clock")
        events = self._session("jo", at, 1)
        back = events[0][1]
        assert isinstance(back, SessionOpened)
        early = self._opened(back.identity, back.session, at - 60 * SECOND, "TLSv1.3")
        yield at - SECOND, ServiceStarted(at_us=at - SECOND, resumed_at=0, version="0.1.0")
        yield at, early
        yield from events[1:]


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
