"""The path of a statement: the page that knows the order.

    client bytes -> wire (framing, treatment: govern / forward / answer / refuse)
      -> understand (sql)  -> resolve (catalog)  -> decide (policy)  -> [hold (approvals)]
      -> append intent (audit, durable)  -> forward
      -> rows: plan (masking, once a result), mask (compiled, once a chunk)  -> append outcome -> client

The wire asks, in this order, through the methods of :class:`StatementPath`: understand, may_be_planned, begin, plan,
on_release, finish. What each step decides is the step's business; when it is asked is settled here alone.
(One page though over 400 lines long: cut in two, no part of it would know the order.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from doorward.catalog.resolve import Resolved, resolve
from doorward.databases import Database
from doorward.errors import AuditUnavailable
from doorward.model.agents import Terms
from doorward.model.catalog import Relation
from doorward.model.decision import NOTHING_GRANTED, Decision, Facts, Granted, Verdict
from doorward.model.entry import ColumnStamp, StatementOutcome
from doorward.model.identity import Identity
from doorward.model.result import Provenance, ResultColumn
from doorward.model.statement import Action, Analysis
from doorward.policy.bounding import bounded
from doorward.policy.decide import Policy, outcome_of
from doorward.policy.explain import explain
from doorward.proxy import forms_cy as forms
from doorward.proxy import judging, refusals
from doorward.proxy.claims import circumstances_of, claimed_after
from doorward.proxy.execution import (
    LONGEST_KEPT_BYTES,
    Attempt,
    Execution,
    Family,
    Judgement,
    ResultNote,
    SessionFacts,
    Text,
    Texts,
)
from doorward.proxy.granting import granted_for
from doorward.proxy.holds import Holds, Settlement, binding_of
from doorward.proxy.inference import Meter, held
from doorward.proxy.metering import AgentMeter
from doorward.proxy.rules import Rules
from doorward.proxy.scribe import Scribe
from doorward.wire.governor import Go, Refusal, Resume, Ruling, Ticket, Understood

# What a read waits at most before its record is on stable storage, when nothing protected is shown.
READ_SYNC_SECONDS = 0.010

_ENDS_TRANSACTION = frozenset({"commit", "rollback", "prepare"})


class StatementPath:
    """The governor of one session.

    *go_on* runs a continuation inside the session, so that what it produces is sent; *notify* shows the client a notice.
    *metered* counts what an agent does, on its terms.
    """

    def __init__(
        self,
        database: Database,
        session: SessionFacts,
        identity: Identity,
        rules: Callable[[], Rules],
        texts: Texts,
        scribe: Scribe,
        holds: Holds,
        meter: Meter,
        *,
        strict: bool,
        token_key: bytes,
        metered: tuple[AgentMeter, Terms] | None = None,
        go_on: Callable[[Callable[[], None]], None],
        notify: Callable[[str, str, str], None],
        catalog_touched: Callable[[], None],
        shadow_differed: Callable[[str, str], None],
        now_us: Callable[[], int],
    ) -> None:
        self._database = database
        self._session = session
        self._claimed_first = session.claimed
        self._circumstances = circumstances_of(session)
        self._identity = identity
        self._rules = rules
        self._texts = texts
        self._scribe = scribe
        self._holds = holds
        self._meter = meter
        self._strict = strict
        self._token_key = token_key
        self._metered = metered
        self._go_on = go_on
        self._notify = notify
        self._catalog_touched = catalog_touched
        self._shadow_differed = shadow_differed
        self._now_us = now_us
        self._waiting_request = ""
        self._released: Callable[[], None] = _nothing
        self._seen: dict[Family, Judgement] = {}
        self._next = 1
        self._wrote_in_transaction = False
        self._is_closed = False
        self._unsettled = ""  # the held execution whose answer is about to be heeded
        self.barrier: int | None = None  # the entry that must be on stable storage before anything more is forwarded
        self.statements = 0
        self.doing = ""

    @property
    def observes(self) -> bool:
        """Whether the upstream is only watched: the wire passes what it would refuse for not being sure of it."""
        return self._session.upstream in self._rules().policy.observed

    def when_released(self, callback: Callable[[], None]) -> None:
        """What to call when rows that waited for their record may go out."""
        self._released = callback

    # --- what the wire asks ---------------------------------------------------------------------------------------

    def understand(self, text: bytes) -> Text:
        """Step 1: what does the text say?"""
        return self._texts.understand(text)

    def may_be_planned(self, understood: Understood) -> bool:
        """Whether the server may plan it before it is begun: planning can run functions that are declared immutable."""
        text = _text(understood)
        seen = self._seen.get(text.family)
        if seen is not None and seen.rules is self._rules():
            return seen.decision.verdict is Verdict.ALLOW
        decision = self._decide(text, self._resolve(text), approved=False)
        return decision.verdict is Verdict.ALLOW

    def begin(
        self,
        understood: Understood,
        inner: Sequence[Understood],
        parameters: Sequence[bytes | None],
        protocol: str,
        transaction: str,
        resume: Resume,
    ) -> Ruling:
        """Steps 2 to 5: resolve, decide, hold, record the intent. Only then may it be forwarded."""
        self.statements += 1
        attempt = Attempt(_text(understood), tuple(map(_text, inner)), tuple(parameters), protocol, transaction, resume)
        self.doing = attempt.text.text
        try:
            return self._begin(attempt, grant="")
        except AuditUnavailable as error:
            return Ruling(Go.REFUSE, refusal=refusals.unrecorded(error))

    def begin_again(self, understood: Understood, parameters: Sequence[bytes | None], protocol: str) -> Ticket | None:
        """Steps 2 to 5 at once, for what was allowed before under the rules of now."""
        text = cast(Text, understood)
        judgement = self._seen.get(text.family)
        if (
            judgement is None
            or not judgement.is_repeatable
            or judgement.protocol != protocol
            or judgement.rules is not self._rules()
            or self._session.wishes.report
            or self._metered is not None
        ):
            return None
        execution_id = f"{self._session.id}.{self._next}"
        begun_us = self._now_us()
        if judgement.until_us and begun_us >= judgement.until_us:
            return None
        form = cast(forms.IntentForm, judgement.form)
        try:
            index = self._scribe.intent_again(form, text, parameters, self._session.id, execution_id, begun_us)
            self._next += 1
            ticket = self._allow(judgement, execution_id, begun_us, index)
        except AuditUnavailable:
            return None  # the long way says why
        self.statements += 1
        self.doing = text.text
        return ticket

    def plan(
        self, ticket: Execution, columns: Sequence[ResultColumn], inner: Sequence[Understood]
    ) -> tuple[list[int], list[Any]] | None:
        """Step 6: which columns of this result are masked, and how."""
        if ticket.judgement.rules is not self._rules():
            # It ran, or waited for a lock, while labels or rules changed: its rows are shown by those of now.
            ticket.judgement = self._again(ticket.judgement)
        judgement = ticket.judgement
        note = judgement.note
        # The same columns, described by the same message: the wire keeps one object for them.
        if note is None or judgement.described is not columns:
            # A cursor's rows derive from the statement that declared it; EXECUTE's from the one that was prepared.
            resolved = self._resolve(_text(inner[0])) if inner else judgement.resolved
            note = self._note(judgement, resolved, columns)
            judgement.described, judgement.note = columns, note
        if len(ticket.notes) < MAX_RESULTS_NOTED:
            ticket.notes.append(note)
        if self._session.wishes.report:
            self._report(columns=[_told(*pair) for pair in zip(note.positions, note.columns, strict=True)])
        if self._session.wishes.notices and note.masked:
            self._notify(*refusals.masked(note.columns, note.masked))
        return note.operations

    def _note(self, judgement: Judgement, resolved: Resolved, columns: Sequence[ResultColumn]) -> ResultNote:
        plan = judging.plan(resolved, judgement.decision, judgement.labels, columns)
        snapshot = judgement.rules.snapshot(self._session.upstream)
        pairs = [pair for pair in zip(columns, plan.treatments, strict=True) if pair[1].provenance is not Provenance.CLEAR]
        stamps = tuple(self._scribe.column(snapshot, *pair) for pair in pairs[:MAX_COLUMNS_NOTED])
        operations = (
            None
            if plan.is_clear
            else self._database.operations(
                plan.masks,
                columns,
                [treatment.label for treatment in plan.treatments],
                judgement.rules.scanner,
                self._token_key,
            )
        )
        masked = sum(treatment.is_masked for treatment in plan.treatments)
        positions = tuple(treatment.position for _column, treatment in pairs[:MAX_COLUMNS_NOTED])
        is_told = plan.shows_protected and not judgement.decision.observed
        shown = tuple(stamp for stamp in stamps if stamp.treatment == Provenance.CLEARED.value) if is_told else ()
        return ResultNote(operations, stamps, forms.columns_json(stamps), masked, positions, shown)

    def on_release(self, ticket: Execution) -> None:
        """The wire has rows of *ticket* in hand; make it go on once they may be shown."""
        if ticket.released:
            self._go_on(self._released)
        else:
            ticket.wakes = True

    def finish(self, ticket: Execution, status: str, tag: str, rows: int, size_bytes: int, error_code: str, error: str) -> None:
        """Step 7: record the outcome."""
        now = self._now_us()
        self.doing = ""
        if self._metered is not None and ticket.notes:  # rows that were shown, not those that were written
            self._metered[0].count(self._metered[1], rows, now)
        duration = max(0, now - ticket.begun_us)
        notes = ticket.notes
        if not error_code and not error and len(notes) < 2 and status == "done":
            columns, masked = (notes[0].columns_json, notes[0].masked) if notes else (b"[]", 0)
            payload = forms.outcome(now, columns, duration, ticket.id, masked, size_bytes, rows, status, tag[:1_000])
            self._scribe.outcome_again(payload, ticket.id)
        else:
            self._scribe.outcome(
                StatementOutcome(
                    at_us=now,
                    columns=tuple(column for note in notes for column in note.columns)[:MAX_COLUMNS_NOTED],
                    duration_us=duration,
                    error=error[:2_000],
                    error_code=error_code,
                    execution=ticket.id,
                    masked=sum(note.masked for note in notes),
                    result_bytes=size_bytes,
                    rows=rows,
                    status=status,
                    tag=tag[:1_000],
                )
            )
        if rows:
            shown = [column for note in notes for column in note.shown]
            if shown:
                told = tuple(dict.fromkeys(shown))[:MAX_COLUMNS_NOTED]
                self._scribe.shown(self._session, self._identity, ticket.id, told, rows, now)
        budgets = ticket.judgement.decision.budgets
        if budgets:
            self._meter.learned(self._identity, self._session.upstream, budgets, _rows_told(rows, tag), now)
        if ticket.judgement.touches_catalog and status == "done":
            self._catalog_touched()

    def refusal_for_row_limit(self, ticket: Execution) -> Refusal:
        """The result was cut at the limit that policy sets."""
        return refusals.cut_at_row_limit(ticket.row_limit, ticket.judgement.decision)

    def may_show_error(self, ticket: Execution | None) -> bool:
        """Whether the database's own words may reach the client: only if nothing it might not see was in reach."""
        if self.observes:
            return True
        if ticket is None:
            return False
        judgement = ticket.judgement
        facts = judgement.facts
        # A constraint's error shows the failing row, also of a table that is only written.
        if judgement.resolved.expressions_are_clear and not facts.touches_protected:
            return True
        unknown = facts.unresolved or facts.unlisted_functions or facts.dangerous_functions
        return not unknown and bool(facts.labels) and judgement.decision.cleared.issuperset(facts.labels)

    def withdraw(self) -> None:
        """The client cancelled or left: whatever waits for an approval waits no more."""
        if self._waiting_request:
            self._holds.withdraw(self._waiting_request)

    def still_stands(self, ticket: Execution) -> bool:
        """Whether what was decided when *ticket* was begun would be decided now."""
        before = ticket.judgement
        if before.rules is self._rules():
            return True
        now = self._again(before)
        return (now.facts, now.decision) == (before.facts, before.decision)

    def close(self) -> None:
        """The session ends; nothing that waits will be forwarded."""
        self._is_closed = True
        self.withdraw()
        # What was answered or recorded a moment ago, and is not forwarded any more.
        if self._unsettled:
            self._scribe.refused(self._unsettled, self._now_us())
            self._unsettled = ""

    # --- the steps ------------------------------------------------------------------------------------------------

    def _begin(self, attempt: Attempt, grant: str) -> Ruling:
        too_much = self._metered[0].begin(self._metered[1], self._now_us()) if self._metered is not None else None
        judgement = self._judge(
            attempt.text, attempt.inner, attempt.protocol, approved=bool(grant), hides=self._hides_settings(attempt)
        )
        execution_id = f"{self._session.id}.{self._next}"
        self._next += 1
        if self._session.wishes.report:
            self._report(execution=execution_id, row_limit=judgement.decision.row_limit)
        begun_us = self._now_us()
        if judgement.decision.budgets and judgement.decision.verdict is Verdict.ALLOW:
            refused = self._beyond_budget(attempt, judgement, execution_id, begun_us, grant)
            if refused is not None:
                return refused
        form = judgement.form
        if form is not None and too_much is None:
            index = self._scribe.intent_again(form, attempt.text, attempt.parameters, self._session.id, execution_id, begun_us)
            return Ruling(Go.NOW, ticket=self._allow(judgement, execution_id, begun_us, index))
        facts, decision = judgement.facts, judgement.decision
        if too_much is not None and decision.verdict is not Verdict.DENY:
            decision = Decision(Verdict.DENY, (too_much,), decision.policy_version)
        index, form = self._scribe.intent(
            self._session,
            self._identity,
            attempt,
            facts,
            decision,
            execution_id,
            begun_us,
            grant=grant or "+".join(decision.grants),
            shadow=judgement.shadow,
        )
        if decision.verdict is Verdict.DENY:
            self._scribe.refused(execution_id, self._now_us())
            return Ruling(Go.REFUSE, refusal=refusals.denied(decision, facts))
        if decision.verdict is Verdict.HOLD:
            return self._hold(attempt, facts, decision, execution_id)
        self._take_claims(attempt.text.analysis)
        if self._seen.get(attempt.text.family) is judgement:
            judgement.form = form
            # Rows are counted towards a limit, and questions towards a budget: those go the long way.
            bounded = judgement.decision.row_limit or judgement.decision.budgets
            judgement.is_repeatable = form is not None and not bounded
        return Ruling(Go.NOW, ticket=self._allow(judgement, execution_id, begun_us, index))

    def _beyond_budget(
        self, attempt: Attempt, judgement: Judgement, execution_id: str, begun_us: int, grant: str
    ) -> Ruling | None:
        """Count what it asks about protected columns; a ruling when that is more than may be asked without approval."""
        used = self._meter.ask(
            self._identity,
            self._session.upstream,
            judgement.decision.budgets,
            attempt.text.text,
            attempt.parameters,
            begun_us,
            approved=bool(grant),
        )
        for one in used:
            self._scribe.noted(self._session, self._identity, execution_id, one, begun_us)
        beyond = [one for one in used if one.is_beyond]
        if not beyond:
            return None
        facts, decision = judgement.facts, held(judgement.decision, beyond)
        self._scribe.intent(self._session, self._identity, attempt, facts, decision, execution_id, begun_us, grant="")
        return self._hold(attempt, facts, decision, execution_id)

    def _hides_settings(self, attempt: Attempt) -> bool:
        """Whether it asks, by a parameter, for a setting that clients don't read."""
        if not (attempt.text.family.shows_settings or any(text.family.shows_settings for text in attempt.inner)):
            return False
        return judging.hides_settings(attempt.text.analysis, [text.analysis for text in attempt.inner], attempt.parameters)

    def _again(self, judgement: Judgement) -> Judgement:
        """The decision on the same under the rules of now."""
        return self._judge(judgement.text, judgement.inner, judgement.protocol, approved=judgement.approved)

    def _judge(self, text: Text, inner: tuple[Text, ...], protocol: str, *, approved: bool, hides: bool = False) -> Judgement:
        """The decision on a statement and on what it runs by name: the strictest counts, with its own facts.

        Texts that run nothing else by name are remembered, as long as the rules are the same object. *hides*: it asks for a
        setting that it may not read, by a parameter.
        """
        rules = self._rules()
        # A long text is not worth its room: each session may have many.
        simple = not inner and not approved and len(text.text) <= LONGEST_KEPT_BYTES and not text.family.shows_settings
        if simple:
            seen = self._seen.get(text.family)
            if seen is not None and seen.rules is rules and seen.protocol == protocol and not self._is_over(seen):
                return seen
        resolved = self._resolve(text)
        if hides:
            dangerous = (*resolved.facts.dangerous_functions, "current_setting")
            resolved = replace(resolved, facts=replace(resolved.facts, dangerous_functions=dangerous))
        decision = self._decide(text, resolved, approved=approved)
        facts, until_us = resolved.facts, decision.until_us
        budgets = decision.budgets
        for named in inner:
            resolved = self._resolve(named)
            theirs = self._decide(named, resolved, approved=approved)
            until_us = min(filter(None, (until_us, theirs.until_us)), default=0)
            budgets += theirs.budgets
            if _STRICTNESS[theirs.verdict] >= _STRICTNESS[decision.verdict]:
                decision, facts = theirs, resolved.facts
        if inner and budgets != decision.budgets:
            decision = replace(decision, budgets=budgets)
        severity = max(Action(facts.action).severity, text.analysis.action.severity)
        judgement = Judgement(
            rules,
            text,
            inner,
            approved,
            resolved,
            facts,
            decision,
            protocol=protocol,
            is_effect=severity >= Action.WRITE.severity,
            ends_transaction=any(s.transaction in _ENDS_TRANSACTION for s in text.analysis.statements),
            is_protected=facts.touches_protected or bool(facts.unresolved),
            touches_catalog=severity >= Action.DEFINE.severity,
            labels=rules.snapshot(self._session.upstream).labels,
            until_us=until_us,
        )
        if rules.shadow is not None:
            judgement.shadow = self._in_shadow(rules.shadow, judgement)
        if simple:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen[text.family] = judgement
        return judgement

    def _in_shadow(self, candidate: Policy, judgement: Judgement) -> Decision | None:
        """What candidate rules would decide, where that is something else. Asked once a judgement, and heeded by nobody."""
        would = self._decide(judgement.text, self._resolve(judgement.text), approved=judgement.approved, policy=candidate)
        for named in judgement.inner:
            theirs = self._decide(named, self._resolve(named), approved=judgement.approved, policy=candidate)
            if _STRICTNESS[theirs.verdict] >= _STRICTNESS[would.verdict]:
                would = theirs
        made = judgement.decision
        is_same = outcome_of(would) == outcome_of(made)
        if is_same and (made.verdict is Verdict.DENY or would.cleared == made.cleared):
            return None
        self._shadow_differed(outcome_of(made), outcome_of(would))
        return would

    def _is_over(self, judgement: Judgement) -> bool:
        """Whether time has passed that a rule asks for."""
        return judgement.until_us > 0 and self._now_us() >= judgement.until_us

    def _take_claims(self, analysis: Analysis) -> None:
        """Heed a SET of what the client says of itself: decisions from here on are made, and recorded, with it."""
        claimed = claimed_after(analysis, self._session.claimed, self._claimed_first)
        if claimed != self._session.claimed:
            self._session = replace(self._session, claimed=claimed)
            self._circumstances = circumstances_of(self._session)
            self._seen.clear()

    def _allow(self, judgement: Judgement, execution_id: str, begun_us: int, index: int) -> Execution:
        row_limit = judgement.decision.row_limit
        if self._metered is not None:
            left = self._metered[0].rows_left(self._metered[1], begun_us)
            row_limit = min(row_limit or left, left or row_limit)
        execution = Execution(
            id=execution_id,
            judgement=judgement,
            begun_us=begun_us,
            released=not judgement.is_protected,
            row_limit=row_limit,
            copy_out_is_clear=judgement.decision.observed or not judgement.facts.copy_protected_out,
        )
        ends = judgement.ends_transaction
        has_effect = judgement.is_effect or self._strict or (ends and self._wrote_in_transaction)
        self._wrote_in_transaction = (self._wrote_in_transaction or judgement.is_effect) and not ends
        if has_effect:
            # The intent must be on stable storage before there is any effect to lose it for. It is with the operating system
            # now, or refused; what is forwarded from here on waits until it is there, with whatever else waits.
            self._scribe.flush()
            self.barrier = index
            execution.released = True  # its rows come after
            return execution
        if judgement.is_protected:
            # The read may run meanwhile; its rows wait for the record.
            self._scribe.when_durable(index, lambda error: self._release(execution, error))
        else:
            self._scribe.sync_within(READ_SYNC_SECONDS)
        return execution

    def _release(self, execution: Execution, error: AuditUnavailable | None) -> None:
        if error is not None:
            self._go_on(lambda: _raise(error))
            return
        execution.released = True
        if execution.wakes:
            self._go_on(self._released)

    def _hold(self, attempt: Attempt, facts: Facts, decision: Decision, execution_id: str) -> Ruling:
        def settled(settlement: Settlement) -> None:
            self._waiting_request = ""
            self._unsettled = execution_id
            self._go_on(lambda: self._settle(attempt, decision, execution_id, settlement))

        def remind(seconds: int, group: str) -> None:
            left = f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
            also = f" The group {group} is asked by now, too." if group else ""
            self._go_on(lambda: self._notify(f"Doorward still waits for an approval; {left} are left.{also}", "", ""))

        request = self._holds.ask(
            self._session,
            self._identity,
            attempt,
            facts,
            decision,
            execution_id,
            settled,
            objects=self._objects(attempt),
            remind=remind,
        )
        if request is None:
            self._scribe.refused(execution_id, self._now_us())
            return Ruling(Go.REFUSE, refusal=refusals.nobody_to_ask(decision))
        self._waiting_request = request.id
        link = f"{self._rules().console_url}/approvals/{request.id}"
        told = explain(decision, facts, link=link)
        if self._session.wishes.report:
            self._report(request=request.id, link=link, approvers=decision.approvers, expires_us=request.expires_us)
        self._notify(told.message, told.detail, f"{told.hint}\nOr: doorward approve {request.id}\nCtrl-C withdraws it.")
        return Ruling(Go.WAIT)

    def _settle(self, attempt: Attempt, decision: Decision, execution_id: str, settlement: Settlement) -> None:
        """An approver answered, time ran out, or the client withdrew."""
        self._unsettled = ""
        try:
            grant = settlement.grant
            if grant is None:
                self._scribe.refused(execution_id, self._now_us())
                attempt.resume(refusals.after_a_wait(settlement, decision), None)
                return
            # What was approved is exactly what runs. If the rules, or what the statement means under them, have moved since,
            # the binding is another one, and it is asked for again.
            now = self._judge(
                attempt.text, attempt.inner, attempt.protocol, approved=False, hides=self._hides_settings(attempt)
            )
            binding = binding_of(self._session, self._identity, attempt, now.facts, now.decision, self._objects(attempt))
            covered = grant.covers(binding, self._now_us())
            self._scribe.superseded(execution_id, self._now_us())
            if not covered:
                self._holds.lapsed(grant.request_id)
            ruling = self._begin(attempt, grant=grant.request_id if covered else "")
        except AuditUnavailable as error:
            attempt.resume(refusals.unrecorded(error), None)
            return
        if ruling.go is Go.NOW:
            attempt.resume(None, ruling.ticket)
        elif ruling.go is Go.REFUSE:
            attempt.resume(ruling.refusal, None)

    def _objects(self, attempt: Attempt) -> tuple[Relation, ...]:
        """What a statement uses, and what it runs by name, as the catalog has it now."""
        found = {r.oid: r for text in (attempt.text, *attempt.inner) for r in self._resolve(text).relations}
        return tuple(found.values())

    def _resolve(self, text: Text) -> Resolved:
        upstream = self._session.upstream
        rules = self._rules()
        epoch = rules.epoch(upstream)
        known = text.family.remembered(upstream, epoch)
        if known is None:
            known = resolve(text.analysis, rules.snapshot(upstream))
            text.family.remember(upstream, epoch, known)
        return known

    def _decide(self, text: Text, resolved: Resolved, *, approved: bool, policy: Policy | None = None) -> Decision:
        """By *policy*, or else by the rules in force."""
        session = self._session
        granted, until_us = self._granted(resolved.facts)
        decision = judging.decide(
            policy or self._rules().policy,
            self._identity,
            text.analysis,
            resolved.facts,
            session.upstream,
            session.database,
            approved=approved,
            circumstances=self._circumstances,
            at_us=self._now_us(),
            granted=granted,
        )
        if until_us:
            decision = replace(decision, until_us=min(filter(None, (decision.until_us, until_us))))
        for bounds in session.wishes.bounds:
            decision = bounded(decision, resolved.facts, bounds)
        return decision

    def _granted(self, facts: Facts) -> tuple[Granted, int]:
        """What was granted for a time and fits, and until when that is so: to whoever holds the connection, and only there."""
        accesses = self._rules().accesses.get(self._identity.speaker.id)
        if not accesses:
            return NOTHING_GRANTED, 0
        return granted_for(accesses, self._session.upstream, facts, self._now_us())

    def _report(self, **told: object) -> None:
        """Tell a client that asked for it what becomes of its execution, by the word that it gave."""
        self._notify(f"doorward {self._session.wishes.report}", json.dumps(told), "")


MAX_COLUMNS_NOTED = 100
MAX_RESULTS_NOTED = 20
# Texts whose judgement a session remembers; with literals in them they rarely come again.
MOST_SEEN = 256

_STRICTNESS = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}


def _text(understood: Understood) -> Text:
    assert isinstance(understood, Text)
    return understood


def _told(position: int, column: ColumnStamp) -> dict[str, object]:
    return {"position": position, "label": column.label, "source": column.source, "treatment": column.treatment}


def _rows_told(rows: int, tag: str) -> int:
    """How many rows the answer tells of: those that came, or those that the command's tag counts."""
    counted = tag.rpartition(" ")[2]
    return max(rows, int(counted)) if counted.isdecimal() else rows


def _nothing() -> None:
    """Until the session says what to do."""


def _raise(error: Exception) -> None:
    raise error
