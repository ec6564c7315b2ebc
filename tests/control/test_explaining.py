"""What is told of a statement that somebody might run, with a database that answers what it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from doorward.control.explained import Explained
from doorward.control.explaining import Explaining
from doorward.control.operators import LOCAL
from doorward.errors import InvalidRequest, NotFound, NotPermitted, UpstreamUnavailable
from doorward.model.result import ResultColumn
from doorward.model.upstream import Upstream
from doorward.policy.decide import Policy
from doorward.policy.load import default_texts, load
from tests.control.offices import Scene
from tests.policy.identities import default_policy

pytestmark = pytest.mark.anyio

ID = ResultColumn("id", 100, 1, 20, 8, -1, 0)
EMAIL = ResultColumn("email", 100, 2, 25, -1, -1, 0)
CALCULATED = ResultColumn("lower", 0, 0, 25, -1, -1, 0)


class Database:
    """Describes every text by the same columns, or fails."""

    def __init__(self, *columns: ResultColumn, error: str = "") -> None:
        self._columns = columns
        self._error = error
        self.asked: list[str] = []

    async def __call__(self, upstream: Upstream, sql: str) -> Sequence[ResultColumn]:
        self.asked.append(sql)
        if self._error:
            raise UpstreamUnavailable(self._error)
        return self._columns


def explaining(scene: Scene, database: Database, policy: Policy | None = None) -> Explaining:
    office = scene.office
    rules = policy or default_policy()
    return Explaining(scene.store, office.catalog, office.directory, lambda: rules, database)


async def explained(scene: Scene, text: str, *columns: ResultColumn, name: str = "alice", via: str = "") -> Explained:
    return await explaining(scene, Database(*columns)).explain(LOCAL, text, name, via=via)


async def test_each_column_with_its_source_label_and_mask(scene: Scene) -> None:
    """A clear column, one with a label, one that is calculated from it, and one from nothing."""
    told = await explained(
        scene,
        "SELECT id, email, lower(email), now() FROM customers",
        ID,
        EMAIL,
        CALCULATED,
        replace(CALCULATED, name="now"),
    )
    assert told.columns is not None
    assert told.columns_from == "database"
    shown = [(c.position, c.name, c.origin, [s.column for s in c.sources], c.label, c.mask) for c in told.columns]
    email = "public.customers.email"
    assert shown == [
        (1, "id", "public.customers.id", ["public.customers.id"], "none", "none"),
        (2, "email", email, [email], "email", "email"),
        (3, "lower", "", [email], "unclassified", "full, null hidden"),
        (4, "now", "", [], "none", "none"),
    ]
    assert (told.verdict, told.rules[0].id, told.told.message) == ("allow", "everyone-may-read", "")
    assert {source.label for source in told.labels} == {"email", "unclassified"}
    assert (told.statements[0].command, told.statements[0].reads) == ("SELECT", ("public.customers",))
    assert set(told.statements[0].functions) == {"lower", "now"}


async def test_the_text_alone_where_the_database_can_not_be_asked(scene: Scene) -> None:
    """What it proves is said, and why it is not more."""
    asking = explaining(scene, Database(error="The upstream is gone."))
    told = await asking.explain(LOCAL, "SELECT id, email FROM customers", "alice")
    assert told.columns_from == "The upstream is gone."
    assert told.columns is not None
    assert [column.mask for column in told.columns] == ["none", "full, null hidden"]
    told = await asking.explain(LOCAL, "SELECT * FROM customers", "alice", ask=False)
    assert (told.columns, "text alone" in told.columns_from) == (None, True)


async def test_what_does_not_run_is_not_put_to_the_database(scene: Scene) -> None:
    """Nor what is several statements; and nothing is ever run."""
    for text in ("DROP TABLE customers", "nonsense", "SELECT 1; SELECT 2", "SELECT pg_read_file('x')"):
        database = Database(ID)
        told = await explaining(scene, database).explain(LOCAL, text, "alice")
        assert (database.asked, told.columns) == ([], None)
    assert told.verdict == "deny"
    assert told.told.sqlstate == "42501"
    assert "no-dangerous-functions" in told.told.detail


async def test_what_is_held_is_shown_as_it_would_be_once_approved(scene: Scene) -> None:
    """With whom it waits for."""
    rules = {
        "hold.cedar": """@id("ask") @description("Ask.") @hold("ben-and-co")
        forbid (principal, action, resource) when { context.objects.contains("public.customers") };""",
        "see.cedar": """@id("see") @description("See once approved.")
        permit (principal, action == Action::"unmask", resource) when { context.approved };""",
    }
    policy = Policy(load({**default_texts(), **rules}))
    told = await explaining(scene, Database(EMAIL), policy).explain(LOCAL, "SELECT email FROM customers", "alice")
    assert (told.verdict, told.approvers, told.hold_seconds) == ("hold", "ben-and-co", 600)
    assert told.columns is not None
    assert (told.columns[0].provenance, told.cleared) == ("cleared", ("email", "unclassified"))
    assert "until somebody approves it" in told.told.message


async def test_an_agent_is_judged_with_whom_it_acts_for(scene: Scene) -> None:
    """By its own name, or by both."""
    for name, via in (("alice", "report-bot"), ("report-bot", "")):
        told = await explained(scene, "SELECT id FROM customers", ID, name=name, via=via)
        assert (told.chain, told.row_limit) == ("report-bot for alice", 5000)
        told = await explained(scene, "DELETE FROM orders", name=name, via=via)
        assert told.verdict == "deny"


async def test_who_can_not_be_meant_is_said(scene: Scene) -> None:
    """An agent of somebody else, a person in its place, nobody at all, an unknown database."""
    for name, via, error in (("ben", "report-bot", InvalidRequest), ("alice", "ben", InvalidRequest), ("nobody", "", NotFound)):
        with pytest.raises(error):
            await explained(scene, "SELECT 1", name=name, via=via)
    with pytest.raises(InvalidRequest, match="shop"):
        await explaining(scene, Database()).explain(LOCAL, "SELECT 1", "alice", database="other")


async def test_people_ask_about_themselves_and_their_agents(scene: Scene) -> None:
    """Auditors about anybody: what somebody may see is itself worth knowing."""
    asking = explaining(scene, Database(ID))
    for by, name in (("alice", "alice"), ("alice", "report-bot"), ("eve", "alice"), ("ada", "ben")):
        assert (await asking.explain(scene.operator(by), "SELECT 1", name)).verdict == "allow"
    for by, name in (("ben", "alice"), ("alice", "ben"), ("ben", "report-bot")):
        with pytest.raises(NotPermitted):
            await asking.explain(scene.operator(by), "SELECT 1", name)


async def test_an_observed_database_shows_everything_and_says_so(scene: Scene) -> None:
    """What would be refused where rules are enforced is told."""
    policy = Policy(load(default_texts()), frozenset({"shop"}))
    told = await explaining(scene, Database(), policy).explain(LOCAL, "DROP TABLE customers", "alice")
    assert (told.verdict, told.observed) == ("allow", True)
    assert "no-drop-of-data" in [rule.id for rule in told.rules]
