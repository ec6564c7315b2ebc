"""A Doorward in a process of its own, as ``doorward up`` runs: the bench's process must not be its control process as well.

``python -m tests.bench.doorward_apart`` reads one line of JSON (``upstream``, ``settings``, ``protected``, ``scanned``), writes
one line of JSON when clients can connect (``port``, ``user``, ``secret``), and ends with its standard input. *protected* names,
by table, the columns that are masked whole, *scanned* those of free text that are scanned; all others are judged clear.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from doorward.control.operators import LOCAL
from doorward.model.catalog import Label
from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from doorward.proxy.upstream_pool import PoolLimits
from tests.live.running import Running, running_doorward

SERVICE = "nightly-etl"


RULE = """
@id("services-see-free-text-scanned")
@description("Services see free text with the personal data and secrets found in it replaced.")
permit (principal is Service, action == Action::"scan", resource in LabelClass::"free text");
"""


def judge_columns(running: Running, asked: dict[str, dict[str, list[str]]]) -> None:
    """Give every column a person's verdict."""
    for row in running.control.office.catalog.rows():
        is_scanned = row.column.name in asked["scanned"].get(row.relation.name, ())
        is_protected = row.column.name in asked["protected"].get(row.relation.name, ())
        label = Label.FREE_TEXT if is_scanned else Label.HEALTH if is_protected else Label.NONE
        if row.column.label is not label:
            place = (row.upstream, row.relation.oid, row.column.number)
            running.do(running.control.office.catalog.decide(LOCAL, *place, label, "a table of the bench"))


def main() -> int:
    """Run until standard input ends."""
    logging.disable(logging.CRITICAL)
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    settings = asked["settings"]
    if "pool" in settings:
        settings["pool"] = PoolLimits(**settings["pool"])
    folder = tempfile.TemporaryDirectory(prefix="doorward-bench-")
    policy = Path(folder.name) / "policy"
    policy.mkdir()
    for name, text in {**default_texts(), "96-bench.cedar": RULE}.items():
        (policy / name).write_text(text)
    with folder, running_doorward(msgspec.convert(asked["upstream"], Upstream), policy.parent, **settings) as running:
        judge_columns(running, asked)
        secret = running.secret(SERVICE, hours=12)
        print(json.dumps({"port": running.control.port, "user": SERVICE, "secret": secret}), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
