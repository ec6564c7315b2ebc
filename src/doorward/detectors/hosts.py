# ruff: noqa: E501, SIM905 - patterns and word lists, one to a line
"""E-mail, IP and MAC addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from doorward.detectors import spans
from doorward.detectors.context import Hint, cues_before
from doorward.detectors.spans import Candidate

# RFC 5321, section 4.5.3.1: 64 characters before the @; RFC 1035, section 2.3.4: labels of 63.
_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w+%][\w.+%'!&~-]{0,63}@(?:[^\W_](?:[^\W_]|-){0,62}\.){1,8}(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![\w@])"
)
_FILE_ENDINGS = frozenset(
    "png jpg jpeg gif svg webp ico bmp css js mjs ts tsx jsx json html htm xml pdf zip gz tar whl jar py rb go rs java php "
    "md txt csv yml yaml toml lock map woff ttf mp3 mp4 dll exe so".split()
)


def emails_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """E-mail addresses, not the user and host of a URL or a file name with an @ in it."""
    for match in _EMAIL.finditer(text):
        start, end = match.span()
        ending = text[text.rindex(".", start, end) + 1 : end].lower()
        if ending in _FILE_ENDINGS or text[start - 2 : start] == "//" or text.startswith("git@", start):
            continue
        yield Candidate(start, end, spans.EMAIL, "email", spans.CHECKED)


_IPV4 = re.compile(r"(?<![0-9A-Za-z_.])(?<![0-9]-)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_])(?!\.[0-9])")
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{0,36}:[0-9A-Fa-f:]{1,36}(?:(?<=:)[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![0-9A-Za-z:])"
)
_VERSION = re.compile(r"(?:\b(?:version|ver|v|build|release|firmware|upgrade|from|to|fw|rev|chrome|driver)\.?[ :=]{0,2}|[\w)]/|[-_])$", re.IGNORECASE)  # fmt: skip
_VERSION_WORD = re.compile(r"\b(?:version|ver|v|build|release|firmware|upgrade[ds]?|fw|rev|chrome|safari|firefox|driver)\b", re.IGNORECASE)  # fmt: skip
# RFC 6890: addresses of no host in particular.
_NOBODYS_IPV4 = frozenset({"0.0.0.0", "127.0.0.1", "255.255.255.255", "255.255.255.0", "255.255.0.0", "255.0.0.0"})  # noqa: S104


def ips_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """IPv4 and IPv6 addresses, not version numbers, times or digests."""
    if hint.is_plain:
        return
    for match in _IPV4.finditer(text):
        start, end = match.span()
        if _is_ipv4(match.group()) and (hint.type is spans.IP or not _is_version(text[max(0, start - 24) : start])):
            yield Candidate(start, end, spans.IP, "ipv4", spans.CHECKED)
    for match in _IPV6.finditer(text):
        start, end = match.span()
        written = match.group()
        if written.count(":") < 2:
            continue
        if written.endswith(":") and not written.endswith("::"):
            end, written = end - 1, written[:-1]
        if written.startswith(":") and not written.startswith("::"):
            start, written = start + 1, written[1:]
        if len(written) < 5 or not _is_ipv6(written):
            continue
        if all(len(group) == 2 for group in written.split(":")):
            yield Candidate(start, end, spans.MAC, "eui-64", spans.CHECKED)
        else:
            yield Candidate(start, end, spans.IP, "ipv6", spans.CHECKED)


def _is_version(before: str) -> bool:
    if not before:
        return False
    if before.endswith("//") or before[-1:] in ("@", "="):
        return False
    closing = _VERSION.search(before)
    if closing is None:
        return cues_before(before, len(before)).is_other
    word = closing.group().lower()
    return not word.startswith(("from", "to")) or _VERSION_WORD.search(before) is not None


def _is_ipv4(written: str) -> bool:
    try:
        IPv4Address(written)
    except ValueError:
        return False
    return written not in _NOBODYS_IPV4


def _is_ipv6(written: str) -> bool:
    try:
        address = IPv6Address(written)
    except ValueError:
        return False
    return not address.is_loopback and not address.is_unspecified


_MAC = re.compile(
    r"(?<![0-9A-Za-z:-])(?<![0-9A-Fa-f]\.)(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})"
    r"(?![0-9A-Za-z])(?![:.-][0-9A-Fa-f])"
)


def macs_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Hardware addresses (IEEE 802 EUI-48) in their three spellings."""
    for match in _MAC.finditer(text):
        written = match.group()
        if len(set(written)) > 2:
            yield Candidate(*match.span(), spans.MAC, "mac", spans.CHECKED)
