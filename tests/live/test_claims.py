"""A pipeline says which job and run it is; the record keeps that apart from what is proven."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def last_intent(shop: Shop, text: str) -> dict[str, Any]:
    """The intent of the statement with *text* in it."""
    return [entry for entry in shop.doorward.entries("statement.intent") if text in entry["statement"]][-1]


def test_a_job_named_by_the_connection_is_in_every_entry(shop: Shop) -> None:
    """As ``options=-c doorward.job=...``; the database never hears of it."""
    options = "-c doorward.job=nightly -c doorward.run=17 -c statement_timeout=60000"
    with psycopg.connect(shop.doorward.dsn("nightly-etl", options=options), autocommit=True) as connection:
        for _ in range(5):  # the later ones by what was remembered of the first
            assert connection.execute("SELECT count(*) AS by_connection FROM orders").fetchone() == (3000,)
        assert connection.execute("SHOW statement_timeout").fetchone() == ("1min",)
    claimed = {"job": "nightly", "run": "17"}
    intents = [entry for entry in shop.doorward.entries("statement.intent") if "by_connection" in entry["statement"]]
    assert [entry["claimed"] for entry in intents[-5:]] == [claimed] * 5
    opened = [entry for entry in shop.doorward.entries("session.opened") if entry["session"] == intents[-1]["session"]]
    assert opened[0]["claimed"] == claimed
    assert "proof" not in opened[0]["identity"]


def test_a_job_named_in_a_comment_is_in_the_entry_of_its_statement(shop: Shop) -> None:
    """Which counts before what the connection said; an ordinary comment claims nothing."""
    dbt = json.dumps({"app": "dbt", "node_id": "model.shop.orders"})
    with psycopg.connect(shop.doorward.dsn("nightly-etl", options="-c doorward.job=nightly"), autocommit=True) as connection:
        for text in (
            f"/* {dbt} */ SELECT 1 AS by_dbt",
            "SELECT 2 AS by_airflow /*job='hourly',task='load'*/",
            "SELECT 3 AS plain /* x */",
        ):
            for _ in range(3):
                connection.execute(text)
    assert last_intent(shop, "by_dbt")["claimed"] == {"app": "dbt", "job": "nightly", "node_id": "model.shop.orders"}
    assert last_intent(shop, "by_airflow")["claimed"] == {"job": "hourly", "task": "load"}
    assert last_intent(shop, "AS plain")["claimed"] == {"job": "nightly"}


def test_who_claims_nothing_has_no_such_field(shop: Shop) -> None:
    """And a setting that only looks like a claim is refused as before."""
    with shop.doorward.connect("nightly-etl") as connection:
        connection.execute("SELECT 4 AS nothing_claimed")
        with pytest.raises(psycopg.errors.Error):
            connection.execute("SET doorward.job = 'x'")
    assert "claimed" not in last_intent(shop, "nothing_claimed")
