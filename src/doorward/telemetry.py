"""Operational log: for operators, never in place of the audit log. Event names are listed here, past tense."""

from __future__ import annotations

import logging
import sys
from typing import Any

EVENTS = frozenset(
    {
        "gateway.started",
        "gateway.stopped",
        "gateway.restarted",
        "gateway.draining",
        "gateway.full",
        "gateway.stuck",
        "session.crashed",
        "signin.refused",
        "signin.failed",
        "certificate.loaded",
        "certificate.refused",
        "limits.lowered",
        "upstream.failed",
        "upstream.unpooled",
        "catalog.read",
        "catalog.failed",
        "provider.failed",
        "policy.loaded",
        "policy.refused",
        "log.unwritable",
        "log.key.failed",
        "export.failed",
        "notice.failed",
        "notice.lost",
        "link.lost",
        "request.crashed",
        "sequencer.failed",
        "index.failed",
    }
)

_logger = logging.getLogger("doorward")


def configure(level: str = "WARNING") -> None:
    """Send operational events to standard error, one line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _logger.handlers = [handler]
    _logger.setLevel(level)
    _logger.propagate = False


def log(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event with ids and counts. *event* must be one of EVENTS."""
    assert event in EVENTS, event
    if _logger.isEnabledFor(level):
        _logger.log(level, "%s %s", event, " ".join(f"{name}={value!s}" for name, value in fields.items()))


def log_crash(event: str, **fields: Any) -> None:
    """Log an unexpected exception at one of the two borders (a client's session, an HTTP request), with its traceback."""
    assert event in EVENTS, event
    _logger.exception("%s %s", event, " ".join(f"{name}={value!s}" for name, value in fields.items()))
