"""What the control process does to keep the log searchable: read along with it, behind everything else."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from doorward import telemetry
from doorward.assembly.signing import step_back
from doorward.audit.reader import LogReader
from doorward.control.projection.keeping import Keeper
from doorward.errors import DoorwardError

PAUSE_SECONDS = 0.5
# After what it could not do: a full disk, a log that was damaged.
RETRY_SECONDS = 10.0
# Below the signing: what is not indexed yet is searched by reading it.
NICENESS = 10


async def keep_index(folder: Path, reader: LogReader) -> None:
    """Keep the projection in *folder* up with the log, on a thread of its own, until cancelled."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "indexing", step_back, (NICENESS,)) as thread:
        keeper: Keeper | None = None
        try:
            while True:
                try:
                    if keeper is None:
                        keeper = await loop.run_in_executor(thread, lambda: Keeper(folder, reader))
                    pause = await loop.run_in_executor(thread, _step, keeper)
                except (DoorwardError, OSError, sqlite3.Error, ValueError) as error:
                    telemetry.log("index.failed", level=logging.WARNING, error=str(error))
                    pause = RETRY_SECONDS
                await asyncio.sleep(pause)
        finally:
            if keeper is not None:
                # On its own thread, after what that still does; a long statement of it is cut off.
                keeper.interrupt()
                thread.submit(keeper.close)


def _step(keeper: Keeper) -> float:
    """Take in some entries; how long to leave the processor to others before the next."""
    started = time.monotonic()
    return time.monotonic() - started if keeper.step() else PAUSE_SECONDS
