"""An outbox: in order, tried again, bounded, and nobody's business but its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from doorward.model.notice import Notice
from doorward.notifying.outbox import LATEST_SECONDS, Outbox, read_outbox
from doorward.notifying.receivers import Receiver
from doorward.notifying.senders import sender_of
from tests.notifying.notices import NOW_US, a_notice, secret_file
from tests.shipping.conftest import Collector


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


@contextmanager
def running(outbox: Outbox) -> Iterator[None]:
    thread = threading.Thread(target=outbox.run)
    thread.start()
    try:
        yield
    finally:
        outbox.end()
        thread.join(20)
        assert not thread.is_alive()


def an_outbox(tmp_path: Path, url: str, *, most: int = 500, timeout_seconds: float = 10.0) -> Outbox:
    receiver = Receiver("itsm", "webhook", url, secret_file=secret_file(tmp_path), timeout_seconds=timeout_seconds)
    return Outbox(
        receiver, lambda: sender_of(receiver, "http://c.example"), lambda: NOW_US, tmp_path, first_pause_seconds=0.01, most=most
    )


def ids(collector: Collector) -> list[str]:
    return [headers["webhook-id"] for _path, headers, _body in collector.requests]


def numbered(number: int) -> Notice:
    return a_notice(id=f"ntc_{number}")


def test_what_failed_is_sent_again_in_order_with_the_same_id(collector: Collector, tmp_path: Path) -> None:
    """A receiver can tell a second try by the id. The state says what hindered, and that nothing does any more."""
    collector.answers = [(500, b""), (503, b""), (200, b"")]
    outbox = an_outbox(tmp_path, collector.url)
    with running(outbox):
        for number in range(3):
            outbox.offer(numbered(number))
        wait_for(lambda: read_outbox(tmp_path, "itsm").sent == 3)
    assert ids(collector) == ["ntc_0", "ntc_0", "ntc_0", "ntc_1", "ntc_2"]
    state = read_outbox(tmp_path, "itsm")
    assert (state.waiting, state.lost, state.failure) == (0, 0, "")


def test_pauses_grow_to_a_bound(collector: Collector, tmp_path: Path) -> None:
    """Doubled from the first on; a success begins anew."""
    collector.answers = [(500, b"")]
    outbox = an_outbox(tmp_path, collector.url)
    pauses = [outbox.step(numbered(0)) for _ in range(16)]
    assert pauses[:3] == [0.01, 0.02, 0.04]
    assert pauses[-1] == 60
    assert outbox.state.failure == "itsm answered with status 500."
    collector.answers = [(200, b"")]
    assert outbox.step(numbered(0)) == 0
    assert outbox.state.failure == ""


def test_what_is_refused_for_good_holds_up_nothing(collector: Collector, tmp_path: Path) -> None:
    """It is lost, and said to be; the next one arrives."""
    collector.answers = [(400, b""), (200, b"")]
    outbox = an_outbox(tmp_path, collector.url)
    with running(outbox):
        outbox.offer(numbered(0))
        outbox.offer(numbered(1))
        wait_for(lambda: read_outbox(tmp_path, "itsm").sent == 1)
    assert ids(collector) == ["ntc_0", "ntc_1"]
    assert read_outbox(tmp_path, "itsm").lost == 1


def test_of_too_many_the_oldest_goes(collector: Collector, tmp_path: Path) -> None:
    """Memory is bounded, however long a receiver is away."""
    outbox = an_outbox(tmp_path, collector.url, most=3)
    for number in range(10):
        outbox.offer(numbered(number))
    with running(outbox):
        wait_for(lambda: read_outbox(tmp_path, "itsm").sent == 3)
    assert ids(collector) == ["ntc_7", "ntc_8", "ntc_9"]
    assert read_outbox(tmp_path, "itsm").lost == 7


def test_what_comes_too_late_is_not_told(collector: Collector, tmp_path: Path) -> None:
    """A question whose time is over, and what happened an hour ago."""
    outbox = an_outbox(tmp_path, collector.url)
    late = NOW_US - LATEST_SECONDS * 1_000_000 - 1
    assert outbox.step(a_notice(expires_us=NOW_US)) == outbox.step(a_notice(at_us=late)) == 0
    assert (collector.requests, outbox.state.lost) == ([], 2)


def test_a_receiver_that_stalls_delays_no_offer_and_no_other(collector: Collector, tmp_path: Path) -> None:
    """Offering is never waiting."""
    collector.answers = [None]
    stalled = an_outbox(tmp_path, collector.url, most=10, timeout_seconds=0.5)
    other = Collector()
    try:
        free = an_outbox(tmp_path, other.url, most=10_000)
        with running(stalled), running(free):
            begun = time.monotonic()
            for number in range(500):
                stalled.offer(numbered(number))
                free.offer(numbered(number))
            assert time.monotonic() - begun < 5
            wait_for(lambda: len(other.requests) == 500)
            assert stalled.state.sent == 0
    finally:
        other.close()


def test_a_secret_that_comes_later_is_enough(collector: Collector, tmp_path: Path) -> None:
    """One that can't be had is told, and what waits goes on waiting."""
    receiver = Receiver("itsm", "webhook", collector.url, secret_file=str(tmp_path / "later"))
    outbox = Outbox(receiver, lambda: sender_of(receiver, ""), lambda: NOW_US, tmp_path)
    assert outbox.step(numbered(0)) > 0
    assert "can't be read" in outbox.state.failure
    (tmp_path / "later").write_text(Path(secret_file(tmp_path)).read_text())
    assert outbox.step(numbered(0)) == 0


def test_without_a_running_doorward_the_state_is_empty(tmp_path: Path) -> None:
    """Also when the file is broken."""
    assert read_outbox(tmp_path, "itsm").sent == 0
    (tmp_path / "itsm.json").write_text("{")
    assert read_outbox(tmp_path, "itsm").failure == ""
