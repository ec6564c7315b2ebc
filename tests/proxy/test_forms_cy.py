"""Entries filled into forms are, byte for byte, what encoding them anew gives."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from doorward.audit.canonical import decode, encode
from doorward.audit.sealing import Opener, Sealer
from doorward.model.decision import Parameters
from doorward.model.entry import ActorStamp, ColumnStamp, IdentityStamp, StatementIntent, StatementOutcome
from doorward.proxy import forms_cy as forms
from doorward.proxy.forms_cy import IntentForm, columns_json, sealed_json
from tests.proxy.attempts import DAY

HOSTILE = (
    '"parameters":[]',
    '"parameters":["x"],"policy":"p"',
    ',"execution":"exe_1"',
    '"at_us":1',
    '],"policy":',
    '\\"parameters":[',
    "\\",
    '"',
    "\\\\\\",
    "\x00\x01\x1f\x7f\x80\u2028",
    "\n\r\t\b\f",
    "\N{SNOWMAN}\U0001f600\U0001f1e6",
    "",
)
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
)
names = st.lists(texts, max_size=3).map(tuple)
ids = st.from_regex(r"[a-z]{3}_[0-9a-f]{1,24}\.[0-9]{1,6}", fullmatch=True)
numbers = st.integers(0, 2**53 - 1)
values = st.lists(st.one_of(st.none(), st.binary(max_size=20)), max_size=4)
KEYED = blake2b(key=b"k" * 32, digest_size=8)
SEALER = Sealer(DAY.sealing, 0)
OPENER = Opener({DAY.sealing.id: DAY}.get)


def shown(listed: list[bytes | None]) -> tuple[str, ...]:
    """Bind values as entries show them."""
    return tuple(forms.hashed(value, KEYED) for value in listed)


actors = st.builds(ActorStamp, texts, texts, texts)
# Among the names those of the entry's own keys, and values that look like them.
said = st.dictionaries(
    st.sampled_from(["execution", "at_us", "parameters", "statement", "tags", "policy", "job"]),
    texts | st.sampled_from(['","execution":"exe_1"', "exe_1", '"],"policy":"']),
    max_size=4,
)
maybe_said = st.just(msgspec.UNSET) | said
intents = st.builds(
    StatementIntent,
    action=texts,
    at_us=numbers,
    execution=ids,
    identity=st.builds(IdentityStamp, st.lists(actors, max_size=2).map(tuple), texts, texts, actors, texts, maybe_said),
    labels=names,
    objects=names,
    parameters=values.map(lambda listed: shown(listed)),
    policy=texts,
    protocol=texts,
    reason=texts,
    rules=names,
    session=texts,
    statement=texts,
    tags=names,
    upstream=texts,
    verdict=texts,
    claimed=maybe_said,
)
columns = st.lists(st.builds(ColumnStamp, texts, texts, texts, texts), max_size=3).map(tuple)


@given(intents, numbers, ids, values, texts)
def test_a_filled_form_is_the_canonical_entry(
    intent: StatementIntent, at_us: int, execution: str, listed: list[bytes | None], text: str
) -> None:
    """Whatever a statement or a name holds: no text is taken for a key."""
    sealed = sealed_json(SEALER, text)
    filled = IntentForm(intent, Parameters.HASHED).fill(at_us, execution, listed, KEYED, sealed, SEALER)
    anew = msgspec.structs.replace(intent, at_us=at_us, execution=execution, parameters=shown(listed))
    anew = msgspec.structs.replace(anew, sealed=msgspec.json.decode(b"{" + sealed[:-1] + b"}")["sealed"] if text else UNSET)
    assert filled == encode(anew)
    opened = OPENER.opened(decode(filled))
    assert opened == msgspec.structs.replace(anew, statement=text or intent.statement, sealed=UNSET)


@given(intents, values)
def test_a_form_filled_with_its_own_blanks_is_the_entry_it_was_made_of(
    intent: StatementIntent, listed: list[bytes | None]
) -> None:
    """Nothing is lost in the cutting."""
    intent = msgspec.structs.replace(intent, parameters=shown(listed))
    filled = IntentForm(intent, Parameters.HASHED).fill(intent.at_us, intent.execution, listed, KEYED, b"", SEALER)
    assert filled == encode(intent)


@given(columns, st.lists(numbers, min_size=5, max_size=5), ids, st.sampled_from(["done", "failed", "cancelled"]), texts)
@example((), [0, 0, 0, 0, 0], "exe_1", "done", 'SELECT "1"\\')
def test_an_outcome_is_the_canonical_entry(
    columns: tuple[ColumnStamp, ...], counts: list[int], execution: str, status: str, tag: str
) -> None:
    """The same for what came of it, with no error to tell."""
    at_us, duration_us, masked, result_bytes, rows = counts
    entry = StatementOutcome(at_us, columns, duration_us, "", execution, masked, result_bytes, rows, status, tag, error="")
    filled = forms.outcome(at_us, columns_json(columns), duration_us, execution, masked, result_bytes, rows, status, tag)
    assert filled == encode(entry)
    assert decode(filled) == entry


def test_tags_are_remembered_within_bounds() -> None:
    """A server that invents tags can't fill the memory, and each is still written as itself."""
    for number in range(10_050):
        filled = forms.outcome(1, b"[]", 1, "exe_1", 0, 0, 0, "done", f"INSERT 0 {number}")
        assert filled.endswith(b'"tag":"INSERT 0 %d"}' % number)
    assert len(forms._TAGS) <= 10_001


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_that_looks_like_a_key_stays_text(hostile: str) -> None:
    """Every place before and behind the blanks, one after the other."""
    actor = ActorStamp("prn_1", "human", hostile)
    identity = IdentityStamp((actor,), hostile, "c", actor, "scram")
    plain = StatementIntent(
        "read", 1, "exe_1", identity, (), (), (), "p", "simple", "", (), "s", "", (), "u", "allow"
    )  # fmt: skip
    for field in ("action", "policy", "protocol", "reason", "session", "statement", "upstream"):
        intent = msgspec.structs.replace(plain, **{field: hostile})
        anew = msgspec.structs.replace(intent, at_us=7, execution="exe_2", parameters=shown([None, b"x"]))
        assert IntentForm(intent, Parameters.HASHED).fill(7, "exe_2", [None, b"x"], KEYED, b"", None) == encode(anew)
    for field in ("labels", "objects", "rules", "tags"):
        intent = msgspec.structs.replace(plain, **{field: (hostile, hostile)})
        anew = msgspec.structs.replace(intent, at_us=7, execution="exe_2")
        assert IntentForm(intent, Parameters.HASHED).fill(7, "exe_2", [], KEYED, b"", None) == encode(anew)


