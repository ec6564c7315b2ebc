"""``doorward policy``: what it prints, and how it ends."""

import json
from pathlib import Path

from doorward.policy.load import default_texts
from tests.cli.commands import doorward
from tests.rehearsal.history import Said, write_history

GOOD = '@id("good")\n@description("Anybody may read.")\npermit (principal, action == Action::"read", resource);\n'
DOUBTED = '@id("x") @description("d")\nforbid (principal, action == Action::"read", resource) when { context.multiple };\n'
WRONG = '@id("y") @description("d")\nforbid (principal, action == Action::"read", resource) when { context.multple };\n'


def folder(tmp_path: Path, **files: str) -> str:
    """A folder of rules; ``a="..."`` is the file ``a.cedar``."""
    for name, text in files.items():
        (tmp_path / f"{name}.cedar").write_text(text, encoding="utf-8")
    return str(tmp_path)


def test_check_of_the_packaged_rules_is_clean(tmp_path: Path) -> None:
    """With a data directory that was never used."""
    ended = doorward("policy", "check", "--data-dir", str(tmp_path))
    assert ended.code == 0
    assert ended.output.strip().endswith("files in the packaged rules: 0 errors, 0 warnings")


def test_check_names_file_line_and_remedy_and_ends_with_one(tmp_path: Path) -> None:
    """Two faults in two files are told together."""
    ended = doorward("policy", "check", folder(tmp_path, a=GOOD + WRONG, b=DOUBTED + WRONG.replace("multple", "tempory")))
    assert ended.code == 1
    assert "a.cedar:4" in ended.output
    assert "`multple`" in ended.output
    assert "b.cedar:3" in ended.output
    assert "2 errors" in ended.output


def test_check_warnings_count_only_when_asked(tmp_path: Path) -> None:
    """``--strict`` is for a pipeline that wants none."""
    given = folder(tmp_path, a=GOOD + DOUBTED + DOUBTED.replace('"x"', '"z"'))
    assert doorward("policy", "check", given).code == 0
    ended = doorward("policy", "check", given, "--strict", "--json")
    told = json.loads(ended.output)
    assert ended.code == 1
    assert [(one["kind"], one["rule"], one["line"]) for one in told["findings"]] == [("duplicate", "z", 6)]


def test_check_of_a_folder_without_rules_says_so(tmp_path: Path) -> None:
    """Neither the data directory's rules nor the packaged ones stand in for it."""
    ended = doorward("policy", "check", str(tmp_path))
    assert ended.code == 3
    assert "holds no *.cedar file" in ended.everything
    assert doorward("policy", "check", str(tmp_path / "none")).code == 3


CASES = """
[who.ann]
[[case]]
name = "reads"
who = "ann"
statement = "SELECT 1"
verdict = "{}"
"""


def test_the_packaged_rules_pass_their_cases() -> None:
    """Without a folder, and without a data directory of one's own."""
    ended = doorward("policy", "test")
    assert ended.code == 0
    assert "of the packaged rules" in ended.output
    assert ", 0 failed" in ended.output


def test_a_case_that_fails_is_shown_as_a_difference(tmp_path: Path) -> None:
    """With the statement, what was expected, what came, and by which rule; rules without a case are named."""
    given = folder(tmp_path, a=GOOD + DOUBTED)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "reading.toml").write_text(CASES.format("deny"), encoding="utf-8")
    ended = doorward("policy", "test", given)
    assert ended.code == 1
    assert "failed  reading.toml: reads (ann)" in ended.output
    assert "- deny" in ended.output
    assert "+ allow" in ended.output
    assert "no case has anything from: x" in ended.output
    told = json.loads(doorward("policy", "test", given, "--json").output)
    assert told["failed"] == 1
    assert told["cases"][0]["differences"] == [{"what": "verdict", "expected": "deny", "got": "allow"}]
    (tmp_path / "tests" / "reading.toml").write_text(CASES.format("allow"), encoding="utf-8")
    ended = doorward("policy", "test", given, "-v")
    assert ended.code == 0
    assert "passed  reading.toml: reads (ann)" in ended.output


