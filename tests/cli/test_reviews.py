"""Access reviews, coverage and probes on the command line."""

from __future__ import annotations

import json

import pytest

from tests.cli.commands import Running

pytestmark = pytest.mark.live


def test_review_from_its_start_to_its_end(running: Running) -> None:
    """Decided by a person who proves who they are."""
    for name in ("rita", "rolf"):
        assert running.doorward("user", "add", name, "--group", "admins").code == 0
    secret = json.loads(running.doorward("connect", "rita", "--print", "--json").output)["secret"]
    as_rita = {"DOORWARD_USER": "rita", "DOORWARD_SECRET": secret}
    started = json.loads(running.doorward("review", "start", "this week", "--json").output)
    line = next(found for found in started["lines"] if (found["whom"], found["access"]) == ("rolf", "group"))
    number = str(line["number"])
    own = next(str(found["number"]) for found in started["lines"] if found["whom"] == "rita")
    refused = running.doorward("review", "decide", started["id"], own, "--keep", "--reason", "mine", **as_rita)
    assert (refused.code, "own access" in refused.everything) == (1, True)
    nobody = running.doorward("review", "decide", started["id"], number, "--keep", "--reason", "x")
    assert nobody.code == 1
    decided = running.doorward("review", "decide", started["id"], number, "--revoke", "--reason", "left", **as_rita)
    assert "revoked: rolf is in the group admins" in decided.everything
    people = {found["name"]: found for found in json.loads(running.doorward("user", "list", "--json").output)}
    assert people["rolf"]["groups"] == []
    shown = running.doorward("review", "show", started["id"]).output
    assert "left" in shown
    early = running.doorward("review", "close", started["id"], **as_rita)
    assert (early.code, "are not done" in early.everything) == (1, True)
    assert started["id"] in running.doorward("review", "list").output


def test_probes_and_coverage_say_what_they_found(running: Running) -> None:
    probed = running.doorward("probe")
    assert probed.code == 0, probed.everything
    assert probed.output.count("refused") == probed.output.count("entry ") > 5
    compared = running.doorward("coverage")
    assert (compared.code, "covered" in compared.output) == (0, True), compared.everything
