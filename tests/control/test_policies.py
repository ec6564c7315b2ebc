"""Rules put in force while everything runs: whole or not at all, recorded, and with a way back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doorward.audit.canonical import decode
from doorward.control.operators import LOCAL
from doorward.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound, NotPermitted, PolicyInvalid
from doorward.model.decision import Facts, Verdict
from doorward.model.entry import Administered
from doorward.model.identity import Identity
from doorward.policy.load import default_texts, load
from doorward.store.database import open_store
from tests.control.offices import Scene, close_scene, open_scene

pytestmark = pytest.mark.anyio

NEVER = '@id("never") @description("d") forbid (principal, action == Action::"read", resource);'
OTHER = NEVER.replace('"never"', '"not-twice"').replace('"read"', '"write"')


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = await open_scene(tmp_path)
    yield scene
    await close_scene(scene)


def may_read(scene: Scene) -> bool:
    """Whether alice may, by the rules in force."""
    alice = Identity(scene.principal("alice"), (), "x", "c")
    facts = Facts("read", ("SELECT",), ("public.orders",))
    return scene.office.policies.policy.decide(alice, facts, "shop", "shopdb").verdict is Verdict.ALLOW


def recorded(scene: Scene) -> list[Administered]:
    """What the log says of rules."""
    return [e for e in map(decode, scene.log.raw) if isinstance(e, Administered) and e.act.startswith("policy.")]


async def test_what_is_published_counts_at_once_and_is_recorded_first(scene: Scene) -> None:
    """With who, why, both versions, and which rules changed."""
    before = scene.office.policies.in_force.version
    row = await scene.office.policies.publish(LOCAL, {**default_texts(), "zz.cedar": NEVER}, "nobody reads today")
    assert (row.number, row.is_in_force, row.added, row.removed, row.changed) == (1, True, ("never",), (), ())
    assert not may_read(scene)
    (entry,) = recorded(scene)
    assert (entry.act, entry.by, entry.subject) == ("policy.published", "operator", "policy 1")
    assert entry.details["reason"] == "nobody reads today"
    assert entry.details["before"] == before
    assert entry.details["version"] == row.version == scene.office.policies.in_force.version
    assert entry.details["added"] == "never"


async def test_a_rollback_is_a_version_of_its_own_and_zero_is_what_was_before(scene: Scene) -> None:
    """Nothing that was ever in force is lost from the history."""
    policies = scene.office.policies
    await policies.publish(LOCAL, {**default_texts(), "zz.cedar": NEVER}, "one")
    await policies.publish(LOCAL, {**default_texts(), "zz.cedar": NEVER + OTHER}, "two")
    row = await policies.roll_back(LOCAL, 0, "too strict")
    assert (row.number, row.removed) == (3, ("never", "not-twice"))
    assert may_read(scene)
    await policies.roll_back(LOCAL, 1, "after all")
    assert not may_read(scene)
    told = [(one.number, one.reason, one.is_in_force, one.added) for one in policies.history(LOCAL)]
    assert told == [
        (4, "after all", True, ("never",)),
        (3, "too strict", False, ()),
        (2, "two", False, ("not-twice",)),
        (1, "one", False, ("never",)),
        (0, "", False, ()),
    ]
    assert [entry.act for entry in recorded(scene)] == ["policy.published"] * 2 + ["policy.rolled-back"] * 2
    with pytest.raises(NotFound):
        await policies.roll_back(LOCAL, 9, "there is none")


async def test_what_was_published_counts_after_a_restart(tmp_path: Path) -> None:
    """In place of the folder, and of the packaged rules."""
    scene = await open_scene(tmp_path)
    await scene.office.policies.publish(LOCAL, {**default_texts(), "zz.cedar": NEVER}, "stays")
    await close_scene(scene)
    store = open_store(tmp_path / "control.db")
    latest = store.policies.latest()
    store.close()
    assert latest is not None
    assert load(latest.texts).by_id["never"]
    assert (latest.by, latest.reason) == ("operator", "stays")


@pytest.mark.parametrize("broken", sorted(default_texts()))
async def test_one_broken_file_changes_nothing(scene: Scene, broken: str) -> None:
    """All files or none: whichever of them is broken, the rules, the store, the log and the gateways stay as they are."""
    policies = scene.office.policies
    before = policies.in_force, policies.policy
    texts = {**default_texts(), "zz.cedar": NEVER}
    texts[broken] += "\npermit (principal, action);\n"
    with pytest.raises(PolicyInvalid, match=broken):
        await policies.publish(LOCAL, texts, "half a policy")
    assert (policies.in_force, policies.policy) == before
    assert may_read(scene)
    assert scene.store.policies.latest() is None
    assert recorded(scene) == []


async def test_what_cannot_be_recorded_is_not_put_in_force(scene: Scene) -> None:
    """A change of rules that the log doesn't know of would be the worst of all."""
    scene.gateway.append_error = "the disk is full"
    with pytest.raises(AuditUnavailable):
        await scene.office.policies.publish(LOCAL, {**default_texts(), "zz.cedar": NEVER}, "unseen")
    assert may_read(scene)
    assert scene.store.policies.latest() is None


async def test_only_administrators_publish_and_auditors_read(scene: Scene) -> None:
    """Whoever is ruled does not rule."""
    policies = scene.office.policies
    texts = {**default_texts(), "zz.cedar": NEVER}
    for name in ("alice", "ben", "eve"):
        with pytest.raises(NotPermitted):
            await policies.publish(scene.operator(name), texts, "why")
        with pytest.raises(NotPermitted):
            await policies.roll_back(scene.operator(name), 0, "why")
    assert policies.history(scene.operator("eve"))
    with pytest.raises(NotPermitted):
        policies.history(scene.operator("alice"))
    assert (await policies.publish(scene.operator("ada"), texts, "why")).by == "ada"


async def test_a_change_needs_a_reason_real_files_and_to_be_one(scene: Scene) -> None:
    """A history without reasons explains nothing."""
    policies = scene.office.policies
    texts = default_texts()
    with pytest.raises(InvalidRequest, match="reason"):
        await policies.publish(LOCAL, texts, " ")
    for name in ("../x.cedar", "x.txt", "", ".cedar", "a/b.cedar"):
        with pytest.raises(InvalidRequest, match="name"):
            await policies.publish(LOCAL, {**texts, name: NEVER}, "why")
    with pytest.raises(InvalidRequest, match="MiB"):
        await policies.publish(LOCAL, {**texts, "zz.cedar": "//" + "x" * (1 << 20)}, "why")
    with pytest.raises(Conflict, match="in force"):
        await policies.publish(LOCAL, texts, "why")
    with pytest.raises(PolicyInvalid):
        await policies.publish(LOCAL, {}, "why")
