"""``doorward classify``: CSV in, the same rows with labels out."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.commands import doorward

INPUT = """source,table,column,type,remark
shop,customers,id,integer,kept
shop,customers,email,text,kept
shop,customers,name,varchar(80),kept
shop,products,name,text,kept
"""


def classified(tmp_path: Path, text: str) -> list[dict[str, str]]:
    """The rows that come out for *text*."""
    given, out = tmp_path / "in.csv", tmp_path / "out.csv"
    given.write_text(text, encoding="utf-8")
    ended = doorward("classify", "--columns", str(given), "--out", str(out))
    assert ended.code == 0, ended.everything
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_label_confidence_and_reason_are_added_in_order(tmp_path: Path) -> None:
    """Rows and other columns stay as they are."""
    rows = classified(tmp_path, INPUT)
    assert list(rows[0]) == ["source", "table", "column", "type", "remark", "label", "confidence", "reason"]
    assert [row["label"] for row in rows] == ["none", "email", "person_name", "none"]
    assert all(row["remark"] == "kept" and row["reason"] and 0 <= float(row["confidence"]) <= 1 for row in rows)


def test_keys_comments_and_schemas_are_read_when_given(tmp_path: Path) -> None:
    """A foreign key is none whatever its name; a comment speaks when the name does not."""
    rows = classified(
        tmp_path,
        "schema,table,column,type,comment,key,foreign_key\n"
        "payroll,entries,amount,numeric,,,\npublic,t,c7,text,E-mail address of the customer,,\npublic,t,email,text,,,true\n",
    )
    assert [row["label"] for row in rows] == ["financial", "email", "none"]


def test_a_byte_order_mark_and_an_earlier_label_do_not_disturb(tmp_path: Path) -> None:
    """Spreadsheets write the one; who runs it twice has the other."""
    rows = classified(tmp_path, "\ufefftable,column,type,label\nusers,password,text,none\n")
    assert rows[0]["label"] == "secret"


@pytest.mark.parametrize(
    ("text", "told"), [("table,column\na,b\n", "no column type"), ("", "no column table"), ("a;b;c\n", "no column")]
)
def test_what_is_no_such_csv_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """And the message says what its header is to be."""
    given = tmp_path / "in.csv"
    given.write_text(text)
    ended = doorward("classify", "--columns", str(given))
    assert ended.code != 0
    assert told in ended.everything
    assert "source,table,column,type" in ended.everything


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback."""
    ended = doorward("classify", "--columns", str(tmp_path / "none.csv"))
    assert ended.code != 0
    assert "none.csv" in ended.everything
    assert "Traceback" not in ended.everything
