"""Names and files that the kernel and a power cut are asked about."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from doorward.audit.files import socket_name


@pytest.mark.parametrize("length", [20, 90, 200])
def test_a_socket_has_a_name_however_deep_its_folder_is(tmp_path: Path, length: int) -> None:
    """Bound and connected to by it, and found at its path."""
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    path = folder / "gateway.sock"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        with socket_name(path) as name:
            listening.bind(name)
        listening.listen()
        assert path.is_socket()
        with socket_name(path) as name:
            client.connect(name)
        client.sendall(b"hello")
        served, _ = listening.accept()
        with served:
            assert served.recv(5) == b"hello"
