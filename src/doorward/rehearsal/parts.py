"""A replay over the whole log, cut in parts that several processes work on."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import msgspec

from doorward.audit.reader import LogReader
from doorward.rehearsal.replaying import Plan, Replay, Replayed

PART = 20_000
# A log that is read in a second is not worth the start of a process.
ALONE = 40_000


class _Timed(msgspec.Struct):
    at_us: int


def first_since(reader: LogReader, since_us: int) -> int:
    """The index of the first entry at or after *since_us*; entries are in the order of time, as near as their clocks agree."""
    low, high = 0, reader.size() if since_us else 0
    decode = msgspec.json.Decoder(_Timed).decode
    while low < high:
        middle = (low + high) // 2
        (found,) = (payload for _index, payload in reader.entries(middle, middle + 1))
        if decode(found).at_us < since_us:
            low = middle + 1
        else:
            high = middle
    return low


def replay_log(plan: Plan, start: int, stop: int, processes: int, progress: Callable[[int], None]) -> Replayed:
    """Replay the entries from *start* to before *stop*. *progress* is told how many more were read. Raises PolicyInvalid."""
    ranges = [(at, min(at + PART, stop)) for at in range(start, stop, PART)]
    total = Replayed()
    if processes < 2 or stop - start <= ALONE:
        alone = Replay(plan)
        for at, end in ranges:
            total.add(alone.run(at, end))
            progress(end - at)
        return total
    Replay(plan)  # what is wrong with the rules is told from here
    # Not forked: the SQL parser's thread would be missing in the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare, initargs=(plan,)) as pool:
        for (at, end), part in zip(ranges, pool.map(_run, ranges), strict=True):
            total.add(part)
            progress(end - at)
    return total


_replays: list[Replay] = []


def _prepare(plan: Plan) -> None:
    _replays.append(Replay(plan))


def _run(part: tuple[int, int]) -> Replayed:
    return _replays[0].run(*part)
