"""What a run measured: plain values that are saved as JSON and read again. No ratio is kept; see ``ratios``."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Measured(msgspec.Struct, frozen=True):
    """One target in one round. *cpu_us* is the relay's user and system time per operation, *beside_us* that of processes that
    work for it (Doorward's control process); both None where nothing relays.
    """

    value: float
    cpu_us: float | None = None
    beside_us: float | None = None


class CellResult(msgspec.Struct):
    """One row of the table: by target, one measurement a round; None for a round in which that target failed.

    *operation* is what CPU time is counted by. *versus* names the target that a regression is judged against. *is_steady* is
    False where the scheduler's mood weighs more than the relay, so that nothing is concluded from it.
    """

    name: str
    title: str
    group: str
    unit: str
    more_is_better: bool
    operation: str = "transaction"
    versus: str = "direct"
    is_steady: bool = True
    rounds: dict[str, list[Measured | None]] = {}

    def values(self, target: str) -> list[float | None]:
        """The measured values of *target* by round; empty if it was not measured."""
        return [None if got is None else got.value for got in self.rounds.get(target, [])]

    def cpu_us(self, target: str) -> list[float | None]:
        """The relay's CPU microseconds per operation, by round."""
        return [None if got is None else got.cpu_us for got in self.rounds.get(target, [])]

    def beside_us(self, target: str) -> list[float | None]:
        """The CPU microseconds per operation of what works for the relay, by round."""
        return [None if got is None else got.beside_us for got in self.rounds.get(target, [])]


class Run(msgspec.Struct):
    """One run of the bench. *about* says what it ran on and how; *skipped* and *failures* are sentences."""

    about: dict[str, str]
    cells: list[CellResult] = []
    skipped: dict[str, str] = {}
    failures: list[str] = []

    def cell(self, name: str) -> CellResult | None:
        """The row called *name*; None if it was not measured."""
        return next((cell for cell in self.cells if cell.name == name), None)

    def targets(self) -> list[str]:
        """All targets that were measured anywhere, in the order in which they first appear."""
        return list(dict.fromkeys(target for cell in self.cells for target in cell.rounds))


def save(run: Run, path: Path) -> None:
    """Write *run* as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")


def load(path: Path) -> Run:
    """Read a saved run. Raises OSError, or msgspec.ValidationError and DecodeError for what is none."""
    return msgspec.json.decode(path.read_bytes(), type=Run)
