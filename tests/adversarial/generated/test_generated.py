"""A little of the search on every run of the tests; ``make generate`` searches longer."""

from __future__ import annotations

import pytest

from tests.adversarial.generated.runner import Tally, play, playground
from tests.live.servers import Server

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def test_nothing_random_gets_through(postgres18: Server) -> None:
    """Neither through the whole of Doorward, nor by the steps that plan; and most of it is answered."""
    tally = Tally()
    with playground(postgres18) as ground:
        play(ground, 1, 60, tally)
        play(ground, 2, 180, tally, planned=True)
    assert tally.leaked == []
    assert tally.answered > tally.cases // 4


def test_the_oracle_tells_where_nothing_is_protected(postgres18: Server) -> None:
    """A search that could find nothing would prove nothing."""
    tally = Tally()
    with playground(postgres18, observe=True) as ground:
        play(ground, 1, 40, tally)
    assert len(tally.leaked) > tally.cases // 4
