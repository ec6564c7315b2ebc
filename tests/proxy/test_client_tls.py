"""The certificate shown to clients, before and after its files change."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from doorward.assembly.certificate import ensure_certificate
from doorward.authentication.channel_binding import end_point_binding
from doorward.errors import ConfigurationInvalid
from doorward.proxy.client_tls import Certificate


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    made = tmp_path / "tls.crt", tmp_path / "tls.key"
    ensure_certificate(*made, "127.0.0.1")
    return made


def renew(files: tuple[Path, Path]) -> None:
    """Another pair in the place of the first."""
    for path in files:
        path.unlink()
    ensure_certificate(*files, "127.0.0.1")


def binding_of(certificate: Path) -> bytes | None:
    """What a sign-in is bound to with this certificate."""
    return end_point_binding(ssl.PEM_cert_to_DER_cert(certificate.read_text()))


def test_it_is_read_once_while_nothing_changes(files: tuple[Path, Path]) -> None:
    """One context for all connections."""
    certificate = Certificate(*files, "postgresql")
    first = certificate.current()
    assert first.binding == binding_of(files[0])
    assert certificate.current() is first


def test_a_new_pair_is_taken_up(files: tuple[Path, Path]) -> None:
    """By who connects next, with the binding that belongs to it."""
    certificate = Certificate(*files, "postgresql")
    first = certificate.current()
    renew(files)
    assert certificate.current() is not first
    assert certificate.current().binding == binding_of(files[0]) != first.binding


def test_a_link_that_points_elsewhere_is_a_change(files: tuple[Path, Path], tmp_path: Path) -> None:
    """So certificate managers do it."""
    links = tmp_path / "live.crt", tmp_path / "live.key"
    for link, file in zip(links, files, strict=True):
        link.symlink_to(file)
    certificate = Certificate(*links, "postgresql")
    other = tmp_path / "other.crt", tmp_path / "other.key"
    ensure_certificate(*other, "127.0.0.1")
    for link, file in zip(links, other, strict=True):
        link.unlink()
        link.symlink_to(file)
    assert certificate.current().binding == binding_of(other[0])


@pytest.mark.parametrize("damage", ["empty", "garbage", "gone", "another key", "half", "unreadable"])
def test_a_pair_that_cannot_be_used_leaves_the_one_before(
    files: tuple[Path, Path], damage: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, and the next good pair is taken up."""
    monkeypatch.setattr(logging.getLogger("doorward"), "propagate", True)
    certificate = Certificate(*files, "postgresql")
    first = certificate.current()
    whole = files[0].read_bytes()
    if damage == "another key":
        files[1].unlink()
        ensure_certificate(files[0].with_name("other.crt"), files[1], "127.0.0.1")
    elif damage == "gone":
        files[0].unlink()
    elif damage == "unreadable":
        files[0].unlink()
        files[0].mkdir()
    else:
        files[0].write_bytes({"empty": b"", "garbage": os.urandom(500), "half": whole[: len(whole) // 2]}[damage])
    with caplog.at_level(logging.INFO, "doorward"):
        for _connection in range(3):
            assert certificate.current() is first
    assert sum("certificate.refused" in record.message for record in caplog.records) == 1
    if damage == "unreadable":
        files[0].rmdir()
    for path in files:
        path.unlink(missing_ok=True)
    ensure_certificate(*files, "127.0.0.1")
    assert certificate.current().binding == binding_of(files[0])


def test_a_key_with_a_password_is_refused_and_not_asked_for(files: tuple[Path, Path]) -> None:
    """Nobody sits at a gateway's terminal."""
    secret = serialization.BestAvailableEncryption(b"secret")
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret
    files[1].write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*pem))
    with pytest.raises(ConfigurationInvalid, match="can't be used"):
        Certificate(*files, "postgresql")


def test_the_first_of_a_chain_is_what_is_bound_to(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The rest of the file are authorities; comments may stand before it."""
    other = tmp_path / "other.crt", tmp_path / "other.key"
    ensure_certificate(*other, "127.0.0.1")
    expected = binding_of(files[0])
    files[0].write_bytes("# Zertifikat für tests\n".encode() + files[0].read_bytes() + other[0].read_bytes())
    assert Certificate(*files, "postgresql").current().binding == expected
