"""An approval covers exactly what was approved, in time, once."""

import pytest

from doorward.approvals.coverage import grant_from
from doorward.model.approval import Answer
from tests.approvals.requests import a_request

REQUEST = a_request()


def an_answer(**changes: object) -> Answer:
    fields: dict[str, object] = {
        "request_id": REQUEST.id,
        "approved": True,
        "by_id": "prn_ben",
        "by_name": "ben",
        "reason": "",
        "at_us": 2_000_000,
    }
    return Answer(**(fields | changes))  # type: ignore[arg-type]


def test_yes_in_time_gives_a_grant_with_the_binding() -> None:
    """The grant carries what was approved and by whom."""
    grant = grant_from(REQUEST, an_answer())
    assert grant is not None
    assert (grant.binding, grant.by_id, grant.expires_us) == (REQUEST.binding, "prn_ben", REQUEST.expires_us)


@pytest.mark.parametrize("changes", [{"approved": False}, {"request_id": "req_2"}, {"at_us": REQUEST.expires_us}])
def test_rejection_stranger_and_late_answer_give_nothing(changes: dict[str, object]) -> None:
    """Only a yes, to this request, before it expired."""
    assert grant_from(REQUEST, an_answer(**changes)) is None


@pytest.mark.parametrize(
    ("binding", "now_us", "covered"),
    [
        (REQUEST.binding, 3_000_000, True),
        (REQUEST.binding, REQUEST.expires_us - 1, True),
        (REQUEST.binding, REQUEST.expires_us, False),
        ("c" * 64, 3_000_000, False),
        ("", 3_000_000, False),
    ],
)
def test_grant_covers_its_own_binding_until_it_expires(binding: str, now_us: int, covered: bool) -> None:
    """Another statement, parameter, identity or policy version has another binding."""
    grant = grant_from(REQUEST, an_answer())
    assert grant is not None
    assert grant.covers(binding, now_us) is covered


def test_empty_binding_is_covered_by_nothing() -> None:
    """A request without a binding can be approved, to no effect."""
    grant = grant_from(a_request(binding=""), an_answer())
    assert grant is not None
    assert not grant.covers("", 3_000_000)
