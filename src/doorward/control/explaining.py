"""What would become of a statement, and why, without running it: the same steps that a session takes, told one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from doorward.catalog.resolve import Resolved, meanings, resolve
from doorward.clock import now_us
from doorward.control.catalog import Catalog
from doorward.control.explained import ColumnExplained, Explained, RuleExplained, Source, StatementExplained, Told
from doorward.control.lookup import Directory
from doorward.control.operators import Operator
from doorward.databases import database_for
from doorward.errors import DoorwardError, InvalidRequest, NotFound, NotPermitted
from doorward.masking.plan import Plan
from doorward.model.catalog import Snapshot
from doorward.model.decision import Decision, Verdict
from doorward.model.identity import Identity, Principal
from doorward.model.link import Lookup
from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis, Output, OutputKind, ParsedStatement, Use
from doorward.model.upstream import Upstream
from doorward.policy.bounding import bounded
from doorward.policy.decide import Policy
from doorward.policy.explain import explain
from doorward.proxy import judging, refusals
from doorward.proxy.metering import bounds_of
from doorward.proxy.upstream_connections import UpstreamQuerier
from doorward.store.repositories import Store

Describe = Callable[[Upstream, str], Awaitable[Sequence[ResultColumn]]]
"""Asks an upstream for the result columns of a text, which is parsed there and never run."""


async def describe_at(upstream: Upstream, sql: str) -> Sequence[ResultColumn]:
    """Ask *upstream* on a connection of its own, so that nothing else waits if the question does."""
    querier = UpstreamQuerier(upstream)
    try:
        return await querier.describe(sql)
    finally:
        await querier.close()


class Explaining:
    """Explains statements. *policy* gives the rules in force."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        directory: Directory,
        policy: Callable[[], Policy],
        describe: Describe,
        now: Callable[[], int] = now_us,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._directory = directory
        self._policy = policy
        self._describe = describe
        self._now = now

    async def explain(
        self, by: Operator, text: str, name: str, *, via: str = "", database: str = "", ask: bool = True
    ) -> Explained:
        """What would become of *text* sent by *name*, or by the agent *via* for *name*.

        *database* is what the client would connect to, needed where there are several. With *ask* the database is asked what
        the result's columns are. Whoever may read all may ask about anybody, others about themselves and their agents.
        """
        upstream = self._upstream(database)
        identity = self._identity(by, name, via, upstream.name)
        analysis = database_for(upstream.engine).analyze(text)
        snapshot = self._catalog.snapshots.get(upstream.name) or Snapshot(upstream.name, "", ())
        resolved = resolve(analysis, snapshot)
        policy = self._policy()
        facts = resolved.facts

        terms = self._directory.lookup(Lookup(0, identity.speaker.name, upstream.name)).terms
        limits = bounds_of(terms) if terms is not None else ()

        def decide(*, approved: bool) -> Decision:
            decision = judging.decide(
                policy, identity, analysis, facts, upstream.name, upstream.database, approved=approved, at_us=self._now()
            )
            for bounds in limits:
                decision = bounded(decision, facts, bounds)
            return decision

        decision = decide(approved=False)
        # What is held is shown, once it is approved, by the decision that is made then.
        shown_by = decide(approved=True) if decision.verdict is Verdict.HOLD else decision
        columns, columns_from = await self._columns(text, upstream, analysis, resolved, snapshot, shown_by, ask=ask)
        return Explained(
            statement=text,
            chain=identity.chain,
            upstream=upstream.name,
            database=upstream.database,
            statements=tuple(_statement(statement, snapshot) for statement in analysis.statements),
            unreadable=analysis.error,
            unresolved=facts.unresolved,
            unlisted_functions=facts.unlisted_functions,
            dangerous_functions=facts.dangerous_functions,
            labels=_labelled(resolved),
            facts=tuple(words for fact, words in FACTS.items() if getattr(facts, fact)),
            verdict=decision.verdict.value,
            rules=tuple(RuleExplained(reason.rule, reason.text, reason.advice) for reason in decision.reasons),
            approvers=decision.approvers,
            hold_seconds=decision.hold_seconds,
            row_limit=shown_by.row_limit,
            parameters=shown_by.parameters.value,
            cleared=tuple(sorted(label.value for label in shown_by.cleared)) if not decision.observed else (),
            observed=decision.observed,
            policy_version=decision.policy_version,
            told=_told(decision, resolved),
            columns=columns,
            columns_from=columns_from,
        )

    def _upstream(self, database: str) -> Upstream:
        known = {upstream.name: upstream for upstream in self._store.upstreams.all()}
        if not database and len(known) == 1:
            return next(iter(known.values()))
        found = known.get(self._directory.upstream_for(database))
        if found is None:
            raise InvalidRequest(
                f"There is no database {database!r} here." if database else "There are several databases.",
                f"Name one of: {', '.join(sorted(known))}.",
            )
        return found

    def _identity(self, by: Operator, name: str, via: str, upstream: str) -> Identity:
        """Who would be behind the connection, found as it is found for one that signs in."""
        speaker = via or name
        found = self._directory.lookup(Lookup(0, speaker, upstream))
        if found.principal is None:
            raise NotFound(f"{speaker!r} could not connect: {found.refusal}", "See: doorward user list")
        chain = tuple(self._principal(card.name) for card in (found.principal, *found.actors))
        identity = Identity(chain[0], chain[1:], proven_by="", credential_id="")
        if via and (not identity.actors or identity.principal.name != name):
            raise InvalidRequest(
                f"{via!r} does not act for {name!r}.", f"It speaks as: {identity.chain}. See: doorward agent list"
            )
        if not by.may_read_all and by.name not in (member.name for member in chain):
            raise NotPermitted(
                f"{by.name} may not ask what {identity.chain} may do.", "Ask about yourself, or ask an administrator."
            )
        return identity

    def _principal(self, name: str) -> Principal:
        record = self._store.principals.named(name)
        assert record is not None  # the directory has just found it
        return record.principal

    async def _columns(
        self,
        text: str,
        upstream: Upstream,
        analysis: Analysis,
        resolved: Resolved,
        snapshot: Snapshot,
        decision: Decision,
        *,
        ask: bool,
    ) -> tuple[tuple[ColumnExplained, ...] | None, str]:
        if len(analysis.statements) != 1:
            return None, "Give one statement to see its result's columns." if analysis.statements else ""
        if decision.verdict is not Verdict.ALLOW:
            return None, "It does not run, so it has no result."
        statement = analysis.statements[0]
        outputs = statement.outputs or ()
        described: Sequence[ResultColumn] = ()
        why_not = ""
        if ask:
            try:
                described = await self._describe(upstream, text)
            except DoorwardError as error:
                why_not = error.message
        if not described and outputs:
            plan = judging.plan(resolved, decision, snapshot.labels, [_UNDESCRIBED] * len(outputs))
            return _explained([_UNDESCRIBED] * len(outputs), plan, outputs, resolved, snapshot), why_not or "text"
        if not described:
            return None, why_not or ("It has no result." if ask else "Its columns can't be told from the text alone.")
        plan = judging.plan(resolved, decision, snapshot.labels, described)
        fitting = outputs if len(outputs) == len(described) else ()
        return _explained(described, plan, fitting, resolved, snapshot), "database"


