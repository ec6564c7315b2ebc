"""An approval covers exactly what was approved, in time, once."""

import pytest

from doorward.approvals.coverage import grant_from
from doorward.model.approval import Answer, Voice
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


def voices(*ids: str) -> tuple[Voice, ...]:
    return tuple(Voice(by_id, by_id, "fine", 1_500_000) for by_id in ids)


@pytest.mark.parametrize(
    ("quorum", "others", "is_enough"),
    [
        (1, (), True),
        (2, (), False),
        (2, ("prn_cat",), True),
        (2, ("prn_ben",), False),
        (2, ("prn_alice",), False),
        (2, ("prn_bot",), False),
        (3, ("prn_cat", "prn_cat"), False),
        (3, ("prn_cat", "prn_dan"), True),
        (0, (), True),
    ],
)
def test_so_many_different_people_must_agree(quorum: int, others: tuple[str, ...], is_enough: bool) -> None:
    """Nobody counts twice, and nobody in the chain that asks counts at all."""
    grant = grant_from(a_request(quorum=quorum), an_answer(others=voices(*others)))
    assert (grant is not None) is is_enough


@pytest.mark.parametrize("by_id", ["prn_alice", "prn_bot"])
def test_nobody_grants_their_own(by_id: str) -> None:
    """Also with others beside them."""
    assert grant_from(a_request(), an_answer(by_id=by_id, others=voices("prn_ben"))) is None
