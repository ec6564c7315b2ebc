"""Splits a stream of typed messages into frames, for either direction (manual, "Message Formats").

Runs compiled or interpreted. A frame is a type byte, a length of four bytes that counts itself, and a body. Nothing is
copied until a whole frame is there, except frames that the owner lets through in parts.
"""

from __future__ import annotations

from doorward.errors import ProtocolViolation

try:
    import cython
except ModuleNotFoundError:  # pragma: no cover - depends on the installation
    from doorward import _cython as cython  # type: ignore[no-redef]

HEADER_BYTES = 5


def is_compiled() -> bool:
    """Whether this module runs as compiled code."""
    return bool(cython.compiled)


@cython.cclass
class FrameReader:
    """Takes chunks, gives frames one at a time.

    After ``next()`` returned True, *kind* is the type byte and ``buffer[start:end]`` the body. A frame longer than
    *limit* stops the reader with *oversize* set to its length: the owner calls ``skip()`` or ``pass_through()``, or ends.
    """

    buffer = cython.declare(bytes, visibility="readonly")
    kind = cython.declare(cython.int, visibility="readonly")
    start = cython.declare(cython.Py_ssize_t, visibility="readonly")
    end = cython.declare(cython.Py_ssize_t, visibility="readonly")
    position = cython.declare(cython.Py_ssize_t, visibility="readonly")
    oversize = cython.declare(cython.Py_ssize_t, visibility="readonly")
    limit = cython.declare(cython.Py_ssize_t, visibility="public")
    _size: cython.Py_ssize_t
    _needed: cython.Py_ssize_t
    _gathered: bytearray
    _skipping: cython.Py_ssize_t
    _passing: cython.Py_ssize_t

    def __init__(self, limit: cython.Py_ssize_t) -> None:
        self.buffer = b""
        self.kind = 0
        self.start = 0
        self.end = 0
        self.position = 0
        self.oversize = 0
        self.limit = limit
        self._size = 0
        self._needed = 0
        self._gathered = bytearray()
        self._skipping = 0
        self._passing = 0

    def feed(self, data: bytes) -> None:
        """Add a chunk. What is left of the chunk before is kept in front of it, joined only when a frame can complete."""
        size: cython.Py_ssize_t = len(data)
        if self._skipping:
            if size <= self._skipping:
                self._skipping -= size
                return
            data = data[self._skipping :]
            size = len(data)
            self._skipping = 0
        if self._needed:
            self._gathered += data
            if len(self._gathered) < self._needed:
                return
            self.buffer = bytes(self._gathered)
            self._gathered = bytearray()
            self._needed = 0
            self.position = 0
        elif self.position >= self._size:
            self.buffer = data
            self.position = 0
        else:
            self.buffer = self.buffer[self.position :] + data
            self.position = 0
        self._size = len(self.buffer)

    @property
    def waiting(self) -> int:
        """How many bytes are held that no frame was given for yet."""
        return len(self._gathered) + self._size - self.position

    @property
    def is_idle(self) -> bool:
        """Whether it stands between two frames with nothing at hand."""
        return not (self._needed or self._skipping or self._passing or self.oversize) and self.position >= self._size

    def next(self) -> bool:
        """Move to the next whole frame. False when more bytes are needed, or when *oversize* is set.

        Raises ProtocolViolation for a length that no message can have.
        """
        position: cython.Py_ssize_t = self.position
        available: cython.Py_ssize_t = self._size - position
        buffer: bytes = self.buffer
        length: cython.Py_ssize_t
        if self.oversize or self._passing or self._needed:
            return False
        if available < 5:
            return False
        # A sign bit makes the length negative here as it does for the server; both are refused.
        length = (
            (buffer[position + 1] << 24) | (buffer[position + 2] << 16) | (buffer[position + 3] << 8) | buffer[position + 4]
        )
        if length < 4 or length > 0x7FFFFFFF:
            raise ProtocolViolation("A message has an impossible length.")
        if available < length + 1:
            self.kind = buffer[position]
            if length > self.limit:
                self.oversize = length + 1
                return False
            if length + 1 > 65536:
                # A long frame is gathered aside: no quadratic copying, and no object for each small piece.
                self._gathered = bytearray(buffer[position:] if position else buffer)
                self._needed = length + 1
                self.buffer = b""
                self.position = 0
                self._size = 0
            return False
        if length > self.limit:
            self.kind = buffer[position]
            self.oversize = length + 1
            return False
        self.kind = buffer[position]
        self.start = position + 5
        self.end = position + 1 + length
        self.position = self.end
        return True

    def unread(self) -> None:
        """Step back to before the current frame; valid until the next ``feed()``."""
        self.position = self.start - 5

    def body(self) -> bytes:
        """The body of the current frame."""
        return self.buffer[self.start : self.end]

    def frame(self) -> bytes:
        """The current frame whole, header included."""
        return self.buffer[self.start - 5 : self.end]

    def run(self) -> int:
        """Extend the current frame over all whole frames of the same kind that follow at once; return how many.

        Afterwards ``buffer[start - 5 : end]`` holds all of them, headers included, and ``position`` is behind the last.
        """
        buffer: bytes = self.buffer
        size: cython.Py_ssize_t = self._size
        position: cython.Py_ssize_t = self.position
        kind: cython.int = self.kind
        length: cython.Py_ssize_t
        count: cython.int = 1
        while position + 5 <= size and buffer[position] == kind:
            length = (
                (buffer[position + 1] << 24) | (buffer[position + 2] << 16) | (buffer[position + 3] << 8) | buffer[position + 4]
            )
            if length < 4 or length > self.limit:
                break
            if position + 1 + length > size:
                break
            position += 1 + length
            count += 1
        self.end = position
        self.position = position
        return count

    def skip(self) -> None:
        """Drop the frame that *oversize* stopped at, as far as it is here and as it comes."""
        available: cython.Py_ssize_t = self._size - self.position
        wanted: cython.Py_ssize_t = self.oversize
        self.oversize = 0
        if wanted <= available:
            self.position += wanted
            return
        self._skipping = wanted - available
        self.position = self._size

    def pass_through(self) -> None:
        """Let the frame that *oversize* stopped at out in parts, by ``take()``."""
        self._passing = self.oversize
        self.oversize = 0

    @property
    def is_passing(self) -> bool:
        """Whether a frame is being let out in parts."""
        return self._passing > 0

    def take(self) -> bytes:
        """What is here of the frame being let out in parts; empty when nothing is."""
        available: cython.Py_ssize_t = self._size - self.position
        wanted: cython.Py_ssize_t = self._passing
        if wanted > available:
            wanted = available
        part: bytes = self.buffer[self.position : self.position + wanted]
        self.position += wanted
        self._passing -= wanted
        return part
