# ruff: noqa: SIM905 - word lists
"""Finds and replaces personal and secret values in texts: one at a time, or many as they stream by.

What cannot be read within its bound is never passed: it comes back as one span over the whole value, of type UNSCANNED.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import islice

from doorward.detectors import documents, spans
from doorward.detectors.context import NO_HINT, Hint, hint_of
from doorward.detectors.engine import Engine, engine_for
from doorward.detectors.hinted import by_name
from doorward.detectors.known import Known, known_in
from doorward.detectors.rules import RULES, Rule
from doorward.detectors.spans import Candidate, Span, settle

MAX_VALUE_BYTES = 1 << 18  # reading the worst text of this length takes about two seconds; cells that people read are shorter
MAX_SPANS = 5_000  # in one value; a value with more is a table of personal values and is masked whole
CACHED_VALUES = 32_768
MAX_CACHED_LETTERS = 2_048

OF_A_NUMBER = " (number)"  # ends the rule of a span over a bare JSON number, which 0 replaces
_JSON_STARTS = ("{", "[")
_MAY_START_JSON = frozenset((b"{", b"[", b" ", b"\n", b"\t", b"\r"))
_GENERIC_KEYS = frozenset(
    {"value", "number", "no", "val", "text", "raw", "content", "line", "line1", "line2", "date", "full", "first", "last"}
)
_PERSONS_KEYS = frozenset(
    "user customer client patient person contact holder owner employee author member guest recipient sender buyer seller "
    "to from shipping billing applicant insured profile account passenger student doctor beneficiary payer payee".split()
)
_PERSONAL = frozenset({spans.EMAIL, spans.PHONE, spans.DOB, spans.NATIONAL_ID, spans.ADDRESS, spans.CARD, spans.IBAN})


class Scanner:
    """The rules with an engine, and what repeated values gave. Not for use by several threads at once."""

    def __init__(self, extra: Sequence[Rule] = (), *, plain: bool = False, names_may_clear: bool = True) -> None:
        """*extra* rules are read beside the built-in ones. *plain*: without Vectorscan even where it is installed.

        *names_may_clear*: the names of columns and keys also rule guesses out ("order_no"). False where who asks can choose
        them, as the writer of a query can: then they only add.
        """
        self._names_may_clear = names_may_clear
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
        self,
        values: Sequence[str | bytes],
        *,
        column: str = "",
        known: Sequence[Sequence[Known]] | None = None,
        are_json: bool = False,
    ) -> list[list[Span]]:
        """The spans of each of *values*, in their order: what ``find`` says of each, for a fraction of the time.

        Values that repeat are read once. *known*, where given, has an entry for each value. *are_json*: of JSON's own types,
        so that what can't be parsed is UNSCANNED; other values are read as JSON when they are an object or an array.
        """
        hint = hint_of(column) if column else NO_HINT
        results: list[list[Span]] = [[] for _ in values]
        encoded = [value if isinstance(value, bytes) else _encoded(value) for value in values]
        if encoded and max(map(len, encoded)) > MAX_VALUE_BYTES:
            for place, content in enumerate(encoded):
                if len(content) > MAX_VALUE_BYTES:
                    results[place] = [Span(0, len(values[place]), spans.UNSCANNED, "too-long")]
                    encoded[place] = b""
        fired = {} if are_json else self._engine.fired(encoded)
        if hint.type and not are_json:
            fired = {place: fired.get(place, 0) for place, value in enumerate(encoded) if value}
        texts = {place: _text_of(values[place]) for place in fired}
        for place, bits in fired.items():
            text = texts[place]
            if text.lstrip()[:1] not in _JSON_STARTS:  # those are read as documents, or as texts if they are none
                results[place] = self._remembered(text, bits, hint, column)
        for place, row in enumerate(known or ()):
            if row and encoded[place] and not are_json:
                text = texts.setdefault(place, _text_of(values[place]))
                results[place] = _joined(text, row, results[place])
        self._read_documents(values, encoded, fired, texts, results, known, are_json=are_json)
        for place, text in texts.items():
            if results[place] and isinstance(values[place], bytes) and len(values[place]) != len(text):
                results[place] = _in_bytes(text, results[place])
        return results

    def replace(self, text: str | bytes, *, column: str = "", known: Sequence[Known] = ()) -> str | bytes:
        """*text* with each span replaced by its type in brackets; JSON stays JSON. The very object where nothing was found."""
        return replaced(text, self.find(text, column=column, known=known))

    def _remembered(self, text: str, bits: int, hint: Hint, column: str) -> list[Span]:
        key = (text, column)
        found = self._seen.get(key)
        if found is None:
            found = self._read_text(text, bits, hint)
            if len(text) <= MAX_CACHED_LETTERS:
                if len(self._seen) >= CACHED_VALUES:
                    self._seen.clear()
                self._seen[key] = found
        return list(found)

    def _read_text(self, text: str, bits: int, hint: Hint) -> list[Span]:
        candidates: list[Candidate] = []
        if hint.type:
            named = by_name(text, hint)
            if named is not None:
                candidates.append(named)
        if not self._names_may_clear:
            hint = NO_HINT
        rules = self._rules
        while bits:
            lowest = bits & -bits
            bits ^= lowest
            try:
                candidates.extend(islice(rules[lowest.bit_length() - 1].find(text, hint), MAX_SPANS + 1))
            except (ValueError, LookupError):  # a check met what its pattern should not have let through: hide, do not fail
                return _unscanned(text, "not-understood")
            if len(candidates) > MAX_SPANS:
                return _unscanned(text, "too-many")
        return settle(candidates) if candidates else []

    def _read_documents(
        self,
        values: Sequence[str | bytes],
        encoded: list[bytes],
        fired: dict[int, int],
        texts: dict[int, str],
        results: list[list[Span]],
        known: Sequence[Sequence[Known]] | None,
        *,
        are_json: bool,
    ) -> None:
        """Read what looks like JSON: by its leaves if it is, else as a text."""
        found_documents: list[tuple[int, str, list[documents.Leaf]]] = []
        starts = [place for place, content in enumerate(encoded) if content and (are_json or content[:1] in _MAY_START_JSON)]
        for place in starts:
            if not are_json and encoded[place].lstrip()[:1] not in (b"{", b"["):
                continue
            text = texts.setdefault(place, _text_of(values[place]))
            try:
                leaves = documents.leaves_of(text)
            except documents.Unreadable:
                results[place] = _unscanned(text, "too-deep")
                continue
            if leaves is not None:
                found_documents.append((place, text, leaves))
            elif are_json:
                results[place] = _unscanned(text, "no-json")
            else:
                found = self._read_text(text, fired.get(place, 0), NO_HINT)
                results[place] = _joined(text, known[place], found) if known else found
        if not found_documents:
            return
        leaves_fired = self._engine.fired([_encoded(leaf.text) for _, _, leaves in found_documents for leaf in leaves])
        first = 0
        for place, text, leaves in found_documents:
            results[place] = self._read_leaves(text, leaves, leaves_fired, first, known[place] if known else ())
            first += len(leaves)

    def _read_leaves(
        self, text: str, leaves: list[documents.Leaf], fired: dict[int, int], first: int, known: Sequence[Known]
    ) -> list[Span]:
        persons = _objects_of_persons(leaves)
        found: list[Span] = []
        for place, leaf in enumerate(leaves, first):
            hint = NO_HINT if leaf.is_key else _hint_of_leaf(leaf.key, leaf.parent, leaf.siblings in persons)
            bits = fired.get(place, 0)
            if not bits and not hint.type and not known:
                continue
            inner = self._read_text(leaf.text, bits, hint)
            if known:
                inner = _joined(leaf.text, known, inner)
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
                return _unscanned(text, "too-many")
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


def _joined(text: str, known: Sequence[Known], found: list[Span]) -> list[Span]:
    """*found* and the places of the row's known values, which win."""
    extra = known_in(text, known)
    if not extra or (found and found[0].type == spans.UNSCANNED):
        return found
    if len(extra) > MAX_SPANS:
        return _unscanned(text, "too-many")
    return settle([*(Candidate(*span, spans.CHECKED) for span in found), *extra])


def _unscanned(text: str, rule: str) -> list[Span]:
    return [Span(0, len(text), spans.UNSCANNED, rule)]


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry
        return text.encode(errors="surrogatepass")


def _text_of(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
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
    """The built-in rules with the best engine there is, for results: names only add, for clients choose them.

    Made on first use, which compiles the rules: a second of processor time, during which other threads run.
    """
    return Scanner(names_may_clear=False)
