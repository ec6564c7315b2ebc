"""Proofs and checkpoints, checked by our own code, by the letter of the formats, and by OpenSSL alone."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from doorward.audit.checkpoint import (
    VerifierKey,
    create_key,
    load_key,
    load_or_create_key,
    load_vkey,
    read_checkpoint,
    verify_checkpoint,
)
from doorward.audit.log import AuditLog
from doorward.audit.proofs import consistency_proof, inclusion_proof, verify_consistency, verify_proof
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.errors import ConfigurationInvalid, LogDamaged, NotFound


@pytest.fixture
def signed_log(tmp_path: Path, intent) -> Path:
    directory = tmp_path / "log"
    log = AuditLog.open(directory)
    for number in range(300):
        log.append(intent(number))
    log.close()
    sequencer = Sequencer(directory, create_key(directory, "log.test/audit"))
    sequencer.step()
    sequencer.close()
    return directory


def test_every_sampled_entry_is_proven(signed_log: Path) -> None:
    vkey = str(load_vkey(signed_log))
    entries = dict(LogReader(signed_log).entries())
    for index in (0, 1, 255, 256, 298, 299):
        proof = inclusion_proof(signed_log, index)
        assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
        assert verify_proof(proof, entries[index], vkey).size == 300
        with pytest.raises(LogDamaged, match="does not show"):
            verify_proof(proof, entries[index] + b" ", vkey)
        with pytest.raises(LogDamaged, match="does not show"):
            verify_proof(proof, entries[(index + 1) % 300], vkey)
    with pytest.raises(NotFound):
        inclusion_proof(signed_log, 300)


def test_extra_lines_are_allowed_and_rubbish_is_not(signed_log: Path) -> None:
    vkey, proof = str(load_vkey(signed_log)), inclusion_proof(signed_log, 5)
    entry = dict(LogReader(signed_log).entries(5, 6))[5]
    assert verify_proof(proof.replace("\nindex", "\nextra YQ==\nindex"), entry, vkey).size == 300
    for wrong in (
        "",
        "x",
        proof.replace("index 5", "index 05"),
        proof.replace("index 5", "index 6"),
        proof.replace("@v1", "@v2"),
    ):
        with pytest.raises(LogDamaged):
            verify_proof(wrong, entry, vkey)


def test_a_later_checkpoint_is_proven_to_extend_an_older(signed_log: Path, intent) -> None:
    old = read_checkpoint(signed_log)
    log = AuditLog.open(signed_log)
    for number in range(300):
        log.append(intent(number))
    log.close()
    sequencer = Sequencer(signed_log, load_key(signed_log))
    present = sequencer.step()
    sequencer.close()
    assert old is not None
    assert present is not None
    proof = consistency_proof(signed_log, old.size)
    verify_consistency(old, present, proof)
    with pytest.raises(LogDamaged, match="does not extend"):
        verify_consistency(present, old, proof)
    with pytest.raises(LogDamaged, match="does not extend"):
        verify_consistency(old, present, proof[:-1])
    with pytest.raises(NotFound):
        consistency_proof(signed_log, 601)


def test_openssl_alone_verifies_a_checkpoint(signed_log: Path, tmp_path: Path) -> None:
    """What docs/audit-log.md tells an auditor to do."""
    note = (signed_log / "checkpoint").read_text("utf-8")
    body, signature_line = note.split("\n\n")
    public = base64.b64decode((signed_log / "log.pub").read_text().strip().split("+", 2)[2])[1:]
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
    (tmp_path / "body").write_text(body + "\n", "utf-8")
    (tmp_path / "signature").write_bytes(base64.b64decode(signature_line.split(" ")[2])[4:])
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-rawin",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        "key.der",
        "-sigfile",
        "signature",
        "-in",
        "body",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout, done.stderr


def test_the_published_note_example_verifies() -> None:
    """The vkey and key id arithmetic against the example of the Go note package."""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert str(VerifierKey.parse(vkey)) == vkey


def test_a_foreign_signature_line_is_ignored(signed_log: Path) -> None:
    note = (signed_log / "checkpoint").read_bytes()
    witnessed = note + "— witness.example AAAAAAAA\n".encode()
    assert verify_checkpoint(witnessed, load_vkey(signed_log)).size == 300


def test_a_key_is_its_owners_and_is_never_replaced(tmp_path: Path) -> None:
    signer = load_or_create_key(tmp_path, "log.test")
    path = tmp_path / "log.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(load_or_create_key(tmp_path, "other").vkey) == str(signer.vkey)
    with pytest.raises(ConfigurationInvalid, match="exists already"):
        create_key(tmp_path, "log.test")
    path.chmod(0o640)
    with pytest.raises(ConfigurationInvalid, match="chmod 600"):
        load_key(tmp_path)
    path.chmod(0o600)
    path.write_text(path.read_text().replace("log.test", "log.tost"))
    with pytest.raises(ConfigurationInvalid, match="id does not match"):
        load_key(tmp_path)
    path.write_text("rubbish")
    with pytest.raises(ConfigurationInvalid, match="malformed"):
        load_key(tmp_path)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_breaks_the_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="name"):
        create_key(tmp_path, name)
