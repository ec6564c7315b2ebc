"""What making the tools does to the process that they are part of."""

from __future__ import annotations

import logging

import httpx

from doorward.mcp_server.callers import Caller
from doorward.mcp_server.desktop import RemoteKnowledge
from doorward.mcp_server.parking import Parking
from doorward.mcp_server.tools import Tools


def test_the_logging_of_the_process_stays_as_it_is() -> None:
    knowledge = RemoteKnowledge("http://127.0.0.1:1", httpx.AsyncClient())
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        Tools(knowledge, knowledge.gateway, lambda context: Caller("x", "y"), Parking()).server()
        assert root.handlers == []
        assert root.level == level
    finally:
        root.handlers[:] = handlers
