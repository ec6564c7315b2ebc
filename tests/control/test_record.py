"""Reading the log: pairing, filters, paging, and who may read what."""

import pytest

from doorward.control import record as record_module
from doorward.control.filters import Filters
from doorward.control.operators import LOCAL, Operator
from doorward.control.views import EntryView, decode_entry
from doorward.errors import NotFound
from doorward.model.entry import StatementIntent
from tests.control.happenings import identity, intent, outcome, tell_morning
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio


async def rows(scene: Scene, by: Operator = LOCAL, **filters: object) -> tuple[EntryView, ...]:
    return (await scene.office.record.search(by, Filters(**filters))).rows  # type: ignore[arg-type]


@pytest.fixture
def morning(scene: Scene) -> Scene:
    tell_morning(scene)
    return scene


async def test_intent_and_outcome_are_one_row(morning: Scene) -> None:
    """Who, what, how many rows, what was masked."""
    (row,) = await rows(morning, text="email, NOTES from")
    assert (row.chain, row.principal, row.status, row.rows, row.masked) == ("report-bot for alice", "alice", "done", 50, 2)
    assert [column.name for column in row.columns] == ["email", "notes"]


@pytest.mark.parametrize(
    ("text", "verdict", "status"),
    [
        ("drop table", "deny", "refused"),
        ("nonsense", "allow", "failed"),
        ("delete from orders", "hold", "done"),
        ("count(*)", "allow", "open"),
    ],
)
async def test_status_says_what_came_of_it(morning: Scene, text: str, verdict: str, status: str) -> None:
    """An intent without an outcome is open: it runs, or was lost."""
    (row,) = await rows(morning, text=text)
    assert (row.verdict, row.status) == (verdict, status)


async def test_held_statement_tells_who_answered(morning: Scene) -> None:
    """And the answer is a row of the approver's own."""
    (row,) = await rows(morning, verdict="hold")
    assert (row.request, row.answer, row.answered_by) == ("req_0", "approved", "ben")
    (answer,) = await rows(morning, kind="hold.answered")
    assert answer.chain == "ben"


async def test_held_statement_waits_until_it_is_answered(scene: Scene) -> None:
    """Then the first intent tells the answer, and the one that ran has the outcome."""
    stamp = identity(scene.principal("ben"))
    scene.log.add(intent(stamp, "delete from t", 5, "x", verdict="hold"))
    assert [row.status for row in await rows(scene, text="delete from t")] == ["waiting"]
    scene.log.add(intent(stamp, "delete from t", 7, "x", grant="req_0"), outcome("x", 8, 3))
    assert [(row.verdict, row.status) for row in await rows(scene, text="delete from t")] == [
        ("allow", "done"),
        ("hold", "waiting"),
    ]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"who": "REPORT-BOT", "kind": "statement.intent"}, 4),
        ({"who": "mallory"}, 1),
        ({"for_whom": "alice", "kind": "session.opened"}, 1),
        ({"table": "orders"}, 3),
        ({"label": "email"}, 2),
        ({"verdict": "deny"}, 2),
        ({"session": "ses_2"}, 4),
        ({"text": "no such text"}, 0),
    ],
)
async def test_each_filter_narrows(morning: Scene, filters: dict[str, str], count: int) -> None:
    """Case does not matter."""
    assert len(await rows(morning, **filters)) == count


async def test_since_ends_the_search(morning: Scene) -> None:
    """What is older is not read."""
    late = await rows(morning, since_us=morning.office.now() - 10_000_000)
    assert [row.text for row in late] == ["select count(*) from orders"]


async def test_pages_join_without_gap_or_overlap(morning: Scene) -> None:
    """Also where an outcome is on the newer side of the border."""
    whole = await rows(morning, limit=500)
    joined: list[EntryView] = []
    before = None
    while True:
        page = await morning.office.record.search(LOCAL, Filters(limit=3, before=before))
        joined += page.rows
        if page.older is None:
            break
        before = page.older
    assert tuple(joined) == whole
    assert [row.index for row in whole] == sorted((row.index for row in whole), reverse=True)


async def test_search_is_the_same_over_many_chunks(morning: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading goes back in pieces."""
    whole = await rows(morning, limit=500)
    monkeypatch.setattr(record_module, "CHUNK", 2)
    assert await rows(morning, limit=500) == whole


async def test_reach_bounds_the_search_and_says_where_to_go_on(morning: Scene) -> None:
    """A search that finds nothing does not read a year of log."""
    page = await morning.office.record.search(LOCAL, Filters(text="no such text", reach=4))
    assert page.older == morning.log.size() - 4
    assert page.rows == ()


async def test_people_read_what_was_done_by_or_for_them(morning: Scene) -> None:
    """Auditors and administrators read everything."""
    alices = await rows(morning, morning.operator("alice"), limit=500)
    assert {row.chain for row in alices} == {"report-bot for alice"}
    assert {row.chain for row in await rows(morning, morning.operator("ben"), limit=500)} == {"ben"}
    everything = await rows(morning, limit=500)
    assert await rows(morning, morning.operator("eve"), limit=500) == everything
    assert await rows(morning, morning.operator("ada"), limit=500) == everything


async def test_entry_page_has_the_canonical_text_and_the_outcome(morning: Scene) -> None:
    """As it is hashed."""
    (row,) = await rows(morning, text="email, notes from")
    detail = await morning.office.record.detail(LOCAL, row.index)
    assert detail.row == row
    assert detail.canonical.encode() == morning.log.raw[row.index]
    assert isinstance(detail.entry, StatementIntent)
    assert detail.outcome is not None
    held_row = (await rows(morning, verdict="hold"))[0]
    assert (await morning.office.record.detail(LOCAL, held_row.index)).row == held_row


async def test_every_entry_has_a_page(morning: Scene) -> None:
    """Also those that no row of the list tells."""
    for index in range(morning.log.size()):
        assert (await morning.office.record.detail(LOCAL, index)).row.index == index


@pytest.mark.parametrize("index", [-1, 10_000])
async def test_entry_that_is_not_there_is_not_found(morning: Scene, index: int) -> None:
    """Nor is one of others."""
    with pytest.raises(NotFound):
        await morning.office.record.detail(LOCAL, index)
    with pytest.raises(NotFound):
        await morning.office.record.detail(morning.operator("ben"), 0)


async def test_administration_reads_without_ids(scene: Scene) -> None:
    """Who changed what."""
    row = (await rows(scene, text="report-bot"))[0]
    assert (row.chain, row.text) == ("operator", "principal.added: report-bot (acting_for alice, kind agent)")


def test_bytes_that_are_no_entry_are_an_error() -> None:
    """Nothing is guessed."""
    with pytest.raises(KeyError):
        decode_entry(b'{"kind":"other"}')
