"""Who may answer."""

import pytest

from doorward.approvals.eligibility import StandIn, asked_now, conflict_of_interest, not_asked, spoke_already, standing_in
from doorward.model.approval import Voice
from doorward.model.identity import Principal, PrincipalKind
from tests.approvals.requests import a_request


def a_principal(principal_id: str, kind: PrincipalKind = PrincipalKind.HUMAN, groups: tuple[str, ...] = ()) -> Principal:
    return Principal(principal_id, kind, principal_id.removeprefix("prn_"), groups)


def test_uninvolved_person_has_no_conflict() -> None:
    """Somebody else, human."""
    assert conflict_of_interest(a_principal("prn_ben"), a_request()) == ""


@pytest.mark.parametrize("actor_ids", [(), ("prn_bot",)])
def test_principal_never_answers_what_is_asked_in_their_name(actor_ids: tuple[str, ...]) -> None:
    """Neither their own request, nor their agent's."""
    assert conflict_of_interest(a_principal("prn_alice"), a_request(actor_ids=actor_ids))


@pytest.mark.parametrize("kind", [PrincipalKind.AGENT, PrincipalKind.SERVICE])
def test_only_people_answer(kind: PrincipalKind) -> None:
    """A machine's yes is nobody's yes."""
    assert conflict_of_interest(a_principal("prn_other", kind), a_request())


def test_actor_never_answers_its_own_request() -> None:
    """Even if the actor is a person."""
    assert conflict_of_interest(a_principal("prn_bot"), a_request())


def test_only_members_of_the_asked_group_are_asked() -> None:
    """And where no group is named, nobody is."""
    member = a_principal("prn_ben", groups=("approvers",))
    assert not_asked(member, a_request()) == ""
    assert not_asked(a_principal("prn_ben", groups=("admins",)), a_request())
    assert not_asked(a_principal("prn_ben", groups=("",)), a_request(approvers=""))


def test_several_groups_take_somebody_who_is_in_all_of_them() -> None:
    """One group's yes never stands in for another's."""
    request = a_request(approvers="dba+security")
    assert not_asked(a_principal("prn_ben", groups=("security", "dba")), request) == ""
    assert "'dba'" in not_asked(a_principal("prn_ben", groups=("security",)), request)


def test_whoever_is_on_call_answers_for_the_group() -> None:
    """For that group, and nobody else does by it."""
    on_call = (StandIn("approvers", "prn_ben", "prn_ada"),)
    ben, cat = a_principal("prn_ben", groups=("readers",)), a_principal("prn_cat")
    assert not_asked(standing_in(ben, a_request(), on_call), a_request()) == ""
    assert standing_in(ben, a_request(), on_call).groups == ("readers", "approvers")
    assert standing_in(cat, a_request(), on_call) == cat


@pytest.mark.parametrize("named_by", ["prn_alice", "prn_bot"])
def test_nobody_answers_for_who_named_them(named_by: str) -> None:
    """An answer by proxy is an answer to one's own request."""
    ben = a_principal("prn_ben")
    assert standing_in(ben, a_request(), (StandIn("approvers", "prn_ben", named_by),)) == ben


def test_another_group_is_asked_after_a_time() -> None:
    """The first one still is."""
    request = a_request(escalates_to="managers", escalates_us=60_000_000)
    assert asked_now(request, 59_999_999) == (request,)
    assert [asked.approvers for asked in asked_now(request, 60_000_000)] == ["approvers", "managers"]
    assert asked_now(a_request(), 60_000_000) == (a_request(),)


def test_nobody_says_yes_twice() -> None:
    """The second yes of one person is not that of a second person."""
    said = (Voice("prn_ben", "ben", "fine", 2),)
    assert spoke_already(a_principal("prn_ben"), said)
    assert not spoke_already(a_principal("prn_cat"), said)
