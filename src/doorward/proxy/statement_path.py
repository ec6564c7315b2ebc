"""The path of a statement: the page that knows the order.

    client bytes -> wire (framing, treatment: govern / forward / answer / refuse)
      -> understand (sql)  -> resolve (catalog)  -> decide (policy)  -> [hold (approvals)]
      -> append intent (audit, durable)  -> forward
      -> rows: plan (masking, once a result), mask (compiled, once a chunk)  -> append outcome -> client

The wire asks, in this order, through the methods of :class:`StatementPath`: understand, may_be_planned, begin, plan,
on_release, finish. What each step decides is the step's business; when it is asked is settled here alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from doorward.catalog.resolve import Resolved, resolve
from doorward.databases import Database
from doorward.errors import AuditUnavailable
from doorward.masking.plan import plan_result
from doorward.model.approval import RequestState
from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.model.entry import StatementOutcome
from doorward.model.identity import Identity
from doorward.model.result import ColumnTreatment, Provenance, ResultColumn
from doorward.model.statement import Action
from doorward.policy.explain import explain
from doorward.proxy.execution import Attempt, Execution, SessionFacts, Text, Texts
from doorward.proxy.holds import Holds, Settlement
from doorward.proxy.rules import Rules
from doorward.proxy.scribe import Scribe
from doorward.wire.governor import Go, Refusal, Resume, Ruling, Understood

INSUFFICIENT_PRIVILEGE = "42501"
CANCELLED = "57014"
SYNTAX_ERROR = "42601"
# What a read waits at most before its record is on stable storage, when nothing protected is shown.
READ_SYNC_SECONDS = 0.010

_ENDS_TRANSACTION = frozenset({"commit", "rollback", "prepare"})


class StatementPath:
    """The governor of one session.

    *go_on* runs a continuation inside the session, so that what it produces is sent; *notify* shows the client a notice.
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
        *,
        strict: bool,
        go_on: Callable[[Callable[[], None]], None],
        notify: Callable[[str, str, str], None],
        catalog_touched: Callable[[], None],
        new_id: Callable[[str], str],
        now_us: Callable[[], int],
    ) -> None:
        self._database = database
        self._session = session
        self._identity = identity
        self._rules = rules
        self._texts = texts
        self._scribe = scribe
        self._holds = holds
        self._strict = strict
        self._go_on = go_on
        self._notify = notify
        self._catalog_touched = catalog_touched
        self._new_id = new_id
        self._now_us = now_us
        self._waiting_request = ""
        self._released: Callable[[], None] = _nothing
        self._wrote_in_transaction = False
        self._is_closed = False
        self.statements = 0
        self.doing = ""

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
        self.doing = attempt.text.text[:200]
        try:
            return self._begin(attempt, grant="")
        except AuditUnavailable as error:
            return Ruling(Go.REFUSE, refusal=_unrecorded(error))

    def plan(
        self, ticket: Execution, columns: Sequence[ResultColumn], inner: Sequence[Understood]
    ) -> tuple[list[int], list[bytes]] | None:
        """Step 6: which columns of this result are masked, and how."""
        # A cursor's rows derive from the statement that declared it; EXECUTE's from the one that was prepared.
        resolved = self._resolve(_text(inner[0])) if inner else ticket.resolved
        fits = resolved.output_count == len(columns)
        plan = plan_result(
            columns,
            ticket.labels,
            ticket.decision.cleared,
            expressions_are_clear=resolved.expressions_are_clear,
            clear_outputs=resolved.clear_outputs if fits else frozenset(),
            origins_hold=not resolved.facts.copies_protected,
        )
        self._note_columns(ticket, columns, plan.treatments)
        return None if plan.is_clear else self._database.operations(plan.masks, columns)

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
        self._scribe.outcome(
            StatementOutcome(
                at_us=now,
                columns=tuple(ticket.columns),
                duration_us=max(0, now - ticket.begun_us),
                error=error[:2_000],
                error_code=error_code,
                execution=ticket.id,
                masked=ticket.masked,
                result_bytes=size_bytes,
                rows=rows,
                status=status,
                tag=tag[:1_000],
            )
        )
        if ticket.touches_catalog and status == "done":
            self._catalog_touched()

    def refusal_for_row_limit(self, ticket: Execution) -> Refusal:
        """The result was cut at the limit that policy sets."""
        return Refusal(
            "54000",
            f"Doorward ended the result after {ticket.row_limit} rows.",
            f"Rule {ticket.decision.reasons[0].rule}: {ticket.decision.reasons[0].text}",
            f"Ask for at most {ticket.row_limit} rows with LIMIT, or aggregate in the statement.",
        )

    def may_show_error(self, ticket: Execution | None) -> bool:
        """Whether the database's own words may reach the client: only if nothing it might not see was in reach."""
        if ticket is None:
            return False
        facts = ticket.resolved.facts
        # A constraint's error shows the failing row, also of a table that is only written.
        if ticket.resolved.expressions_are_clear and not facts.touches_protected:
            return True
        unknown = facts.unresolved or facts.unlisted_functions or facts.dangerous_functions
        return not unknown and bool(facts.labels) and ticket.decision.cleared.issuperset(facts.labels)

    def withdraw(self) -> None:
        """The client cancelled or left: whatever waits for an approval waits no more."""
        if self._waiting_request:
            self._holds.withdraw(self._waiting_request)

    def close(self) -> None:
        """The session ends; nothing that waits will be forwarded."""
        self._is_closed = True
        self.withdraw()

    # --- the steps ------------------------------------------------------------------------------------------------

    def _begin(self, attempt: Attempt, grant: str) -> Ruling:
        resolved, facts, decision = self._judge(attempt, approved=bool(grant))
        execution_id = self._new_id("exe")
        begun_us = self._now_us()
        index = self._scribe.intent(
            self._session, self._identity, attempt, facts, decision, execution_id, begun_us, grant=grant
        )
        if decision.verdict is Verdict.DENY:
            self._scribe.refused(execution_id, self._now_us())
            return Ruling(Go.REFUSE, refusal=_refusal(decision, facts))
        if decision.verdict is Verdict.HOLD:
            return self._hold(attempt, facts, decision, execution_id)
        return self._allow(attempt, resolved, facts, decision, execution_id, begun_us, index)

    def _judge(self, attempt: Attempt, *, approved: bool) -> tuple[Resolved, Facts, Decision]:
        """The decision on a statement and on what it runs by name: the strictest counts, with its own facts."""
        resolved = self._resolve(attempt.text)
        decision = self._decide(attempt.text, resolved, approved=approved)
        facts = resolved.facts
        for text in attempt.inner:
            resolved = self._resolve(text)
            theirs = self._decide(text, resolved, approved=approved)
            if _STRICTNESS[theirs.verdict] >= _STRICTNESS[decision.verdict]:
                decision, facts = theirs, resolved.facts
        return resolved, facts, decision

    def _facts(self, attempt: Attempt) -> Facts:
        return self._judge(attempt, approved=False)[1]

    def _allow(
        self,
        attempt: Attempt,
        resolved: Resolved,
        facts: Facts,
        decision: Decision,
        execution_id: str,
        begun_us: int,
        index: int,
    ) -> Ruling:
        severity = max(Action(facts.action).severity, attempt.text.analysis.action.severity)
        ends = any(s.transaction in _ENDS_TRANSACTION for s in attempt.text.analysis.statements)
        writes = severity >= Action.WRITE.severity
        protected = facts.touches_protected or bool(facts.unresolved)
        execution = Execution(
            id=execution_id,
            text=attempt.text,
            resolved=resolved,
            decision=decision,
            labels=self._rules().snapshot(self._session.upstream).labels,
            index=index,
            begun_us=begun_us,
            released=not protected,
            row_limit=decision.row_limit,
            copy_out_is_clear=not facts.copy_protected_out,
            touches_catalog=severity >= Action.DEFINE.severity,
            writes=writes,
        )
        has_effect = writes or self._strict or (ends and self._wrote_in_transaction)
        self._wrote_in_transaction = (self._wrote_in_transaction or writes) and not ends
        if has_effect:
            # The intent must be on stable storage before there is any effect to lose it for.
            self._scribe.when_durable(index, lambda error: self._durable(attempt, execution, error))
            return Ruling(Go.WAIT, ticket=execution)
        if protected:
            # The read may run meanwhile; its rows wait for the record.
            self._scribe.when_durable(index, lambda error: self._release(execution, error))
        else:
            self._scribe.sync_within(READ_SYNC_SECONDS)
        return Ruling(Go.NOW, ticket=execution)

    def _durable(self, attempt: Attempt, execution: Execution, error: AuditUnavailable | None) -> None:
        if self._is_closed:
            self.finish(execution, "skipped", "", 0, 0, "", "")
            return
        execution.released = error is None
        self._go_on(lambda: attempt.resume(None if error is None else _unrecorded(error), execution))

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
            self._go_on(lambda: self._settle(attempt, facts, decision, execution_id, settlement))

        request = self._holds.ask(self._session, self._identity, attempt, facts, decision, execution_id, settled)
        if request is None:
            self._scribe.refused(execution_id, self._now_us())
            return Ruling(
                Go.REFUSE,
                refusal=Refusal(
                    INSUFFICIENT_PRIVILEGE,
                    "Doorward could not ask anybody to approve this statement.",
                    f"Rule {decision.reasons[0].rule}: {decision.reasons[0].text}",
                    "Its control process does not answer; try again, or tell the operator.",
                ),
            )
        self._waiting_request = request.id
        told = explain(decision, facts, link=f"{self._rules().console_url}/approvals/{request.id}")
        self._notify(told.message, told.detail, f"{told.hint}\nOr: doorward approve {request.id}\nCtrl-C withdraws it.")
        return Ruling(Go.WAIT)

    def _settle(self, attempt: Attempt, facts: Facts, decision: Decision, execution_id: str, settlement: Settlement) -> None:
        """An approver answered, time ran out, or the client withdrew."""
        try:
            if not settlement.approved:
                self._scribe.refused(execution_id, self._now_us())
                attempt.resume(_refusal_for(settlement, decision), None)
                return
            # What was approved is exactly what runs. Text, parameters and identity are the very same objects; if the rules or
            # what the statement means have moved since, it is asked for again.
            moved = self._rules().policy_version != decision.policy_version or self._facts(attempt) != facts
            self._scribe.superseded(execution_id, self._now_us())
            ruling = self._begin(attempt, grant="" if moved else settlement.request_id)
        except AuditUnavailable as error:
            attempt.resume(_unrecorded(error), None)
            return
        if ruling.go is Go.NOW:
            attempt.resume(None, ruling.ticket)
        elif ruling.go is Go.REFUSE:
            attempt.resume(ruling.refusal, None)

    def _resolve(self, text: Text) -> Resolved:
        upstream = self._session.upstream
        rules = self._rules()
        epoch = rules.epoch(upstream)
        known = text.remembered(upstream, epoch)
        if known is None:
            known = resolve(text.analysis, rules.snapshot(upstream))
            text.remember(upstream, epoch, known)
        return known

    def _decide(self, text: Text, resolved: Resolved, *, approved: bool) -> Decision:
        rules = self._rules()
        if text.analysis.error:
            reason = Reason("unreadable-statement", text.analysis.error, "Correct the statement, or send it in smaller parts.")
            return Decision(Verdict.DENY, (reason,), rules.policy_version)
        return rules.policy.decide(
            self._identity, resolved.facts, self._session.upstream, self._session.database, approved=approved
        )

    def _note_columns(self, ticket: Execution, columns: Sequence[ResultColumn], treatments: Sequence[ColumnTreatment]) -> None:
        snapshot = self._rules().snapshot(self._session.upstream)
        for column, treatment in zip(columns, treatments, strict=True):
            if treatment.provenance is Provenance.CLEAR:
                continue
            ticket.masked += treatment.is_masked
            if len(ticket.columns) < MAX_COLUMNS_NOTED:
                ticket.columns.append(self._scribe.column(snapshot, column, treatment))


