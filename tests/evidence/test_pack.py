"""A pack stands for itself: it verifies on a bare Python, and whatever is done to it is found and named."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.audit.checkpoint import create_key, load_key
from doorward.errors import ConfigurationInvalid, LogDamaged
from doorward.evidence import verify
from doorward.evidence.pack import SIGNED_AS
from tests.evidence.packs import make_pack
from tests.evidence.quarter import Quarter

WEEKS = Quarter(120, days=13)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pack and its log. Tests of harm work on a copy."""
    directory = tmp_path_factory.mktemp("made")
    make_pack(directory, WEEKS)
    return directory


@pytest.fixture
def pack(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "pack", tmp_path / "pack"))


def problems(pack: Path, key: str = "") -> list[str]:
    """The names of the files that something is wrong with."""
    checked = verify.Pack(pack, key)
    checked.check()
    return [name for name, _what in checked.problems]


def test_verifies_on_a_bare_python(made: Path) -> None:
    """No package, no environment, from any directory."""
    key = (made / "log" / "log.pub").read_text()
    command = [sys.executable, "-I", "-S", str(made / "pack" / "verify.py"), "--key", key]
    ended = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("intact: ")


def test_harm_to_any_file_is_found_and_named(pack: Path) -> None:
    """One byte, in each file of the pack in turn; the verifier itself is checked by another copy of it."""
    for path in sorted(path for path in pack.rglob("*") if path.is_file()):
        data = path.read_bytes()
        place = len(data) // 2
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        named = problems(pack)
        path.write_bytes(data)
        name = path.relative_to(pack).as_posix()
        expected = {"log.pub": {"manifest.sig", "manifest.json or log.pub"}}.get(name, {name})
        assert expected & set(named), (name, named)
    assert problems(pack) == []


@pytest.mark.parametrize("harm", ["taken away", "added", "a link", "emptied"])
def test_file_that_is_missing_or_too_many_is_named(pack: Path, tmp_path: Path, harm: str) -> None:
    victim = pack / "populations" / "denied.csv"
    name = "populations/denied.csv"
    if harm == "taken away":
        victim.unlink()
    elif harm == "added":
        name = "populations/more.csv"
        shutil.copy(victim, pack / name)
    elif harm == "a link":
        elsewhere = shutil.copy(victim, tmp_path / "elsewhere.csv")
        victim.unlink()
        victim.symlink_to(elsewhere)
    else:
        victim.write_bytes(b"")
    assert name in problems(pack)


def signed_again(made: Path, pack: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and sign it with the log's own key: what its keeper could do."""
    manifest = json.loads((pack / "manifest.json").read_text())
    for path in (path for path in pack.rglob("*") if path.is_file() and not path.name.startswith("manifest.")):
        name = path.relative_to(pack).as_posix()
        manifest["files"][name]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    change(manifest)
    data = json.dumps(manifest).encode()
    (pack / "manifest.json").write_bytes(data)
    (pack / "manifest.sig").write_bytes(load_key(made / "log").vouch(SIGNED_AS, hashlib.sha256(data).hexdigest()))


def test_signature_does_not_make_what_is_claimed_true(made: Path, pack: Path) -> None:
    """A count, a choice of samples and an entry that the log does not have are found by themselves."""

    def nothing(_manifest: dict[str, Any]) -> None:
        """The files alone."""

    signed_again(made, pack, nothing)
    assert problems(pack) == []
    story = next((pack / "samples" / "sign-ins").iterdir())
    whole = story.read_text()
    parts = json.loads(whole)
    parts[0]["entry"] = parts[0]["entry"].replace("psql", "pgql")
    story.write_text(json.dumps(parts))
    signed_again(made, pack, nothing)
    assert problems(pack) == [story.relative_to(pack).as_posix()]
    story.write_text(whole)
    table = pack / "populations" / "sign-ins.csv"
    lines = table.read_bytes().split(b"\r\n")
    table.write_bytes(b"\r\n".join(lines[:1] + lines[2:]))
    signed_again(made, pack, nothing)
    assert "populations/sign-ins.csv" in problems(pack)
    table.write_bytes(b"\r\n".join(lines))

    def choose(manifest: dict[str, Any]) -> None:
        manifest["seed"] = "another"

    signed_again(made, pack, choose)
    assert "populations/sign-ins.csv" in problems(pack)


def test_pack_that_was_forged_whole_needs_the_key_from_elsewhere(made: Path, pack: Path, tmp_path: Path) -> None:
    """By its own key it verifies, which is why verify.py says where the key came from."""
    true_key = (pack / "log.pub").read_text()
    forger = create_key(tmp_path, "log.example/audit")
    (pack / "log.pub").write_text(f"{forger.vkey}\n")
    data = (pack / "manifest.json").read_bytes()
    (pack / "manifest.sig").write_bytes(forger.vouch(SIGNED_AS, hashlib.sha256(data).hexdigest()))
    assert "manifest.sig" in problems(pack, true_key)


def test_same_window_and_log_give_the_same_pack(made: Path) -> None:
    """Byte for byte: whoever has a copy of the log makes the pack again and compares."""
    make_pack(made, WEEKS, "again")
    first, second = made / "pack", made / "again"
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert names == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()] == []


def test_sampled_statement_tells_its_whole_story(made: Path) -> None:
    """Asked for, request, answer, run and outcome, and the session they were in."""
    manifest = json.loads((made / "pack" / "manifest.json").read_text())
    (changes,) = [found for found in manifest["populations"] if found["name"] == "schema-changes"]
    roles = [[part["role"] for part in json.loads((made / "pack" / name).read_text())] for _number, name in changes["stories"]]
    assert ["sign-in", "asked for", "request", "answer", "outcome", "run as approved", "outcome"] in roles


def test_nothing_is_made_of_a_log_that_does_not_verify(made: Path, tmp_path: Path) -> None:
    """And nothing is mixed into a folder that holds something."""
    copy = tmp_path / "harmed"
    shutil.copytree(made / "log", copy / "log")
    bundle = next(path for path in sorted((copy / "log" / "tile" / "entries").rglob("*")) if path.is_file())
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(LogDamaged):
        make_pack(copy, WEEKS)
    assert not (copy / "pack" / "manifest.sig").exists()
    with pytest.raises(ConfigurationInvalid):
        make_pack(made, WEEKS)


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.integers(0, 511))
def test_its_signatures_are_those_of_everybody_else(secret: bytes, message: bytes, bit: int) -> None:
    """Against another implementation; and with one bit changed there is no signature."""
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify.is_signed(public, message, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verify.is_signed(public, message, bytes(changed))
    assert not verify.is_signed(public, message + b"x", signature)


@pytest.mark.parametrize("data", [b"", b"\0" * 31, b"\xff" * 32, b"\1" + b"\0" * 30 + b"\x80"])
def test_what_is_no_point_is_no_key(data: bytes) -> None:
    assert not verify.is_signed(data, b"", b"\0" * 64)
