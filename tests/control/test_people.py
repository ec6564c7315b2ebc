"""What a directory may push: anything at all, of which only what makes sense is taken."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.control.people import GROUP, USER, People
from doorward.control.scim_settings import ScimSettings
from doorward.errors import DoorwardError, InvalidRequest
from tests.control.offices import Scene, close_scene, open_scene
from tests.patience import examples

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "userName": ANYTHING | st.sampled_from(["alice", "ALICE@example.com", "report-bot", "\ud800", "a\nb"]),
        "displayName": ANYTHING | st.sampled_from(["Engineering", "\ud800", "x" * 300]),
        "active": ANYTHING | st.booleans(),
        "externalId": ANYTHING,
        "members": ANYTHING | st.lists(st.fixed_dictionaries({"value": ANYTHING}), max_size=3),
        "id": ANYTHING,
    },
)


def people_of(scene: Scene) -> People:
    settings = ScimSettings("", strip_domain="example.com", groups={"Engineering": "developers"})
    number = iter(range(1_000_000))
    office = scene.office
    return People(settings, scene.store, office.principals, office.sign_ins, scene.clock, lambda kind: f"{kind}_{next(number)}")


def test_no_garbage_crashes_it_or_makes_an_administrator(tmp_path: Path) -> None:
    """Every body is taken or refused in words; nobody gets a group that no mapping gives."""
    with asyncio.Runner() as runner:
        scene = runner.run(open_scene(tmp_path))
        people = people_of(scene)

        @examples(60, 2_000)
        @given(st.sampled_from([USER, GROUP]), BODIES, BODIES)
        def push(kind: str, body: dict[str, Any], other: dict[str, Any]) -> None:
            try:
                entry = runner.run(people.add(kind, body))
                runner.run(people.replace(kind, entry.id, {**body, **other}))
            except DoorwardError:
                pass
            admins = [r.principal.name for r in scene.store.principals.all() if "admins" in r.principal.groups]
            assert admins == ["ada"]

        push()
        runner.run(close_scene(scene))


@pytest.mark.parametrize(("kind", "attribute"), [(USER, "userName"), (GROUP, "displayName")])
@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "a\nb", "", 7, None, "x" * 201])
def test_a_name_that_can_not_be_kept_is_refused(tmp_path: Path, kind: str, attribute: str, name: Any) -> None:
    """Before anything is asked of the store: half a character would be an error of ours there."""
    with asyncio.Runner() as runner:
        scene = runner.run(open_scene(tmp_path))
        with pytest.raises(InvalidRequest):
            runner.run(people_of(scene).add(kind, {attribute: name}))
        runner.run(close_scene(scene))
