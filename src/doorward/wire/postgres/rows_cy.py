"""Rewrites runs of DataRow messages column by column (manual, "Message Formats": DataRow). Compiled or interpreted.

A plan is a list with one operation for each column. The body of every row is checked against the plan: a row with another
number of columns than described is refused, never passed.
"""

from __future__ import annotations

from doorward.errors import ProtocolViolation

try:
    import cython
except ModuleNotFoundError:  # pragma: no cover - depends on the installation
    from doorward import _cython as cython  # type: ignore[no-redef]

# Operations. What is not KEEP never lets more of a value through than its description says.
KEEP = 0
CONSTANT = 1  # every value becomes the constant; NULL stays NULL
CONSTANT_HIDING_NULL = 2  # NULL becomes the constant too
INITIAL = 3  # the first character, then the constant
EMAIL = 4  # the first character, then the constant; NULL stays
LAST_FOUR = 5  # letters and digits become "*" except the last four digits or letters; fewer than nine are all hidden
NULL = 6  # every value becomes NULL
SCAN = 7  # every value becomes what a function makes of the column's values in a run of rows


def is_compiled() -> bool:
    """Whether this module runs as compiled code."""
    return bool(cython.compiled)


@cython.cfunc
@cython.inline
def _is_alphanumeric(byte: cython.int) -> cython.bint:
    return (48 <= byte <= 57) or (65 <= byte <= 90) or (97 <= byte <= 122) or byte >= 128


@cython.cfunc
@cython.inline
def _continues(byte: cython.int) -> cython.bint:
    """Whether it is inside a UTF-8 character, not its start."""
    return 128 <= byte < 192


@cython.cfunc
def _last_four(value: bytes) -> bytes:
    """Hide all letters and digits but the last four; separators stay, so that the shape is known.

    Characters outside ASCII count as letters and are always hidden, one for one.
    """
    size: cython.Py_ssize_t = len(value)
    total: cython.Py_ssize_t = 0
    characters: cython.Py_ssize_t = 0
    index: cython.Py_ssize_t
    byte: cython.int
    for index in range(size):
        byte = value[index]
        if _continues(byte):
            continue
        characters += 1
        if _is_alphanumeric(byte):
            total += 1
    if total <= 8:
        return b"***"[: max(characters, 1)]
    hide: cython.Py_ssize_t = total - 4
    masked: bytearray = bytearray()
    for index in range(size):
        byte = value[index]
        if _continues(byte):
            continue
        if _is_alphanumeric(byte):
            if hide > 0 or byte >= 128:
                byte = 42
            hide -= 1
        masked.append(byte)
    return bytes(masked)


@cython.cfunc
def _first_character(value: bytes) -> bytes:
    """The first UTF-8 character; empty when it is none, or when there are not at least three besides blanks."""
    size: cython.Py_ssize_t = len(value)
    length: cython.Py_ssize_t = 0
    characters: cython.Py_ssize_t = 0
    index: cython.Py_ssize_t
    byte: cython.int
    for index in range(size):
        byte = value[index]
        if _continues(byte):
            if index == 0:
                return b""
            continue
        if index > 0 and length == 0:
            length = index
        # The blanks that fill a char(n) tell nothing, so they don't count.
        if byte > 32:
            characters += 1
        if characters == 3:
            break
    # A value of one or two characters would be told whole, or nearly so, by its first.
    if characters < 3 or length > 4:
        return b""
    return value[:length]


@cython.cfunc
@cython.inline
@cython.exceptval(-2, check=True)
def _length_at(buffer: bytes, position: cython.Py_ssize_t) -> cython.longlong:
    """The length of four bytes at *position*: -1 for NULL, else not negative.

    Raises ProtocolViolation for a length that no value can have.
    """
    length: cython.longlong = buffer[position]
    length = (length << 8) | buffer[position + 1]
    length = (length << 8) | buffer[position + 2]
    length = (length << 8) | buffer[position + 3]
    if length > 0x7FFFFFFF:
        if length != 0xFFFFFFFF:
            raise ProtocolViolation("A value has an impossible length.")
        return -1
    return length


