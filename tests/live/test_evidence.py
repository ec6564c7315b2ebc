"""Evidence of a real Doorward: what it really writes is what populations and controls are made for."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from doorward.audit.checkpoint import load_key
from doorward.audit.reader import LogReader
from doorward.clock import now_us
from doorward.console.evidence_page import evidence_page
from doorward.control.operators import LOCAL
from doorward.evidence.pack import write_pack
from doorward.evidence.testing import Window
from doorward.model.identity import PrincipalKind
from tests.live.conftest import Shop

pytestmark = pytest.mark.live
HOUR_US = 3_600_000_000


def test_controls_hold_over_what_a_real_doorward_writes(shop: Shop, tmp_path: Path) -> None:
    """Statements of all kinds, one that was held and approved, probes, a comparison, somebody who left; and one schema change
    that nobody approved, which is the one exception.
    """
    doorward = shop.doorward
    office = doorward.control.office
    with doorward.connect() as alice, doorward.connect("report-bot") as agent:
        alice.execute("SELECT email, tier FROM customers")
        agent.execute("SELECT count(*) FROM orders")
        with contextlib.suppress(errors.Error):
            agent.execute("DROP TABLE orders")
        alice.execute("CREATE TABLE unapproved (id int)")
        with psycopg.connect(doorward.dsn("alice"), autocommit=True) as waiting:
            pipeline = waiting.cursor()
            held = threading.Thread(target=pipeline.execute, args=("DELETE FROM orders",))
            held.start()
            request = doorward.pending_request()
            doorward.answer(request.id, "bob", approved=True)
            held.join(20)
        doorward.do(office.probing.probe(LOCAL))
        doorward.do(office.coverage.compare(LOCAL))
    doorward.do(office.principals.add(LOCAL, PrincipalKind.HUMAN, f"leaver-{shop.database.name[-6:].lower()}"))
    doorward.do(office.principals.revoke(LOCAL, f"leaver-{shop.database.name[-6:].lower()}", "left"))
    size = len(doorward.entries())
    reader = LogReader(doorward.data.log)
    doorward.wait_for(lambda: (checkpoint := reader.checkpoint()) and checkpoint.size >= size, 20)
    now = now_us()
    window = Window(now - HOUR_US, now + HOUR_US, now)
    log = doorward.data.log
    report = write_pack(log, load_key(log), tmp_path / "pack", window, evidence_page)
    found = {name: [finding.told for finding in tested.exceptions] for name, tested in report.controls.items()}
    assert found.pop("schema-changes-approved") == ["alice ran CREATE TABLE without an approval (developers-may-define)"]
    assert not any(found.values()), found
    counts = {name: counted.count for name, counted in report.populations.items()}
    assert counts["approvals"] == 1
    assert counts["denied"] >= 8
    assert counts["coverage-checks"] == 1
    assert counts["access-removed"] >= 2
    story = json.loads((tmp_path / "pack" / report.populations["approvals"].sample[0].file).read_text())
    roles = [part["role"] for part in story]
    assert {"request", "answer", "asked for", "run as approved", "outcome"} <= set(roles), roles
    checked = subprocess.run([sys.executable, "-I", "-S", str(tmp_path / "pack" / "verify.py")], timeout=60, check=False)
    assert checked.returncode == 0
