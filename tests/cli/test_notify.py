"""``doorward notify``: who is told, whether secrets can be had, and whether a test arrives."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.commands import doorward
from tests.notifying.notices import SECRET, secret_file
from tests.shipping.conftest import Collector


def test_receivers_are_checked_tried_and_listed(tmp_path: Path) -> None:
    """One that takes it, and one whose secret is none; no secret is printed."""
    here = ("--data-dir", str(tmp_path))
    nobody = doorward("notify", "list", *here)
    assert (nobody.code, "names nobody to tell" in nobody.everything) == (1, True)
    collector = Collector()
    try:
        (tmp_path / "notify.toml").write_text(
            f'[[receiver]]\nname = "itsm"\nkind = "webhook"\nto = "{collector.url}/in"\n'
            f'secret_file = "{secret_file(tmp_path)}"\n'
            '[[receiver]]\nname = "bad"\nkind = "webhook"\nto = "http://127.0.0.1:1/?token=hush"\n'
            f'secret_file = "{secret_file(tmp_path, "hunter2")}"\n'
        )
        checked = doorward("notify", "check", *here)
        assert (checked.code, "itsm can be used" in checked.everything, "secret of bad" in checked.everything) == (
            1,
            True,
            True,
        )
        tried = doorward("notify", "test", *here, "--json")
        assert tried.code == 1
        assert [(each["name"], bool(each["fault"])) for each in json.loads(tried.output)] == [("itsm", False), ("bad", True)]
        assert json.loads(collector.requests[0][2])["type"] == "test"
        assert doorward("notify", "test", "itsm", *here).code == 0
        assert "no receiver 'fax'" in doorward("notify", "test", "fax", *here).everything
    finally:
        collector.close()
    listed = doorward("notify", "list", *here)
    assert (listed.code, "nothing told yet" in listed.everything) == (0, True)
    told = json.loads(doorward("notify", "list", *here, "--json").output)
    assert [(each["name"], each["sent"], each["statement"]) for each in told] == [("itsm", 0, "shape"), ("bad", 0, "shape")]
    everything = checked.everything + tried.everything + listed.everything + str(told)
    assert not [word for word in (SECRET, "hunter2", "hush") if word in everything]
