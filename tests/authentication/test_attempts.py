"""Guessing is slow, whoever is guessed at gets in from elsewhere, and nothing grows without a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.authentication import attempts as module
from doorward.authentication.attempts import AT_THE_PORT, Allowed, Attempts, Rate, source_of
from doorward.errors import TooManyAttempts

SECOND_US = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now_us = 1_000 * SECOND_US

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tries(attempts: Attempts, address: str, name: str, times: int) -> int:
    """How many of so many failures are let through."""
    let_through = 0
    for _ in range(times):
        try:
            attempts.check(address, name)
        except TooManyAttempts:
            continue
        attempts.failed(address, name)
        let_through += 1
    return let_through


def test_a_source_has_ten_failures_for_a_name_and_then_one_in_six_seconds(clock: Clock) -> None:
    """Whatever it tries in between does not count against it."""
    attempts = Attempts(clock)
    assert tries(attempts, "192.0.2.1", "alice", 100) == 10
    clock.now_us += 6 * SECOND_US
    assert tries(attempts, "192.0.2.1", "alice", 100) == 1
    assert tries(attempts, "192.0.2.1", "bob", 100) == 10
    clock.now_us += 60 * SECOND_US
    assert tries(attempts, "192.0.2.1", "alice", 100) == 10


def test_one_password_for_many_names_is_slow_too(clock: Clock) -> None:
    """By source."""
    attempts = Attempts(clock)
    assert sum(tries(attempts, "192.0.2.1", f"name{number}", 1) for number in range(200)) == 50
    assert tries(attempts, "192.0.2.2", "name1", 1) == 1


def test_whoever_is_guessed_at_from_everywhere_comes_in_from_a_place_of_their_own(clock: Clock) -> None:
    """The guessers have one guess a minute each; a place that did not fail lately is not asked to wait."""
    attempts = Attempts(clock)
    guessers = [f"198.51.100.{number}" for number in range(200)]
    assert sum(tries(attempts, guesser, "alice", 5) for guesser in guessers) < 30 + 200
    attempts.check("192.0.2.1", "alice")
    attempts.succeeded("192.0.2.1", "alice")
    attempts.check("192.0.2.1", "alice")
    for minute in range(3):
        clock.now_us += 61 * SECOND_US
        assert sum(tries(attempts, guesser, "alice", 5) for guesser in guessers) <= 200 + 5, (
            minute
        )  # and what ran out of the name in a minute
        attempts.check("192.0.2.1", "alice")


def test_somebody_who_mistypes_while_they_are_guessed_at_waits_a_minute(clock: Clock) -> None:
    """And no longer."""
    attempts = Attempts(clock)
    for number in range(40):
        tries(attempts, f"198.51.100.{number}", "alice", 1)
    assert tries(attempts, "192.0.2.1", "alice", 2) == 1
    clock.now_us += 60 * SECOND_US
    attempts.check("192.0.2.1", "alice")


def test_one_good_name_buys_no_guesses_at_others(clock: Clock) -> None:
    """Signing in as oneself in between takes nothing off what one failed for others."""
    attempts = Attempts(clock)
    for _ in range(50):
        tries(attempts, "192.0.2.1", "victim", 1)
        attempts.succeeded("192.0.2.1", "mallory")
    with pytest.raises(TooManyAttempts):
        attempts.check("192.0.2.1", "victim")


def test_what_was_counted_before_it_was_judged_is_taken_back(clock: Clock) -> None:
    """For proofs that take long to judge: many at a time must not slip through."""
    attempts = Attempts(clock)
    for _ in range(100):
        attempts.check("192.0.2.1", "alice")
        attempts.failed("192.0.2.1", "alice")
        attempts.take_back("192.0.2.1", "alice")
    assert tries(attempts, "192.0.2.1", "alice", 100) == 10


def test_a_clock_that_goes_back_lets_nobody_through(clock: Clock) -> None:
    """Nor locks anybody out for longer than a rate's time after."""
    attempts = Attempts(clock)
    tries(attempts, "192.0.2.1", "alice", 10)
    clock.now_us -= 900 * SECOND_US
    with pytest.raises(TooManyAttempts):
        attempts.check("192.0.2.1", "alice")
    attempts.check("192.0.2.2", "alice")


def test_memory_is_bounded_and_a_flood_of_names_pushes_none_out(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names share a fixed number of places; of sources the ones that failed longest ago are forgotten."""
    monkeypatch.setattr(module, "SOURCES", 100)
    attempts = Attempts(clock)
    for number in range(40):
        tries(attempts, f"198.51.100.{number}", "alice", 1)
    for number in range(20_000):
        attempts.failed(f"2001:db8:{number:x}::1", f"made-up-{number}")
    kept = (attempts._of_source._kept, attempts._of_both._kept, attempts._of_name._kept)
    assert [len(levels) <= most for levels, most in zip(kept, (100, 100, module.PLACES), strict=True)] == [True] * 3
    assert tries(attempts, "192.0.2.1", "alice", 2) == 1  # still known to be guessed at


def test_the_port_is_more_patient() -> None:
    """Programs come often, and what they show can't be guessed."""
    assert AT_THE_PORT.of_source_and_name.most > Allowed().of_source_and_name.most


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "192.0.2.1", False),
    ],
)
def test_a_source_is_an_address_or_a_64(one: str, other: str, same: bool) -> None:
    """Whoever has one address of IPv6 has the rest of its /64."""
    assert (source_of(one) == source_of(other)) is same


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=200))
def test_never_more_than_the_rate(steps: list[tuple[int, int]]) -> None:
    """However failures are spread over time: at most what is allowed at once, and what ran out since."""
    clock = Clock()
    attempts = Attempts(clock, Allowed(Rate(3, 10), Rate(5, 10), Rate(1_000, 10)))
    began, let_through = clock.now_us, 0
    for name, seconds in steps:
        clock.now_us += seconds * SECOND_US
        let_through += tries(attempts, "192.0.2.1", f"name{name}", 1)
        assert let_through <= 5 + (clock.now_us - began) / SECOND_US * 5 / 10 + 1e-6


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_name_and_any_address_can_be_counted(address: str, name: str) -> None:
    """Names come from outside."""
    attempts = Attempts(Clock())
    attempts.check(address, name)
    attempts.failed(address, name)
    attempts.failed("", "\udcff")
