"""Writes a pack of evidence: a folder that stands for itself, signed with the log's key."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doorward import __version__
from doorward.audit.checkpoint import Signer
from doorward.control.tables import as_csv, utc
from doorward.errors import ConfigurationInvalid
from doorward.evidence import verify
from doorward.evidence.frameworks import Criterion, framework
from doorward.evidence.populations import POPULATIONS, Population
from doorward.evidence.sampling import METHOD, sample, sample_size
from doorward.evidence.stories import Stories, write_story
from doorward.evidence.testing import Tested, Window, rows_of, run_controls
from doorward.evidence.workbook import Progress, Workbook, open_workbook

SIGNED_AS = "doorward evidence pack v1"
# Columns of a sampled row that are told beside its number.
COLUMNS_TOLD = 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row of a sample, and the file that tells its story."""

    number: int
    entry: int
    told: str
    file: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A population as it was found."""

    population: Population
    count: int
    first_entry: int | None
    last_entry: int | None
    file: str
    sample: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page of a pack tells."""

    framework: str
    criteria: tuple[Criterion, ...]
    window: Window
    made_by: str
    version: str
    origin: str
    entries: int
    root: str
    vkey: str
    seed: str
    method: str
    populations: dict[str, Counted]
    controls: dict[str, Tested]
    missing: int
    verifier_sha256: str


Render = Callable[[Report], str]


def write_pack(
    log: Path,
    signer: Signer,
    out: Path,
    window: Window,
    render: Render,
    *,
    framework_name: str = "soc2",
    seed: str = "",
    made_by: str = "operator",
    progress: Progress = lambda done, size: None,
) -> Report:
    """Verify *log*, test it for *window*, and write a pack to *out*, which must not exist or be empty.

    Raises LogDamaged when the log does not verify, ConfigurationInvalid when *out* can't be used. A pack that could not be
    finished has no signature.
    """
    title, criteria = framework(framework_name)
    _prepare(out)
    with (
        tempfile.TemporaryDirectory(prefix=".workbook-", dir=out.parent) as scratch,
        open_workbook(log, str(signer.vkey), Path(scratch), progress) as workbook,
    ):
        seed = seed or workbook.checkpoint.root.hex()
        populations = _write_populations(workbook, window, out, seed, made_by)
        controls = {tested.control.name: tested for tested in run_controls(workbook, window)}
        missing = workbook.connection.execute("SELECT count(*) FROM missing").fetchone()[0]
        checkpoint = workbook.checkpoint
    _write_controls(out, controls)
    verifier = Path(verify.__file__).read_bytes()
    report = Report(
        title,
        criteria,
        window,
        made_by,
        __version__,
        checkpoint.origin,
        checkpoint.size,
        checkpoint.root.hex(),
        str(signer.vkey),
        seed,
        METHOD,
        populations,
        controls,
        missing,
        hashlib.sha256(verifier).hexdigest(),
    )
    (out / "checkpoint").write_bytes(checkpoint.note)
    (out / "log.pub").write_text(f"{signer.vkey}\n", encoding="utf-8")
    (out / "verify.py").write_bytes(verifier)
    (out / "report.html").write_text(render(report), encoding="utf-8")
    _sign(out, signer, report)
    return report


def _prepare(out: Path) -> None:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise ConfigurationInvalid(f"{out} is not empty.", "Give a folder that does not exist yet: a pack is never mixed.")
    except OSError as error:
        raise ConfigurationInvalid(f"{out} can't be used: {error.strerror}.", "Give another folder with --out.") from None


def _write_populations(workbook: Workbook, window: Window, out: Path, seed: str, made_by: str) -> dict[str, Counted]:
    stories = Stories(workbook)
    (out / "populations").mkdir()
    (out / "samples").mkdir()
    missing = workbook.connection.execute("SELECT count(*) FROM missing").fetchone()[0]
    return {p.name: _write_population(workbook, window, out, seed, made_by, stories, p, missing) for p in POPULATIONS}


def _write_population(
    workbook: Workbook,
    window: Window,
    out: Path,
    seed: str,
    made_by: str,
    stories: Stories,
    population: Population,
    missing: int,
) -> Counted:
    columns, rows = rows_of(workbook, population.query, window)
    file = f"populations/{population.name}.csv"
    (out / file).write_text(as_csv(columns, rows), encoding="utf-8", newline="")
    drawn = []
    for number in sample(seed, population.name, rows):
        row = rows[number - 1]
        told = " · ".join(str(value) for value in row[2 : 2 + COLUMNS_TOLD] if value not in (None, ""))
        name = write_story(out / "samples" / population.name, number, stories.story(row[0]))
        drawn.append(Drawn(number, row[0], told, name))
    entries = [row[0] for row in rows]
    counted = Counted(population, len(rows), min(entries, default=None), max(entries, default=None), file, tuple(drawn))
    produced = {
        "name": population.name,
        "title": population.title,
        "source": f"the audit log {workbook.checkpoint.origin}, {workbook.checkpoint.size} entries, read whole and verified",
        "query": " ".join(population.query.split()),
        "parameters": window.settings(),
        "window": {"from": utc(window.from_us), "until": utc(window.until_us), "zone": "UTC"},
        "made_at": utc(window.now_us),
        "made_by": made_by,
        "tool": f"doorward {__version__}",
        "rows": counted.count,
        "first_entry": counted.first_entry,
        "last_entry": counted.last_entry,
        "gap_check": f"entries 0 to {workbook.checkpoint.size - 1} of the log were read; missing: {missing}",
    }
    (out / "populations" / f"{population.name}.json").write_text(_json(produced), encoding="utf-8")
    return counted


def _write_controls(out: Path, controls: dict[str, Tested]) -> None:
    told = [
        {
            "name": tested.control.name,
            "title": tested.control.title,
            "words": tested.words,
            "population": tested.control.population,
            "tested": tested.count,
            "result": tested.result,
            "exceptions": len(tested.exceptions),
            "query": " ".join(tested.control.exceptions.split()),
        }
        for tested in controls.values()
    ]
    (out / "controls.json").write_text(_json(told), encoding="utf-8")
    columns = ("control", "entry", "at_us", "about", "told")
    rows = [[getattr(finding, column) for column in columns] for tested in controls.values() for finding in tested.exceptions]
    (out / "exceptions.csv").write_text(as_csv(columns, rows), encoding="utf-8", newline="")


def _sign(out: Path, signer: Signer, report: Report) -> None:
    """Write the manifest of all files, and sign it; all of it on stable storage."""
    files = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        data = path.read_bytes()
        files[path.relative_to(out).as_posix()] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    manifest: dict[str, Any] = {
        "format": SIGNED_AS,
        "framework": report.framework,
        "made_at": utc(report.window.now_us),
        "made_by": report.made_by,
        "tool": f"doorward {report.version}",
        "window": {"from": utc(report.window.from_us), "until": utc(report.window.until_us)},
        "log": {"origin": report.origin, "entries": report.entries, "root": report.root},
        "seed": report.seed,
        "method": report.method,
        "populations": [
            {
                "name": counted.population.name,
                "file": counted.file,
                "count": counted.count,
                "first_entry": counted.first_entry,
                "last_entry": counted.last_entry,
                "sample_size": sample_size(counted.count),
                "stories": [[drawn.number, drawn.file] for drawn in counted.sample],
            }
            for counted in report.populations.values()
        ],
        "files": files,
    }
    data = _json(manifest).encode()
    (out / "manifest.json").write_bytes(data)
    (out / "manifest.sig").write_bytes(signer.vouch(SIGNED_AS, hashlib.sha256(data).hexdigest()))
    os.sync()


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
