"""The keys of one day, with which personal values in the log are sealed and opened."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


class SealingKey(msgspec.Struct, frozen=True):
    """What a gateway seals with. *public* can't open what it sealed; *salt* keys the digests of a day's texts."""

    id: str
    public: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class DayKey:
    """What opens what was sealed on a day, beside what it was sealed with."""

    sealing: SealingKey
    private: bytes = field(repr=False)
