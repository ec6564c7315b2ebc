"""The keys of the days: made, wrapped, wrapped anew, destroyed; from a file, the environment, or a service."""

from __future__ import annotations

import base64
import stat
import sys
from pathlib import Path

import pytest

from doorward.audit.day_keys import DayKeys, day_of, opener
from doorward.audit.sealing import Sealer
from doorward.audit.wrapping import (
    COMMAND_VARIABLE,
    KEY_VARIABLE,
    KeyRing,
    Wrapping,
    ensure_key,
    wrapping_from,
)
from doorward.errors import ConfigurationInvalid, NotFound

DAY_US = 86_400_000_000
NOON = 1_801_396_800_000_000  # 2027-01-31T12:00:00Z


@pytest.fixture
def file(tmp_path: Path) -> Path:
    ensure_key(tmp_path / "wrapping.key", {})
    return tmp_path / "wrapping.key"


def keys_in(folder: Path, wrapping: Wrapping) -> DayKeys:
    """As a process that starts finds them."""
    return DayKeys(folder / "days", lambda: wrapping)


def test_each_day_has_a_key_of_its_own(tmp_path: Path, file: Path) -> None:
    """The same for all of a day and after a start; for nobody else to read."""
    keys = keys_in(tmp_path, wrapping_from(file, {}))
    first = keys.current(NOON)
    assert (first.id, day_of(NOON)) == ("2027-01-31", "2027-01-31")
    assert keys.current(NOON + DAY_US // 2 - 1) == first
    assert keys.current(NOON + DAY_US // 2).id == "2027-02-01"
    again = keys_in(tmp_path, wrapping_from(file, {}))
    assert again.current(NOON) == first
    assert (keys.was_made_here(first.id), again.was_made_here(first.id)) == (True, False)
    assert [state.id for state in again.all()] == ["2027-01-31", "2027-02-01"]
    for path in (tmp_path / "days").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert base64.b64encode(first.salt) not in path.read_bytes()


def test_a_destroyed_key_is_gone_and_said_to_be(tmp_path: Path, file: Path) -> None:
    """For whoever has it open as well; the rest of that day gets another."""
    keys = keys_in(tmp_path, wrapping_from(file, {}))
    box = Sealer(keys.current(NOON), NOON).box(b"SELECT 'x'")
    reading = opener(tmp_path / "days", file)
    assert reading.open_box(box, "2027-01-31") == b"SELECT 'x'"
    keys.erase("2027-01-31", NOON + 1, "ada")
    assert keys.key("2027-01-31") is None
    assert opener(tmp_path / "days", file).open_box(box, "2027-01-31") is None
    (state,) = keys.all()
    assert state.erased is not None
    assert (state.erased.by, state.erased.at_us) == ("ada", NOON + 1)
    with pytest.raises(NotFound):
        keys.erase("2027-01-31", NOON, "ada")
    assert keys.current(NOON).id == "2027-01-31.1"
    keys.erase("2027-01-31.1", NOON, "ada")
    assert keys.current(NOON).id == "2027-01-31.2"
    assert [state.id for state in keys.all()] == ["2027-01-31", "2027-01-31.1", "2027-01-31.2"]


def test_a_key_whose_destruction_was_cut_off_is_not_used(tmp_path: Path, file: Path) -> None:
    """The word that it is gone comes before the deed."""
    keys = keys_in(tmp_path, wrapping_from(file, {}))
    keys.current(NOON)
    kept = (tmp_path / "days" / "2027-01-31.key").read_bytes()
    keys.erase("2027-01-31", NOON, "ada")
    (tmp_path / "days" / "2027-01-31.key").write_bytes(kept)
    assert keys_in(tmp_path, wrapping_from(file, {})).key("2027-01-31") is None
    assert keys_in(tmp_path, wrapping_from(file, {})).current(NOON).id == "2027-01-31.1"


def test_a_new_wrapping_key_takes_over(tmp_path: Path, file: Path) -> None:
    """While it does, both are in the file: what was wrapped by either opens."""
    first = keys_in(tmp_path, wrapping_from(file, {})).current(NOON)
    before = wrapping_from(file, {}).name
    wrapping_from(file, {}).begin_rotation()
    ring = wrapping_from(file, {})
    keys = keys_in(tmp_path, ring)
    second = keys.current(NOON + DAY_US)
    assert keys.key(first.id) is not None
    assert [state.wrapped_by for state in keys.all()] == [before, ring.name]
    # Cut off here, the next one ends it.
    assert DayKeys(tmp_path / "days", lambda: wrapping_from(file, {})).rotate() == 2
    after = keys_in(tmp_path, wrapping_from(file, {}))
    assert (after.current(NOON), after.current(NOON + DAY_US)) == (first, second)
    assert {state.wrapped_by for state in after.all()} == {wrapping_from(file, {}).name}
    assert len({before, ring.name, wrapping_from(file, {}).name}) == 3
    assert len(file.read_text().split()) == 1


def test_a_lost_wrapping_key_is_said_to_be(tmp_path: Path, file: Path) -> None:
    """Whoever reads on sees no literals; whoever needs them is told what is missing."""
    key = keys_in(tmp_path, wrapping_from(file, {})).current(NOON)
    other = keys_in(tmp_path, KeyRing((b"o" * 32,), "elsewhere"))
    with pytest.raises(ConfigurationInvalid, match="does not open with the key from elsewhere"):
        other.key(key.id)
    assert other.key_if_any(key.id) is None
    file.unlink()
    assert opener(tmp_path / "days", file).open_box(Sealer(key, NOON).box(b"x"), key.id) is None
    with pytest.raises(ConfigurationInvalid, match="can't be read"):
        wrapping_from(file, {})


def test_the_environment_may_hold_the_key(tmp_path: Path, file: Path) -> None:
    """Several, the newest first, while it is being changed; then the file is not looked at."""
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))
    key = keys_in(tmp_path, wrapping_from(file, {KEY_VARIABLE: old})).current(NOON)
    keys = keys_in(tmp_path, wrapping_from(file, {KEY_VARIABLE: f"{new} {old}"}))
    assert keys.rotate() == 1
    assert keys_in(tmp_path, wrapping_from(file, {KEY_VARIABLE: new})).current(NOON) == key
    ensure_key(tmp_path / "none.key", {KEY_VARIABLE: old})
    assert not (tmp_path / "none.key").exists()


