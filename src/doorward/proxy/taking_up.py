"""Taking up a journal: say so, and give every execution and every request that a crash cut off its visible end."""

from __future__ import annotations

from msgspec import UNSET

from doorward import __version__
from doorward.audit.log import AuditLog
from doorward.model.approval import RequestState
from doorward.model.entry import HoldAnswered, ServiceStarted
from doorward.proxy.scribe import unforwarded


def take_up(log: AuditLog, now_us: int) -> None:
    """Append that a gateway starts, what it found torn, and for each execution without an outcome that it is unknown.

    Whoever waited for an approval waits no more: their connection ended with the process. Raises AuditUnavailable.
    """
    recovery = log.recovery
    log.append(
        ServiceStarted(
            at_us=now_us,
            resumed_at=recovery.entries,
            version=__version__,
            torn_bytes=recovery.torn_bytes or UNSET,
            worker=log.journal or UNSET,
        )
    )
    for cut_off in recovery.in_flight:
        log.append(unforwarded(cut_off.execution, now_us, "unknown"))
    for waited in recovery.unanswered:
        log.append(
            HoldAnswered(
                at_us=now_us,
                by="",
                by_id="",
                execution=waited.execution,
                reason="The process that held the statement ended.",
                request=waited.request,
                state=RequestState.WITHDRAWN.value,
            )
        )
        log.append(unforwarded(waited.execution, now_us, "refused"))
    log.flush()
    log.sync_within()
