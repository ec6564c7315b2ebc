"""``doorward export``: where copies go, and whether they arrive."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.commands import doorward


def test_destinations_are_tried_and_their_state_is_told(tmp_path: Path) -> None:
    """One that takes it, and one that is not there; without any, what to do is said."""
    here = ("--data-dir", str(tmp_path))
    nowhere = doorward("export", "status", *here)
    assert (nowhere.code, "names no destination" in nowhere.everything) == (1, True)
    copy = tmp_path / "copy.jsonl"
    (tmp_path / "export.toml").write_text(
        f'[[destination]]\nname = "copy"\nkind = "file"\nto = "{copy}"\n\n'
        '[[destination]]\nname = "siem"\nkind = "json"\nto = "http://127.0.0.1:1/in"\n'
    )
    tried = doorward("export", "test", *here)
    assert (tried.code, "copy took it" in tried.everything, "siem does not answer" in tried.everything) == (1, True, True)
    assert doorward("export", "test", "copy", *here).code == 0
    events = [json.loads(line) for line in copy.read_text().splitlines()]
    assert [event["api"]["operation"] for event in events] == ["export.tested"] * 2
    assert len({event["metadata"]["uid"] for event in events}) == 2
    told = doorward("export", "status", *here, "--json")
    assert told.code == 0
    assert [(each["name"], each["sent"], each["behind"], each["failure"]) for each in json.loads(told.output)] == [
        ("copy", 0, 0, ""),
        ("siem", 0, 0, ""),
    ]
    assert "nothing sent yet" in doorward("export", "status", *here).everything
    unknown = doorward("export", "test", "fax", *here)
    assert (unknown.code, "no destination 'fax'" in unknown.everything) == (1, True)