@pytest.mark.parametrize("text", ["", "x", "AA==", base64.b64encode(b"a" * 31).decode(), "ä"])
def test_a_malformed_wrapping_key_is_refused_without_being_shown(tmp_path: Path, file: Path, text: str) -> None:
    """In the file and in the environment."""
    file.write_text(text)
    with pytest.raises(ConfigurationInvalid) as failed:
        wrapping_from(file, {})
    assert not text or text not in failed.value.message.replace(str(file), "").replace("can't be read", "")
    if text:
        with pytest.raises(ConfigurationInvalid, match="malformed"):
            wrapping_from(file, {KEY_VARIABLE: text})


def test_a_wrapping_key_that_others_can_read_is_refused(file: Path) -> None:
    """It may be known by now."""
    file.chmod(0o640)
    with pytest.raises(ConfigurationInvalid, match="read by others"):
        wrapping_from(file, {})


SERVICE = """
import base64, hashlib, sys
what, context = sys.argv[1:]
given = base64.b64decode(sys.stdin.read())
mask = hashlib.shake_256(b"a service's key" + context.encode()).digest(len(given))
sys.stdout.write(base64.b64encode(bytes(a ^ b for a, b in zip(given, mask))).decode() + "\\n")
"""


def test_a_service_may_wrap_the_keys(tmp_path: Path, file: Path) -> None:
    """By a command; one that fails is named, with how to try it."""
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    wrapping = wrapping_from(file, {COMMAND_VARIABLE: f"{sys.executable} {script}"})
    key = keys_in(tmp_path, wrapping).current(NOON)
    assert keys_in(tmp_path, wrapping).key(key.id) is not None
    assert keys_in(tmp_path, wrapping).rotate() == 1
    for broken in ("raise SystemExit(1)", "print('no base64!')"):
        script.write_text(broken)
        with pytest.raises(ConfigurationInvalid, match="did not unwrap"):
            keys_in(tmp_path, wrapping).key(key.id)
    with pytest.raises(ConfigurationInvalid, match="did not wrap"):
        wrapping_from(file, {COMMAND_VARIABLE: str(tmp_path / "absent")}).wrap(b"x", "2027-01-31")


