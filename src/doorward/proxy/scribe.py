"""Writes what happens on the path into the audit log, in the log's own words."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from doorward.audit.canonical import MAX_ENTRY_BYTES, MAX_NUMBER
from doorward.audit.log import AuditLog
from doorward.audit.sealing import Sealer
from doorward.errors import AuditUnavailable
from doorward.model.catalog import Snapshot
from doorward.model.decision import Decision, Facts, Parameters
from doorward.model.entry import (
    ActorStamp,
    ColumnStamp,
    Entry,
    IdentityStamp,
    InferenceNoted,
    Sealed,
    ShadowStamp,
    StatementIntent,
    StatementOutcome,
    ValuesShown,
)
from doorward.model.identity import Identity, Principal
from doorward.model.result import ColumnTreatment, ResultColumn
from doorward.model.sealing import SealingKey
from doorward.proxy.claims import circumstances_of
from doorward.proxy.execution import Attempt, SessionFacts, Text
from doorward.proxy.forms_cy import PARAMETERS_LIMIT, SHOWN, IntentForm, hashed, kept_json, sealed_json
from doorward.proxy.inference import Used

# An entry has a limit of 60,000 bytes, and sealing makes a third more of a text: longer ones are kept beside the log.
STATEMENT_LIMIT_BYTES = 8_000
ATTACHED_PREVIEW = 4_000
# How long an outcome may stay in this process before the operating system has it.
OUTCOME_FLUSH_SECONDS = 0.005
LIST_LIMIT = 100
FEWER_COLUMNS = 10

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

    *digest_key* makes parameter values recognisable to itself and to nobody else, until ``seal_with`` brings the day's salt.
    *later* calls a function after seconds.
    """

    def __init__(self, log: AuditLog, digest_key: bytes, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._log = log
        self._keyed = hashlib.blake2b(key=digest_key, digest_size=8)
        self._later = later
        self._flush_is_due = False
        self.sync_within = log.sync_within  # see that everything reaches stable storage within seconds
        self._stamps: dict[Identity, IdentityStamp] = {}
        self._sealer: Sealer | None = None
        self._epoch: object = self  # of nobody's sealing
        self._renew_us = MAX_NUMBER

    def seal_with(self, key: SealingKey | None, now_us: int) -> None:
        """Seal personal values with *key* from now on; without one they are not kept."""
        if key is None:
            self._sealer, self._epoch, self._renew_us = None, self, MAX_NUMBER
        elif self._sealer is None or self._sealer.key_id != key.id:
            self._sealer = Sealer(key, now_us)
            self._keyed = hashlib.blake2b(key=key.salt, digest_size=8)
            self._epoch, self._renew_us = self._sealer.epoch, self._sealer.until_us

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
        shadow: Decision | None = None,
    ) -> tuple[int, IntentForm | None]:
        """Append the intent of an execution; its index, and a form to record the same again.

        Raises AuditUnavailable, also for one that no entry can hold: what can't be recorded is not run.
        """
        if at_us >= self._renew_us:
            self._renew(at_us)
        statement, sealed, attachment = self._statement(attempt.text, facts)
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
            sealed=sealed,
            sealed_parameters=self._seal_parameters(attempt.parameters) if shown is Parameters.KEPT else UNSET,
            policy=decision.policy_version,
            protocol=attempt.protocol,
            reason=" ".join(reason.text for reason in decision.reasons)[:1_000],
            rules=tuple(reason.rule for reason in decision.reasons[:LIST_LIMIT]),
            session=session.id,
            shadow=_shadow_stamp(shadow) if shadow is not None else UNSET,
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
        if grant or attachment is not UNSET or statement is not attempt.text.family.shown:
            return index, None
        return index, IntentForm(msgspec.structs.replace(intent, sealed=UNSET, sealed_parameters=UNSET), shown)

    def intent_again(
        self, form: IntentForm, text: Text, parameters: Sequence[bytes | None], session: str, execution_id: str, at_us: int
    ) -> int:
        """Append the intent of a text that was allowed before, by its form; its index. Raises AuditUnavailable."""
        if at_us >= self._renew_us:
            self._renew(at_us)
        if text.sealed_in is not self._epoch:
            self._seal(text)
        payload = form.fill(at_us, execution_id, parameters, self._keyed, text.sealed, self._sealer)
        if len(payload) > MAX_ENTRY_BYTES:  # more parameters than the form was made with
            raise _unrecordable()
        return self._log.append_intent(payload, execution_id, session)

    def outcome(self, outcome: StatementOutcome) -> None:
        """Append an outcome, its error sealed. A log that can't take it is dealt with when the next intent needs it."""
        if outcome.error:
            sealed = self._sealer.seal(outcome.error.encode()) if self._sealer else UNSET
            outcome = msgspec.structs.replace(outcome, error="", sealed_error=sealed)
        # An outcome that fails stays open in the log: "unknown" after a restart, which is what it is then.
        with contextlib.suppress(AuditUnavailable):
            try:
                self._log.append(outcome)
            except ValueError:
                self._log.append(msgspec.structs.replace(outcome, columns=(), sealed_error=UNSET, tag=outcome.tag[:100]))
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

    def noted(self, session: SessionFacts, identity: Identity, execution_id: str, used: Used, at_us: int) -> None:
        """Append how much of what it may learn of a column an identity has used. Raises AuditUnavailable."""
        budget = used.budget
        self._log.append(
            InferenceNoted(
                at_us=at_us,
                column=budget.column,
                execution=execution_id,
                identity=self._identity(identity),
                label=budget.label.value,
                most_probes=budget.probes,
                most_rows=budget.rows,
                probes=used.probes,
                rows=used.rows,
                rule=budget.rule,
                session=session.id,
                state="beyond" if used.is_beyond else "half",
                upstream=session.upstream,
                window_seconds=budget.window_seconds,
            )
        )

    def shown(
        self,
        session: SessionFacts,
        identity: Identity,
        execution_id: str,
        columns: tuple[ColumnStamp, ...],
        rows: int,
        at_us: int,
    ) -> None:
        """Append that protected values were shown as they are. A log that can't take it is dealt with as for an outcome."""
        told = circumstances_of(session)
        entry = ValuesShown(
            at_us=at_us,
            columns=columns,
            execution=execution_id,
            identity=self._identity(identity),
            purpose=told.purpose or UNSET,
            rows=rows,
            session=session.id,
            ticket=told.ticket or UNSET,
            upstream=session.upstream,
        )
        with contextlib.suppress(AuditUnavailable):
            try:
                self._log.append(entry)
            except ValueError:  # many columns with the longest names
                self._log.append(msgspec.structs.replace(entry, columns=columns[:FEWER_COLUMNS]))

    def refused(self, execution_id: str, at_us: int) -> None:
        """The execution was refused, rejected or withdrawn; nothing was forwarded."""
        self.outcome(unforwarded(execution_id, at_us, "refused"))

    def superseded(self, execution_id: str, at_us: int) -> None:
        """The wait ended with an approval; an intent of its own follows."""
        self.outcome(unforwarded(execution_id, at_us, "approved"))

    def parameter(self, value: bytes | None) -> str:
        """A bind value as entries show it: its length and a keyed digest, never the value."""
        return hashed(value, self._keyed)

    def digest(self, text: str) -> str:
        """What must be known again, as entries show it: who can guess the rest of it can't try the values in it."""
        keyed = self._keyed.copy()
        keyed.update(text.encode())
        return str(keyed.hexdigest())

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

    def _renew(self, now_us: int) -> None:
        assert self._sealer is not None, "there is a time to renew only where there is something to"
        self._sealer.renew(now_us)
        self._epoch, self._renew_us = self._sealer.epoch, self._sealer.until_us

    def _seal(self, text: Text) -> None:
        """Seal a text for as long as the epoch lasts: one that is run again and again is sealed once."""
        text.sealed = sealed_json(self._sealer, text.text) if text.family.shown != text.text else b""
        text.sealed_in = self._epoch

    def _seal_parameters(self, values: Sequence[bytes | None]) -> Sealed | UnsetType:
        if not values or self._sealer is None:
            return UNSET
        return self._sealer.seal(kept_json(values, self._keyed))

    def _statement(self, understood: Text, facts: Facts) -> tuple[str, Sealed | UnsetType, str | UnsetType]:
        """A text in clear without its literals, sealed as it is, and the name of its attachment if it is too long for both."""
        text, shown = understood.text, understood.family.shown
        # What could not be read has no command to go by: the word alone is reason enough.
        unread_password = not facts.tags and "password" in text.lower()
        if unread_password or any(word in tag for tag in facts.tags for word in _WITH_PASSWORDS):
            return f"{'; '.join(facts.tags)} [the text is not kept: it may hold a password]".strip(), UNSET, UNSET
        sealer = self._sealer
        if shown == text or not text or sealer is None:
            return shown, UNSET, UNSET
        plain = text.encode()
        if len(plain) <= STATEMENT_LIMIT_BYTES:
            return shown, sealer.seal(plain), UNSET
        preview = f"{text[:ATTACHED_PREVIEW]} […]"
        return shown, sealer.seal(preview.encode()), self._log.attach(sealer.box(plain))


def _shadow_stamp(would: Decision) -> ShadowStamp:
    return ShadowStamp(would.policy_version, tuple(reason.rule for reason in would.reasons[:LIST_LIMIT]), would.verdict.value)


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
