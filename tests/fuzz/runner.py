"""Fuzzes every target for its share of the time, two at a time, and says how far it is (``make fuzz MINUTES=60``)."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SEEDS, BUILD = Path(__file__).parent / "seeds", ROOT / "build" / "fuzz"
AT_ONCE = 2
TELL_SECONDS = 10.0
# One input: how large, how long, how much memory until it counts as a finding.
LIMITS = ("-max_len=4096", "-timeout=20", "-rss_limit_mb=1024", "-detect_leaks=0")
PROGRESS = re.compile(r"#(\d+)\s.*cov: (\d+) .*corp: (\d+)/.*exec/s: (\d+)")


@dataclass
class Work:
    """One target that is being fuzzed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    file: IO[bytes]

    def progress(self) -> str:
        """How many runs, branches and inputs, by the engine's latest words."""
        found = PROGRESS.findall(self.log.read_text(errors="replace"))
        if not found:
            return f"{self.name}: starting"
        runs, branches, inputs, pace = found[-1]
        return f"{self.name}: {int(runs):,} runs, {branches} branches, {inputs} inputs, {pace}/s"


def start(name: str, seconds: int) -> Work:
    """Fuzz one target; what it found before and the seeds are where it begins."""
    folder = BUILD / name
    corpus, findings, seeds = folder / "corpus", folder / "findings", folder / "seeds"
    for made in (corpus, findings, seeds):
        made.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (seeds / f"made-{number}").write_bytes(seed)
    for recorded in sorted((SEEDS / name).glob("*")):
        shutil.copy(recorded, seeds / recorded.name)
    log = folder / "log"
    file = log.open("wb")
    command = [sys.executable, "-m", "tests.fuzz.one_target", name, "--fuzz", str(corpus), str(seeds)]
    command += [*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/"]
    return Work(name, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT), log, file)


def finding_of(work: Work) -> str:
    """What went wrong with a target that ended badly, and how to see it again; empty when nothing did."""
    work.file.close()
    if work.process.returncode == 0:
        return ""
    found = sorted((BUILD / work.name / "findings").iterdir(), key=lambda path: path.stat().st_mtime)
    lines = work.log.read_text(errors="replace").splitlines()
    start = max((number for number, line in enumerate(lines) if "Uncaught Python exception" in line), default=len(lines) - 15)
    told = "\n".join(lines[start : start + 40])
    again = f".venv/bin/python -m tests.fuzz.one_target {work.name} {found[-1].relative_to(ROOT)}" if found else "see its log"
    return f"--- {work.name} ({TARGETS[work.name].of})\n{told}\nreplay: {again}\n"


def fuzz(names: Sequence[str], minutes: float) -> list[str]:
    """Fuzz all of *names* within *minutes*; the findings."""
    seconds = max(int(minutes * 60 * AT_ONCE / max(len(names), AT_ONCE)), 5)
    waiting, working, findings = list(names), [], []
    started = told = time.monotonic()
    try:
        while waiting or working:
            while waiting and len(working) < AT_ONCE:
                working.append(start(waiting.pop(0), seconds))
            time.sleep(0.2)
            for work in [work for work in working if work.process.poll() is not None]:
                working.remove(work)
                finding = finding_of(work)
                print(f"{'FOUND' if finding else 'clean'}  {work.progress()}", flush=True)
                findings += [finding] if finding else []
            if working and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                left = f"{len(waiting)} to come" if waiting else "none to come"
                words = "; ".join(work.progress() for work in working)
                print(f"{(told - started) / 60:5.1f} min  {words}; {left}", flush=True)
    finally:
        for work in working:
            work.process.terminate()
            work.process.wait()
    return findings


def main() -> int:
    """The command line; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="for all targets together (default: 60)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(TARGETS)} (default: all)")
    given = parser.parse_args()
    unknown = set(given.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    findings = fuzz(given.targets or list(TARGETS), given.minutes)
    print("\n".join(findings) if findings else "Nothing was found.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
