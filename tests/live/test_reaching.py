"""What is left of a client that goes away while it is let in: no socket, no task, no place taken."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from pathlib import Path

import pytest

from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def _open_files(shop: Shop) -> int:
    gateway = json.loads(shop.doorward.data.state.read_text())["gateway_pid"]
    return len(os.listdir(Path(f"/proc/{gateway}/fd")))


def test_clients_that_leave_while_they_are_let_in_leave_nothing(shop: Shop) -> None:
    """After a TLS request, in the middle of a TLS handshake, after a start-up packet, with a cancel request, with a reset."""
    startup = b"user\0alice\0database\0" + shop.doorward.database.encode() + b"\0\0"
    packets = [
        struct.pack(">II", 8, 80877103),
        struct.pack(">II", len(startup) + 8, 0x00030000) + startup,
        struct.pack(">IIII", 16, 80877102, 12345, 54321),
        struct.pack(">I", 40),
    ]
    with shop.doorward.connect() as connection:
        connection.execute("SELECT 1")
    before = shop.doorward.wait_for(lambda: _open_files(shop))
    for packet in packets * 5:
        for reset in (False, True):
            client = socket.create_connection(("127.0.0.1", shop.doorward.control.port), timeout=5)
            client.sendall(packet)
            if packet == packets[0]:
                assert client.recv(1) == b"S"
                client.sendall(b"\x16\x03\x01\x02\x00\x01")
            elif packet == packets[1]:
                assert client.recv(1) == b"R"
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
    time.sleep(0.2)
    shop.doorward.wait_for(lambda: _open_files(shop) <= before)
