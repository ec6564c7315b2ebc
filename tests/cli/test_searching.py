"""Commands that search the log of a Doorward that does not run."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import doorward
from tests.evidence.histories import history

__all__ = ["history"]


@pytest.fixture(scope="module")
def data(history: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy of the history without its index: the first command that needs one makes it."""
    directory = tmp_path_factory.mktemp("data") / "d"
    shutil.copytree(history / "log", directory / "log")
    return str(directory)


def rows(*arguments: str) -> list[dict[str, str]]:
    ended = doorward(*arguments, "--csv")
    assert ended.code == 0, ended.everything
    return list(csv.DictReader(io.StringIO(ended.output, newline="")))


def test_log_in_three_forms(data: str) -> None:
    """The same rows as a table, as JSON lines and for people."""
    wanted = ("log", "--data-dir", data, "--verdict", "hold", "--since", "2026-07-01", "--until", "2026-07-06", "--limit", "3")
    table = rows(*wanted)
    told = [json.loads(line) for line in doorward(*wanted, "--json").output.splitlines()]
    assert [row["index"] for row in table] == [str(row["index"]) for row in told]
    assert table
    assert all(row["verdict"] == "hold" and "2026-07-01" <= row["at"] < "2026-07-07" for row in table)
    assert "grant" in doorward(*wanted[:3], "--action", "grant").output
    (one,) = rows("log", "--data-dir", data, "--session", table[0]["session"], "--verdict", "hold")
    assert one["index"] == table[0]["index"]


def test_who_saw_makes_the_index_first(data: str) -> None:
    """And tells who saw values in clear before who saw masks."""
    told = rows("who-saw", "customers.email", "--data-dir", data)
    assert (Path(data) / "index" / "record.db").exists()
    assert told[0]["treatment"] == "cleared"
    assert {row["column"] for row in told} == {"public.customers.email"}
    ended = doorward("who-saw", "customers.email", "--clear", "--data-dir", data)
    assert "in clear" in ended.output
    assert "masked" not in ended.output
    assert "nobody" in doorward("who-saw", "no.such", "--data-dir", data).output


def test_timeline_tells_of_one(data: str) -> None:
    ended = doorward("timeline", "ada", "--data-dir", data)
    assert ended.code == 0
    assert "ada-bot for ada" in ended.output
    assert "principal.added: ada" in ended.output
    assert "dana:" not in ended.output
    told = json.loads(doorward("timeline", "ada", "--data-dir", data, "--json").output)
    assert {row["index"] for row in told} == {int(row["index"]) for row in rows("timeline", "ada", "--data-dir", data)}


def test_reindex_makes_it_anew(data: str) -> None:
    ended = doorward("audit", "reindex", "--data-dir", data, "--json")
    assert json.loads(ended.output)["entries"] > 1000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("log", "--since", "soon"), "Write 30m, 2h"),
        (("log", "--action", "dance"), "use session, read"),
        (("log", "--csv", "--follow"), "without --json and --follow"),
        (("who-saw", "--until", "?"), "is not a time"),
    ],
)
def test_what_makes_no_sense_is_refused_with_how_to_do_it(data: str, arguments: tuple[str, ...], told: str) -> None:
    ended = doorward(*arguments, "--data-dir", data)
    assert ended.code in (1, 2)
    assert told in ended.everything.replace("│ ", "")


def test_evidence_is_written_and_checks_itself(history: Path, tmp_path: Path) -> None:
    """Ends with 1 where something is wrong; where nothing can be written, with why."""
    clearances = tmp_path / "clearances.toml"
    clearances.write_text('email = ["support"]\nphone = ["support"]\nbank_account = ["finance"]\n')
    days = ("--from", "2026-07-01", "--to", "2026-07-08", "--data-dir", str(history), "--clearances", str(clearances))
    ended = doorward("evidence", *days, "--out", str(tmp_path / "pack"), "--json")
    told = {control["name"]: control for control in json.loads(ended.output)["controls"]}
    assert ended.code == 1
    assert [found["about"][:4] for found in told["approver-is-never-requester"]["exceptions"]] == ["req_"] * 3
    assert told["clear-reads-justified"]["result"] == "pass"
    checked = subprocess.run([sys.executable, "-I", str(tmp_path / "pack" / "verify.py")], capture_output=True, timeout=60)
    assert checked.returncode == 0, checked.stdout
    again = doorward("evidence", *days, "--out", str(tmp_path / "pack"))
    assert (again.code, "is not empty" in again.everything) == (3, True)
    clearances.write_text("emial = []")
    assert "emial" in doorward("evidence", *days, "--out", str(tmp_path / "other")).everything
