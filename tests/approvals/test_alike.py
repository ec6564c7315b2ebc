"""Requests of one kind: the same asker, form and rule; values may differ, nothing else."""

import pytest

from doorward.approvals.alike import grouped, kind_of
from doorward.model.access import AccessWish
from doorward.model.approval import ApprovalRequest
from tests.approvals.requests import a_request


@pytest.mark.parametrize(
    "changes", [{"id": "req_2"}, {"parameters": ("'y'",)}, {"statement": "delete from customers where email = 'y'"}]
)
def test_values_make_no_other_kind(changes: dict[str, object]) -> None:
    """Nor does when it was asked."""
    assert kind_of(a_request(form="f", **changes)) == kind_of(a_request(form="f"))


@pytest.mark.parametrize(
    "changes",
    [
        {"principal_id": "prn_eve"},
        {"actor_ids": ()},
        {"upstream": "other"},
        {"form": "g"},
        {"action": "define"},
        {"objects": ("public.orders",)},
        {"labels": ()},
        {"rules": ("another",)},
        {"approvers": "managers"},
        {"escalates_to": "managers"},
        {"quorum": 2},
        {"policy_version": "p2"},
    ],
)
def test_anything_else_does(changes: dict[str, object]) -> None:
    """A statement of another table or rule is read by itself."""
    assert kind_of(a_request(**({"form": "f"} | changes))) != kind_of(a_request(form="f"))


def test_what_has_no_form_is_like_nothing() -> None:
    """Wishes are read one by one, and so is what an older version kept."""
    assert kind_of(a_request(id="req_1")) != kind_of(a_request(id="req_2"))
    wish = AccessWish(("email",), (), (), 60)
    assert kind_of(a_request(id="req_1", form="f", wish=wish)) != kind_of(a_request(id="req_2", form="f", wish=wish))


def test_people_are_read_first() -> None:
    """However many others there are, and whenever they asked; each group in the order in which it came."""
    loop = [a_request(id=f"req_{number}", form="f") for number in range(50)]
    hers = a_request(id="req_hers", form="g", actor_ids=())
    groups = grouped([*loop, hers, a_request(id="req_last", form="f")], _itself, lambda request: not request.actor_ids)
    assert [(group[0].id, len(group)) for group in groups] == [("req_hers", 1), ("req_0", 51)]


def _itself(request: ApprovalRequest) -> ApprovalRequest:
    return request
