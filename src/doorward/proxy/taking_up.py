"""Taking up a journal: say so, and give every execution that a crash cut off its visible end."""

from __future__ import annotations

from msgspec import UNSET

from doorward import __version__
from doorward.audit.log import AuditLog
from doorward.model.entry import ServiceStarted
from doorward.proxy.scribe import unforwarded


def take_up(log: AuditLog, now_us: int) -> None:
    """Append that a gateway starts, what it found torn, and for each execution without an outcome that it is unknown.

    Raises AuditUnavailable.
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
    log.flush()
    log.sync_within()
