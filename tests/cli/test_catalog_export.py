"""The catalog for other tools."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from doorward.cli.catalog_export import COLUMNS, FORMATS


def row(column: str = "email", **changes: Any) -> dict[str, Any]:
    """A column as the API gives it."""
    return {
        "upstream": "shop", "table": "public.customers", "table_oid": 7, "attribute_number": 2, "column": column,
        "type": "character varying(80)", "label": "email", "label_class": "personal", "reasons": ["name says 'email'"],
        "reviewed_by": None, "proposal": None, "confidence": 0.97, "regulations": ["GDPR", "HIPAA"], "table_kind": "table",
        **changes,
    }  # fmt: skip


CLEAR = row("id", type="integer", label="none", label_class="clear", regulations=[])
GUESS = row("entry", type="text", label="proposed", label_class="proposed", proposal="phone", confidence=0.7)


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_can_be_read_again_and_may_be_empty(form: str) -> None:
    """JSON is JSON, CSV is CSV."""
    for rows in ([], [row(), CLEAR, GUESS]):
        text = FORMATS[form](rows)
        if form == "csv":
            assert next(csv.reader(io.StringIO(text))) == list(COLUMNS)
        else:
            json.loads(text)


def test_csv_holds_a_line_a_column_and_no_formula() -> None:
    """A spreadsheet must not run what somebody called a column."""
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"]([row(), row("=HYPERLINK(1)")]))))
    assert rows[0]["regulations"] == "GDPR; HIPAA"
    assert rows[1]["column"] == "'=HYPERLINK(1)"


def test_openmetadata_tables_carry_tags_and_say_what_is_only_suggested() -> None:
    """A varchar has its length there, a clear column no tag."""
    (table,) = json.loads(FORMATS["openmetadata"]([row(), CLEAR, GUESS]))
    assert (table["name"], table["databaseSchema"]) == ("customers", "doorward.shop.public")
    email, key, guess = table["columns"]
    assert (email["dataType"], email["dataLength"]) == ("VARCHAR", 80)
    assert [tag["tagFQN"] for tag in email["tags"]] == [
        "PII.Sensitive",
        "Doorward.email",
        "Regulation.GDPR",
        "Regulation.HIPAA",
    ]
    assert {tag["state"] for tag in email["tags"]} == {"Confirmed"}
    assert key["tags"] == []
    assert {tag["state"] for tag in guess["tags"]} == {"Suggested"}


def test_a_data_contract_has_classifications() -> None:
    """One document a database, in the Open Data Contract Standard."""
    contract = json.loads(FORMATS["data-contract"]([row(), CLEAR, GUESS]))
    assert (contract["kind"], contract["apiVersion"]) == ("DataContract", "v3.0.0")
    (table,) = contract["schema"]
    assert [one["classification"] for one in table["properties"]] == ["confidential", "public", "confidential"]
    assert table["properties"][2]["tags"] == ["phone", "GDPR", "HIPAA", "proposed"]
