"""tls-server-end-point for certificates of every kind."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from doorward.authentication.channel_binding import end_point_binding

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
EC_KEY, RSA_KEY = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)


def certificate(key: Any, algorithm: Any, **options: Any) -> bytes:
    """A self-signed certificate, as DER."""
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return builder.sign(key, algorithm, **options).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("algorithm", "name"), [(hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")]
)
@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["EC", "RSA"])
def test_it_is_the_hash_that_the_certificate_is_signed_with(key: Any, algorithm: hashes.HashAlgorithm, name: str) -> None:
    """RFC 5929, section 4.1."""
    der = certificate(key, algorithm)
    assert end_point_binding(der) == hashlib.new(name, der).digest()


def test_a_padding_with_parameters_names_its_hash_too() -> None:
    """RSASSA-PSS."""
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), padding.PSS.DIGEST_LENGTH)
    der = certificate(RSA_KEY, hashes.SHA384(), rsa_padding=pss)
    assert end_point_binding(der) == hashlib.sha384(der).digest()


@pytest.mark.parametrize("last", ["04", "05"], ids=["MD5", "SHA-1"])
def test_weak_hashes_are_replaced(last: str) -> None:
    """Nobody signs with them any more: so the certificate only says that it was (RFC 8017, appendix A.2.4)."""
    der = certificate(RSA_KEY, hashes.SHA256()).replace(
        bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d0101" + last)
    )
    assert end_point_binding(der) == hashlib.sha256(der).digest()


@pytest.mark.parametrize("der", [certificate(ed25519.Ed25519PrivateKey.generate(), None), b"", b"no certificate", b"0\x82"])
def test_where_the_rfc_says_nothing_there_is_none(der: bytes) -> None:
    """Ed25519 has no hash of its own; and what is no certificate has none either."""
    assert end_point_binding(der) is None
