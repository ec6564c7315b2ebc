"""``doorward scan`` and ``doorward detectors`` as people run them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.commands import doorward

OWN = """
[[detector]]
name = "employee-number"
type = "EMPLOYEE_ID"
pattern = 'EMP-[0-9]{6}'
[detector.tests]
finds = ["EMP-123456"]
ignores = ["EMP-12"]
"""


def written(path: Path, *rows: object) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_texts_in_spans_out(tmp_path: Path) -> None:
    """Every object comes back in its order, with what it had and its spans in characters."""
    source = written(
        tmp_path / "in.jsonl",
        {"id": 1, "text": "é bob@example.com", "spans": "what was here before"},
        {"id": 2, "text": "nothing"},
        {"id": 3, "text": "5551234", "column": "phone"},
        {"id": 4, "text": "5551234", "column": "order_no"},
    )
    out = tmp_path / "out.jsonl"
    ended = doorward("scan", "--jsonl", str(source), "--out", str(out), "--data-dir", str(tmp_path))
    assert (ended.code, ended.output) == (0, "")
    assert "4 texts scanned" in ended.everything
    assert "2 values found" in ended.everything
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    assert [row["spans"] for row in rows] == [
        [{"start": 2, "end": 17, "type": "EMAIL", "rule": "email"}],
        [],
        [{"start": 0, "end": 7, "type": "PHONE", "rule": "by-name"}],
        [],
    ]


def test_both_engines_write_the_same(tmp_path: Path) -> None:
    """--plain is slower and nothing else; - is standard output."""
    source = written(tmp_path / "in.jsonl", {"body": "call +49 30 901820"}, {"body": '{"password": "x1y2"}'})
    arguments = ("scan", "--jsonl", str(source), "--field", "body", "--data-dir", str(tmp_path))
    fast, plain = doorward(*arguments), doorward(*arguments, "--plain")
    assert fast.code == plain.code == 0
    assert fast.output == plain.output
    assert "PHONE" in fast.output
    assert "plain engine" in plain.everything


def test_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    """Nothing is skipped in silence."""
    source = written(tmp_path / "in.jsonl", {"text": "a"}, ["text"])
    ended = doorward("scan", "--plain", "--jsonl", str(source), "--out", str(tmp_path / "out"), "--data-dir", str(tmp_path))
    assert ended.code == 1
    assert "Line 2" in ended.everything
    missing = doorward("scan", "--jsonl", str(tmp_path / "none.jsonl"), "--data-dir", str(tmp_path))
    assert missing.code == 1
    assert "There is no file" in missing.everything


def test_own_detectors_are_tested_listed_and_used(tmp_path: Path) -> None:
    """From the policy folder, or from a folder that is named."""
    folder = tmp_path / "policy" / "detectors"
    folder.mkdir(parents=True)
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    assert "1 detectors, 2 tests, 0 failed" in doorward("detectors", "test", "--data-dir", str(tmp_path)).everything
    listed = json.loads(doorward("detectors", "list", "--json", "--data-dir", str(tmp_path)).output)
    assert {"name": "employee-number", "type": "EMPLOYEE_ID", "from": "own.toml"} in listed
    assert {"name": "email", "type": "EMAIL", "from": "built in"} in listed
    source = written(tmp_path / "in.jsonl", {"text": "ask EMP-654321"})
    scanned = doorward("scan", "--plain", "--jsonl", str(source), "--data-dir", str(tmp_path))
    assert json.loads(scanned.output)["spans"] == [{"start": 4, "end": 14, "type": "EMPLOYEE_ID", "rule": "employee-number"}]


def test_failing_test_of_a_detector_ends_with_1(tmp_path: Path) -> None:
    """So that a pipeline stops; a file that can't be read says why."""
    (tmp_path / "own.toml").write_text(OWN.replace('["EMP-12"]', '["EMP-654321"]'), encoding="utf-8")
    ended = doorward("detectors", "test", "--folder", str(tmp_path))
    assert ended.code == 1
    assert "employee-number found something in" in ended.everything
    (tmp_path / "own.toml").write_text(OWN.replace("{6}", "*"), encoding="utf-8")
    refused = doorward("detectors", "test", "--folder", str(tmp_path))
    assert refused.code == 1
    assert "no upper limit" in refused.everything


def test_help_teaches_by_example() -> None:
    """For each of the commands."""
    for command in (("scan",), ("detectors",), ("detectors", "test"), ("detectors", "list")):
        ended = doorward(*command, "--help")
        assert ended.code == 0
        assert "Example" in ended.output
