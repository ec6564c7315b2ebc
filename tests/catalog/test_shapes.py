"""What sampled values say of a column, and how much that weighs against its name."""

from __future__ import annotations

import pytest

from doorward.catalog.shapes import FEWEST_VALUES, Vote, vote, weighed
from doorward.detectors.scanner import Scanner
from doorward.model.catalog import Finding, Label, applies_at_once

NOTHING = Finding(Label.NONE, 0.6, ("no rule speaks",))


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner()


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ([f"user{n}@example.org" for n in range(40)], Label.EMAIL),
        (["4111111111111111", "5500005555555559", "4012888888881881", "378282246310005"] * 5, Label.CARD),
        (["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606"] * 5, Label.BANK_ACCOUNT),
        ([f"192.0.2.{n}" for n in range(40)], Label.IP),
        ([f"jar {n}" for n in range(40)], Label.NONE),
        ([str(n) for n in range(1000, 1040)], Label.NONE),
        (["red", "green", "blue"] * 20, Label.NONE),
    ],
)
def test_values_vote_for_what_they_look_like(scanner: Scanner, values: list[str], label: Label) -> None:
    """Shapes with check digits or a structure of their own."""
    found = vote(values, "c1", scanner)
    assert found.label is label
    assert found.size == len(values)


def test_a_few_values_prove_nothing(scanner: Scanner) -> None:
    """Nor do none."""
    assert vote(["a@example.org"] * (FEWEST_VALUES - 1), "c", scanner).label is Label.NONE
    assert vote([], "c", scanner) == Vote(0)
    assert weighed(NOTHING, Vote(3, Label.EMAIL, 1.0)) == NOTHING


def test_a_name_that_says_nothing_is_overruled_by_nearly_all_values() -> None:
    """Nearly all: applied at once. Most: proposed."""
    all_of_them = weighed(NOTHING, Vote(50, Label.EMAIL, 1.0, matches=((Label.EMAIL, 50),)))
    assert all_of_them.label is Label.EMAIL
    assert applies_at_once(all_of_them.label, all_of_them.confidence)
    assert "50 of 50" in all_of_them.reasons[0]
    most = weighed(NOTHING, Vote(50, Label.EMAIL, 0.6, matches=((Label.EMAIL, 30),)))
    assert most.label is Label.EMAIL
    assert not applies_at_once(most.label, most.confidence)


def test_a_phone_by_its_shape_alone_is_only_proposed() -> None:
    """Digits may be anything."""
    found = weighed(NOTHING, Vote(50, Label.PHONE, 1.0, matches=((Label.PHONE, 50),)))
    assert found.label is Label.PHONE
    assert not applies_at_once(found.label, found.confidence)


def test_values_that_agree_make_a_finding_sure() -> None:
    """And say how many they were."""
    named = Finding(Label.EMAIL, 0.7, ("name says 'reply'",))
    sure = weighed(named, Vote(40, Label.EMAIL, 0.9, matches=((Label.EMAIL, 36),)))
    assert sure.confidence > 0.9
    assert sure.reasons == ("name says 'reply'", "36 of 40 sampled values look like email")


def test_values_never_clear_what_a_name_protects() -> None:
    """A large sample without one address for mail makes it less sure, and no more: the next row may have one."""
    named = Finding(Label.EMAIL, 0.97, ("name says 'email'",))
    doubted = weighed(named, Vote(200))
    assert doubted.label is Label.EMAIL
    assert doubted.confidence < named.confidence
    assert "none of 200" in doubted.reasons[-1]
    assert weighed(named, Vote(20)) == named
    assert weighed(Finding(Label.SECRET, 0.9, ("name",)), Vote(200)).label is Label.SECRET


def test_written_text_that_mentions_people_is_free_text(scanner: Scanner) -> None:
    """It is scanned, not masked whole."""
    notes = [f"Call {n} from reception, wants a letter to mail{n}@example.org before the week ends" for n in range(30)]
    found = weighed(NOTHING, vote(notes, "c2", scanner))
    assert found.label is Label.FREE_TEXT
    plain = [f"The jar number {n} was put upon the second shelf" for n in range(30)]
    assert weighed(NOTHING, vote(plain, "c2", scanner)).label is Label.NONE
