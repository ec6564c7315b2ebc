"""What proposed rules would have done to the statements that the log has, beside what was done.

Each statement is read again from its text and decided anew: with the groups that people are in now, and the catalog as it was
last read. What can't be read again (a text that was not kept, EXECUTE of something prepared before) is counted, never guessed.
"""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from doorward.audit.day_keys import opener
from doorward.audit.log import attachment_path
from doorward.audit.reader import LogReader
from doorward.catalog.resolve import resolve
from doorward.databases import DATABASES
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.model.decision import Circumstances, Decision, Facts, Verdict
from doorward.model.entry import Sealed
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.policy import floors
from doorward.policy.decide import Policy
from doorward.policy.load import load
from doorward.policy.request import address_of
from doorward.proxy.execution import Family, Texts
from doorward.store.names import StoredNames

NOT_KEPT = "[the text is not kept"
# Statements that run what another statement said; what that was, their own text doesn't tell.
_RUN_ANOTHER = frozenset({"ExecuteStmt", "FetchStmt"})
# In an upstream that is only observed the verdict is allow, and the first rule says what it would have been.
_OBSERVED = {floors.OBSERVED.rule: "allow", floors.OBSERVED_NOT_HELD.rule: "hold", floors.OBSERVED_NOT_DENIED.rule: "deny"}


class _Actor(msgspec.Struct):
    id: str
    kind: str
    name: str


class _Identity(msgspec.Struct):
    actors: tuple[_Actor, ...]
    chain: str
    principal: _Actor


class _Intent(msgspec.Struct):
    """What of an entry a replay needs."""

    kind: str
    at_us: int = 0
    identity: _Identity | None = None
    rules: tuple[str, ...] = ()
    session: str = ""
    statement: str = ""
    upstream: str = ""
    verdict: str = ""
    attachment: str = ""
    sealed: Sealed | None = None
    claimed: dict[str, str] = {}
    grant: str = ""


