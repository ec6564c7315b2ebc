"""One target in a process of its own: fuzzed by libFuzzer, or replayed from files without it.

``python -m tests.fuzz.one_target NAME FILE...`` replays; ``--fuzz`` hands all further arguments to libFuzzer.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

os.environ["DOORWARD_PURE"] = "1"  # coverage is seen in Python alone

from tests import interpreted

interpreted.install_if_asked()

from tests.fuzz.targets import TARGETS, Target  # noqa: E402 - interpreted first

# Everything that these targets drive; the rest of the program is no matter of coverage here.
DRIVEN = ("doorward.wire.", "doorward.masking.")


def main() -> None:
    """Run as the arguments say."""
    name, *rest = sys.argv[1:]
    target = TARGETS[name]
    if rest[:1] == ["--fuzz"]:
        _fuzz(target, rest[1:])
        return
    for path in rest:
        target.run(Path(path).read_bytes())
        print(f"{path}: nothing is wrong")


def _fuzz(target: Target, arguments: list[str]) -> None:
    import atheris

    for function in _functions():
        atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], *arguments], target.run)
    atheris.Fuzz()


def _functions() -> Iterator[Any]:
    """Every Python function of the modules that are driven."""
    for name, module in list(sys.modules.items()):
        if name.startswith(DRIVEN):
            yield from _functions_in(module, name)


def _functions_in(holder: ModuleType | type, module: str) -> Iterator[Any]:
    for member in list(vars(holder).values()):
        if isinstance(member, staticmethod | classmethod):
            member = member.__func__
        if isinstance(member, property):
            member = member.fget
        if isinstance(member, FunctionType) and member.__module__ == module:
            yield member
        elif inspect.isclass(member) and member.__module__ == module:
            yield from _functions_in(member, module)


if __name__ == "__main__":
    main()