@cython.cfunc
@cython.inline
def _end_of_row(
    buffer: bytes, position: cython.Py_ssize_t, end: cython.Py_ssize_t, columns: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Where the row that starts at *position* ends. Raises ProtocolViolation unless it is whole and has so many columns."""
    if position + 7 > end:
        raise ProtocolViolation("A row is cut short.")
    length: cython.longlong = _length_at(buffer, position + 1)
    if length < 6 or position + 1 + length > end:
        raise ProtocolViolation("A row is cut short.")
    if ((buffer[position + 5] << 8) | buffer[position + 6]) != columns:
        raise ProtocolViolation("A row has another number of columns than described.")
    return position + 1 + length


@cython.cfunc
def _values_of(
    buffer: bytes,
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    columns: cython.Py_ssize_t,
    wanted: cython.Py_ssize_t,
) -> list:
    """The values of one column in the DataRow frames of ``buffer[start:end]``, None for NULL.

    Raises ProtocolViolation when a row doesn't fit its frame or has another number of columns.
    """
    values: list = []
    position: cython.Py_ssize_t = start
    frame_end: cython.Py_ssize_t
    cursor: cython.Py_ssize_t
    column: cython.Py_ssize_t
    length: cython.longlong
    while position < end:
        frame_end = _end_of_row(buffer, position, end, columns)
        cursor = position + 7
        for column in range(wanted + 1):
            if cursor + 4 > frame_end:
                raise ProtocolViolation("A row is cut short.")
            length = _length_at(buffer, cursor)
            cursor += 4
            if length > frame_end - cursor:
                raise ProtocolViolation("A value is longer than its row.")
            if column == wanted:
                values.append(None if length < 0 else buffer[cursor : cursor + length])
            elif length > 0:
                cursor += length
        position = frame_end
    return values


def mask_rows(buffer: bytes, start: cython.Py_ssize_t, end: cython.Py_ssize_t, operations: list, constants: list) -> tuple:
    """Rewrite the DataRow frames in ``buffer[start:end]`` (headers included); return (new frames, number of rows).

    *operations* has one of the numbers above for each column, *constants* the replacement or an empty value: with its
    length of four bytes in front for CONSTANT and CONSTANT_HIDING_NULL, bare for INITIAL and EMAIL. For SCAN it is a function
    from the values of a column, None for NULL, to as many others; and the positions of other columns whose values it is given
    besides.
    Raises ProtocolViolation when a row doesn't fit its frame or the plan.
    """
    output: bytearray = bytearray()
    columns: cython.Py_ssize_t = len(operations)
    position: cython.Py_ssize_t = start
    written: cython.Py_ssize_t = 0
    rows: cython.Py_ssize_t = 0
    frame_end: cython.Py_ssize_t
    cursor: cython.Py_ssize_t
    after: cython.Py_ssize_t
    kept_from: cython.Py_ssize_t
    column: cython.Py_ssize_t
    length: cython.longlong
    replaced: bytes | None
    operation: cython.int
    scanned: dict = {}
    if start < 0 or end > len(buffer):
        raise ProtocolViolation("A run of rows is longer than its buffer.")
    for column in range(columns):
        if operations[column] == 7:
            function, telling = constants[column]
            values = _values_of(buffer, start, end, columns, column)
            others = [_values_of(buffer, start, end, columns, other) for other in telling]
            replacements = function(values, *others)
            if len(replacements) != len(values):
                raise ProtocolViolation("A scan lost or made up values.")
            scanned[column] = replacements
    while position < end:
        frame_end = _end_of_row(buffer, position, end, columns)
        cursor = position + 7
        kept_from = position
        for column in range(columns):
            if cursor + 4 > frame_end:
                raise ProtocolViolation("A row is cut short.")
            length = _length_at(buffer, cursor)
            after = cursor + 4 + (length if length > 0 else 0)
            if after > frame_end:
                raise ProtocolViolation("A value is longer than its row.")
            operation = operations[column]
            if operation != 0:
                output += buffer[kept_from:cursor]
                if operation == 2 or (operation == 1 and length >= 0):
                    output += constants[column]
                else:
                    if operation == 7:
                        replaced = scanned[column][rows]
                    elif operation == 6 or length < 0:
                        replaced = None
                    elif operation == 5:
                        replaced = _last_four(buffer[cursor + 4 : after])
                    else:
                        replaced = _first_character(buffer[cursor + 4 : after]) + constants[column]
                    length = 0xFFFFFFFF if replaced is None else len(replaced)
                    output.append((length >> 24) & 255)
                    output.append((length >> 16) & 255)
                    output.append((length >> 8) & 255)
                    output.append(length & 255)
                    if replaced is not None:
                        output += replaced
                kept_from = after
            cursor = after
        if cursor != frame_end:
            raise ProtocolViolation("A row is longer than its values.")
        output += buffer[kept_from:frame_end]
        # The frame's own length, now that it is known.
        length = len(output) - written - 1
        output[written + 1] = (length >> 24) & 255
        output[written + 2] = (length >> 16) & 255
        output[written + 3] = (length >> 8) & 255
        output[written + 4] = length & 255
        written = len(output)
        position = frame_end
        rows += 1
    return bytes(output), rows
