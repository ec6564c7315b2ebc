"""Which of the access that was granted for a time fits an execution."""

from __future__ import annotations

from collections.abc import Iterable

from doorward.model.access import Access, AccessKind
from doorward.model.catalog import Label
from doorward.model.decision import NOTHING_GRANTED, Facts, Granted

_LABELS = {label.value: label for label in Label}


def granted_for(accesses: Iterable[Access], upstream: str, facts: Facts, now_us: int) -> tuple[Granted, int]:
    """What counts of *accesses* for what *facts* describe, and until when that holds (0: for good)."""
    of_upstream = [access for access in accesses if access.upstream == upstream and now_us < access.until_us]
    # One that begins later changes the answer as well as one that ends.
    moments = [access.until_us if access.holds_at(now_us) else access.from_us for access in of_upstream]
    fitting = [a for a in of_upstream if a.holds_at(now_us) and a.fits(upstream, facts.objects, facts.unresolved)]
    if not fitting:
        return NOTHING_GRANTED, min(moments, default=0)
    labels = frozenset(_LABELS[word] for access in fitting for word in access.labels if word in _LABELS)
    limits = [access.row_limit for access in fitting if access.row_limit]
    granted = Granted(
        labels=labels,
        action=any(facts.action in access.actions for access in fitting),
        break_glass=any(access.kind == AccessKind.BREAK_GLASS.value for access in fitting),
        row_limit=min(limits, default=0),
        ids=tuple(access.id for access in fitting),
    )
    return granted, min(moments)
