"""What the control process writes of itself: what it runs with, and what days and clocks bring."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256

from doorward import telemetry
from doorward.config import Settings
from doorward.control.office import Office
from doorward.errors import DoorwardError
from doorward.notifying.receivers import NOBODY_TOLD, NotifySettings
from doorward.shipping.destinations import Destination

POLL_SECONDS = 5.0


async def turn_days(office: Office, configuration: Mapping[str, str]) -> None:
    """Put *configuration* in the log; then have each day's texts sealed with a key of their own, until cancelled."""
    is_told = False
    while True:
        try:
            if not is_told:
                await office.taken_up(**configuration)
                is_told = True
            await office.turn_day()
        except DoorwardError as error:
            # The key of the day before serves on, and what is not recorded yet is tried again.
            telemetry.log("log.key.failed", level=logging.ERROR, error=str(error))
        await asyncio.sleep(POLL_SECONDS)


def configuration_of(
    settings: Settings,
    policy_version: str,
    detectors: Mapping[str, str],
    exports: Sequence[Destination] = (),
    told: NotifySettings = NOBODY_TOLD,
) -> dict[str, str]:
    """What a start runs with, without secrets: by it a reader of the log sees what changed from one start to the next."""
    upstream = settings.upstream
    return {
        "policy": policy_version,
        "detectors": sha256(repr(sorted(detectors.items())).encode()).hexdigest()[:16] if detectors else "",
        "upstream": f"{upstream.name} {upstream.engine}://{upstream.user}@{upstream.host}:{upstream.port}/{upstream.database}",
        "upstream_tls": upstream.tls,
        "mode": "observed" if upstream.observe else "protected",
        "client_tls": "offered" if settings.tls else "off",
        "durability": "strict" if settings.strict_durability else "by effect",
        "workers": str(settings.workers),
        "notified": ", ".join(f"{each.name} ({each.kind}, {each.statement})" for each in told.receiver),
        "answers_from": ", ".join(f"webhook {each.name} for {' '.join(each.people)}" for each in told.answerer),
        "exports": ", ".join(f"{each.name} ({each.kind}) to {each.to.partition(chr(63))[0]}" for each in exports),
    }
