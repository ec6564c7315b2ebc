"""What the control process does with the journals: takes up those that no gateway will, and has all of them signed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from doorward import telemetry
from doorward.audit.journal import journals
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.clock import now_us
from doorward.errors import DoorwardError
from doorward.model.entry import ServiceStopped
from doorward.proxy.taking_up import take_up

SEQUENCER_SECONDS = 0.25
# Statements come first where processors are short: what is in the journals is safe, and is signed a little later.
NICENESS = 5


def take_up_left_journals(directory: Path, workers: int, sequencer: Sequencer) -> None:
    """End what an earlier run left open in journals that none of the *workers* will take up, and sign what it left unsigned.

    Raises DoorwardError when a journal can't be taken up.
    """
    for journal in journals(directory):
        if journal >= workers:
            log = AuditLog.open(directory, journal=journal)
            try:
                left = log.recovery
                if left.in_flight or left.unanswered or left.torn_bytes:
                    take_up(log, now_us())
                    log.append(ServiceStopped(at_us=now_us()))
            finally:
                log.close()
    _sign(sequencer)


async def sign_until(last: asyncio.Event, sequencer: Sequencer) -> None:
    """Turn the journals into signed tiles, off the loop, some times a second, until *last*; and once more after it."""
    loop = asyncio.get_running_loop()
    is_last = False
    with ThreadPoolExecutor(1, "signing", step_back, (NICENESS,)) as thread:
        while not is_last:
            is_last = last.is_set()
            # Never cut short: the thread would go on with files that were closed under it.
            await loop.run_in_executor(thread, _sign, sequencer)
            if not is_last:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SEQUENCER_SECONDS):
                        await last.wait()


def step_back(niceness: int) -> None:
    """Lower the priority of the calling thread; on Linux a thread has one of its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def _sign(sequencer: Sequencer) -> None:
    """Sign what there is by now; what hinders it is told to the operator, and tried again."""
    try:
        sequencer.step()
    except DoorwardError as error:
        telemetry.log("sequencer.failed", level=logging.ERROR, error=str(error))
