"""Snapshots and people's verdicts on columns."""

from dataclasses import replace

import pytest

from doorward.control.operators import LOCAL
from doorward.errors import AuditUnavailable, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from doorward.model.catalog import Label, Snapshot
from tests.control.offices import SNAPSHOT, Scene

pytestmark = pytest.mark.anyio


def label(scene: Scene, oid: int = 100, number: int = 2) -> Label:
    return scene.office.catalog.snapshots["shop"].labels[oid, number]


def renamed(name: str) -> Snapshot:
    customers = SNAPSHOT.relations[0]
    columns = tuple(replace(c, name=name) if c.number == 2 else c for c in customers.columns)
    return replace(SNAPSHOT, relations=(replace(customers, columns=columns), *SNAPSHOT.relations[1:]))


async def test_verdict_changes_the_label_the_epoch_and_the_gateways_configuration(scene: Scene) -> None:
    """And is logged with what it was before."""
    epoch = scene.office.catalog.snapshots["shop"].epoch
    configured = sum(isinstance(message, link.Configured) for message in scene.gateway.heard)
    await scene.office.catalog.decide(scene.operator("ada"), "shop", 100, 2, Label.NONE, "test data")
    assert label(scene) is Label.NONE
    assert scene.office.catalog.snapshots["shop"].epoch != epoch
    await scene.link.drain(0)
    await scene.gateway.hears(link.Drain)
    assert sum(isinstance(message, link.Configured) for message in scene.gateway.heard) == configured + 1
    assert b'"act":"label.changed"' in scene.log.raw[-1]
    assert b'"before":"email"' in scene.log.raw[-1]


async def test_confirming_keeps_the_label_and_counts_as_reviewed(scene: Scene) -> None:
    """The same label again is a confirmation."""
    assert len(scene.office.catalog.rows(unreviewed=True)) == 4
    await scene.office.catalog.decide(LOCAL, "shop", 100, 2, Label.EMAIL)
    assert b'"act":"label.confirmed"' in scene.log.raw[-1]
    assert label(scene) is Label.EMAIL
    assert len(scene.office.catalog.rows(unreviewed=True)) == 3
    reviewed = next(row for row in scene.office.catalog.rows() if row.is_reviewed)
    assert (reviewed.column.name, reviewed.column.reasons[0]) == ("email", "operator said so")


async def test_verdict_outlives_a_new_reading(scene: Scene) -> None:
    """It is bound to the column, not to the reading."""
    await scene.office.catalog.decide(LOCAL, "shop", 100, 1, Label.CARD)
    await scene.office.catalog.publish_snapshot(replace(SNAPSHOT, epoch="e2"))
    assert label(scene, number=1) is Label.CARD


@pytest.mark.parametrize(("verdict", "expected"), [(Label.NONE, Label.EMAIL), (Label.CARD, Label.CARD)])
async def test_renamed_column_keeps_protection_and_loses_clearance(scene: Scene, verdict: Label, expected: Label) -> None:
    """What was judged harmless was judged under its name; what was judged sensitive stays so."""
    await scene.office.catalog.decide(LOCAL, "shop", 100, 2, verdict)
    await scene.office.catalog.publish_snapshot(renamed("contact"))
    assert label(scene) is expected


async def test_verdict_takes_an_administrator_a_column_and_a_label(scene: Scene) -> None:
    """Nothing is logged otherwise."""
    size = scene.log.size()
    with pytest.raises(NotPermitted):
        await scene.office.catalog.decide(scene.operator("ben"), "shop", 100, 2, Label.NONE)
    for upstream, oid, number in (("other", 100, 2), ("shop", 999, 2), ("shop", 100, 99)):
        with pytest.raises(NotFound):
            await scene.office.catalog.decide(LOCAL, upstream, oid, number, Label.NONE)
    with pytest.raises(InvalidRequest):
        await scene.office.catalog.decide(LOCAL, "shop", 100, 2, Label.UNCLASSIFIED)
    with pytest.raises(InvalidRequest):
        await scene.office.catalog.decide(LOCAL, "shop", 100, 2, Label.NONE, "x" * 501)
    assert scene.log.size() == size
    assert label(scene) is Label.EMAIL


async def test_verdict_is_refused_when_the_log_cannot_take_it(scene: Scene) -> None:
    """An unmasking that nobody can trace must not happen."""
    scene.gateway.append_error = "disk full"
    with pytest.raises(AuditUnavailable):
        await scene.office.catalog.decide(LOCAL, "shop", 100, 2, Label.NONE)
    assert label(scene) is Label.EMAIL


async def test_rows_leave_system_catalogs_out_and_filter_by_table(scene: Scene) -> None:
    """By any part of the qualified name."""
    catalog = scene.office.catalog
    assert [row.relation.name for row in catalog.rows()] == ["customers"] * 3 + ["orders"]
    assert [row.relation.name for row in catalog.rows(table="PUBLIC.ord")] == ["orders"]
    assert catalog.rows(upstream="other") == ()
    assert catalog.protected_names("shop") == {"email", "notes"}
    assert catalog.protected_names("other") == frozenset()


async def test_what_became_of_columns_is_kept(scene: Scene) -> None:
    """Added with the first reading, changed by a verdict, removed when a reading has it no more; nothing twice."""
    catalog = scene.office.catalog
    first = catalog.changes_since(0)
    assert {(one.change, one.column_name) for one in first} == {("added", name) for name in ("id", "email", "notes", "total")}
    await catalog.publish_snapshot(replace(SNAPSHOT, epoch="e2"))
    assert catalog.changes_since(0) == first
    await catalog.decide(LOCAL, "shop", 100, 2, Label.NONE)
    changed = catalog.changes_since(0)[len(first) :]
    assert [(one.change, one.column_name, one.label_before, one.label) for one in changed] == [
        ("changed", "email", "email", "none")
    ]
    await catalog.publish_snapshot(replace(SNAPSHOT, relations=SNAPSHOT.relations[1:]))
    removed = catalog.changes_since(0)[len(first) + 1 :]
    assert {(one.change, one.column_name) for one in removed} == {("removed", name) for name in ("id", "email", "notes")}
    await catalog.publish_snapshot(SNAPSHOT)
    back = catalog.changes_since(0)[len(first) + 4 :]
    assert {one.change for one in back} == {"added"}


async def test_a_proposal_is_found_by_what_it_may_be_and_ends_with_a_verdict(scene: Scene) -> None:
    """Confirming it is a confirmation; "proposed" is no verdict."""
    catalog = scene.office.catalog
    customers = SNAPSHOT.relations[0]
    columns = tuple(
        replace(c, label=Label.PROPOSED, proposal=Label.PHONE, confidence=0.7) if c.number == 3 else c
        for c in customers.columns
    )
    read = replace(SNAPSHOT, relations=(replace(customers, columns=columns), *SNAPSHOT.relations[1:]))
    await catalog.publish_snapshot(read)
    assert [row.column.name for row in catalog.rows(label="phone")] == ["notes"]
    assert [row.column.name for row in catalog.rows(label="proposed")] == ["notes"]
    with pytest.raises(InvalidRequest):
        await catalog.decide(LOCAL, "shop", 100, 3, Label.PROPOSED)
    await catalog.decide(LOCAL, "shop", 100, 3, Label.PHONE)
    assert b'"act":"label.confirmed"' in scene.log.raw[-1]
    (row,) = catalog.rows(label="phone")
    assert (row.column.label, row.column.proposal, row.column.confidence) == (Label.PHONE, None, 1.0)
    assert catalog.rows(label="proposed") == ()
