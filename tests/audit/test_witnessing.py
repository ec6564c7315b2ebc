"""A witness cosigns what extends what it cosigned, and nothing else."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from doorward.audit.checkpoint import VerifierKey, create_key, load_key, load_vkey, read_checkpoint, verify_checkpoint
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.audit.witnessing import LAST_FILE, Witness, WitnessKey, verify_cosignature
from doorward.errors import ConfigurationInvalid, LogDamaged, NotFound
from doorward.model.entry import StatementIntent

MakeIntent = Callable[..., StatementIntent]


@pytest.fixture
def write(tmp_path: Path, intent: MakeIntent) -> Callable[..., Path]:
    def more(name: str, count: int, first: int = 0) -> Path:
        directory = tmp_path / name
        log = AuditLog.open(directory)
        for number in range(first, first + count):
            log.append(intent(number))
        log.close()
        made = (directory / "log.key").exists()
        sequencer = Sequencer(directory, load_key(directory) if made else create_key(directory, "log.test"))
        sequencer.step()
        sequencer.close()
        return directory

    return more


def test_what_extends_the_last_is_cosigned(tmp_path: Path, write: Callable[..., Path]) -> None:
    """With the time; for whoever has the witness's key, and without harm for whoever has the log's alone."""
    log = write("log", 5)
    vkey = load_vkey(log)
    witness = Witness(tmp_path / "witness", "witness.example")
    first = witness.cosign(log, vkey, 1_800_000_000)
    assert verify_cosignature(first, witness.key) == 1_800_000_000
    assert verify_checkpoint(first, vkey).size == 5
    write("log", 300, 5)
    again = Witness(tmp_path / "witness", "another name")
    second = again.cosign(log, vkey, 1_800_000_060)
    assert (verify_cosignature(second, witness.key), verify_checkpoint(second, vkey).size) == (1_800_000_060, 305)
    assert again.key == witness.key
    assert again.cosign(log, vkey, 1_800_000_061) != second


def test_a_cosignature_is_as_the_specification_says(tmp_path: Path, write: Callable[..., Path]) -> None:
    """Key id, eight bytes of time, a signature over a header and the checkpoint's text: taken apart here by hand."""
    log = write("log", 2)
    witness = Witness(tmp_path / "witness", "w")
    note = witness.cosign(log, load_vkey(log), 7)
    body, _, lines = note.partition(b"\n\n")
    given = base64.b64decode(lines.split(b"\n")[1].split(b" ")[2])
    assert (given[:4], given[4:12]) == (witness.key.key_id, b"\0\0\0\0\0\0\0\7")
    Ed25519PublicKey.from_public_bytes(witness.key.public).verify(given[12:], b"cosignature/v1\ntime 7\n" + body + b"\n")
    name, key_id, coded = str(witness.key).split("+", 2)
    assert (name, key_id, base64.b64decode(coded)[:1]) == ("w", witness.key.key_id.hex(), b"\4")


def test_a_rewritten_or_shortened_log_gets_no_signature(tmp_path: Path, write: Callable[..., Path]) -> None:
    """Though it is signed with the log's own key."""
    log = write("log", 5)
    witness = Witness(tmp_path / "witness", "w")
    shutil.copytree(log, tmp_path / "before")
    write("log", 5, 5)
    vkey = load_vkey(log)
    kept = witness.cosign(log, vkey, 1)
    with pytest.raises(LogDamaged, match="was cut off"):
        witness.cosign(tmp_path / "before", vkey, 2)
    write("before", 5, 100)
    with pytest.raises(LogDamaged, match="rewritten or lost"):
        witness.cosign(tmp_path / "before", vkey, 2)
    other = write("other", 20)
    with pytest.raises(LogDamaged, match="no signature by the key"):
        witness.cosign(other, vkey, 2)
    assert (tmp_path / "witness" / LAST_FILE).read_bytes() == kept
    (tmp_path / "nothing").mkdir()
    with pytest.raises(NotFound):
        witness.cosign(tmp_path / "nothing", vkey, 2)


def test_a_witness_whose_memory_was_altered_signs_nothing(tmp_path: Path, write: Callable[..., Path]) -> None:
    """Or it could be made to cosign two histories."""
    log = write("log", 5)
    witness = Witness(tmp_path / "witness", "w")
    note = witness.cosign(log, load_vkey(log), 1)
    last = tmp_path / "witness" / LAST_FILE
    found = read_checkpoint(log)
    assert found is not None
    for altered in (note.replace(b"\n5\n", b"\n4\n"), found.note, b"", note[:-5]):
        last.write_bytes(altered)
        with pytest.raises(LogDamaged):
            witness.cosign(log, load_vkey(log), 2)


def test_malformed_keys_are_refused(tmp_path: Path) -> None:
    """Of a witness, or of a log where a witness's is asked for."""
    witness = Witness(tmp_path / "witness", "w")
    assert WitnessKey.parse(f"{witness.key}\n") == witness.key
    for text in ("", "w", str(witness.key)[:-4], str(VerifierKey("w", witness.key.public)), f"x{witness.key}"):
        with pytest.raises(ConfigurationInvalid):
            WitnessKey.parse(text)
    (tmp_path / "witness" / "witness.key").write_text("AAAA\n")
    with pytest.raises(ConfigurationInvalid, match="malformed"):
        Witness(tmp_path / "witness", "w")
    (tmp_path / "witness" / "witness.key").write_text(base64.b64encode(bytes(32)).decode())
    with pytest.raises(ConfigurationInvalid, match="public half"):
        Witness(tmp_path / "witness", "w")
