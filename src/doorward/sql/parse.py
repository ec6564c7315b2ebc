"""Statement text to PostgreSQL's own raw parse tree, by libpg_query: the only module that knows which library does it.

The library ships inside the `postgast` wheel and is called through ctypes for its JSON trees: its protobuf trees refuse
ordinary nesting and overflow the C stack. Long texts are parsed on one thread with a stack that the statement limit can't
exhaust, so that no text ends the process.
"""

from __future__ import annotations

import ctypes
import json
import queue
import threading
from concurrent.futures import Future
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from doorward.sql.repetition import multiplies_too_much

Tree = dict[str, Any]

# One statement of 1 MiB nests at most about half a million levels; 256 MB of stack were measured to carry a million.
STATEMENT_LIMIT_BYTES = 1 << 20
_STACK_BYTES = 256 << 20
# A text this short can't exhaust the usual 8 MB stack; on the caller's thread it is spared the hand-over.
_INLINE_LIMIT_BYTES = 4096

SYNTAX_ERROR = "42601"
TOO_COMPLEX = "54001"
PROGRAM_LIMIT = "54000"
BAD_ENCODING = "22021"


class ParseFailure(Exception):
    """The text has no tree: what is wrong with it, and the SQLSTATE to answer with."""

    def __init__(self, message: str, sqlstate: str) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


class _Error(ctypes.Structure):
    _fields_ = (
        ("message", ctypes.c_char_p),
        ("funcname", ctypes.c_char_p),
        ("filename", ctypes.c_char_p),
        ("lineno", ctypes.c_int),
        ("cursorpos", ctypes.c_int),
        ("context", ctypes.c_char_p),
    )


class _ParseResult(ctypes.Structure):
    _fields_ = (
        ("parse_tree", ctypes.c_char_p),
        ("stderr_buffer", ctypes.c_char_p),
        ("error", ctypes.POINTER(_Error)),
    )


class _Protobuf(ctypes.Structure):
    _fields_ = (("len", ctypes.c_size_t), ("data", ctypes.POINTER(ctypes.c_char)))


class _ScanResult(ctypes.Structure):
    _fields_ = (("pbuf", _Protobuf), ("stderr_buffer", ctypes.c_char_p), ("error", ctypes.POINTER(_Error)))


def parse(text: str) -> list[Tree]:
    """The statements of *text* as ``{node name: fields}`` trees, in order; empty statements leave nothing.

    Raises ParseFailure for whatever the server's grammar would not take, and for what is too long or too deep to read.
    """
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParseFailure("The statement is not valid UTF-8.", BAD_ENCODING) from None
    if len(encoded) > STATEMENT_LIMIT_BYTES:
        raise ParseFailure(f"The statement is longer than {STATEMENT_LIMIT_BYTES} bytes.", PROGRAM_LIMIT)
    if b"\0" in encoded:
        raise ParseFailure("The statement contains a NUL byte.", BAD_ENCODING)
    if len(encoded) <= _INLINE_LIMIT_BYTES:
        document = _parse_to_json(encoded)
    else:
        document = _on_parser_thread(encoded)
    try:
        tree = json.loads(document)
    except RecursionError:
        raise ParseFailure("The statement is nested too deeply to be read.", TOO_COMPLEX) from None
    return [statement["stmt"] for statement in tree["stmts"] if statement.get("stmt")]


def _parse_to_json(encoded: bytes) -> bytes:
    library = _library()
    if multiplies_too_much(encoded, _scan):
        raise ParseFailure("The statement repeats a sub-select for too many columns to be read.", TOO_COMPLEX)
    result = library.pg_query_parse_opts(encoded, 0)
    try:
        if result.error:
            message = (result.error.contents.message or b"syntax error").decode("utf-8", "replace")
            raise ParseFailure(message, SYNTAX_ERROR)
        document: bytes = result.parse_tree
        return document
    finally:
        library.pg_query_free_parse_result(result)


def _scan(encoded: bytes) -> bytes:
    """The text's tokens as libpg_query's ScanResult message; empty when the scanner refuses the text."""
    library = _library()
    result = library.pg_query_scan(encoded)
    try:
        return b"" if result.error else ctypes.string_at(result.pbuf.data, result.pbuf.len)
    finally:
        library.pg_query_free_scan_result(result)


@cache
def _library() -> ctypes.CDLL:
    spec = find_spec("postgast")
    if spec is None or spec.origin is None:
        raise ImportError("The postgast package, which carries libpg_query, is not installed.")
    library = ctypes.CDLL(str(Path(spec.origin).with_name("libpg_query.so")))
    library.pg_query_parse_opts.argtypes = (ctypes.c_char_p, ctypes.c_int)
    library.pg_query_parse_opts.restype = _ParseResult
    library.pg_query_free_parse_result.argtypes = (_ParseResult,)
    library.pg_query_free_parse_result.restype = None
    library.pg_query_scan.argtypes = (ctypes.c_char_p,)
    library.pg_query_scan.restype = _ScanResult
    library.pg_query_free_scan_result.argtypes = (_ScanResult,)
    library.pg_query_free_scan_result.restype = None
    return library


_thread_lock = threading.Lock()
_work: queue.SimpleQueue[tuple[bytes, Future[bytes]]] | None = None


def _on_parser_thread(encoded: bytes) -> bytes:
    answer: Future[bytes] = Future()
    _queue().put((encoded, answer))
    return answer.result()


def _queue() -> queue.SimpleQueue[tuple[bytes, Future[bytes]]]:
    global _work
    with _thread_lock:
        if _work is None:
            _work = queue.SimpleQueue()
            # The size holds for threads started while it is set, so it is put back at once.
            before = threading.stack_size(_STACK_BYTES)
            try:
                threading.Thread(target=_serve, args=(_work,), name="sql-parser", daemon=True).start()
            finally:
                threading.stack_size(before)
        return _work


def _serve(work: queue.SimpleQueue[tuple[bytes, Future[bytes]]]) -> None:
    while True:
        encoded, answer = work.get()
        try:
            answer.set_result(_parse_to_json(encoded))
        except BaseException as failure:
            answer.set_exception(failure)
