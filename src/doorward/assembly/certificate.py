"""A self-signed certificate for the first start, and other keys that are made once."""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from doorward.errors import ConfigurationInvalid

VALID_DAYS = 825


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    aside = path.with_suffix(".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # a file that was left there keeps its own
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def key_bytes(path: Path, length: int = 32) -> bytes:
    """The random key in *path*, made when there is none. Raises ConfigurationInvalid for one that is not as long as it must."""
    if not path.exists():
        write_secret(path, secrets.token_bytes(length))
    key = path.read_bytes()
    if len(key) != length:
        raise ConfigurationInvalid(f"The key {path} is damaged.", "Bring it back from a backup; a new one is made without it.")
    return key


def ensure_certificate(certificate: Path, private_key: Path, host: str) -> None:
    """Make a self-signed certificate for *host* and loopback, unless both files are there."""
    if certificate.exists() and private_key.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "doorward")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname()[:63] or "localhost")]
    addresses = {"127.0.0.1", "::1", host}
    for address in sorted(addresses):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError:
            names.append(x509.DNSName(address))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_secret(
        private_key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    write_secret(certificate, built.public_bytes(serialization.Encoding.PEM))
