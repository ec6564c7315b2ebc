"""What ties a sign-in to the TLS connection that it runs in: tls-server-end-point (RFC 5929, section 4)."""

from __future__ import annotations

import functools
import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

# Section 4.1: these two are too weak, and SHA-256 stands in for them.
_STRENGTHENED = {"md5": "sha256", "sha1": "sha256"}


@functools.lru_cache(maxsize=64)
def end_point_binding(certificate: bytes) -> bytes | None:
    """The binding of a server's *certificate* (DER): its hash, by the function that it is itself signed with.

    None for a certificate of which the RFC says nothing: one that can't be read, or whose signature (Ed25519) has no such
    function. Channel binding is then neither offered nor asked for.
    """
    try:
        signed_with = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if signed_with is None:
        return None
    name = _STRENGTHENED.get(signed_with.name, signed_with.name)
    return hashlib.new(name, certificate).digest() if name in hashlib.algorithms_available else None
