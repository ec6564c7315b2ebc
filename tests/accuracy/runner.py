"""``make accuracy``: precision, recall and F1 of everything that says what data is. A row of PARTS is one thing measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.accuracy import columns, databases, values

Say = Callable[[str], None]
Part = Callable[[argparse.Namespace, Say], bool]

PARTS: dict[str, Part] = {
    "columns": lambda _options, say: columns.run(say),
    "databases": lambda options, say: databases.run(say, options.databases, options.presidio),
    "values": lambda options, say: values.run(say, options.presidio),
}


def main(arguments: list[str]) -> int:
    """Run the parts that are asked for; 1 if a score is below its target."""
    parser = argparse.ArgumentParser(prog="make accuracy", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help=f"which to run: {', '.join(PARTS)}; all without a name")
    parser.add_argument("--databases", type=Path, help="a folder with SQL files of sample databases")
    parser.add_argument("--presidio", type=Path, help="an interpreter that has Presidio, to compare with")
    options = parser.parse_args(arguments)
    good = True
    for name in options.parts or PARTS:
        good = PARTS[name](options, print) and good
    print("\nall targets are met" if good else "\nA SCORE IS BELOW ITS TARGET")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
