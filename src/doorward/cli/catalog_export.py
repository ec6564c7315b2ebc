"""The catalog in forms that other tools read. Rows are those of the API's ``/catalog``.

*openmetadata* are create requests for tables (``createTable.json``, OpenMetadata 1.x): one document a database, whose tables
carry tags of the classifications PII, Doorward and Regulation. *data-contract* is one Open Data Contract Standard 3.0
document (bitol.io) a database.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

Row = dict[str, Any]
COLUMNS = (
    "upstream", "table", "column", "type", "label", "label_class", "proposal", "confidence", "regulations", "reviewed_by",
    "reasons", "table_oid", "attribute_number",
)  # fmt: skip
_SENSITIVE = {"personal", "restricted", "secret"}
_CLASSIFICATION = {"clear": "public", "personal": "confidential", "restricted": "restricted", "secret": "restricted"}

# Types of OpenMetadata's columns (entity/data/table.json, "dataType"), by the base name of PostgreSQL's.
_OPENMETADATA_TYPES = {
    "text": "TEXT", "character varying": "VARCHAR", "character": "CHAR", "integer": "INT", "bigint": "BIGINT",
    "smallint": "SMALLINT", "numeric": "NUMERIC", "boolean": "BOOLEAN", "date": "DATE", "uuid": "UUID", "jsonb": "JSON",
    "json": "JSON", "bytea": "BYTEA", "real": "FLOAT", "double precision": "DOUBLE", "inet": "INET", "cidr": "CIDR",
    "timestamp without time zone": "TIMESTAMP", "timestamp with time zone": "TIMESTAMPZ", "macaddr": "MACADDR",
    "time without time zone": "TIME", "interval": "INTERVAL", "xml": "XML", "tsvector": "TSVECTOR",
}  # fmt: skip
# Logical types of the Open Data Contract Standard 3.0.
_CONTRACT_TYPES = {
    "integer": "integer", "bigint": "integer", "smallint": "integer", "numeric": "number", "real": "number",
    "double precision": "number", "boolean": "boolean", "date": "date", "timestamp without time zone": "date",
    "timestamp with time zone": "date", "jsonb": "object", "json": "object",
}  # fmt: skip


def _without_length(type_name: str) -> str:
    return type_name.split("(")[0].strip().lower()


def _likely(row: Row) -> str:
    return str(row["proposal"] or row["label"])


def as_json(rows: list[Row]) -> str:
    """The rows themselves."""
    return json.dumps(rows, indent=1) + "\n"


def as_csv(rows: list[Row]) -> str:
    """A line a column; lists are joined by semicolons. A text that a spreadsheet would take for a formula gets a quote."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[name]) for name in COLUMNS] for row in rows)
    return target.getvalue()


def _cell(value: Any) -> str:
    text = "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def _tables(rows: list[Row]) -> dict[str, dict[str, list[Row]]]:
    databases: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        databases.setdefault(row["upstream"], {}).setdefault(row["table"], []).append(row)
    return databases


def as_openmetadata(rows: list[Row]) -> str:
    """Create requests for tables, whose columns carry tags."""
    tables = []
    for upstream, found in _tables(rows).items():
        for table, columns in found.items():
            schema, _, name = table.partition(".")
            tables.append(
                {
                    "name": name,
                    "tableType": "View" if "view" in columns[0].get("table_kind", "") else "Regular",
                    "databaseSchema": f"doorward.{upstream}.{schema}",
                    "columns": [_openmetadata_column(row) for row in columns],
                }
            )
    return json.dumps(tables, indent=1) + "\n"


def _openmetadata_column(row: Row) -> dict[str, Any]:
    return {
        "name": row["column"],
        "dataType": _OPENMETADATA_TYPES.get(_without_length(row["type"]), "UNKNOWN"),
        "dataTypeDisplay": row["type"],
        # A table's VARCHAR must say its length there.
        **({"dataLength": _length(row["type"])} if _without_length(row["type"]) in ("character varying", "character") else {}),
        "tags": _tags(row),
    }


def _length(type_name: str) -> int:
    inside = type_name.partition("(")[2].partition(")")[0]
    return int(inside) if inside.isdigit() else 1


def _tags(row: Row) -> list[dict[str, str]]:
    label = _likely(row)
    if label == "none":
        return []
    state = "Suggested" if row["proposal"] else "Confirmed"
    names = [f"Doorward.{label}", *(f"Regulation.{name}" for name in row["regulations"])]
    if row["label_class"] in _SENSITIVE or row["proposal"]:
        names.insert(0, "PII.Sensitive")
    return [{"tagFQN": name, "labelType": "Automated", "state": state, "source": "Classification"} for name in names]


def as_data_contract(rows: list[Row]) -> str:
    """A contract for each database, as JSON, which is YAML too."""
    contracts = [
        {
            "apiVersion": "v3.0.0",
            "kind": "DataContract",
            "id": f"doorward:{upstream}",
            "name": upstream,
            "version": "1.0.0",
            "status": "active",
            "schema": [
                {
                    "name": table,
                    "logicalType": "object",
                    "physicalType": columns[0].get("table_kind", "table"),
                    "properties": [_property(row) for row in columns],
                }
                for table, columns in tables.items()
            ],
        }
        for upstream, tables in _tables(rows).items()
    ]
    return json.dumps(contracts[0] if len(contracts) == 1 else contracts, indent=1) + "\n"


def _property(row: Row) -> dict[str, Any]:
    label = _likely(row)
    tags = [] if label == "none" else [label, *row["regulations"]]
    return {
        "name": row["column"],
        "physicalType": row["type"],
        "logicalType": _CONTRACT_TYPES.get(_without_length(row["type"]), "string"),
        "classification": _CLASSIFICATION.get(row["label_class"], "confidential"),
        "tags": [*tags, "proposed"] if row["proposal"] else tags,
        "customProperties": [
            {"property": "doorward.confidence", "value": row["confidence"]},
            {"property": "doorward.reasons", "value": "; ".join(row["reasons"])},
        ],
    }


FORMATS: Mapping[str, Callable[[list[Row]], str]] = {
    "json": as_json,
    "csv": as_csv,
    "openmetadata": as_openmetadata,
    "data-contract": as_data_contract,
}
