"""Plays one entry on a stage, in one form of the protocol, and says what came of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.adversarial.client import Client, Event, bind, message_of, parse
from tests.adversarial.corpus import Entry, holds, leaks
from tests.adversarial.stage import Stage

# How statements that are plain strings are sent. Protocol steps are sent as they are.
FORMS = ("simple", "extended", "binary")


@dataclass(frozen=True)
class Outcome:
    """What became of one entry. *fault* is what leaked or ran, empty when the entry was stopped."""

    entry: Entry
    version: int
    form: str
    fault: str
    events: list[Event]


def play(entry: Entry, stage: Stage, form: str) -> Outcome:
    """Prepare, connect, send every statement, and judge what came back."""
    try:
        stage.prepare(entry.setup)
    except Exception as error:
        return Outcome(entry, stage.server.version, form, f"the set-up failed: {error}" if not entry.control else "", [])
    # What is true before the attack says nothing about it.
    was_true = bool(entry.check) and not entry.check.startswith("@") and stage.is_true(entry.check)
    client = stage.client(entry.principal, entry.startup)
    try:
        if client.sign_in():
            for step in entry.statements:
                if not client.is_open:
                    break
                _send(step, client, stage, form)
    finally:
        client.close()
    return Outcome(entry, stage.server.version, form, _fault(entry, stage, client.events, was_true), client.events)


def _fault(entry: Entry, stage: Stage, events: list[Event], was_true: bool) -> str:
    if entry.control:
        return ""
    if any(kind == "?" for kind, _ in events):
        return "no answer in time"
    if entry.kind == "leak":
        return leaks(entry, events)
    if entry.check.startswith("@"):
        return f"true: {entry.check}" if holds(entry.check[1:], events) else ""
    if not was_true and stage.is_true(entry.check):
        return f"true: {entry.check}"
    # A guardrail entry may show a secret besides.
    return leaks(entry, events)


def _send(step: Any, client: Client, stage: Stage, form: str) -> None:
    if isinstance(step, str):
        text = step.replace("{files}", str(stage.files))
        if form == "simple":
            client.query(text)
        else:
            client.extended(text, (), (1,) if form == "binary" else (), describe=form == "extended")
        return
    _STEPS[step["proto"]](step, client, stage)


def _extended(step: dict[str, Any], client: Client, stage: Stage) -> None:
    describe = bool(step.get("describe"))
    client.extended(step["sql"], step.get("params") or (), step.get("resfmt") or (), describe=describe)


def _parse(step: dict[str, Any], client: Client, stage: Stage) -> None:
    client.send(parse(step.get("name") or "", step["sql"]) + message_of(["S"]))
    client.receive(1)


def _bind_execute(step: dict[str, Any], client: Client, stage: Stage) -> None:
    portal, name = step.get("portal") or "", step.get("name") or step.get("stmt") or ""
    rows = step.get("maxrows") or 0
    batch = bind(portal, name, step.get("params") or (), step.get("resfmt") or ()) + message_of(["E", portal, rows])
    client.send(batch + message_of(["S"]))
    client.receive(1)


def _sequence(step: dict[str, Any], client: Client, stage: Stage) -> None:
    client.sequence(step["msgs"])


def _function_call(step: dict[str, Any], client: Client, stage: Stage) -> None:
    row = stage.admin.execute(step["oid_sql"].encode()).fetchone()
    assert row is not None
    client.function_call(int(row[0]), step.get("args") or (), step.get("resfmt") or 0)


def _bytes(step: dict[str, Any], client: Client, stage: Stage) -> None:
    client.query(bytes.fromhex(step["hex"]))


def _copy_in(step: dict[str, Any], client: Client, stage: Stage) -> None:
    client.copy_in(step["sql"], step.get("data") or "")


def _cancel_other(step: dict[str, Any], client: Client, stage: Stage) -> None:
    """Another session's statement runs; ours sends a cancel request with the number of its server process and every key."""
    row = stage.admin.execute(b"SELECT pg_backend_pid()").fetchone()
    assert row is not None
    other = stage.server.connect("postgres")
    process_id = other.info.backend_pid
    failed: list[Event] = []

    def sleep() -> None:
        try:
            other.execute("SELECT pg_sleep(0.5)")
        except Exception as error:
            failed.append(("E", {"M": str(error)}))

    thread = threading.Thread(target=sleep, name="the other session")
    thread.start()
    for key in (client.key[4:], b"\0\0\0\0", b"\x01" * 4):
        packet = (12 + len(key)).to_bytes(4, "big") + (80877102).to_bytes(4, "big") + process_id.to_bytes(4, "big") + key
        with socket.create_connection((client.host, client.port), 5) as canceller:
            canceller.sendall(packet)
            canceller.settimeout(2)
            canceller.recv(1)
    thread.join(10)
    other.close()
    client.events.extend(failed)


# Steps beyond the format of users' files, for attacks that need a second party or a moment's wait.


def _admin(step: dict[str, Any], client: Client, stage: Stage) -> None:
    """The superuser, past Doorward, changes something; with *settle*, Doorward hears of it before the attack goes on."""
    stage.admin.execute(step["sql"].encode())
    if step.get("settle"):
        stage.read_catalog(anew=False)
        # Whatever the gateway was told it knows once it answers a sign-in, which travels behind it.
        probe = stage.client("alice")
        probe.sign_in()
        probe.close()


def _raw(step: dict[str, Any], client: Client, stage: Stage) -> None:
    client.send(bytes.fromhex(step["hex"]))
    client.receive(int(step.get("ready", 0)))


_STEPS: dict[str, Callable[[dict[str, Any], Client, Stage], None]] = {
    "extended": _extended,
    "parse": _parse,
    "bindexec": _bind_execute,
    "seq": _sequence,
    "fcall": _function_call,
    "bytes": _bytes,
    "copyin": _copy_in,
    "cancel_other": _cancel_other,
    "admin": _admin,
    "raw": _raw,
}
