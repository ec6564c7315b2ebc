"""PATCH of SCIM resources: all of its operations, or none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.api.scim_patch import patched
from doorward.errors import InvalidRequest
from tests.patience import examples

USER: dict[str, Any] = {
    "userName": "alice",
    "active": True,
    "emails": [{"type": "work", "value": "a@x"}],
    "name": {"givenName": "A"},
}
GROUP: dict[str, Any] = {"displayName": "dev", "members": [{"value": "1"}, {"value": "2"}]}


def patch(resource: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return patched(resource, {"Operations": list(operations)})


@pytest.mark.parametrize(
    ("resource", "operation", "attribute", "after"),
    [
        (USER, {"op": "replace", "path": "active", "value": False}, "active", False),
        (USER, {"op": "Replace", "path": "active", "value": "False"}, "active", False),
        (USER, {"op": "replace", "value": {"active": False}}, "active", False),
        (USER, {"op": "replace", "path": "name.givenName", "value": "B"}, "name", {"givenName": "B"}),
        (
            USER,
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "b@x"},
            "emails",
            [{"type": "work", "value": "b@x"}],
        ),
        (USER, {"op": "remove", "path": "emails"}, "emails", None),
        (
            GROUP,
            {"op": "add", "path": "members", "value": [{"value": "3"}]},
            "members",
            [{"value": "1"}, {"value": "2"}, {"value": "3"}],
        ),
        (GROUP, {"op": "add", "path": "members", "value": [{"value": "2"}]}, "members", [{"value": "1"}, {"value": "2"}]),
        (GROUP, {"op": "remove", "path": 'members[value eq "1"]'}, "members", [{"value": "2"}]),
        (GROUP, {"op": "remove", "path": "members", "value": [{"value": "1", "display": "x"}]}, "members", [{"value": "2"}]),
        (GROUP, {"op": "remove", "path": "members"}, "members", None),
    ],
    ids=range(11),
)
def test_operations_change_what_they_name(
    resource: dict[str, Any], operation: dict[str, Any], attribute: str, after: object
) -> None:
    """As directories send them; the resource of before is left alone."""
    before = repr(resource)
    assert patch(resource, operation).get(attribute) == after
    assert repr(resource) == before


@pytest.mark.parametrize(
    "operation",
    [
        {}, {"op": 7}, {"op": "move", "path": "active", "value": 1}, {"op": "replace", "path": "active"}, {"op": "remove"},
        {"op": "replace", "path": "id", "value": "x"}, {"op": "replace", "path": "a b", "value": 1},
        {"op": "replace", "path": 7, "value": 1},
        {"op": "replace", "value": 7}, {"op": "replace", "path": 'emails[type eq "home"].value', "value": "x"},
        {"op": "replace", "path": 'active[a eq "b"]', "value": "x"}, {"op": "replace", "path": "userName.x", "value": 1},
        "text",
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_not_understood_is_refused(operation: Any) -> None:
    """Whole: a good operation before it is not done either."""
    with pytest.raises(InvalidRequest):
        patch(USER, {"op": "replace", "path": "active", "value": False}, operation)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@examples(200, 10_000)
@given(
    JSON,
    st.sampled_from(["add", "replace", "remove", "x"]),
    st.sampled_from(["active", "members", 'members[value eq "1"]', "name.givenName", "emails.x", None]) | st.text(max_size=8),
)
def test_no_message_crashes_it(value: Any, op: str, path: str | None) -> None:
    """Garbage is refused or done, and nothing else."""
    for message in ({"Operations": [{"op": op, "path": path, "value": value}]}, {"Operations": value}):
        try:
            assert isinstance(patched({**USER, **GROUP}, message), dict)
        except InvalidRequest:
            continue
