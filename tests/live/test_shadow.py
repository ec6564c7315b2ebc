"""Candidate rules asked beside those in force: recorded where they differ, and without any effect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doorward.control.filters import Filters
from doorward.control.operators import LOCAL
from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts, version_of
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live

CANDIDATE = {
    **default_texts(),
    "zz.cedar": """
@id("orders-wait")
@description("Orders are looked at first.")
@hold("security")
forbid (principal, action == Action::"read", resource) when { context.objects.contains("public.orders") };

@id("developers-see-addresses")
@description("Developers see e-mail addresses.")
permit (principal in Group::"developers", action == Action::"unmask", resource == Label::"email");
""",
}


@pytest.fixture(scope="module")
def shaded(postgres15: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, with candidate rules beside the packaged ones."""
    folder = tmp_path_factory.mktemp("candidate")
    for name, text in CANDIDATE.items():
        (folder / name).write_text(text)
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream, shadow_policy=folder) as doorward:
            yield Shop(database, doorward)


def test_differences_are_recorded_counted_and_have_no_effect(shaded: Shop) -> None:
    """In each entry, also of a statement that is run by its form; the client gets what the rules in force say."""
    query = "SELECT sum(amount) FROM orders WHERE id < 4"
    with shaded.doorward.connect("alice") as session:
        for _ in range(5):
            assert session.execute(query).fetchone() == (6,)
        assert session.execute("SELECT email FROM customers WHERE id = 1").fetchone() != ("alice@example.com",)
        assert session.execute("SELECT tier FROM customers WHERE id = 1").fetchone() == ("EU",)
        session.execute("SELECT 1")
    shaded.doorward.wait_for(lambda: len([e for e in shaded.doorward.entries("statement.intent") if "shadow" in e]) >= 7)
    entries = shaded.doorward.entries("statement.intent")
    orders = [entry for entry in entries if "orders" in entry["statement"]]
    held = {"policy": version_of(CANDIDATE), "rules": ["orders-wait"], "verdict": "hold"}
    assert [entry["shadow"] for entry in orders] == [held] * 5
    assert {entry["verdict"] for entry in entries} == {"allow"}
    assert [entry for entry in entries if entry["statement"].startswith("SELECT ?") and "shadow" in entry] == []
    office = shaded.doorward.control.office
    status = office.status(LOCAL)
    assert status.shadow == version_of(CANDIDATE)
    assert 0 < status.shadow_differences["allow to hold"] < 5  # what is run again counts once
    assert status.shadow_differences["allow to allow"] >= 1  # it would show the address
    found = shaded.doorward.do(office.record.search(LOCAL, Filters(shadow=True)))
    assert {row.shadow for row in found.rows if "orders" in row.text} == {"hold by orders-wait"}
    assert all(row.shadow for row in found.rows)
