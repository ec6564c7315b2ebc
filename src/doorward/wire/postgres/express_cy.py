"""Reads whole cycles at once: a chunk that is one complete request, a chunk that is the complete reply to it.

Runs compiled or interpreted. Most traffic is a Query, or Bind, Describe, Execute, Sync in one chunk, answered in one chunk.
Here such chunks are recognised and taken apart in one pass; whatever is not exactly that is left to the exchange, message by
message. Nothing is decided here. Formats are the manual's ("Message Formats").
"""

from __future__ import annotations

try:
    import cython
except ModuleNotFoundError:  # pragma: no cover - depends on the installation
    from doorward import _cython as cython  # type: ignore[no-redef]

_NO_PARAMETERS: tuple[bytes | None, ...] = ()
_EXECUTE_TO_SYNC = b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\4"
_DESCRIBE_TO_SYNC = b"D\0\0\0\6P\0" + _EXECUTE_TO_SYNC


def is_compiled() -> bool:
    """Whether this module runs as compiled code."""
    return bool(cython.compiled)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _int32(buffer: bytes, position: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """An unsigned integer of four bytes; the caller knows that they are there."""
    first: cython.Py_ssize_t = buffer[position]  # or shifting it would reach a sign
    return (first << 24) | (buffer[position + 1] << 16) | (buffer[position + 2] << 8) | buffer[position + 3]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _end_of_frame(buffer: bytes, position: cython.Py_ssize_t, size: cython.Py_ssize_t, kind: cython.int) -> cython.Py_ssize_t:
    """Where the whole frame of *kind* that starts at *position* ends; 0 when there is none."""
    length: cython.Py_ssize_t
    if position + 5 > size or buffer[position] != kind:
        return 0
    length = _int32(buffer, position + 1)
    if length < 4 or length >= size - position:
        return 0
    return position + 1 + length


@cython.cclass
class Request:
    """A complete request. After ``read()`` returned True the rest says what it asks for.

    *text* is that of a Query or Parse, None for a Bind of what was prepared before under *statement*. The portal is always the
    unnamed one, and every row is asked for.
    """

    text = cython.declare(object, visibility="readonly")
    is_query = cython.declare(cython.bint, visibility="readonly")
    is_described = cython.declare(cython.bint, visibility="readonly")
    statement = cython.declare(bytes, visibility="readonly")
    parameters = cython.declare(tuple, visibility="readonly")
    result_format = cython.declare(cython.int, visibility="readonly")  # 0 or 1 for all columns
    bind_start = cython.declare(cython.Py_ssize_t, visibility="readonly")
    bind_end = cython.declare(cython.Py_ssize_t, visibility="readonly")

    def __init__(self) -> None:
        self.text = None
        self.is_query = False
        self.is_described = False
        self.statement = b""
        self.parameters = _NO_PARAMETERS
        self.result_format = 0
        self.bind_start = 0
        self.bind_end = 0

    def read(self, chunk: bytes) -> bool:
        """Whether *chunk* is, from its first byte to its last, one Query, or [Parse] Bind [Describe] Execute Sync."""
        size: cython.Py_ssize_t = len(chunk)
        end: cython.Py_ssize_t
        position: cython.Py_ssize_t = 0
        if size < 6:
            return False
        self.is_query = chunk[0] == 81
        if self.is_query:
            end = _end_of_frame(chunk, 0, size, 81)
            if end != size or chunk.find(b"\0", 5) != size - 1:
                return False
            self.text = chunk[5 : size - 1]
            self.is_described = False
            self.statement = b""
            self.parameters = _NO_PARAMETERS
            return True
        self.text = None
        if chunk[0] == 80:
            position = self._read_parse(chunk, size)
            if not position:
                return False
        self.bind_start = position
        end = _end_of_frame(chunk, position, size, 66)
        if not end or not self._read_bind(chunk, position + 5, end):
            return False
        self.bind_end = end
        if self.text is not None and self.statement:
            return False
        position = end
        self.is_described = False
        # Describe of the unnamed portal, Execute of it without a limit, Sync: always these very bytes.
        if size == position + 22 and chunk.endswith(_DESCRIBE_TO_SYNC):
            self.is_described = True
            return True
        return size == position + 15 and chunk.endswith(_EXECUTE_TO_SYNC)

    @cython.cfunc
    def _read_parse(self, chunk: bytes, size: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Where a Parse of the unnamed statement ends; 0 when there is none."""
        end: cython.Py_ssize_t = _end_of_frame(chunk, 0, size, 80)
        if end < 9 or chunk[5] != 0:
            return 0
        text_end: cython.Py_ssize_t = chunk.find(b"\0", 6, end)
        if text_end < 0 or text_end + 3 > end:
            return 0
        if end != text_end + 3 + 4 * ((chunk[text_end + 1] << 8) | chunk[text_end + 2]):
            return 0
        self.text = chunk[6:text_end]
        return end

    @cython.cfunc
    def _read_bind(self, chunk: bytes, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Take a Bind's body apart; False unless it is whole and of the unnamed portal, its results all in one format."""
        position: cython.Py_ssize_t
        count: cython.Py_ssize_t
        length: cython.Py_ssize_t
        _index: cython.Py_ssize_t
        name_end: cython.Py_ssize_t
        if start >= end or chunk[start] != 0:
            return False
        name_end = start + 1
        while name_end < end and chunk[name_end] != 0:
            name_end += 1
        if name_end >= end:
            return False
        self.statement = chunk[start + 1 : name_end]
        position = name_end + 1
        if position + 2 > end:
            return False
        position += 2 + 2 * ((chunk[position] << 8) | chunk[position + 1])
        if position + 2 > end:
            return False
        count = (chunk[position] << 8) | chunk[position + 1]
        position += 2
        values: list[bytes | None] = []
        for _index in range(count):
            if position + 4 > end:
                return False
            length = _int32(chunk, position)
            position += 4
            if length == 0xFFFFFFFF:
                values.append(None)
                continue
            if length > end - position:
                return False
            values.append(chunk[position : position + length])
            position += length
        self.parameters = tuple(values)
        if position + 2 > end:
            return False
        count = (chunk[position] << 8) | chunk[position + 1]
        position += 2
        self.result_format = 0
        if count > 1 or position + 2 * count != end:
            return False
        if count:
            self.result_format = (chunk[position] << 8) | chunk[position + 1]
        return True


@cython.cclass
class Reply:
    """A complete reply with rows. After ``read()`` returned True the rest says what it holds.

    *description* is the body of its RowDescription, None when there is none; rows are ``chunk[rows_start:rows_end]``.
    """

    description = cython.declare(object, visibility="readonly")
    rows_start = cython.declare(cython.Py_ssize_t, visibility="readonly")
    rows_end = cython.declare(cython.Py_ssize_t, visibility="readonly")
    rows = cython.declare(cython.Py_ssize_t, visibility="readonly")
    tag = cython.declare(bytes, visibility="readonly")
    status = cython.declare(bytes, visibility="readonly")

    def __init__(self) -> None:
        self.description = None
        self.rows_start = 0
        self.rows_end = 0
        self.rows = 0
        self.tag = b""
        self.status = b""

    def read(self, chunk: bytes, request: Request) -> bool:
        """Whether *chunk* is the whole of a good answer to *request*, and nothing else."""
        size: cython.Py_ssize_t = len(chunk)
        position: cython.Py_ssize_t = 0
        end: cython.Py_ssize_t
        rows: cython.Py_ssize_t = 0
        self.description = None
        if not request.is_query:
            if request.text is not None:
                if _end_of_frame(chunk, 0, size, 49) != 5:
                    return False
                position = 5
            if _end_of_frame(chunk, position, size, 50) != position + 5:
                return False
            position += 5
        if request.is_query or request.is_described:
            end = _end_of_frame(chunk, position, size, 84)
            if end:
                self.description = chunk[position + 5 : end]
                position = end
            elif request.is_described:
                if _end_of_frame(chunk, position, size, 110) != position + 5:
                    return False
                position += 5
        self.rows_start = position
        while True:
            end = _end_of_frame(chunk, position, size, 68)
            if not end:
                break
            rows += 1
            position = end
        self.rows_end = position
        self.rows = rows
        if rows and self.description is None and (request.is_query or request.is_described):
            return False
        end = _end_of_frame(chunk, position, size, 67)
        if not end or end - position < 7 or chunk[end - 1] != 0:
            return False
        self.tag = chunk[position + 5 : end - 1]
        if end + 6 != size or chunk[end] != 90 or _int32(chunk, end + 1) != 5 or b"\0" in self.tag:
            return False
        self.status = chunk[end + 5 : end + 6]
        return chunk[end + 5] == 73 or chunk[end + 5] == 84  # I or T
