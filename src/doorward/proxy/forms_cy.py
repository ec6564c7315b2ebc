"""Records of the hot path, encoded once and filled in: the same bytes as encoding the entry anew, a tenth of the time.

A form is cut out of an encoded entry at its keys. A quote inside a JSON string is escaped, so the bytes of a key with its
quotes can't occur in any value before it. Compiled or interpreted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from doorward.audit.canonical import encode
from doorward.model.decision import Parameters
from doorward.model.entry import ColumnStamp, StatementIntent

try:
    import cython
except ModuleNotFoundError:  # pragma: no cover - depends on the installation
    from doorward import _cython as cython  # type: ignore[no-redef]

_json = msgspec.json.Encoder().encode
_sorted_json = msgspec.json.Encoder(order="sorted").encode

# Bind values that an entry tells of; what is beyond shows in the statement alone.
PARAMETERS_LIMIT = 200


def is_compiled() -> bool:
    """Whether this module runs as compiled code."""
    return bool(cython.compiled)


# How much of a value an entry keeps where policy lets it.
KEPT_BYTES = 200


def hashed(value: bytes | None, keyed: Any) -> str:
    """A bind value by its length and a digest, never the value. *keyed* is a BLAKE2b that took its key."""
    if value is None:
        return "null"
    digest = keyed.copy()
    digest.update(value)
    return f"{len(value)} bytes, {digest.hexdigest()}"


def kept(value: bytes | None, keyed: Any) -> str:
    """The same, and the value behind it: as text where it is some, else in hexadecimal; long ones cut. Only to be sealed."""
    if value is None:
        return "null"
    start = value[:KEPT_BYTES]
    try:
        shown = start.decode()
        readable = shown.isprintable()
    except UnicodeDecodeError:
        readable = False
    told = f"'{shown}'" if readable else f"\\x{start.hex()}"
    return f"{hashed(value, keyed)}: {told}{'…' if len(value) > KEPT_BYTES else ''}"


def dropped(value: bytes | None, keyed: Any) -> str:
    """That there was one."""
    return "dropped"


# How an entry shows values in clear.
SHOWN: dict[Parameters, Callable[[bytes | None, Any], str]] = {
    Parameters.HASHED: hashed,
    Parameters.KEPT: hashed,
    Parameters.DROPPED: dropped,
}


def kept_json(values: Sequence[bytes | None], keyed: Any) -> bytes:
    """Bind values with what they hold, for sealing."""
    return _json([kept(value, keyed) for value in values[:PARAMETERS_LIMIT]])


def sealed_json(sealer: Any, text: str) -> bytes:
    """What an entry says of a text beside its normalised form; nothing where there is nothing to seal it with."""
    if sealer is None or not text:
        return b""
    sealed: bytes = sealer.json(text.encode())
    return b'"sealed":' + sealed + b","


@cython.cclass
class IntentForm:
    """A statement.intent with blanks for time, execution, parameters, and what is sealed."""

    show: object
    keeps: cython.bint
    until_time: bytes
    until_execution: bytes
    until_parameters: bytes
    until_sealed: bytes
    after: bytes

    def __init__(self, intent: StatementIntent, way: Parameters) -> None:
        """The form of *intent*, which must have neither grant nor attachment nor anything sealed.

        *way* says how bind values are shown.
        """
        self.show = SHOWN[way]
        self.keeps = way is Parameters.KEPT
        whole = encode(intent)
        time_key = b'"at_us":'
        at = whole.index(time_key) + len(time_key)
        # What is claimed has names of the client's choice: it is stepped over, not searched.
        claimed = b"" if intent.claimed is msgspec.UNSET else b',"claimed":' + _sorted_json(intent.claimed)
        end_of_time = at + len(str(intent.at_us))
        execution_key = b',"execution":"' + intent.execution.encode() + b'"'
        end_of_execution = end_of_time + len(claimed) + len(execution_key)
        assert whole[end_of_time:end_of_execution] == claimed + execution_key
        parameters_key = b'"parameters":['
        parameters = whole.index(parameters_key, end_of_execution) + len(parameters_key)
        after = whole.index(b'],"policy":', parameters)
        session = whole.index(b',"session":', after) + 1
        self.until_time = whole[:at]
        self.until_execution = claimed + b',"execution":"'
        self.until_parameters = whole[end_of_execution - 1 : parameters]
        self.until_sealed = whole[after:session]
        self.after = whole[session:]

    def fill(
        self, at_us: int, execution: str, parameters: Sequence[bytes | None], keyed: Any, sealed: bytes, sealer: Any
    ) -> bytes:
        """The entry. *execution* holds nothing that JSON escapes; *keyed* makes the digests of *parameters*.

        *sealed* is from :func:`sealed_json`. Values that are kept are sealed by *sealer*, or not kept without one.
        """
        parts: list[bytes] = [
            self.until_time,
            str(at_us).encode(),
            self.until_execution,
            execution.encode(),
            self.until_parameters,
        ]
        if parameters:
            show: Any = self.show
            parts.append(_json([show(value, keyed) for value in parameters[:PARAMETERS_LIMIT]])[1:-1])
        parts.append(self.until_sealed)
        parts.append(sealed)
        if self.keeps and parameters and sealer is not None:
            parts += (b'"sealed_parameters":', sealer.json(kept_json(parameters, keyed)), b",")
        parts.append(self.after)
        return b"".join(parts)


def columns_json(columns: tuple[ColumnStamp, ...]) -> bytes:
    """The columns of an outcome, encoded once for all runs of a statement."""
    return _sorted_json(columns)


_TAGS: dict[str, bytes] = {}


def outcome(
    at_us: int,
    columns_json: bytes,
    duration_us: int,
    execution: str,
    masked: int,
    result_bytes: int,
    rows: int,
    status: str,
    tag: str,
) -> bytes:
    """A statement.outcome without an error."""
    tag_json = _TAGS.get(tag)
    if tag_json is None:
        if len(_TAGS) > 10_000:
            _TAGS.clear()
        tag_json = _TAGS[tag] = _json(tag)
    return (
        b'{"at_us":%d,"columns":%s,"duration_us":%d,"error":"","error_code":"","execution":"%s","kind":"statement.outcome",'
        b'"masked":%d,"result_bytes":%d,"rows":%d,"status":"%s","tag":%s}'
        % (
            at_us,
            columns_json,
            duration_us,
            execution.encode(),
            masked,
            result_bytes,
            rows,
            status.encode(),
            tag_json,
        )
    )
