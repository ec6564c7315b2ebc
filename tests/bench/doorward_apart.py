"""A Doorward in a process of its own, as ``doorward up`` runs: the bench's process must not be its control process as well.

``python -m tests.bench.doorward_apart`` reads one line of JSON (``upstream``, ``settings``, ``protected``), writes one line of
JSON when clients can connect (``port``, ``user``, ``secret``), and ends with its standard input. *protected* names, by table,
the columns that are judged to hold free text; all others are judged clear.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import msgspec

from doorward.control.operators import LOCAL
from doorward.model.catalog import Label
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_pool import PoolLimits
from tests.live.running import Running, running_doorward

SERVICE = "nightly-etl"


def judge_columns(running: Running, protected: dict[str, list[str]]) -> None:
    """Give every column a person's verdict."""
    for row in running.control.office.catalog.rows():
        is_protected = row.column.name in protected.get(row.relation.name, ())
        label = Label.FREE_TEXT if is_protected else Label.NONE
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
    with running_doorward(msgspec.convert(asked["upstream"], Upstream), **settings) as running:
        judge_columns(running, asked["protected"])
        secret = running.secret(SERVICE, hours=12)
        print(json.dumps({"port": running.control.port, "user": SERVICE, "secret": secret}), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
