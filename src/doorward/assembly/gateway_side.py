"""The gateway as a process of its own, started and kept by the control process.

``python -m doorward.assembly.gateway_side`` reads its settings as JSON from standard input and writes one line of JSON
when it listens, or when it can't.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import resource
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

import uvloop

from doorward import telemetry
from doorward.clock import new_id, now_us
from doorward.errors import DoorwardError
from doorward.proxy.admission import Limits
from doorward.proxy.gateway import Gateway, GatewaySettings
from doorward.proxy.upstream_pool import PoolLimits

FAILED = 3


def settings_to_json(settings: GatewaySettings) -> str:
    """Settings for the way into the process."""
    return json.dumps(
        {
            "host": settings.host,
            "port": settings.port,
            "log_directory": str(settings.log_directory),
            "link_socket": str(settings.link_socket),
            "digest_key": settings.digest_key.hex(),
            "certificate": str(settings.certificate) if settings.certificate else None,
            "private_key": str(settings.private_key) if settings.private_key else None,
            "strict_durability": settings.strict_durability,
            "limits": asdict(settings.limits),
            "pool": asdict(settings.pool),
            "worker": settings.worker,
            "listeners": settings.listeners,
            "loads": settings.loads,
        }
    )


def settings_from_json(text: str) -> GatewaySettings:
    """The settings that :func:`settings_to_json` wrote."""
    given = json.loads(text)
    for name in ("log_directory", "link_socket", "certificate", "private_key"):
        given[name] = Path(given[name]) if given[name] else None
    given["digest_key"] = bytes.fromhex(given["digest_key"])
    given["limits"] = Limits(**given["limits"])
    given["pool"] = PoolLimits(**given["pool"])
    given["listeners"] = tuple(given["listeners"])
    return GatewaySettings(**given)


def say(**fields: object) -> None:
    """Write one line to whoever started this process."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def raise_open_files() -> int:
    """Let this process open as many files as it may; how many those are."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def bounded(settings: GatewaySettings, open_files: int) -> GatewaySettings:
    """*settings* with no more sessions than *open_files* leave room for, beside the upstream sessions that are kept."""
    limits = settings.limits.within(open_files - settings.pool.size)
    if limits != settings.limits:
        telemetry.log("limits.lowered", level=logging.WARNING, sessions=limits.sessions, open_files=open_files)
    return replace(settings, limits=limits)


async def serve(settings: GatewaySettings) -> None:
    """Run a gateway until it is told to stop."""
    gateway = Gateway(settings, new_id, now_us)
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, gateway.stop)
    running.add_signal_handler(signal.SIGHUP, gateway.reload_certificate)
    # What is loaded by now lives as long as the process: no use in looking through it for garbage.
    gc.collect()
    gc.freeze()
    await gateway.run(lambda port: say(ready=port))


def main() -> int:
    """Run the process; its exit code."""
    telemetry.configure()
    settings = bounded(settings_from_json(sys.stdin.read()), raise_open_files())
    try:
        uvloop.run(serve(settings))
    except DoorwardError as error:
        say(failed=error.message, remedy=error.remedy, code=error.code)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
