"""The clock and the dice."""

from __future__ import annotations

import re
import time

from doorward.clock import new_id, now_us


def test_now_is_the_wall_clock_in_microseconds() -> None:
    """Between two readings of the system's own."""
    before = time.time_ns() // 1000
    now = now_us()
    assert before <= now <= time.time_ns() // 1000


def test_an_id_says_what_it_is_of_and_is_unlike_any_other() -> None:
    """96 random bits in hexadecimal behind the prefix; nothing in it that JSON or a URL would escape."""
    ids = {new_id("req") for _number in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(r"req_[0-9a-f]{24}", each) for each in ids)
