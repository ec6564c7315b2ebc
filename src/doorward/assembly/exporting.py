"""What the control process does to send copies of the log: one thread a destination, behind everything else."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from doorward import telemetry
from doorward.assembly.signing import step_back
from doorward.audit.day_keys import opener
from doorward.audit.reader import LogReader
from doorward.audit.sealing import as_it_is
from doorward.clock import now_us
from doorward.config import DataDirectory
from doorward.shipping.destinations import Destination, read_destinations
from doorward.shipping.exporting import Export
from doorward.shipping.receivers import receiver_of

# Below the search index: whoever waits for a copy waits for another machine anyway.
NICENESS = 15
END_SECONDS = 1.0


@contextlib.contextmanager
def exporting(data: DataDirectory) -> Iterator[tuple[Destination, ...]]:
    """Keep the destinations of *data* up with the log meanwhile. One that stalls or lies keeps nobody else waiting.

    Raises ConfigurationInvalid for settings that can't be used.
    """
    destinations = read_destinations(data.export_settings)
    ending = threading.Event()
    # Daemons: one that waits for a receiver is left behind at the end. What it had in hand is sent again by the next.
    threads = [
        threading.Thread(target=_keep_up, args=(export_of(data, each), ending), name=f"export {each.name}", daemon=True)
        for each in destinations
    ]
    for thread in threads:
        thread.start()
    try:
        yield destinations
    finally:
        ending.set()
        for thread in threads:
            thread.join(END_SECONDS)


def _keep_up(export: Export, ending: threading.Event) -> None:
    step_back(NICENESS)
    was_failing = False
    while not ending.is_set():
        pause = export.step()
        is_failing = bool(export.cursor.failure)
        if is_failing and not was_failing:
            telemetry.log(
                "export.failed", level=logging.WARNING, destination=export.destination.name, error=export.cursor.failure
            )
        was_failing = is_failing
        if pause is not None:
            ending.wait(pause)
    export.close()


def export_of(data: DataDirectory, destination: Destination) -> Export:
    """The export of the log in *data* to *destination*."""
    readable = opener(data.day_keys, data.wrapping_key).readable if destination.values else as_it_is
    return Export(destination, data.export, LogReader(data.log), lambda: receiver_of(destination), readable, now_us)
