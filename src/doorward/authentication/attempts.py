"""Failed sign-ins, counted by where they come from and whom they name, so that guessing is slow and nobody can be locked out.

What counts against somebody are their own source's failures. That many others guess at a name only takes from sources that
fail for it the patience that they would have had: whoever comes from elsewhere, with what is right, is let in at once.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from doorward.errors import TooManyAttempts

# Bounds on memory. Sources that failed longest ago are forgotten first.
SOURCES = 10_000
# Names share places, by a hash that nobody outside can foresee: guessing at made-up names pushes no name out.
PLACES = 4_096
# What is left to a source that fails for a name that is being guessed at: one failure in this time.
GUESSED_AT_SECONDS = 60
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many failures at once, and as many again in *seconds*, a little at a time."""

    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """Failures of one source for one name, of one source for any names, and for one name from all sources together.

    From *of_name* on a name is being guessed at.
    """

    of_source_and_name: Rate = Rate(10, 60)
    of_source: Rate = Rate(50, 60)
    of_name: Rate = Rate(30, 600)


# At the database's port many programs share an address and come often. What is shown there are 256 random bits or a signature.
AT_THE_PORT = Allowed(Rate(60, 60), Rate(300, 60), Rate(300, 600))


class Attempts:
    """Failures at one door. *now* is in microseconds. An empty name is nobody's: tokens name nobody before they are read."""

    def __init__(self, now: Callable[[], int], allowed: Allowed | None = None) -> None:
        self._allowed = allowed or Allowed()
        self._now = now
        self._key = secrets.token_bytes(16)
        self._of_source = _Levels(self._allowed.of_source, SOURCES)
        self._of_both = _Levels(self._allowed.of_source_and_name, SOURCES)
        self._of_name = _Levels(self._allowed.of_name, PLACES)

    def check(self, address: str, name: str = "") -> None:
        """Raise TooManyAttempts if *address* may not try *name* now."""
        now_us, source, place = self._now(), source_of(address), self._place(name)
        both = (source, place)
        is_slowed = self._of_source.is_full(source, now_us) or self._of_both.is_full(both, now_us)
        if not is_slowed and name and self._of_name.is_full(place, now_us):
            is_slowed = self._of_both.since_us(both, now_us) < GUESSED_AT_SECONDS * _SECOND_US
        if is_slowed:
            raise TooManyAttempts("Too many failed sign-ins from this address.", "Wait a minute.")

    def failed(self, address: str, name: str = "") -> None:
        """Count a failure."""
        now_us, source, place = self._now(), source_of(address), self._place(name)
        self._of_source.add(source, now_us)
        self._of_both.add((source, place), now_us)
        if name:
            self._of_name.add(place, now_us)

    def succeeded(self, address: str, name: str = "") -> None:
        """Forget what *address* failed for *name*. What it failed for others stays: one good name must not buy guesses."""
        self._of_both.forget((source_of(address), self._place(name)))

    def take_back(self, address: str, name: str = "") -> None:
        """Undo one ``failed``: what was counted before it was judged turned out to be no failure."""
        now_us, source, place = self._now(), source_of(address), self._place(name)
        self._of_source.add(source, now_us, -1)
        self._of_both.add((source, place), now_us, -1)
        if name:
            self._of_name.add(place, now_us, -1)

    def _place(self, name: str) -> int:
        named = hashlib.blake2b(name.encode(errors="surrogatepass"), key=self._key, digest_size=8).digest()
        return int.from_bytes(named) % PLACES


class _Levels:
    """Vessels by key that leak: each failure adds one, and in the rate's time as many run out as may be in it."""

    def __init__(self, rate: Rate, most_keys: int) -> None:
        self._rate = rate
        self._most_keys = most_keys
        self._kept: dict[Hashable, tuple[float, int]] = {}

    def is_full(self, key: Hashable, now_us: int) -> bool:
        """Whether there is no room for another."""
        return self._level(key, now_us) > self._rate.most - 1

    def since_us(self, key: Hashable, now_us: int) -> int:
        """How long ago the last one was added; very long for one that is not known."""
        level, at_us = self._kept.get(key, (0.0, 0))
        return max(0, now_us - at_us) if level > 0 else 1 << 62

    def add(self, key: Hashable, now_us: int, count: int = 1) -> None:
        level = max(0.0, self._level(key, now_us) + count)
        self._kept.pop(key, None)
        if level == 0:
            return
        if len(self._kept) >= self._most_keys:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = (min(level, float(self._rate.most)), now_us)

    def forget(self, key: Hashable) -> None:
        self._kept.pop(key, None)

    def _level(self, key: Hashable, now_us: int) -> float:
        level, at_us = self._kept.get(key, (0.0, now_us))
        leaked = max(0, now_us - at_us) * self._rate.most / (self._rate.seconds * _SECOND_US)
        return max(0.0, level - leaked)


def source_of(address: str) -> str:
    """What counts as one source: whoever has one address of IPv6 has the rest of its /64 too (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