def test_a_folder_without_cases_says_so(tmp_path: Path) -> None:
    """A pipeline with a wrong path must not pass."""
    ended = doorward("policy", "test", folder(tmp_path, a=GOOD))
    assert ended.code == 3
    assert "There are no cases" in ended.everything


def test_a_replay_tells_what_would_have_come_out_differently(tmp_path: Path) -> None:
    """In sums, by kind of change, and as JSON; without a data directory it says so."""
    data = write_history(tmp_path / "data", [Said("SELECT id FROM orders WHERE id = 7", 1), Said("SELECT 1", 1)])
    rule = '@id("no-orders") @description("d") forbid (principal, action, resource is Database) '
    rule += 'when { context.objects.contains("public.orders") };'
    (tmp_path / "rules").mkdir()
    given = folder(tmp_path / "rules", a="\n".join(default_texts().values()), b=rule)
    ended = doorward("policy", "replay", given, "--data-dir", str(data.path))
    assert ended.code == 0
    assert "2 statements in the log, 2 of them judged" in ended.output
    assert "1  would have been denied  from 1 person or service" in ended.output
    assert "allowed -> denied  by no-orders" in ended.output
    assert "id = ?" in ended.output
    told = json.loads(doorward("policy", "replay", given, "--data-dir", str(data.path), "--json").output)
    assert told["would_have_been"]["deny"] == {"statements": 1, "people": 1}
    assert told["changes"][0]["rules"] == ["no-orders"]
    none = doorward("policy", "replay", given, "--data-dir", str(tmp_path / "none"))
    assert none.code == 3


def test_a_folder_to_start_from_passes_its_own_cases(tmp_path: Path) -> None:
    """With a preset laid over the packaged rules; never over somebody's files."""
    given = str(tmp_path / "policy")
    ended = doorward("policy", "init", given, "--preset", "pci")
    assert ended.code == 0, ended.everything
    assert "pci-cards-stay-masked" in (tmp_path / "policy" / "pci-cards.cedar").read_text()
    assert doorward("policy", "test", given).code == 0
    assert doorward("policy", "init", given).code == 1
    assert "no preset x" in doorward("policy", "init", str(tmp_path / "other"), "--preset", "x").everything


def test_a_difference_is_told_by_rule_and_by_case(tmp_path: Path) -> None:
    """Ends with 1 where there is one, like diff itself."""
    assert doorward("policy", "diff", "packaged", "packaged").code == 0
    given = folder(tmp_path, **{name.removesuffix(".cedar"): text for name, text in default_texts().items()}, zz=DOUBTED)
    ended = doorward("policy", "diff", "packaged", given)
    assert ended.code == 1
    assert "+ forbids x" in ended.output
    told = json.loads(doorward("policy", "diff", "packaged", given, "--json").output)
    assert told["rules"] == [{"id": "x", "change": "added"}]
    shown = json.loads(doorward("policy", "show", given, "--json").output)
    assert shown["rules"][-1]["id"] == "x"
    assert "forbids x" in doorward("policy", "show", given).output


def test_rules_that_have_a_say_are_told_for_everybody_in_the_chain(tmp_path: Path) -> None:
    """An agent's and those of whoever it acts for, each with its conditions."""
    data = ("--data-dir", str(write_history(tmp_path, []).path))
    ended = doorward("policy", "explain", "write", "--as", "agent-0", *data)
    assert ended.code == 0
    assert "forbids agents-change-nothing" in ended.output
    assert "permits granted-actions-are-permitted" in ended.output
    assert "developers-may-write" not in ended.output  # person-0 is in no group
    assert "no rule permits it" in doorward("policy", "explain", "destroy", "--as", "agent-0", *data).output
    developer = doorward("policy", "explain", "destroy", "--as", "person-1", *data)
    assert "permits developers-may-drop-what-holds-no-data" in developer.everything
    assert "unless { context.temporary ||" in developer.everything
    told = json.loads(doorward("policy", "explain", "unmask", "--as", "agent-0", *data, "--json").output)
    assert [one["who"] for one in told] == ["agent-0", "person-0"]
    assert doorward("policy", "explain", "wirte", "--as", "agent-0", *data).code == 1
    assert doorward("policy", "explain", "write", "--as", "zoe", *data).code == 1
