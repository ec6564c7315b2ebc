"""The control side of the link, with a gateway that speaks the real protocol over a real socket."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from doorward.control.gateway_link import GatewayLink
from doorward.errors import AuditUnavailable
from doorward.model import link
from doorward.model.approval import ApprovalRequest
from doorward.model.entry import ServiceStopped
from tests.control.gateway import FakeGateway, MemoryLog
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio


async def test_gateway_is_configured_as_it_connects(scene: Scene) -> None:
    """Nothing is decided before that."""
    configured = await scene.gateway.hears(link.Configured)
    assert [upstream.name for upstream in configured.upstreams] == ["shop"]
    assert configured.policy_version == "p1"


async def test_socket_is_its_owners_alone(scene: Scene) -> None:
    """Whoever may open it decides who gets in."""
    assert scene.socket.stat().st_mode & 0o777 == 0o600


async def test_entry_is_durable_at_the_index_given(scene: Scene) -> None:
    """append() returns what the gateway said."""
    before = scene.log.size()
    assert await scene.link.append(ServiceStopped(at_us=1)) == before
    assert b"service.stopped" in scene.log.raw[before]


async def test_entry_that_the_gateway_cannot_write_is_an_error(scene: Scene) -> None:
    """And the error says why."""
    scene.gateway.append_error = "disk full"
    with pytest.raises(AuditUnavailable, match="disk full"):
        await scene.link.append(ServiceStopped(at_us=1))


async def test_entry_without_a_gateway_is_an_error(scene: Scene) -> None:
    """Nobody is there to write."""
    await scene.gateway.close()
    await until(lambda: not scene.link.is_connected)
    with pytest.raises(AuditUnavailable, match="No gateway"):
        await scene.link.append(ServiceStopped(at_us=1))


async def test_silent_gateway_is_an_error_after_a_while(scene: Scene) -> None:
    """One second in tests."""
    scene.gateway.is_silent = True
    with pytest.raises(AuditUnavailable, match="in time"):
        await scene.link.append(ServiceStopped(at_us=1))


async def test_gateway_that_leaves_fails_the_entry_at_once(scene: Scene) -> None:
    """No need to wait for the time to run out."""
    scene.gateway.is_silent = True
    waiting = asyncio.create_task(scene.link.append(ServiceStopped(at_us=1)))
    await scene.gateway.hears(link.Append, lambda message: b"stopped" in message.entry)
    await scene.gateway.close()
    with pytest.raises(AuditUnavailable):
        await asyncio.wait_for(waiting, 0.5)


@pytest.mark.parametrize("line", [b"not json\n", b'{"type":"Unheard"}\n', b'{"type":"Lookup"}\n', b"\n"])
async def test_line_that_makes_no_sense_ends_the_connection(scene: Scene, line: bytes) -> None:
    """The other end is ours: what it can't have said is not guessed at."""
    await scene.gateway.say_raw(line)
    await scene.gateway.until_lost()
    await until(lambda: not scene.link.is_connected)


async def test_answers_go_to_all_gateways_and_entries_to_the_last(scene: Scene) -> None:
    """One log is written by one gateway; revocations must reach every session."""
    second = FakeGateway(scene.log)
    await second.connect(scene.socket)
    await scene.link.append(ServiceStopped(at_us=7))
    await scene.link.revoke(principal_id="prn_x", reason="test")
    assert (await second.hears(link.Append)).entry.count(b"service.stopped") == 1
    for gateway in (scene.gateway, second):
        assert (await gateway.hears(link.Revoked)).principal_id == "prn_x"
    assert not any(isinstance(m, link.Append) and b"service.stopped" in m.entry for m in scene.gateway.heard)
    await second.close()


async def test_entries_go_to_another_gateway_than_the_one_that_owes_an_answer(scene: Scene) -> None:
    """The first entry is lost to its asker; the next is not."""
    second = FakeGateway(scene.log)
    await second.connect(scene.socket)
    second.is_silent = True
    with pytest.raises(AuditUnavailable, match="in time"):
        await scene.link.append(ServiceStopped(at_us=1))
    before = scene.log.size()
    assert await scene.link.append(ServiceStopped(at_us=2)) == before
    assert (await scene.gateway.hears(link.Append)).entry in scene.log.raw
    await second.close()


async def test_configure_and_drain_reach_the_gateway(scene: Scene) -> None:
    """Configured whole, each time."""
    before = sum(isinstance(message, link.Configured) for message in scene.gateway.heard)
    await scene.link.configure()
    await scene.link.drain(7)
    assert (await scene.gateway.hears(link.Drain)).seconds == 7
    assert sum(isinstance(message, link.Configured) for message in scene.gateway.heard) == before + 1


async def test_lookups_are_answered_with_their_own_id(scene: Scene) -> None:
    """Many may be under way."""
    for number, user in ((41, "alice"), (42, "report-bot")):
        await scene.gateway.say(link.Lookup(number, user, "shop"))
    assert (await scene.gateway.hears(link.Found, lambda found: found.id == 41)).actors == ()
    found = await scene.gateway.hears(link.Found, lambda found: found.id == 42)
    assert found.principal is not None
    assert (found.principal.name, found.actors[0].name) == ("alice", "report-bot")


async def test_cancel_goes_to_every_other_gateway(scene: Scene) -> None:
    """Not back to the one that does not know the key."""
    others = [FakeGateway(scene.log), FakeGateway(scene.log)]
    for other in others:
        await other.connect(scene.socket)
    await scene.gateway.say(link.CancelElsewhere(4711, b"\0key"))
    for other in others:
        assert await other.hears(link.Cancel) == link.Cancel(4711, b"\0key")
        await other.close()
    assert not any(isinstance(message, link.Cancel) for message in scene.gateway.heard)


async def test_gateway_that_does_not_listen_holds_up_nobody_and_is_cut_off(tmp_path: Path) -> None:
    """It may have missed a revocation; which one it is, is told."""
    stuck: list[int] = []
    policies: dict[str, str] = {}
    path = tmp_path / "link"
    side = GatewayLink(path, lambda: link.Configured((), policies, "p1", {}, ""), tell_timeout_seconds=0.3, stuck=stuck.append)
    await side.start(Silent())
    listening = FakeGateway(MemoryLog())
    await listening.connect(path)
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 10)
    writer.write(link.encode(link.Hello(3)) + b"\n")
    await until(lambda: len(side._gateways) == 2 and any(g.worker == 3 for g in side._gateways.values()))
    policies["long.cedar"] = "x" * (4 << 20)
    begun = asyncio.get_running_loop().time()
    telling = asyncio.create_task(side.configure())
    await side.revoke(principal_id="prn_x")
    await telling
    assert (await listening.hears(link.Revoked)).principal_id == "prn_x"
    assert asyncio.get_running_loop().time() - begun < 2
    assert set(stuck) == {3}
    await until(lambda: len(side._gateways) == 1)
    with contextlib.suppress(OSError):
        while await reader.read(1 << 16):
            pass  # what came before may be read, and then it is over
    writer.close()
    await listening.close()
    await side.close()


class Silent:
    """Hears gateways and does nothing."""

    def lookup(self, question: link.Lookup) -> link.Found:
        return link.Found(question.id, None)

    def asked(self, gateway: int, request: ApprovalRequest) -> None: ...

    def settled(self, request_id: str, state: str) -> None: ...

    def session_noted(self, gateway: int, note: link.SessionNote) -> None: ...

    def catalog_touched(self, upstream: str) -> None: ...

    def shadow_differed(self, before: str, after: str) -> None: ...

    def gateway_lost(self, gateway: int) -> None: ...