MAX_COLUMNS_NOTED = 200

_STRICTNESS = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}


def _text(understood: Understood) -> Text:
    assert isinstance(understood, Text)
    return understood


def _nothing() -> None:
    """Until the session says what to do."""


def _raise(error: Exception) -> None:
    raise error


def _refusal(decision: Decision, facts: Facts) -> Refusal:
    told = explain(decision, facts)
    sqlstate = SYNTAX_ERROR if decision.reasons[0].rule == "unreadable-statement" else INSUFFICIENT_PRIVILEGE
    return Refusal(sqlstate, told.message, told.detail, told.hint)


def _refusal_for(settlement: Settlement, decision: Decision) -> Refusal:
    rule = f"Rule {decision.reasons[0].rule}: {decision.reasons[0].text}"
    if settlement.state is RequestState.REJECTED:
        said = f" They said: {settlement.reason}" if settlement.reason else ""
        message, hint = f"{settlement.by} rejected this statement.{said}", "Talk to them before you ask again."
        return Refusal(INSUFFICIENT_PRIVILEGE, message, rule, hint)
    if settlement.state is RequestState.EXPIRED:
        message, hint = "Nobody approved this statement in time.", "Run it again when an approver is there."
        return Refusal(INSUFFICIENT_PRIVILEGE, message, rule, hint)
    return Refusal(CANCELLED, "canceling statement due to user request", rule)


def _unrecorded(error: AuditUnavailable) -> Refusal:
    return Refusal(error.sqlstate, f"Nothing was run: {error.message}", "", error.remedy or "Tell the operator of Doorward.")
