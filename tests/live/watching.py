"""What a running gateway holds on to: files, memory, and by a hook of the tests also tasks and sessions."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.live.running import Running

# Python imports a module of this name when it starts: a gateway started under ``watchable`` answers a signal.
_HOOK = """
import asyncio, gc, json, os, signal

def tell(_number, _frame):
    gc.collect()
    objects = gc.get_objects()
    found = {
        "tasks": sorted(o.get_name() for o in objects if isinstance(o, asyncio.Task) and not o.done()),
        "sessions": sum(type(o).__name__ == "Session" for o in objects),
        "upstream_connections": sum(type(o).__name__ == "UpstreamConnection" for o in objects),
    }
    path = os.environ["DOORWARD_TEST_TELLS"] + "/%d" % os.getpid()
    with open(path + ".new", "w") as file:
        json.dump(found, file)
    os.rename(path + ".new", path)

signal.signal(signal.SIGUSR1, tell)
"""


@contextlib.contextmanager
def watchable() -> Iterator[Path]:
    """Whatever Python process is started inside tells what it holds when it gets SIGUSR1, in the folder that is given."""
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "DOORWARD_TEST_TELLS")}
    with tempfile.TemporaryDirectory(prefix="doorward-tells-") as folder:
        (Path(folder) / "sitecustomize.py").write_text(_HOOK)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, before["PYTHONPATH"])))
        os.environ["DOORWARD_TEST_TELLS"] = folder
        try:
            yield Path(folder)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@dataclass(frozen=True)
class Held:
    """Counts at one moment. *tasks* are the names of those that are not done."""

    files: int
    tasks: tuple[str, ...]
    sessions: int
    upstream_connections: int


@dataclass(frozen=True)
class Watch:
    """The gateway of a running Doorward, seen from outside; *tells* is the folder of ``watchable``."""

    running: Running
    tells: Path | None = None

    @property
    def process_id(self) -> int:
        """That of the gateway."""
        return int(json.loads(self.running.data.state.read_text())["gateway_pid"])

    def files(self) -> int:
        """How many descriptors it has open."""
        return len(os.listdir(f"/proc/{self.process_id}/fd"))

    def resident_kib(self) -> int:
        """Its memory now."""
        return self._status("VmRSS")

    def peak_kib(self) -> int:
        """Its memory at the worst since ``forget_peak``."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Begin anew (proc(5), clear_refs)."""
        Path(f"/proc/{self.process_id}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self.process_id}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name)))

    def held(self) -> Held:
        """Ask it; only for one that was started under ``watchable``."""
        assert self.tells is not None
        path = self.tells / str(self.process_id)
        path.unlink(missing_ok=True)
        os.kill(self.process_id, signal.SIGUSR1)
        self.running.wait_for(path.exists)
        told = json.loads(path.read_text())
        return Held(self.files(), tuple(told["tasks"]), told["sessions"], told["upstream_connections"])