class _Opened(msgspec.Struct):
    kind: str
    session: str = ""
    application: str = ""
    client: str = ""
    tls: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay works with: the log, candidate rules beside those in force, and what is known of people and catalogs.

    *day_keys* and *wrapping_key* are where the keys are that open the texts in the log.
    """

    log: Path
    candidate: Mapping[str, str]
    in_force: Mapping[str, str]
    stored: StoredNames
    day_keys: Path
    wrapping_key: Path


@dataclass(frozen=True, slots=True)
class Change:
    """Statements of one person that would come out differently. *person* is whom they are attributed to.

    *before* is what the log says was decided; *shown* are labels that would be shown and aren't by the rules in force, *hidden*
    those the other way round. *anyway* says that the rules in force would decide so too by now: catalog, groups or rules have
    changed since.
    """

    person: str
    chain: str
    before: str
    after: str
    rules: tuple[str, ...]
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    anyway: bool = False


@dataclass(slots=True)
class Replayed:
    """What came of a replay, or of a part of one. *examples* has the first statement of each change, with its index."""

    statements: int = 0
    judged: int = 0
    unjudged: Counter[str] = field(default_factory=Counter)
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, tuple[int, str]] = field(default_factory=dict)

    def add(self, other: Replayed) -> None:
        """Take in what came of another part, which lies behind this one."""
        self.statements += other.statements
        self.judged += other.judged
        self.unjudged.update(other.unjudged)
        self.changes.update(other.changes)
        for change, example in other.examples.items():
            self.examples.setdefault(change, example)


_Judged = tuple[Decision, Decision]
_decode = msgspec.json.Decoder(_Intent).decode
EXAMPLE_LENGTH = 200


class Replay:
    """Decides on statements of the log anew, part by part; what was understood of one part serves the next."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._candidate = Policy(load(plan.candidate))
        self._now = Policy(load(plan.in_force))
        database = DATABASES["postgresql"]
        self._texts = Texts(database.analyze, database.skeleton, lambda text: "")
        self._snapshots = snapshots_of(plan.stored)
        self._databases = dict(plan.stored.upstreams)
        self._people = {one.id: one for one in plan.stored.principals}
        self._identities: dict[tuple[str, ...], Identity | None] = {}
        self._facts: dict[tuple[str, Family], Facts] = {}
        self._judgements: dict[tuple[object, ...], _Judged] = {}
        needs = [*self._candidate.in_force.needs.values(), *self._now.in_force.needs.values()]
        asked = {name for need in needs for name in need.circumstances}
        self._step_us = min((need.step_us for need in needs if need.step_us), default=0)
        self._sessions: dict[str, _Opened] = {}
        self._opener = opener(plan.day_keys, plan.wrapping_key)
        self._opened: dict[tuple[str, str], bytes | None] = {}  # by key and digest: what is run again is opened once
        if asked & {"application", "client", "tls"}:
            self._sessions = {opened.session: opened for opened in _opened(plan)}
        self._asks_claims = bool(asked & {"purpose", "ticket"})
        self._result = Replayed()

    def run(self, start: int, stop: int) -> Replayed:
        """What comes of the entries from *start* to before *stop*."""
        self._result = Replayed()
        for index, payload in LogReader(self._plan.log).entries(start, stop):
            if b'"kind":"statement.intent"' in payload:
                self._take(index, _decode(payload))
        return self._result

    def _take(self, index: int, intent: _Intent) -> None:
        result = self._result
        if intent.kind != "statement.intent" or intent.identity is None:
            return
        result.statements += 1
        why = self._judge(index, intent, intent.identity)
        if why:
            result.unjudged[why] += 1
        else:
            result.judged += 1

    def _judge(self, index: int, intent: _Intent, stamp: _Identity) -> str:
        """Count the statement's change, if any; or why it can't be judged."""
        identity = self._identity(stamp)
        if identity is None:
            return "somebody in the chain is not there any more"
        if intent.upstream not in self._databases:
            return "the upstream is not there any more"
        text = self._text(intent)
        if text is None:
            return "the text is not kept, or its key was destroyed"
        understood = self._texts.understand(text)
        if any(statement.node in _RUN_ANOTHER for statement in understood.analysis.statements):
            return "it runs what another statement said"
        candidate, now = self._decisions(intent, identity, understood.family)
        before = _OBSERVED.get(intent.rules[0], intent.verdict) if intent.rules else intent.verdict
        self._compare(index, intent, stamp, before, candidate, now)
        return ""

    def _compare(self, index: int, intent: _Intent, stamp: _Identity, before: str, candidate: Decision, now: Decision) -> None:
        after = candidate.verdict.value
        runs = Verdict.DENY not in (candidate.verdict, now.verdict)
        shown = candidate.cleared - now.cleared if runs else frozenset[Label]()
        hidden = now.cleared - candidate.cleared if runs else frozenset[Label]()
        if after == before and not shown and not hidden:
            return
        change = Change(
            stamp.principal.name,
            stamp.chain,
            before,
            after,
            tuple(reason.rule for reason in candidate.reasons),
            tuple(sorted(label.value for label in shown)),
            tuple(sorted(label.value for label in hidden)),
            anyway=not shown and not hidden and now.verdict is candidate.verdict,
        )
        self._result.changes[change] += 1
        if change not in self._result.examples:
            self._result.examples[change] = (index, intent.statement[:EXAMPLE_LENGTH])

    def _decisions(self, intent: _Intent, identity: Identity, family: Family) -> _Judged:
        circumstances = self._circumstances(intent)
        step = intent.at_us // self._step_us if self._step_us else 0
        key = (identity, intent.upstream, family, circumstances, step, bool(intent.grant))
        judged = self._judgements.get(key)
        if judged is None:
            facts = self._resolved(intent.upstream, family)
            asked = (self._candidate, self._now)
            candidate, now = (self._decide(policy, intent, identity, family, facts, circumstances) for policy in asked)
            judged = self._judgements[key] = candidate, now
            if len(self._judgements) > MOST_REMEMBERED:
                self._judgements.clear()
        return judged

    def _decide(
        self, policy: Policy, intent: _Intent, identity: Identity, family: Family, facts: Facts, circumstances: Circumstances
    ) -> Decision:
        if family.analysis.error:
            return policy.decide_unreadable(family.analysis.error, intent.upstream)
        return policy.decide(
            identity,
            facts,
            intent.upstream,
            self._databases[intent.upstream],
            approved=bool(intent.grant),
            circumstances=circumstances,
            at_us=intent.at_us,
        )

    def _resolved(self, upstream: str, family: Family) -> Facts:
        snapshot = self._snapshots.get(upstream) or Snapshot(upstream, "", ())
        known = family.remembered(upstream, snapshot.epoch)
        if known is None:
            known = resolve(family.analysis, snapshot)
            family.remember(upstream, snapshot.epoch, known)
        return known.facts

    def _circumstances(self, intent: _Intent) -> Circumstances:
        if not self._sessions and not self._asks_claims:
            return _UNASKED
        opened = self._sessions.get(intent.session, _UNKNOWN_SESSION)
        return Circumstances(
            intent.claimed.get("purpose", ""),
            intent.claimed.get("ticket", ""),
            opened.application,
            address_of(opened.client),
            opened.tls.partition(" ")[0],
        )

    def _identity(self, stamp: _Identity) -> Identity | None:
        key = (stamp.principal.id, *(actor.id for actor in stamp.actors))
        if key not in self._identities:
            found = [self._people.get(one) for one in key]
            chain = [
                Principal(one.id, PrincipalKind(one.kind), one.name, one.groups, one.acting_for or None)
                for one in found
                if one is not None
            ]
            whole = len(chain) == len(key)
            self._identities[key] = Identity(chain[0], tuple(chain[1:]), "replay", "replay") if whole else None
        return self._identities[key]

    def _text(self, intent: _Intent) -> bytes | None:
        """The statement as it was sent; None when that can't be had any more."""
        sealed = intent.sealed
        if not intent.attachment:
            if sealed is None:
                return None if NOT_KEPT in intent.statement else intent.statement.encode()
            key = (sealed.key, sealed.digest)
            if key not in self._opened:
                if len(self._opened) > MOST_REMEMBERED:
                    self._opened.clear()
                self._opened[key] = self._open(b64decode(sealed.box), sealed.key)
            return self._opened[key]
        try:
            attached = attachment_path(self._plan.log, intent.attachment.removeprefix("sha256:")).read_bytes()
        except OSError:
            return None
        return attached if sealed is None else self._open(attached, sealed.key)

    def _open(self, box: bytes, key_id: str) -> bytes | None:
        try:
            return self._opener.open_box(box, key_id)
        except ValueError:
            return None


MOST_REMEMBERED = 100_000
_UNASKED = Circumstances()
_UNKNOWN_SESSION = _Opened("session.opened")


def _opened(plan: Plan) -> Iterator[_Opened]:
    """All sessions of the log: one may have begun long before what it ran."""
    decode = msgspec.json.Decoder(_Opened).decode
    for _index, payload in LogReader(plan.log).entries():
        if b'"kind":"session.opened"' in payload:
            yield decode(payload)


def snapshots_of(stored: StoredNames) -> dict[str, Snapshot]:
    """Catalogs as they were last read, by upstream. Which functions users have made is not kept; theirs count as unlisted."""
    tables: dict[str, dict[tuple[int, str], list[Column]]] = {}
    for one in stored.columns:
        column = Column(one.number, one.name, one.type_name, Label(one.label))
        tables.setdefault(one.upstream, {}).setdefault((one.table_oid, one.table), []).append(column)
    snapshots = {}
    for upstream, found in tables.items():
        relations = []
        for (oid, name), columns in found.items():
            schema, _, bare = name.partition(".")
            relations.append(Relation(oid, schema, bare, RelationKind.TABLE, tuple(columns)))
        snapshots[upstream] = Snapshot(upstream, "as last read", tuple(relations))
    return snapshots