# Facts of a statement that rules ask for, in words; those that have fields of their own are left out.
FACTS = {
    "unbounded_write": "changes every row of a table",
    "copies_protected": "may store protected values in another place",
    "copy_protected_out": "sends protected data out by COPY",
    "multiple": "is several statements in one message",
    "temporary": "defines or destroys only what is temporary",
}

# A result column of which only the text tells.
_UNDESCRIBED = ResultColumn("", 0, 0, 0, 0, 0, 0)


def _explained(
    columns: Sequence[ResultColumn], plan: Plan, outputs: Sequence[Output], resolved: Resolved, snapshot: Snapshot
) -> tuple[ColumnExplained, ...]:
    explained = []
    for position, (column, treatment, mask) in enumerate(zip(columns, plan.treatments, plan.masks, strict=True)):
        origin = _origin(column, snapshot)
        output = outputs[position] if outputs else None
        sources = (origin,) if origin else _sources(output, resolved)
        # Where all that is in reach is clear nothing needs to be known of one column.
        unknown = not sources and (output is None or output.kind is OutputKind.OPAQUE)
        explained.append(
            ColumnExplained(
                position + 1,
                column.name,
                origin.column if origin else "",
                sources,
                unknown,
                treatment.provenance.value,
                treatment.label.value,
                mask.value,
            )
        )
    return tuple(explained)


def _origin(column: ResultColumn, snapshot: Snapshot) -> Source | None:
    relation = snapshot.by_oid.get(column.table_oid) if column.attribute_number else None
    for known in relation.columns if relation else ():
        if known.number == column.attribute_number:
            assert relation is not None
            label = known.label
            return Source(f"{relation.qualified_name}.{known.name}", label.value, label.label_class.value)
    return None


def _sources(output: Output | None, resolved: Resolved) -> tuple[Source, ...]:
    """Every column in reach that a name of *output* may mean."""
    names = output.columns if output is not None else ()
    return tuple(
        Source(f"{relation.qualified_name}.{column.name}", column.label.value, column.label.label_class.value)
        for name in names
        for relation in resolved.relations
        for column in relation.columns
        if column.name == name
    )


def _labelled(resolved: Resolved) -> tuple[Source, ...]:
    """The protected columns in reach."""
    return tuple(
        Source(f"{relation.qualified_name}.{column.name}", column.label.value, column.label.label_class.value)
        for relation in resolved.relations
        for column in relation.columns
        if column.label.is_protected
    )


def _statement(statement: ParsedStatement, snapshot: Snapshot) -> StatementExplained:
    def used(use: Use) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for relation_use in statement.relations:
            if relation_use.use is use:
                found = meanings(relation_use.relation, snapshot)
                spelled = [relation.qualified_name for relation in found] or [str(relation_use.relation)]
                names.update(dict.fromkeys(spelled))
        return tuple(names)

    return StatementExplained(
        command=statement.tag,
        action=statement.action.value,
        reads=used(Use.READ),
        writes=used(Use.WRITE),
        defines=used(Use.DEFINE),
        destroys=used(Use.DESTROY),
        functions=tuple(dict.fromkeys((*statement.functions, *statement.checked_functions))),
        runs=_runs(statement),
    )


def _runs(statement: ParsedStatement) -> str:
    """What another statement prepared or declared, and this one runs or fetches from."""
    if statement.node == "FetchStmt":
        return statement.cursor_name
    return statement.prepared_name if statement.node in ("ExecuteStmt", "ExplainStmt", "CreateTableAsStmt") else ""


def _told(decision: Decision, resolved: Resolved) -> Told:
    if decision.verdict is Verdict.DENY:
        refusal = refusals.denied(decision, resolved.facts)
        return Told(refusal.message, refusal.detail, refusal.hint, refusal.sqlstate)
    if decision.verdict is Verdict.HOLD:
        told = explain(decision, resolved.facts)
        return Told(told.message, told.detail, told.hint)
    return Told()
