"""The whole simulated quarter: forty people, a dozen agents, as many statements as one asks for, every violation planted.

Run it with ``make quarter``. It writes a real log, makes a pack of evidence of it, verifies that with its own verify.py on a
bare Python, and holds what was found against what was planted. Ends with 1 when they differ.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.evidence.packs import found_in, make_pack
from tests.evidence.quarter import Quarter, write_log


def main() -> int:
    """Make, check, compare, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=2_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for log and pack, which is kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doorward-quarter-") as scratch:
        directory = given.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        quarter = Quarter(given.statements)
        began = time.monotonic()
        entries = write_log(directory / "log", quarter.entries())
        print(f"{entries:,} entries written in {time.monotonic() - began:.0f} s", flush=True)
        began = time.monotonic()
        found, planted = found_in(make_pack(directory, quarter)), sorted(quarter.planted)
        print(f"pack made in {time.monotonic() - began:.0f} s", flush=True)
        checked = subprocess.run([sys.executable, "-I", "-S", str(directory / "pack" / "verify.py")], check=False)
        missed = [one for one in planted if one not in found]
        besides = [one for one in found if one not in planted]
        print(f"{len(planted)} planted, {len(found)} found, missed: {missed or 'none'}, besides: {besides or 'none'}")
        return 1 if missed or besides or checked.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
