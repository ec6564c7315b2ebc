"""Opening what is sealed in entries, whatever was done to it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.audit import hpke
from doorward.audit.canonical import encode
from doorward.audit.sealing import Opener, Sealer
from doorward.model.entry import Sealed, StatementIntent, StatementOutcome
from doorward.model.sealing import DayKey, SealingKey

MakeIntent = Callable[..., StatementIntent]
PRIVATE, PUBLIC = hpke.new_key_pair()
DAY = DayKey(SealingKey("2027-01-31", PUBLIC, b"s" * 32), PRIVATE)
SEALER = Sealer(DAY.sealing, 0)
OPENER = Opener({DAY.sealing.id: DAY}.get)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_is_read_again(text: str) -> None:
    """As an object of the entry and as the JSON of it alike."""
    for sealed in (SEALER.seal(text.encode()), msgspec.json.decode(SEALER.json(text.encode()), type=Sealed)):
        assert OPENER.open_box(b64decode(sealed.box), sealed.key) == text.encode()
        assert (sealed.digest, sealed.key) == (SEALER.digest(text.encode()), "2027-01-31")


def test_an_old_entry_is_read_as_it_is(intent: MakeIntent) -> None:
    """What was written before anything was sealed, and what has nothing to seal."""
    old = encode(intent(1, statement="SELECT 'clear'"))
    assert OPENER.readable(old) is old


def test_a_text_that_only_looks_sealed_stays(intent: MakeIntent) -> None:
    """A statement may hold any words."""
    entry = encode(intent(1, statement='SELECT \'"sealed":{"box":"AA==","digest":"","key":"2027-01-31"}\''))
    assert OPENER.readable(entry) == entry


@pytest.mark.parametrize(
    "box",
    ["", "!", "AA==", b64encode(bytes(39)).decode(), b64encode(bytes(80)).decode(), b64encode(b"\xff" * 80).decode()],
)
def test_what_can_not_be_opened_is_left_as_it_is(intent: MakeIntent, box: str) -> None:
    """Whoever altered it is found by verification; reading goes on."""
    entry = msgspec.structs.replace(intent(1, statement="SELECT '?'"), sealed=Sealed(box, "00", "2027-01-31"))
    assert OPENER.readable(encode(entry)) == encode(entry)
    unknown = msgspec.structs.replace(entry, sealed=Sealed(SEALER.seal(b"x").box, "00", "2027-01-30"))
    assert OPENER.readable(encode(unknown)) == encode(unknown)


def test_each_sealed_text_is_put_in_its_place(intent: MakeIntent, outcome: Callable[[int], StatementOutcome]) -> None:
    """The statement, the values that policy keeps, the database's words."""
    sealed = msgspec.structs.replace(
        intent(1, statement="SELECT ?"), sealed=SEALER.seal(b"SELECT 7"), sealed_parameters=SEALER.seal(b"[\"1 bytes: 'x'\"]")
    )
    read = msgspec.json.decode(OPENER.readable(encode(sealed)))
    assert (read["statement"], read["parameters"], "sealed" in read, "sealed_parameters" in read) == (
        "SELECT 7", ["1 bytes: 'x'"], False, False,
    )  # fmt: skip
    failed = msgspec.structs.replace(outcome(1), sealed_error=SEALER.seal(b"It broke."))
    assert msgspec.json.decode(OPENER.readable(encode(failed)))["error"] == "It broke."


def test_many_contexts_are_kept_within_bounds() -> None:
    """Each is a key agreement to make again; a long log has many."""
    opener = Opener({DAY.sealing.id: DAY}.get)
    opener._contexts = {("x", number.to_bytes(4, "big")): SEALER._context for number in range(1_000)}
    box = Sealer(DAY.sealing, 0).box(b"x")
    assert opener.open_box(box, DAY.sealing.id) == b"x"
    assert len(opener._contexts) == 1
