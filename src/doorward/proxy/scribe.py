"""Writes what happens on the path into the audit log, in the log's own words."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from doorward.audit.canonical import MAX_ENTRY_BYTES
from doorward.audit.log import AuditLog
from doorward.errors import AuditUnavailable
from doorward.model.catalog import Snapshot
from doorward.model.decision import Decision, Facts, Parameters
from doorward.model.entry import ActorStamp, ColumnStamp, Entry, IdentityStamp, StatementIntent, StatementOutcome
from doorward.model.identity import Identity, Principal
from doorward.model.result import ColumnTreatment, ResultColumn
from doorward.proxy.execution import Attempt, SessionFacts
from doorward.proxy.forms_cy import PARAMETERS_LIMIT, SHOWN, IntentForm, hashed

# An entry has a limit of 60,000 bytes, and JSON may make six of one: longer texts are kept beside the log.
STATEMENT_LIMIT = 8_000
ATTACHED_PREVIEW = 4_000
# How long an outcome may stay in this process before the operating system has it.
OUTCOME_FLUSH_SECONDS = 0.005
LIST_LIMIT = 100

# These carry passwords in their text: nothing of it is kept but the command.
_WITH_PASSWORDS = ("ROLE", "USER", "SUBSCRIPTION", "SERVER")


def stamp_of(principal: Principal) -> ActorStamp:
    """A principal as entries show it."""
    return ActorStamp(principal.id, principal.kind.value, principal.name)


def identity_stamp(identity: Identity) -> IdentityStamp:
    """A chain as entries show it."""
    return IdentityStamp(
        tuple(stamp_of(actor) for actor in identity.actors),
        identity.chain,
        identity.credential_id,
        stamp_of(identity.principal),
        identity.proven_by,
        dict(identity.proof) or UNSET,
    )


class Scribe:
    """Appends entries of one gateway.

    *digest_key* makes parameter values recognisable to itself and to nobody else. *later* calls a function after seconds.
    """

    def __init__(self, log: AuditLog, digest_key: bytes, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._log = log
        self._keyed = hashlib.blake2b(key=digest_key, digest_size=8)
        self._later = later
        self._flush_is_due = False
        self.sync_within = log.sync_within  # see that everything reaches stable storage within seconds
        self._stamps: dict[Identity, IdentityStamp] = {}

    def append(self, entry: Entry) -> int:
        """Append any entry. Raises AuditUnavailable."""
        return self._log.append(entry)

    def record(self, entry: Entry) -> None:
        """Append *entry*, hand it to the operating system, and have it synced soon. Raises AuditUnavailable."""
        self._log.append(entry)
        self._log.flush()
        self._log.sync_within()

    def flush(self) -> None:
        """Hand what was appended to the operating system. Raises AuditUnavailable."""
        self._log.flush()

    def when_durable(self, index: int, callback: Callable[[AuditUnavailable | None], None]) -> None:
        """Call back once entry *index* is on stable storage, or can't be."""
        self._log.flush()
        self._log.when_durable(index, callback)

    def intent(
        self,
        session: SessionFacts,
        identity: Identity,
        attempt: Attempt,
        facts: Facts,
        decision: Decision,
        execution_id: str,
        at_us: int,
        *,
        grant: str,
    ) -> tuple[int, IntentForm | None]:
        """Append the intent of an execution; its index, and a form to record the same again.

        Raises AuditUnavailable, also for one that no entry can hold: what can't be recorded is not run.
        """
        statement, attachment = self._statement(attempt, facts)
        shown = decision.parameters
        if shown is Parameters.KEPT and (facts.touches_protected or facts.unresolved or not facts.tags):
            shown = Parameters.HASHED  # they may be what the labels protect
        intent = StatementIntent(
            action=facts.action,
            at_us=at_us,
            attachment=attachment,
            claimed=dict((*session.claimed, *attempt.text.analysis.claimed)) or UNSET,
            execution=execution_id,
            grant=grant or UNSET,
            identity=self._identity(identity),
            labels=tuple(label.value for label in facts.labels),
            objects=(*facts.objects, *facts.unresolved)[:LIST_LIMIT],
            parameters=tuple(SHOWN[shown](value, self._keyed) for value in attempt.parameters[:PARAMETERS_LIMIT]),
            policy=decision.policy_version,
            protocol=attempt.protocol,
            reason=" ".join(reason.text for reason in decision.reasons)[:1_000],
            rules=tuple(reason.rule for reason in decision.reasons[:LIST_LIMIT]),
            session=session.id,
            statement=statement,
            tags=facts.tags[:LIST_LIMIT],
            upstream=session.upstream,
            verdict=decision.verdict.value,
        )
        try:
            index = self._log.append(intent)
        except ValueError:
            raise _unrecordable() from None
        # A grant is good once, an attachment is rare, and a text that is not kept stands for one text only.
        return index, None if grant or statement != attempt.text.text else IntentForm(intent, shown)

    def intent_again(
        self, form: IntentForm, text: str, parameters: Sequence[bytes | None], session: str, execution_id: str, at_us: int
    ) -> int:
        """Append the intent of a text that was allowed before, by its form; its index. Raises AuditUnavailable."""
        payload = form.fill(at_us, execution_id, parameters, self._keyed, text)
        if len(payload) > MAX_ENTRY_BYTES:  # more parameters than the form was made with
            raise _unrecordable()
        return self._log.append_intent(payload, execution_id, session)

    def outcome(self, outcome: StatementOutcome) -> None:
        """Append an outcome. A log that can't take it is dealt with when the next intent needs it."""
        # An outcome that fails stays open in the log: "unknown" after a restart, which is what it is then.
        with contextlib.suppress(AuditUnavailable):
            try:
                self._log.append(outcome)
            except ValueError:
                self._log.append(msgspec.structs.replace(outcome, columns=(), error="", tag=outcome.tag[:100]))
        self._flush_soon()

    def outcome_again(self, payload: bytes, execution_id: str) -> None:
        """Append an outcome that is encoded already."""
        if len(payload) > MAX_ENTRY_BYTES:  # a hundred columns with the longest names
            self.outcome(msgspec.json.decode(payload, type=StatementOutcome))
            return
        try:
            self._log.append_outcome(payload, execution_id)
        except AuditUnavailable:
            pass  # it stays open in the log, as above
        if not self._flush_is_due:
            self._flush_soon()

    def _flush_soon(self) -> None:
        """Outcomes ride along with the next intent, or go by themselves when none comes."""
        if not self._flush_is_due:
            self._flush_is_due = True
            self._later(OUTCOME_FLUSH_SECONDS, self._flush_late)

    def _flush_late(self) -> None:
        self._flush_is_due = False
        with contextlib.suppress(AuditUnavailable):
            self._log.flush()
            self._log.sync_within()

    def refused(self, execution_id: str, at_us: int) -> None:
        """The execution was refused, rejected or withdrawn; nothing was forwarded."""
        self.outcome(unforwarded(execution_id, at_us, "refused"))

    def superseded(self, execution_id: str, at_us: int) -> None:
        """The wait ended with an approval; an intent of its own follows."""
        self.outcome(unforwarded(execution_id, at_us, "approved"))

    def parameter(self, value: bytes | None) -> str:
        """A bind value as entries show it: its length and a keyed digest, never the value."""
        return hashed(value, self._keyed)

    def column(self, snapshot: Snapshot, column: ResultColumn, treatment: ColumnTreatment) -> ColumnStamp:
        """A column that was masked, or shown although protected, as entries show it."""
        relation = snapshot.by_oid.get(column.table_oid)
        source = ""
        if relation is not None:
            names = {c.number: c.name for c in relation.columns}
            source = f"{relation.qualified_name}.{names.get(column.attribute_number, '?')}"
        return ColumnStamp(treatment.label.value, column.name[:63], source, treatment.provenance.value)

    def _identity(self, identity: Identity) -> IdentityStamp:
        stamp = self._stamps.get(identity)
        if stamp is None:
            if len(self._stamps) > 10_000:
                self._stamps.clear()
            stamp = self._stamps[identity] = identity_stamp(identity)
        return stamp

    def _statement(self, attempt: Attempt, facts: Facts) -> tuple[str, str | UnsetType]:
        text = attempt.text.text
        # What could not be read has no command to go by: the word alone is reason enough.
        unread_password = not facts.tags and "password" in text.lower()
        if unread_password or any(word in tag for tag in facts.tags for word in _WITH_PASSWORDS):
            return f"{'; '.join(facts.tags)} [the text is not kept: it may hold a password]".strip(), UNSET
        if len(text) <= STATEMENT_LIMIT:
            return text, UNSET
        return text[:ATTACHED_PREVIEW] + " […]", self._log.attach(text.encode())


def _unrecordable() -> AuditUnavailable:
    return AuditUnavailable(
        "The statement can't be put into one entry of the audit log.", "Name fewer objects in one statement."
    )


def unforwarded(execution_id: str, at_us: int, status: str) -> StatementOutcome:
    """The outcome of an execution of which nothing came back: it was not forwarded, or nobody knows."""
    return StatementOutcome(
        at_us=at_us,
        columns=(),
        duration_us=0,
        error_code="",
        execution=execution_id,
        masked=0,
        result_bytes=0,
        rows=0,
        status=status,
        tag="",
    )
