"""What a durable entry costs in processor time at 10,000 statements a second: ``python -m tests.bench.log_cost [FOLDER]``.

An intent by its form and an outcome a statement, twenty statements a write, each write waited for on stable storage; the thread
that waits for the disk is counted in. FOLDER says which disk.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from doorward.audit.log import AuditLog
from doorward.proxy import forms_cy as forms
from doorward.proxy.execution import Text
from doorward.proxy.scribe import Scribe
from tests.proxy.attempts import ALLOWED, BOT_FOR_ALICE, DAY, FACTS, SESSION, an_attempt

STATEMENTS = 30_000
PER_SECOND = 10_000
PER_WRITE = 20
KINDS = (
    ("prepared, a parameter each", "SELECT name, email FROM customers WHERE id = $1", (b"12345",)),
    ("other literals each time", "SELECT name, email FROM customers WHERE id = 12345 AND email = 'alice@example.com'", ()),
)


def measure(folder: Path, words: str, parameters: tuple[bytes, ...]) -> tuple[float, float]:
    """Microseconds of processor time an entry, and the statements a second that were reached."""
    log = AuditLog.open(folder)
    scribe = Scribe(log, b"k" * 32, lambda _seconds, _call: None)
    scribe.seal_with(DAY.sealing, 0)
    attempt = an_attempt(words)
    _index, form = scribe.intent(SESSION, BOT_FOR_ALICE, attempt, FACTS, ALLOWED, "ses_1.0", 1, grant="")
    assert form is not None
    cpu, begun = time.process_time(), time.monotonic()
    for number in range(1, STATEMENTS + 1):
        # A text of its own, as a simple query makes one; a prepared statement keeps its own.
        text = attempt.text if parameters else Text(attempt.text.text, attempt.text.family)
        execution = f"ses_1.{number}"
        index = scribe.intent_again(form, text, parameters, "ses_1", execution, 2)
        scribe.outcome_again(forms.outcome(2, b"[]", 3, execution, 0, 10, 1, "done", "SELECT 1"), execution)
        if number % PER_WRITE == 0:
            scribe.when_durable(index, lambda _error: None)
            time.sleep(max(0.0, begun + number / PER_SECOND - time.monotonic()))
    while log.durable < log.size:
        time.sleep(0.001)
    spent, passed = time.process_time() - cpu, time.monotonic() - begun
    log.close()
    return spent / (2 * STATEMENTS) * 1e6, STATEMENTS / passed


def main() -> None:
    """Measure each kind, and say what came of it."""
    folder = Path(tempfile.mkdtemp(dir=sys.argv[1] if len(sys.argv) > 1 else None))
    try:
        for position, (kind, words, parameters) in enumerate(KINDS):
            cost, rate = measure(folder / str(position), words, parameters)
            print(f"{kind:28} {cost:5.2f} us an entry at {rate:,.0f} statements/s")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
