"""Counts what each identity learns of protected columns that it may not see, by letting them decide which rows come.

The counts are one gateway's and are kept in memory: each worker counts by itself, and a start begins anew. Questions are
kept as digests, never as values; the same question asked again tells nothing new and is not counted again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from doorward.model.decision import Budget, Decision, Reason, Verdict
from doorward.model.identity import Identity
from doorward.policy.floors import BEYOND_BUDGET

# What is kept in all, and of one count: beyond that every question counts, whether it was asked before or not.
MOST_COUNTS = 20_000
MOST_QUESTIONS_KEPT = 5_000
DIGEST_BYTES = 8


@dataclass(slots=True)
class Count:
    """What one identity asked about one column since *begun_us*. *is_noted* once the log has it that half is used up."""

    begun_us: int
    probes: int = 0
    rows: int = 0
    is_noted: bool = False
    questions: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Used:
    """How much of *budget* is used: *is_beyond* when an execution would take more than there is."""

    budget: Budget
    probes: int
    rows: int
    is_beyond: bool


class Meter:
    """All counts of a gateway. *digest_key* makes digests of questions that nobody else can make."""

    def __init__(self, digest_key: bytes) -> None:
        self._keyed = hashlib.blake2b(key=digest_key, digest_size=DIGEST_BYTES)
        self._counts: dict[tuple[str, ...], Count] = {}

    def ask(
        self,
        identity: Identity,
        upstream: str,
        budgets: Iterable[Budget],
        text: str,
        parameters: Sequence[bytes | None],
        now_us: int,
        *,
        approved: bool,
    ) -> list[Used]:
        """Count one execution, unless it goes beyond a budget and nobody approved it; what is worth an entry comes back."""
        question = self._digest(text, parameters)
        counts = [(budget, self._count(identity, upstream, budget, now_us)) for budget in budgets]
        beyond = [_used(budget, count, True) for budget, count in counts if _is_beyond(budget, count, question)]
        if beyond and not approved:
            return beyond
        notable = []
        for budget, count in counts:
            if question in count.questions:
                continue
            count.probes += budget.times
            if len(count.questions) < MOST_QUESTIONS_KEPT:
                count.questions.add(question)
            if not count.is_noted and _is_half(budget, count):
                count.is_noted = True
                notable.append(_used(budget, count, False))
        return notable

    def learned(self, identity: Identity, upstream: str, budgets: Iterable[Budget], rows: int, now_us: int) -> None:
        """The execution gave so many rows, or changed them."""
        for budget in budgets:
            self._count(identity, upstream, budget, now_us).rows += rows

    def _count(self, identity: Identity, upstream: str, budget: Budget, now_us: int) -> Count:
        key = (upstream, budget.column, identity.principal.id, *(actor.id for actor in identity.actors))
        count = self._counts.get(key)
        if count is None or now_us - count.begun_us >= budget.window_seconds * 1_000_000:
            if count is None and len(self._counts) >= MOST_COUNTS:
                del self._counts[min(self._counts, key=lambda known: self._counts[known].begun_us)]
            count = self._counts[key] = Count(now_us)
        return count

    def _digest(self, text: str, parameters: Sequence[bytes | None]) -> bytes:
        digest = self._keyed.copy()
        for part in (text.encode(), *parameters):
            digest.update(b"-" if part is None else len(part).to_bytes(8, "big") + part)
        return digest.digest()


def _is_beyond(budget: Budget, count: Count, question: bytes) -> bool:
    if question in count.questions:
        return False
    too_many = budget.probes and count.probes + budget.times > budget.probes
    return bool(too_many or (budget.rows and count.rows >= budget.rows))


def _is_half(budget: Budget, count: Count) -> bool:
    return bool((budget.probes and 2 * count.probes >= budget.probes) or (budget.rows and 2 * count.rows >= budget.rows))


def _used(budget: Budget, count: Count, is_beyond: bool) -> Used:
    return Used(budget, count.probes, count.rows, is_beyond)


def held(decision: Decision, beyond: Sequence[Used]) -> Decision:
    """What becomes of *decision* when an execution goes *beyond* budgets: somebody must approve it."""
    reasons = tuple(_reason(used) for used in beyond)
    approvers = "+".join(sorted({group for used in beyond for group in used.budget.approvers.split("+")}))
    return replace(decision, verdict=Verdict.HOLD, reasons=reasons, approvers=approvers)


def _reason(used: Used) -> Reason:
    budget = used.budget
    minutes = max(1, budget.window_seconds // 60)
    asked = f"{used.probes} different questions with {used.rows} rows in answer"
    text = f"{asked} in {minutes} minutes about {budget.column} ({budget.label.value}), by rule {budget.rule}, are enough."
    return replace(BEYOND_BUDGET, text=text)
