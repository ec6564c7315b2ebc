"""TLS towards upstreams, in libpq's words (manual, "SSL Support" of libpq): what is asked for, and what went wrong."""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

from doorward.errors import ConfigurationInvalid, UpstreamUnavailable
from doorward.model.upstream import Reach, Upstream

TLS_WORDS = ("disable", "prefer", "require", "verify-ca", "verify-full")
BINDING_WORDS = ("disable", "prefer", "require")
NEGOTIATION_WORDS = ("postgres", "direct")
# The minor version of protocol 3 that each word asks for.
PROTOCOL_WORDS = {"3.0": 0, "3.2": 2, "latest": 2}
SYSTEM = "system"

_CHECK = "Check its certificate, or choose another sslmode."
# What OpenSSL says of a certificate that it does not accept (X509_V_ERR_*), and what the operator can do.
_NOT_ACCEPTED = {
    9: "It is not valid yet: check the clocks of both machines.",
    10: "It has expired: renew it there.",
    18: "It is signed by itself alone: give it as sslrootcert if it is the one you mean.",
    19: "Its authority is not one that is trusted here: give that authority's certificate as sslrootcert.",
    20: "Its authority is not one that is trusted here: give that authority's certificate as sslrootcert.",
    21: "Its authority is not one that is trusted here: give that authority's certificate as sslrootcert.",
    62: "It is for another name: connect by a name that is in it (hostaddr= may hold the address), or use sslmode=verify-ca.",
    64: "It is for another address: connect by a name that is in it, or use sslmode=verify-ca.",
}
# Alerts that the other side sends, by how OpenSSL calls them.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "It wants a certificate from Doorward: give sslcert and sslkey.",
    "UNKNOWN_CA": "It does not trust the authority of Doorward's certificate: check sslcert, and ssl_ca_file there.",
    "BAD_CERTIFICATE": "It does not accept Doorward's certificate: check sslcert, and ssl_ca_file there.",
    "CERTIFICATE_EXPIRED": "Doorward's certificate has expired: renew sslcert.",
    "CERTIFICATE_REVOKED": "Doorward's certificate was revoked: renew sslcert.",
    "NO_APPLICATION_PROTOCOL": "What listens there does not speak PostgreSQL: check the port.",
    "WRONG_VERSION_NUMBER": "What listens there does not speak TLS: check the port, or use sslnegotiation=postgres.",
    "PROTOCOL_VERSION": "It has no version of TLS that is still safe: it needs 1.2 or newer.",
    "UNSUPPORTED_PROTOCOL": "It has no version of TLS that is still safe: it needs 1.2 or newer.",
}


def check_words(tls: str, reach: Reach) -> None:
    """Raises ConfigurationInvalid for a word that is not known, and for words that contradict each other."""
    for word, value, known in (
        ("sslmode", tls, TLS_WORDS),
        ("channel_binding", reach.channel_binding, BINDING_WORDS),
        ("sslnegotiation", reach.sslnegotiation, NEGOTIATION_WORDS),
        ("max_protocol_version", reach.max_protocol_version, tuple(PROTOCOL_WORDS)),
    ):
        if value not in known:
            raise ConfigurationInvalid(f"{word}={value} is not known.", f"Use one of: {', '.join(known)}.")
    must_encrypt = tls not in ("disable", "prefer")
    for is_wrong, what, remedy in (
        (reach.sslrootcert and not must_encrypt, f"sslrootcert is of no use with sslmode={tls}", "Use sslmode=verify-full."),
        (reach.sslrootcert == SYSTEM and tls != "verify-full", "sslrootcert=system proves nothing without the name",
         "Use sslmode=verify-full."),
        (bool(reach.sslcert) != bool(reach.sslkey), "sslcert and sslkey belong together", "Give both."),
        (reach.sslnegotiation == "direct" and not must_encrypt, f"sslnegotiation=direct can't go with sslmode={tls}",
         "Use sslmode=require or verify-full."),
        (reach.channel_binding == "require" and tls == "disable", "channel_binding=require needs TLS",
         "Use sslmode=require or verify-full."),
    ):  # fmt: skip
        if is_wrong:
            raise ConfigurationInvalid(f"{what}.", remedy)


def tls_context(upstream: Upstream, alpn: str) -> ssl.SSLContext | None:
    """The TLS that *upstream* asks for; None for none. *alpn* is the protocol's name inside TLS.

    Files are read again once they change. Raises ConfigurationInvalid for unknown words and for files that can't be used.
    """
    check_words(upstream.tls, upstream.reach)
    if upstream.tls == "disable":
        return None
    reach = upstream.reach
    files = [file for file in (reach.sslrootcert, reach.sslcert, reach.sslkey) if file and file != SYSTEM]
    return _context(upstream.tls, reach, tuple(map(_mark, files)), alpn)


def _mark(file: str) -> tuple[int, int, int] | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@functools.lru_cache(maxsize=32)
def _context(mode: str, reach: Reach, _marks: tuple[tuple[int, int, int] | None, ...], alpn: str) -> ssl.SSLContext:
    """One context for all connections: loading the authorities takes tens of milliseconds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([alpn])
    # prefer and require encrypt without proof of who is there, unless an authority is given: so libpq documents it.
    verifies = mode.startswith("verify-") or bool(reach.sslrootcert)
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
    if verifies and reach.sslrootcert in ("", SYSTEM):
        context.load_default_certs()
    elif verifies:
        _load("sslrootcert", reach.sslrootcert, lambda: context.load_verify_locations(reach.sslrootcert))
    if reach.sslcert:
        _check_nobody_else_reads(reach.sslkey)
        # Without a password given, a key that is encrypted would be asked for at the terminal.
        _load("sslcert", reach.sslcert, lambda: context.load_cert_chain(reach.sslcert, reach.sslkey, password=""))
    return context


def _load(word: str, file: str, load: object) -> None:
    assert callable(load)
    try:
        load()
    except (OSError, ValueError) as error:
        why = (error.strerror if not isinstance(error, ssl.SSLError) and isinstance(error, OSError) else "") or "it is not PEM"
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            why = "sslkey belongs to another certificate"
        raise ConfigurationInvalid(f"{word}={file} can't be used: {why}.", "Give PEM files, the key not encrypted.") from None


def _check_nobody_else_reads(file: str) -> None:
    """As libpq, take no key that others can read; root's own may be readable by a group."""
    try:
        found = Path(file).stat()
    except OSError as error:
        raise ConfigurationInvalid(f"sslkey={file} can't be read: {error.strerror}.", "Give the key of sslcert.") from None
    if found.st_mode & (0o037 if found.st_uid == 0 and os.geteuid() != 0 else 0o077):
        raise ConfigurationInvalid(f"sslkey={file} can be read by others.", "Make it its owner's alone: chmod 600.")


def tls_failure(error: ssl.SSLError, where: str) -> UpstreamUnavailable:
    """What to tell the operator of a failed handshake with the upstream at *where*."""
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = _NOT_ACCEPTED.get(error.verify_code, _CHECK)
        words = f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
        return UpstreamUnavailable(f"TLS with the upstream at {where} failed: {words}.", remedy)
    reason = error.reason or "no reason given"
    remedy = next((told for ending, told in _ALERTS.items() if reason.endswith(ending)), _CHECK)
    return UpstreamUnavailable(f"TLS with the upstream at {where} failed: {reason}.", remedy)
