"""An office with a gateway at the other end of its link, people in it, and a catalog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from doorward.audit.day_keys import DayKeys
from doorward.audit.wrapping import ensure_key, wrapping_from
from doorward.control.gateway_link import GatewayLink
from doorward.control.office import Address, Office
from doorward.control.operators import LOCAL, Operator
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.link import Configured
from doorward.model.notice import Notice
from doorward.model.upstream import Upstream
from doorward.store.database import SqlStore, open_store
from tests.control.gateway import Clock, FakeGateway, MemoryLog

SNAPSHOT = Snapshot(
    upstream="shop",
    epoch="e1",
    relations=(
        Relation(
            100,
            "public",
            "customers",
            RelationKind.TABLE,
            (
                Column(1, "id", "bigint", Label.NONE, ("a key",)),
                Column(2, "email", "text", Label.EMAIL, ("the name says so",)),
                Column(3, "notes", "text", Label.UNCLASSIFIED),
            ),
            1200,
        ),
        Relation(101, "public", "orders", RelationKind.TABLE, (Column(1, "total", "numeric", Label.NONE),)),
        Relation(1, "pg_catalog", "pg_class", RelationKind.TABLE, (Column(1, "oid", "oid", Label.NONE),), is_system=True),
    ),
)


@dataclass
class Scene:
    """Everything a test of the control side needs at hand."""

    office: Office
    gateway: FakeGateway
    link: GatewayLink
    store: SqlStore
    log: MemoryLog
    clock: Clock
    socket: Path

    def principal(self, name: str) -> Principal:
        return self.office.principals.good(name).principal

    def operator(self, name: str) -> Operator:
        return Operator(self.principal(name))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another task is about to do."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def log_keys_in(directory: Path) -> DayKeys:
    """Keys of the log of its own for a test."""
    ensure_key(directory / "wrapping.key", {})
    return DayKeys(directory / "days", lambda: wrapping_from(directory / "wrapping.key", {}))


async def open_scene(
    directory: Path, clock: Callable[[], int] | None = None, notify: Callable[[Notice], None] = lambda _notice: None
) -> Scene:
    """An office with alice (reader), report-bot for alice, ben (approver), ada (admin), eve (auditor)."""
    store = open_store(directory / "control.db")
    store.upstreams.put(Upstream("shop", "postgresql", "127.0.0.1", 5432, "shopdb", "doorward", "hush"))
    log = MemoryLog()
    ticking = Clock()
    socket = directory / "link"
    link = GatewayLink(socket, lambda: Configured(store.upstreams.all(), {}, "p1", {}, "http://127.0.0.1:8400"), 1.0)
    office = Office(
        store, link, log, Address("127.0.0.1", 6432), keys=log_keys_in(directory), now=clock or ticking, notify=notify
    )
    gateway = FakeGateway(log)
    await office.open()
    await gateway.connect(socket)
    for name, groups in (("alice", ("readers",)), ("ben", ("approvers",)), ("ada", ("admins",)), ("eve", ("auditors",))):
        await office.principals.add(LOCAL, PrincipalKind.HUMAN, name, groups)
    await office.principals.add(LOCAL, PrincipalKind.AGENT, "report-bot", acting_for="alice")
    await office.catalog.publish_snapshot(SNAPSHOT)
    return Scene(office, gateway, link, store, log, ticking, socket)


async def close_scene(scene: Scene) -> None:
    """End in the order that a process would."""
    await scene.office.close()
    await scene.gateway.close()
    scene.store.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = await open_scene(tmp_path)
    yield scene
    await close_scene(scene)
