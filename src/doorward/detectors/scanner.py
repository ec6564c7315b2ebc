# ruff: noqa: E501, SIM905 - word lists
"""Finds and replaces personal and secret values in texts: one at a time, or many as they stream by.

What cannot be read within its bound is never passed: it comes back as one span over the whole value, of type UNSCANNED.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from doorward.detectors import documents, spans
from doorward.detectors.context import NO_HINT, Hint, hint_of
from doorward.detectors.engine import Engine, engine_for
from doorward.detectors.hinted import by_name
from doorward.detectors.rules import RULES, Rule
from doorward.detectors.spans import Candidate, Span, settle

MAX_VALUE_BYTES = 1 << 20  # what PostgreSQL clients show as a cell is far smaller; beyond it reading takes too long
MAX_SPANS = 5_000  # in one value; a value with more is a table of personal values and is masked whole
CACHED_VALUES = 32_768

OF_A_NUMBER = " (number)"  # ends the rule of a span over a bare JSON number, which 0 replaces
Known = tuple[str, str]  # type of span, value
MIN_KNOWN_LETTERS = 3

_JSON_STARTS = ("{", "[")
_MAY_START_JSON = frozenset((b"{", b"[", b" ", b"\n", b"\t", b"\r"))
_GENERIC_KEYS = frozenset(
    {"value", "number", "no", "val", "text", "raw", "content", "line", "line1", "line2", "full", "first", "last"}
)
_PERSONS_KEYS = frozenset(
    [
        "user",
        "customer",
        "client",
        "patient",
        "person",
        "contact",
        "holder",
        "owner",
        "employee",
        "author",
        "member",
        "guest",
        "recipient",
        "sender",
        "buyer",
        "seller",
        "shipping",
        "billing",
        "applicant",
        "insured",
        "profile",
        "account",
        "passenger",
        "student",
        "doctor",
        "beneficiary",
        "payer",
        "payee",
        "to",
        "from",
    ]
)
_PERSONAL = frozenset({spans.EMAIL, spans.PHONE, spans.DOB, spans.NATIONAL_ID, spans.ADDRESS, spans.CARD, spans.IBAN})


class Scanner:
    """The rules with an engine, and what repeated values gave. Not for use by several threads at once."""

    def __init__(self, extra: Sequence[Rule] = (), *, plain: bool = False) -> None:
        """*extra* rules are read beside the built-in ones. *plain*: without Vectorscan even where it is installed."""
        self._rules = (*RULES, *extra)
        self._engine: Engine = engine_for(self._rules, plain=plain)
        self._seen: dict[tuple[str, str], list[Span]] = {}

    @property
    def engine(self) -> str:
        """``vectorscan`` or ``plain``."""
        return self._engine.name

    def find(self, text: str | bytes, *, column: str = "", known: Sequence[Known] = ()) -> list[Span]:
        """The spans of one value. *column*: the name of its column or key. *known*: values that its row shows elsewhere."""
        return self.find_all([text], column=column, known=[known] if known else None)[0]

    def find_all(
        self, values: Sequence[str | bytes], *, column: str = "", known: Sequence[Sequence[Known]] | None = None
    ) -> list[list[Span]]:
        """The spans of each of *values*, in their order: what ``find`` says of each, for a fraction of the time.

        Values that repeat are read once. *known*, where given, has an entry for each value.
        """
        hint = hint_of(column) if column else NO_HINT
        results: list[list[Span]] = [[] for _ in values]
        encoded = [value if isinstance(value, bytes) else _encoded(value) for value in values]
        if encoded and max(map(len, encoded)) > MAX_VALUE_BYTES:
            for place, value in enumerate(encoded):
                if len(value) > MAX_VALUE_BYTES:
                    results[place] = [Span(0, len(values[place]), spans.UNSCANNED, "too-long")]
                    encoded[place] = b""
        fired = self._engine.fired(encoded)
        if hint.type:
            fired = {place: fired.get(place, 0) for place, value in enumerate(encoded) if value}
        for place, bits in fired.items():
            found = self._read(values[place], encoded[place], bits, hint, column)
            if found:
                results[place] = found
        self._read_documents(values, encoded, fired, results)
        if known is not None:
            for place, row in enumerate(known):
                if row and encoded[place]:
                    results[place] = _with_known(values[place], encoded[place], row, results[place])
        return results

    def replace(self, text: str | bytes, *, column: str = "", known: Sequence[Known] = ()) -> str | bytes:
        """*text* with each span replaced by its type in brackets; JSON stays JSON. The very object where nothing was found."""
        return replaced(text, self.find(text, column=column, known=known))

    def _read(self, value: str | bytes, encoded: bytes, bits: int, hint: Hint, column: str) -> list[Span]:
        text = value if isinstance(value, str) else _decoded(value)
        if text.lstrip()[:1] in _JSON_STARTS and text:
            return []  # read as a document, or as a text if it is none
        key = (text, column)
        found = self._seen.get(key)
        if found is None:
            found = self._read_text(text, bits, hint)
            if len(encoded) <= 4096:
                if len(self._seen) >= CACHED_VALUES:
                    self._seen.clear()
                self._seen[key] = found
        if found and isinstance(value, bytes) and len(text) != len(value):
            return _in_bytes(text, found)
        return list(found)

    def _read_text(self, text: str, bits: int, hint: Hint) -> list[Span]:
        candidates: list[Candidate] = []
        if hint.type:
            named = by_name(text, hint)
            if named is not None:
                candidates.append(named)
        rules = self._rules
        while bits:
            lowest = bits & -bits
            bits ^= lowest
            for candidate in rules[lowest.bit_length() - 1].find(text, hint):
                candidates.append(candidate)
                if len(candidates) > MAX_SPANS:
                    return [Span(0, len(text), spans.UNSCANNED, "too-many")]
        return settle(candidates) if candidates else []

    def _read_documents(
        self, values: Sequence[str | bytes], encoded: list[bytes], fired: dict[int, int], results: list[list[Span]]
    ) -> None:
        """Read what looks like JSON: by its leaves if it is, else as a text."""
        documents_at: list[tuple[int, str, list[documents.Leaf]]] = []
        for place, content in enumerate(encoded):
            if content[:1] not in _MAY_START_JSON or content.lstrip()[:1] not in (b"{", b"["):
                continue
            value = values[place]
            text = value if isinstance(value, str) else _decoded(value)
            try:
                leaves = documents.leaves_of(text)
            except documents.Unreadable:
                results[place] = [Span(0, len(value), spans.UNSCANNED, "too-deep")]
                continue
            if leaves is not None:
                documents_at.append((place, text, leaves))
                continue
            found = self._read_text(text, fired.get(place, 0), NO_HINT)
            results[place] = _in_bytes(text, found) if isinstance(value, bytes) and len(text) != len(value) else found
        if not documents_at:
            return
        leaves_fired = self._engine.fired([_encoded(leaf.text) for _, _, leaves in documents_at for leaf in leaves])
        first = 0
        for place, text, leaves in documents_at:
            found = self._read_leaves(text, leaves, leaves_fired, first)
            first += len(leaves)
            value = values[place]
            results[place] = _in_bytes(text, found) if isinstance(value, bytes) and len(text) != len(value) else found

    def _read_leaves(self, text: str, leaves: list[documents.Leaf], fired: dict[int, int], first: int) -> list[Span]:
        persons = _objects_of_persons(leaves)
        found: list[Span] = []
        for place, leaf in enumerate(leaves, first):
            hint = NO_HINT if leaf.is_key else _hint_of_leaf(leaf.key, leaf.parent, leaf.siblings in persons)
            bits = fired.get(place, 0)
            if not bits and not hint.type:
                continue
            inner = self._read_text(leaf.text, bits, hint)
            if not inner:
                continue
            if not leaf.is_string:
                found.append(Span(leaf.start, leaf.end, inner[0].type, inner[0].rule + OF_A_NUMBER))
                continue
            places = None
            if leaf.end - leaf.start != len(leaf.text):
                places = documents.places_of(text[leaf.start : leaf.end])
            for start, end, type_, rule in inner:
                if places is not None:
                    start, end = places[start], places[end]
                found.append(Span(leaf.start + start, leaf.start + end, type_, rule))
            if len(found) > MAX_SPANS:
                return [Span(0, len(text), spans.UNSCANNED, "too-many")]
        return found


@lru_cache(maxsize=8192)
def _hint_of_leaf(key: str, parent: str, is_persons: bool) -> Hint:
    hint = hint_of(key) if key else NO_HINT
    if hint.type and hint.is_sure:
        return hint
    is_generic = key.lower() in _GENERIC_KEYS
    if parent and (is_generic or not hint.is_plain):
        joined = hint_of(f"{parent} {key}")
        if joined.type and joined.is_sure:
            return joined
    if hint.type and not is_persons:
        return NO_HINT
    return NO_HINT if is_generic and not hint.type else hint


def _objects_of_persons(leaves: list[documents.Leaf]) -> set[int]:
    """The objects with keys, or under a key, that only persons have."""
    found: set[int] = set()
    for leaf in leaves:
        if leaf.is_key and leaf.siblings not in found:
            parent_words = leaf.parent.lower().replace("-", "_").split("_")
            if hint_of(leaf.key).type in _PERSONAL or not _PERSONS_KEYS.isdisjoint(parent_words):
                found.add(leaf.siblings)
    return found


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry
        return text.encode(errors="surrogatepass")


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:  # what is no UTF-8 is kept byte for byte, and the rest is read
        return value.decode(errors="surrogateescape")


def _in_bytes(text: str, found: Iterable[Span]) -> list[Span]:
    """The same spans counted in bytes."""
    moved: list[Span] = []
    at = at_bytes = 0
    for start, end, type_, rule in found:
        start_bytes = at_bytes + len(text[at:start].encode(errors="surrogateescape"))
        end_bytes = start_bytes + len(text[start:end].encode(errors="surrogateescape"))
        moved.append(Span(start_bytes, end_bytes, type_, rule))
        at, at_bytes = end, end_bytes
    return moved


def _with_known(value: str | bytes, encoded: bytes, known: Sequence[Known], found: list[Span]) -> list[Span]:
    """*found* and every place where the row's known values, or the words of its names, stand."""
    text = value if isinstance(value, str) else _decoded(value)
    folded = text.lower()
    if len(folded) != len(text):  # a few capitals become two letters; then only the exact spelling is looked for
        folded = text
    extra: list[Candidate] = []
    for type_, known_value in known:
        forms = [known_value.strip()]
        if type_ == spans.PERSON:
            forms += [word for word in known_value.split() if len(word) >= MIN_KNOWN_LETTERS and word[:1].isupper()]
        for form in forms:
            if len(form) < MIN_KNOWN_LETTERS:
                continue
            needle = form.lower() if folded is not text else form
            at = folded.find(needle)
            while at >= 0:
                end = at + len(needle)
                before, after = text[at - 1 : at] if at else "", text[end : end + 1]
                if not (before.isalnum() and needle[0].isalnum()) and not (after.isalnum() and needle[-1].isalnum()):
                    extra.append(Candidate(at, end, type_, "known", spans.CERTAIN if len(needle) > 3 else spans.SHAPED))
                at = folded.find(needle, end)
                if len(extra) > MAX_SPANS:
                    return [Span(0, len(value), spans.UNSCANNED, "too-many")]
    if not extra:
        return found
    in_bytes = isinstance(value, bytes) and len(text) != len(value)
    own = found
    if in_bytes:
        extra = [Candidate(*span, spans.CERTAIN) for span in _in_bytes(text, sorted({Span(*c[:4]) for c in extra}))]
    return settle([*(Candidate(*span, spans.CHECKED) for span in own), *extra])


def replaced(value: str | bytes, found: Sequence[Span]) -> str | bytes:
    """*value* with *found* replaced by their types in brackets; a JSON number becomes 0."""
    if not found:
        return value
    if isinstance(value, bytes):
        return _replaced_bytes(value, found)
    pieces: list[str] = []
    at = 0
    for start, end, type_, rule in found:
        pieces.append(value[at:start])
        pieces.append("0" if rule.endswith(OF_A_NUMBER) else f"[{type_}]")
        at = end
    pieces.append(value[at:])
    return "".join(pieces)


def _replaced_bytes(value: bytes, found: Sequence[Span]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end, type_, rule in found:
        pieces.append(value[at:start])
        pieces.append(b"0" if rule.endswith(OF_A_NUMBER) else b"[" + type_.encode() + b"]")
        at = end
    pieces.append(value[at:])
    return b"".join(pieces)


@cache
def default_scanner() -> Scanner:
    """The built-in rules with the best engine there is; made on first use, which compiles them."""
    return Scanner()
