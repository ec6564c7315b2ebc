"""Pages of the record that its index answers: who saw what, timelines, lists to take away."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from doorward.audit.reader import LogReader
from doorward.control.operators import LOCAL
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE
from doorward.control.record import Record
from tests.api.clients import Doors
from tests.console.test_places import signed_in
from tests.control.offices import Scene
from tests.evidence.histories import history

__all__ = ["history"]
pytestmark = pytest.mark.anyio
API = "/api/v1"


@pytest.fixture
def doors(scene: Scene, history: Path) -> Doors:
    scene.office.record = Record(LogReader(history / "log"), Finder(history / "index" / FILE))
    return Doors(scene)


async def test_who_saw_what_as_page_and_as_file(doors: Doors) -> None:
    """The link on the page leads to the same rows."""
    client = await signed_in(doors, "operator")
    page = await client.get("/record/disclosures?column=customers.email&since=2026-07-01")
    assert page.status_code == 200
    assert "public.customers.email" in page.text
    assert "public.customers.ssn" not in page.text
    assert "checked" not in page.text
    assert "checked" in (await client.get("/record/disclosures?clear=1")).text
    table = await client.get("/record/disclosures.csv?column=customers.email&since=2026-07-01")
    assert table.headers["content-type"].startswith("text/csv")
    told = (await client.get("/record/disclosures.json?column=customers.email&since=2026-07-01")).json()
    assert len(list(csv.DictReader(io.StringIO(table.text, newline="")))) == len(told)
    assert page.text.count("public.customers.email") == len(told)


async def test_timeline_leads_from_an_entry_and_back(doors: Doors) -> None:
    client = await signed_in(doors, "operator")
    page = await client.get("/record/timeline/ada?since=2026-07-01")
    assert page.status_code == 200
    assert "ada-bot" in page.text
    rows = (await client.get("/record.json?party=ada&since=2026-07-01")).json()
    assert rows["entries"]
    entry = await client.get(f"/record/{rows['entries'][0]['index']}")
    assert 'href="/record/timeline/ada"' in entry.text


async def test_record_has_its_filters_in_the_address(doors: Doors) -> None:
    """So that what is shown can be sent to somebody."""
    client = await signed_in(doors, "operator")
    address = "/record?action=grant&until=2026-07-20&verdict=hold"
    page = await client.get(address)
    assert 'href="/record.csv?verdict=hold&amp;action=grant&amp;until=2026-07-20"' in page.text
    table = await client.get("/record.csv?action=grant&until=2026-07-20&verdict=hold")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert rows
    assert {(row["action"], row["verdict"]) for row in rows} == {("grant", "hold")}


@pytest.mark.parametrize("path", ["/record/disclosures", "/record/disclosures.csv", "/record.csv", "/record/timeline/ada"])
async def test_nobody_reads_them_unless_signed_in(doors: Doors, path: str) -> None:
    assert (await doors.client().get(path)).status_code == 303


async def test_people_read_of_the_ledger_what_is_theirs(doors: Doors) -> None:
    """Alice of this office is in nobody's chain there; an auditor reads everything."""
    client, auditor = await doors.person("alice"), await doors.person("eve")
    assert (await client.get(f"{API}/disclosures")).json() == []
    assert (await auditor.get(f"{API}/disclosures")).json()
    assert (await client.get(f"{API}/timeline/ada")).json() == []


@pytest.mark.parametrize("path", ["/principals", "/secrets?principal=eve", "/log", "/disclosures", "/timeline/ada", "/catalog"])
async def test_every_list_comes_as_csv(doors: Doors, path: str) -> None:
    """With a heading, whatever is in it."""
    await doors.scene.office.secrets.mint(LOCAL, "eve")
    joint = "&" if "?" in path else "?"
    answer = await doors.operator().get(f"{API}{path}{joint}format=csv")
    assert answer.status_code == 200
    assert list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    one = await doors.operator().get(f"{API}/status?format=csv")
    assert one.status_code == 400


async def test_without_an_index_it_says_so(scene: Scene) -> None:
    answer = await Doors(scene).operator().get(f"{API}/disclosures")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "index-unavailable"
