"""Who may answer."""

import pytest

from doorward.approvals.eligibility import conflict_of_interest, not_asked
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