def test_a_form_tells_of_no_more_parameters_than_an_entry_does() -> None:
    """The same number as an intent made anew."""
    actor = ActorStamp("prn_1", "human", "x")
    identity = IdentityStamp((actor,), "x", "c", actor, "scram")
    intent = StatementIntent(
        "read", 1, "exe_1", identity, (), (), (), "p", "simple", "", (), "s", "", (), "u", "allow"
    )  # fmt: skip
    filled = decode(IntentForm(intent, Parameters.HASHED).fill(1, "exe_1", [b"x"] * 300, KEYED, b"", None))
    assert isinstance(filled, StatementIntent)
    assert filled.parameters == shown([b"x"]) * forms.PARAMETERS_LIMIT


def test_parameters_are_known_again_and_not_read() -> None:
    """The same value has the same digest under one key, and another under another."""
    other = blake2b(key=b"o" * 32, digest_size=8)
    assert forms.hashed(b"secret", KEYED) == forms.hashed(b"secret", KEYED)
    assert forms.hashed(b"secret", KEYED) != forms.hashed(b"secret", other)
    assert forms.hashed(None, KEYED) == "null"
    assert "secret" not in forms.hashed(b"secret", KEYED)


@given(intents, values, st.sampled_from(Parameters))
def test_every_way_of_showing_parameters_fills_to_the_canonical_entry(
    intent: StatementIntent, listed: list[bytes | None], way: Parameters
) -> None:
    """Kept values may hold anything; what they hold is sealed."""
    filled = decode(IntentForm(intent, way).fill(intent.at_us, intent.execution, listed, KEYED, b"", SEALER))
    told = tuple(forms.SHOWN[way](value, KEYED) for value in listed)
    assert isinstance(filled, StatementIntent)
    assert filled.parameters == told
    kept = tuple(forms.kept(value, KEYED) for value in listed) if way is Parameters.KEPT else told
    assert OPENER.opened(filled) == msgspec.structs.replace(intent, parameters=kept)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"open", ": 'open'"),
        ("\u00fc".encode(), ": '\u00fc'"),
        (b"\0\0\0\x05", ": \\x00000005"),
        (b"a\nb", ": \\x610a62"),
        (b"x" * 201, f": '{'x' * 200}'\u2026"),
        (b"", ": ''"),
    ],
)
def test_kept_values_are_shown_as_text_or_in_hexadecimal(value: bytes, kept: str) -> None:
    """Behind their digest, long ones cut; a dropped one shows nothing, not even its length."""
    assert forms.kept(value, KEYED) == forms.hashed(value, KEYED) + kept
    assert forms.dropped(value, KEYED) == "dropped"
    assert forms.kept(None, KEYED) == "null"
