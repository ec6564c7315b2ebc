"""Writing files so that a power cut leaves either the old or the new one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put *content* at *path*, whole or not at all, the bytes on stable storage.

    The name is durable only after :func:`sync_directory` of its directory.
    """
    temporary = put_aside(path, content, mode, sync=True)
    os.replace(temporary, path)


def put_aside(path: Path, content: bytes, mode: int = 0o600, *, sync: bool) -> Path:
    """Write *content* to a temporary file beside *path* and return its path; nothing is left behind on failure."""
    # The process is in the name: two gateways may keep the same text at once.
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        write_all(descriptor, content, 0)
        if sync:
            os.fsync(descriptor)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return temporary


def write_all(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of *content* at *offset*, however many calls the kernel needs."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written


def sync_file(path: Path) -> None:
    """Put the bytes of the file at *path* on stable storage."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Put the names in *directory* on stable storage."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# unix(7): a socket's name has 108 bytes of room, its closing zero included.
_SOCKET_NAME_BYTES = 107


@contextlib.contextmanager
def socket_name(path: Path) -> Iterator[str]:
    """A name by which the kernel takes the socket at *path* while this is open, however long the path is (Linux)."""
    if len(os.fsencode(path)) <= _SOCKET_NAME_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def make_directory(directory: Path, mode: int = 0o700) -> None:
    """Make *directory* and what is missing above it, each name on stable storage."""
    if directory.is_dir():
        return
    make_directory(directory.parent, mode)
    directory.mkdir(mode=mode, exist_ok=True)
    sync_directory(directory.parent)
