"""Packs of evidence that were made from the console: one at a time, by a process of its own, each in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from doorward.errors import Conflict, InvalidRequest, NotFound

# What is made in the background leaves processors to statements.
NICENESS = 15
_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-to-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}")
_NOTE_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A pack on the shelf. *controls* are as ``controls.json`` has them; *manifest* is empty while it is being made."""

    name: str
    manifest: dict[str, Any]
    controls: tuple[dict[str, Any], ...]

    @property
    def days(self) -> str:
        """The first and the last day of the window."""
        until = datetime.fromisoformat(str(self.manifest["window"]["until"])) - timedelta(microseconds=1)
        return f"{str(self.manifest['window']['from'])[:10]} to {until.date()}"

    @property
    def exceptions(self) -> int:
        """How many exceptions all controls have together."""
        return sum(int(control["exceptions"]) for control in self.controls)


class Shelf:
    """The packs in *folder*, made from the data directory *data*."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._data = data
        self._folder = folder
        self._making: asyncio.Task[None] | None = None
        self.at_work = ""  # the pack that is being made
        self.trouble = ""  # why the last one could not be

    def kept(self) -> tuple[Kept, ...]:
        """The finished packs, the latest first."""
        if not self._folder.is_dir():
            return ()
        names = [path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]
        found = [self._read(name) for name in names if (self._folder / name / "manifest.sig").is_file()]
        return tuple(sorted(found, key=lambda one: str(one.manifest["made_at"]), reverse=True))

    def one(self, name: str) -> Kept:
        """One finished pack. Raises NotFound."""
        if not _NAME.fullmatch(name) or not (self._folder / name / "manifest.sig").is_file():
            raise NotFound("There is no such pack.", "See the list of packs.")
        return self._read(name)

    def file(self, name: str, path: str) -> Path:
        """A file of a pack, by its name in the manifest. Raises NotFound for any other."""
        if path not in (*self.one(name).manifest["files"], "manifest.json", "manifest.sig"):
            raise NotFound("There is no such file in the pack.")
        return self._folder / name / path

    def as_zip(self, name: str) -> Path:
        """The whole pack as one file, made when it is first asked for."""
        kept, path = self.one(name), self._folder / f"{name}.zip"
        if not path.exists():
            aside = path.with_suffix(".tmp")
            with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as packed:
                for file in (*kept.manifest["files"], "manifest.json", "manifest.sig"):
                    packed.write(self._folder / name / file, f"{name}/{file}")
            os.replace(aside, path)
        return path

    def start(self, since: str, until: str, unique: str) -> str:
        """Begin to make a pack of the days *since* to *until*; its name. Raises Conflict while another is being made."""
        if self._making is not None and not self._making.done():
            raise Conflict(f"{self.at_work} is being made.", "Wait until it is done.")
        name = f"{since}-to-{until}-{unique}"
        if not _NAME.fullmatch(name):
            raise InvalidRequest("These are no days.", "Write them like 2027-03-31.")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.at_work, self.trouble = name, ""
        self._making = asyncio.create_task(self._make(name, since, until), name="evidence")
        return name

    async def _make(self, name: str, since: str, until: str) -> None:
        out = self._folder / name
        command = [sys.executable, "-m", "doorward", "evidence", "--from", since, "--to", until]
        command += ["--out", str(out), "--data-dir", str(self._data), "--json"]
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "400"}
        try:
            made = await asyncio.create_subprocess_exec(
                *("nice", "-n", str(NICENESS), *command) if shutil.which("nice") else command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
            )
            try:
                _, told = await made.communicate()
            except asyncio.CancelledError:
                made.kill()
                await made.wait()
                raise
            if not (out / "manifest.sig").is_file():
                self.trouble = told.decode("utf-8", "replace").strip()[-_NOTE_LIMIT:] or "It ended without a word."
        except OSError as error:
            self.trouble = f"It could not be started: {error.strerror}."
        finally:
            self.at_work = ""
            if not (out / "manifest.sig").is_file():
                shutil.rmtree(out, ignore_errors=True)

    def _read(self, name: str) -> Kept:
        folder = self._folder / name
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        controls = json.loads((folder / "controls.json").read_text(encoding="utf-8"))
        return Kept(name, manifest, tuple(controls))

    async def close(self) -> None:
        """End what is being made."""
        if self._making is not None and not self._making.done():
            self._making.cancel()
            await asyncio.wait([self._making])
