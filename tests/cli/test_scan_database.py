"""``doorward scan postgresql://...`` on a real server: a table, JSON, and a page; values are looked at and never told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.commands import doorward
from tests.live.servers import fresh_database

pytestmark = pytest.mark.live

SCHEMA = """
CREATE TABLE patients (id int PRIMARY KEY, full_name text, born date, blood_type text);
CREATE TABLE notebook (id int PRIMARY KEY, c1 text, c2 text);
INSERT INTO notebook SELECT n, 'mail' || n || '@example.org', 'blue' FROM generate_series(1, 50) n;
CREATE TABLE "<b>odd" (id int);
ANALYZE;
"""


@pytest.fixture(scope="module")
def url(postgres15: object) -> Iterator[str]:
    """A database that a role of its own owns."""
    with fresh_database(postgres15) as database:  # type: ignore[arg-type]
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        yield f"postgresql://{role.name}:{quote(role.password)}@{database.host}:{database.port}/{database.name}"


def test_a_database_is_reported_by_names_and_by_values(url: str, tmp_path: Path) -> None:
    """The page is whole and escaped, and no value is on it."""
    page = tmp_path / "report.html"
    ended = doorward("scan", url, "--html", str(page), "--json")
    assert ended.code == 0, ended.everything
    told = json.loads(ended.output)
    labels = {(row["table"], row["column"]): row["label"] for row in told["columns"]}
    assert labels["public.patients", "full_name"] == "person_name"
    assert labels["public.patients", "born"] == "dob"
    assert labels["public.patients", "blood_type"] == "health"
    assert labels["public.notebook", "c1"] == "email"
    assert labels["public.notebook", "c2"] == "none"
    assert told["not_sampled"] == ""
    html = page.read_text()
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert "public.patients" in html
    assert "HIPAA" in html
    assert "&lt;b&gt;odd" in html
    assert "<b>odd" not in html
    assert "@example.org" not in html + ended.everything


def test_without_values_names_alone_decide(url: str) -> None:
    """Nothing but the catalog is read then."""
    ended = doorward("scan", url, "--no-values")
    assert ended.code == 0
    assert "full_name" in ended.output
    assert "c1" not in ended.output
    assert "values were not to be looked at" in ended.output


def test_a_database_that_is_not_there_is_an_error_without_a_password(url: str) -> None:
    """The URL has a password in it, which no message shows."""
    ended = doorward("scan", "postgresql://someone:hushhush@127.0.0.1:1/none")
    assert ended.code == 3
    assert "hushhush" not in ended.everything


def test_one_source_is_asked_for(url: str) -> None:
    """Neither none nor two."""
    assert doorward("scan").code == 2
    assert doorward("scan", url, "--jsonl", "-").code == 2
