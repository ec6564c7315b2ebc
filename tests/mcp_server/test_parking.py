"""Statements that wait belong to who sent them, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from doorward.errors import NoRoom, NotFound
from doorward.mcp_server.callers import Caller
from doorward.mcp_server.gateway_client import Asking, GatewayAddress, Question
from doorward.mcp_server.parking import MOST_PARKED_OF_ONE, Parking


def asking() -> Asking:
    return Asking(GatewayAddress("127.0.0.1", 1), Caller("report-bot", "x"), Question("shop", "SELECT 1"))


def test_nobody_gets_at_what_somebody_else_parked() -> None:
    async def talk() -> None:
        parking = Parking()
        number = parking.park(asking(), "report-bot", "")
        with pytest.raises(NotFound):
            parking.of(number, "other-bot")
        assert parking.of(number, "report-bot")
        parking.forget(number)
        with pytest.raises(NotFound):
            parking.of(number, "report-bot")

    asyncio.run(talk())


def test_what_nobody_asks_about_is_withdrawn() -> None:
    async def talk() -> None:
        parking = Parking(unasked_seconds=0.01)
        parking.park(asking(), "report-bot", "")
        async with asyncio.timeout(10):
            while len(parking):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    asyncio.run(talk())


def test_one_caller_leaves_room_for_others() -> None:
    async def talk() -> None:
        parking = Parking()
        for _ in range(MOST_PARKED_OF_ONE):
            parking.park(asking(), "report-bot", "s1")
        with pytest.raises(NoRoom):
            parking.park(asking(), "report-bot", "s1")
        parking.park(asking(), "other-bot", "s2")
        parking.client_left("s1")
        assert len(parking) == 1
        parking.close()
        assert len(parking) == 0

    asyncio.run(talk())
