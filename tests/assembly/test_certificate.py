"""The certificate of the first start, and keys that are made once."""

from __future__ import annotations

import ipaddress
import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from doorward.assembly.certificate import ensure_certificate, key_bytes, write_secret
from doorward.errors import ConfigurationInvalid


def made(folder: Path, host: str = "127.0.0.1") -> tuple[Path, Path]:
    """Certificate and key for *host*."""
    certificate, private_key = folder / "tls.crt", folder / "tls.key"
    ensure_certificate(certificate, private_key, host)
    return certificate, private_key


def names_of(certificate: Path) -> tuple[set[str], set[str]]:
    """The DNS names and addresses it is good for."""
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return set(names.get_values_for_type(x509.DNSName)), addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "0.0.0.0", "::", "::1", "2001:db8::7", "db.example", "localhost"])
def test_a_certificate_is_good_for_its_host_and_for_loopback(tmp_path: Path, host: str) -> None:
    """As an address or as a name, whichever it is."""
    names, addresses = names_of(made(tmp_path, host)[0])
    try:
        expected: set[str] = {str(ipaddress.ip_address(host))}
        assert addresses == {"127.0.0.1", "::1"} | expected
    except ValueError:
        assert host in names
        assert addresses == {"127.0.0.1", "::1"}
    assert "localhost" in names


def test_key_and_certificate_belong_together_and_sign_nothing_else(tmp_path: Path) -> None:
    """It is no authority."""
    certificate, private_key = made(tmp_path)
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    key = serialization.load_pem_private_key(private_key.read_bytes(), None)
    as_pem = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert read.public_key().public_bytes(*as_pem) == key.public_key().public_bytes(*as_pem)
    assert read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask, and nothing is left beside them."""
    before = os.umask(0)
    try:
        made(tmp_path)
        key_bytes(tmp_path / "digest.key")
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {
        "tls.crt": 0o600,
        "tls.key": 0o600,
        "digest.key": 0o600,
    }


def test_a_secret_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    """Also where a crash left a readable file aside."""
    path, aside = tmp_path / "a.key", tmp_path / "a.new"
    for leftover in (path, aside):
        leftover.write_bytes(b"old")
        leftover.chmod(0o644)
    write_secret(path, b"fresh")
    assert path.read_bytes() == b"fresh"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not aside.exists()


def test_both_are_kept_on_the_second_call(tmp_path: Path) -> None:
    """Clients that trust it go on trusting it, and the operator's own is never replaced."""
    files = made(tmp_path)
    before = [path.read_bytes() for path in files]
    made(tmp_path, "db.example")
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize("missing", [0, 1])
def test_half_a_pair_is_made_anew(tmp_path: Path, missing: int) -> None:
    """One without the other is of no use."""
    files = made(tmp_path)
    before = [path.read_bytes() for path in files]
    files[missing].unlink()
    made(tmp_path)
    assert all(path.read_bytes() != old for path, old in zip(files, before, strict=True))


def test_a_key_is_random_and_stays(tmp_path: Path) -> None:
    """Digests made with it must be recognised after a restart."""
    one, other = key_bytes(tmp_path / "one.key"), key_bytes(tmp_path / "other.key", 16)
    assert (len(one), len(other)) == (32, 16)
    assert key_bytes(tmp_path / "one.key") == one
    assert one[:16] != other


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * 33])
def test_a_key_that_lost_its_length_is_not_used(tmp_path: Path, damaged: bytes) -> None:
    """An empty one would make the digests of parameters anybody's to compute."""
    path = tmp_path / "digest.key"
    path.write_bytes(damaged)
    with pytest.raises(ConfigurationInvalid, match="damaged"):
        key_bytes(path)