def test_a_damaged_key_is_named(tmp_path: Path, file: Path) -> None:
    """By its file."""
    keys_in(tmp_path, wrapping_from(file, {})).current(NOON)
    (tmp_path / "days" / "2027-01-31.key").write_text("{")
    with pytest.raises(ConfigurationInvalid, match=r"2027-01-31\.key is damaged"):
        keys_in(tmp_path, wrapping_from(file, {})).current(NOON)


def test_what_is_no_key_is_passed_over(tmp_path: Path, file: Path) -> None:
    """Files of others in the folder, and names that lead out of it."""
    keys = keys_in(tmp_path, wrapping_from(file, {}))
    keys.current(NOON)
    (tmp_path / "days" / "notes.txt").write_text("x")
    (tmp_path / "days" / ".2027-01-31.key.1.tmp").write_text("x")
    assert [state.id for state in keys.all()] == ["2027-01-31"]
    assert keys.key("../wrapping") is None


def test_a_key_that_is_not_at_hand_is_not_asked_for_with_each_entry(tmp_path: Path, file: Path) -> None:
    """A service that is down would be asked a million times."""
    key = keys_in(tmp_path, wrapping_from(file, {})).current(NOON)
    asked: list[int] = []

    def wrapping() -> Wrapping:
        asked.append(1)
        raise ConfigurationInvalid("It is down.")

    keys = DayKeys(tmp_path / "days", wrapping)
    assert [keys.key_if_any(key.id) for _ in range(5)] == [None] * 5
    assert len(asked) == 1
    keys.forget()
    assert keys.key_if_any(key.id) is None
    assert len(asked) == 2


def test_no_altered_key_is_used(tmp_path: Path, file: Path) -> None:
    """Any byte of it: texts would be sealed for nobody, or for somebody else."""
    keys_in(tmp_path, wrapping_from(file, {})).current(NOON)
    path = tmp_path / "days" / "2027-01-31.key"
    content = path.read_bytes()
    for position in range(content.index(b'"wrapped_by"')):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(ConfigurationInvalid, match=r"2027-01-31"):
            keys_in(tmp_path, wrapping_from(file, {})).current(NOON)
    path.write_bytes(content)
    assert keys_in(tmp_path, wrapping_from(file, {})).current(NOON).id == "2027-01-31"


def test_a_lasting_key_is_kept_wrapped_and_survives_rotation(tmp_path: Path, file: Path) -> None:
    """It is no day's, so that it is in no list and can't be destroyed; damaged, it is said to be."""
    keys = keys_in(tmp_path, wrapping_from(file, {}))
    made = keys.lasting("accounts")
    assert len(made) == 32
    kept = tmp_path / "days" / "accounts.lasting"
    assert made not in kept.read_bytes()
    assert base64.b64encode(made) not in kept.read_bytes()
    assert keys.all() == []
    with pytest.raises(NotFound):
        keys.erase("accounts", NOON, "ada")
    before = kept.read_bytes()
    assert DayKeys(tmp_path / "days", lambda: wrapping_from(file, {})).rotate() == 1
    assert kept.read_bytes() != before
    assert keys_in(tmp_path, wrapping_from(file, {})).lasting("accounts") == made
    with pytest.raises(ConfigurationInvalid, match="does not open"):
        keys_in(tmp_path, KeyRing((b"o" * 32,), "elsewhere")).lasting("accounts")
    whole = kept.read_text()
    for damaged in ("{", whole.replace('"wrapped":"', '"wrapped":"!'), whole.replace('"id":"accounts"', '"id":"others"')):
        kept.write_text(damaged)
        with pytest.raises(ConfigurationInvalid, match=r"accounts\.lasting is damaged"):
            keys_in(tmp_path, wrapping_from(file, {})).lasting("accounts")
