"""What the control process does as days go by."""

from __future__ import annotations

import asyncio
import logging

from doorward import telemetry
from doorward.control.office import Office
from doorward.errors import DoorwardError

POLL_SECONDS = 5.0


async def turn_days(office: Office) -> None:
    """Have each day's texts sealed with a key of their own, until cancelled."""
    while True:
        try:
            await office.turn_day()
        except DoorwardError as error:
            # The key of the day before serves on.
            telemetry.log("log.key.failed", level=logging.ERROR, error=str(error))
        await asyncio.sleep(POLL_SECONDS)
