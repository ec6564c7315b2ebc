"""Logs and proofs held against verifiers that share no code with ours: a program for Node made from the page, OpenSSL."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorward.audit.checkpoint import create_key, load_key, load_vkey
from doorward.audit.log import AuditLog
from doorward.audit.proofs import consistency_proof, inclusion_proof
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.model.entry import StatementIntent

MakeIntent = Callable[..., StatementIntent]
PROGRAM = Path(__file__).with_name("verifier.mjs")


@pytest.fixture(scope="session")
def node() -> str:
    """The system's, or the one that comes with the browser driver of the tests."""
    import playwright

    bundled = Path(playwright.__file__).parent / "driver" / "node"
    return shutil.which("node") or str(bundled)


def heard(node: str, *arguments: object) -> dict[str, Any]:
    """What the other verifier says."""
    ended = subprocess.run([node, str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    said: dict[str, Any] = json.loads(ended.stdout)
    assert (ended.returncode == 0) == ("wrong" not in said), ended.stderr
    return said


def write(directory: Path, intent: MakeIntent, count: int, first: int = 0) -> None:
    """*count* more entries, signed."""
    log = AuditLog.open(directory)
    for number in range(first, first + count):
        log.append(intent(number, statement="SELECT '\N{SNOWMAN}\"\\\n'"))
    log.close()
    made = (directory / "log.key").exists()
    sequencer = Sequencer(directory, load_key(directory) if made else create_key(directory, "log.test"))
    sequencer.step()
    sequencer.close()


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 700])
def test_another_verifier_finds_the_log_intact(node: str, tmp_path: Path, intent: MakeIntent, size: int) -> None:
    """Entries, tiles and the signature, at every kind of edge."""
    write(tmp_path / "log", intent, size)
    checkpoint = LogReader(tmp_path / "log").checkpoint()
    assert checkpoint is not None
    said = heard(node, "log", tmp_path / "log", load_vkey(tmp_path / "log"))
    assert said == {"size": size, "root": base64.b64encode(checkpoint.root).decode()}


@pytest.mark.parametrize("name", ["checkpoint", "tile/entries/000", "tile/0/000", "tile/1/000.p/2", "tile/entries/002.p/8"])
def test_another_verifier_finds_what_was_altered(node: str, tmp_path: Path, intent: MakeIntent, name: str) -> None:
    """One bit of any file that it reads."""
    write(tmp_path / "log", intent, 520)
    vkey = load_vkey(tmp_path / "log")
    path = tmp_path / "log" / name
    content = path.read_bytes()
    for position in (20, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        assert "wrong" in heard(node, "log", tmp_path / "log", vkey)
    path.write_bytes(content)
    assert heard(node, "log", tmp_path / "log", vkey)["size"] == 520


def test_another_verifier_is_convinced_by_our_proofs(node: str, tmp_path: Path, intent: MakeIntent) -> None:
    """Of entries at every kind of place, and of nothing else."""
    write(tmp_path / "log", intent, 300)
    vkey = load_vkey(tmp_path / "log")
    entries = dict(LogReader(tmp_path / "log").entries())
    proof, entry = tmp_path / "one.tlog-proof", tmp_path / "entry"
    for index in (0, 1, 254, 255, 256, 299):
        proof.write_text(inclusion_proof(tmp_path / "log", index))
        entry.write_bytes(entries[index])
        assert heard(node, "proof", proof, entry, vkey) == {"index": index, "size": 300}
        entry.write_bytes(entries[index] + b" ")
        assert "wrong" in heard(node, "proof", proof, entry, vkey)
    entry.write_bytes(entries[299])
    for old, new in (("index 299", "index 298"), ("index 299", "index 300"), ("\n300\n", "\n301\n")):
        proof.write_text(inclusion_proof(tmp_path / "log", 299).replace(old, new))
        assert "wrong" in heard(node, "proof", proof, entry, vkey)


@pytest.mark.parametrize(("older", "more"), [(1, 1), (3, 4), (4, 3), (255, 2), (256, 256), (300, 257), (5, 0)])
def test_another_verifier_is_convinced_that_a_log_was_extended(
    node: str, tmp_path: Path, intent: MakeIntent, older: int, more: int
) -> None:
    """And is not, when any hash of the proof is another."""
    write(tmp_path / "log", intent, older)
    vkey = load_vkey(tmp_path / "log")
    shutil.copy(tmp_path / "log" / "checkpoint", tmp_path / "before")
    write(tmp_path / "log", intent, more, older)
    hashes = [base64.b64encode(each).decode() for each in consistency_proof(tmp_path / "log", older)]
    proof, now = tmp_path / "proof", tmp_path / "log" / "checkpoint"
    proof.write_text("\n".join(hashes))
    assert heard(node, "consistency", tmp_path / "before", now, proof, vkey) == {"from": older, "to": older + more}
    for position in range(len(hashes)):
        other = [*hashes[:position], base64.b64encode(bytes(32)).decode(), *hashes[position + 1 :]]
        proof.write_text("\n".join(other))
        assert "wrong" in heard(node, "consistency", tmp_path / "before", now, proof, vkey)


COMMANDS = r"""
set -e
sed '/^$/,$d' checkpoint > body
tail -n 1 checkpoint | cut -d' ' -f3 | base64 -d | tail -c +5 > signature
(printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; cut -d+ -f3- log.pub | base64 -d | tail -c +2) > key.der
openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -sigfile signature -in body
"""


def test_the_documented_commands_verify_a_checkpoint(tmp_path: Path, intent: MakeIntent) -> None:
    """As they stand on the page, word by word."""
    page = (Path(__file__).parents[2] / "docs" / "audit-log.md").read_text(encoding="utf-8")
    for line in COMMANDS.strip().splitlines()[1:]:
        assert line in page
    write(tmp_path / "log", intent, 3)
    for name in ("checkpoint", "log.pub"):
        shutil.copy(tmp_path / "log" / name, tmp_path / name)
    good = subprocess.run(["bash", "-c", COMMANDS], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (good.returncode, "Verified Successfully" in good.stdout) == (0, True), good.stderr
    (tmp_path / "checkpoint").write_bytes((tmp_path / "checkpoint").read_bytes().replace(b"\n3\n", b"\n4\n"))
    assert subprocess.run(["bash", "-c", COMMANDS], cwd=tmp_path, capture_output=True, timeout=60).returncode != 0
