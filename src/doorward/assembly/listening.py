"""The socket that the HTTP doors are behind."""

from __future__ import annotations

import socket

from doorward.errors import ConfigurationInvalid


def listen(host: str, port: int) -> socket.socket:
    """A socket that clients can connect to. Raises ConfigurationInvalid."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise ConfigurationInvalid(
            f"The console can't listen on {host}:{port}: {error.strerror}.", "Choose another port with --console-port."
        ) from None
    return sock
