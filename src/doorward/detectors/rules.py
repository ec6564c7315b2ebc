# ruff: noqa: E501 - patterns and word lists, one to a line
"""Every detector, in one table: what the engine looks for, and who reads on where it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from doorward.detectors import addresses, banking, births, credentials, hosts, numbers, people, tokens
from doorward.detectors.context import Hint
from doorward.detectors.national_ids import LETTERED_IDS
from doorward.detectors.spans import Candidate

Finder = Callable[[str, Hint], Iterator[Candidate]]


class Rule(NamedTuple):
    """A detector. *find* reads a value in which one of *heads* occurs.

    A head is a regular expression over UTF-8 bytes in the subset that both engines share: no look-around, no
    back-references, and no class that matches the zero byte which parts values.
    """

    name: str
    type: str
    heads: tuple[str, ...]
    find: Finder


# Nine digits with what people put between them, or seven behind a sign that telephone numbers start with.
_NUMBER_HEADS = (
    r"[0-9](?:[ .()/-]{0,3}[0-9]){8,40}[^0-9 .()/-]",
    r"[0-9](?:[ .()/-]{0,3}[0-9]){8,40}[ .()/-]{1,4}[^0-9 .()/-]",
    r"\+ ?[1-9][0-9]|\([0-9]{2,5}\)|\b0[0-9]{1,4}[ /.-][0-9]{2,3}[ .-]?[0-9]{2}",
    r"\b[0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2}\b|\b[0-9]{3} [0-9]{2} [0-9]{3}\b",
    r"(?i)\b(?:tel|phone|mobile|mob|cell|cellphone|telephone|fax|handy|nummer|call|sms|whatsapp|dial|ring)[a-z.: #\n]{1,16}[0-9]{2}",
)
_LETTERED_HEADS = tuple(rf"\b(?i:{row.pattern})" for row in LETTERED_IDS)
_ID_HEADS = (
    r"(?i)\b(?:passport|passeport|pasaporte|reisepass|paszport|paspoort|passaporto|identity|licen[cs]e|medical record|mrn|"
    r"patient (?:id|no|number)|nif|nie|dni|(?:national|personal|tax|vat|citizen)[ -]?(?:id|number|no|card))\b",
)

RULES: tuple[Rule, ...] = (
    Rule("number", "", _NUMBER_HEADS, numbers.numbers_in),
    Rule("email", "EMAIL", (r"[A-Za-z0-9_%+.'!&~\x80-\xff-]@[A-Za-z0-9\x80-\xff]",), hosts.emails_in),
    Rule("ip", "IP", (r"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", r":[0-9A-Fa-f]{3,4}:|::|(?:[0-9A-Fa-f]{1,2}:){7}[0-9A-Fa-f]"), hosts.ips_in),
    Rule("mac", "MAC", (r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b", r"\b[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\b"), hosts.macs_in),
    Rule("iban", "IBAN", (r"\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]){11}",), banking.ibans_in),
    Rule("lettered-id", "NATIONAL_ID", _LETTERED_HEADS, numbers.lettered_ids_in),
    Rule("named-id", "NATIONAL_ID", _ID_HEADS, numbers.named_ids_in),
    Rule("private-key", "SECRET", (tokens.PEM_HEAD, tokens.PUTTY_HEAD), tokens.private_keys_in),
    Rule("url-password", "SECRET", (credentials.URL_HEAD,), credentials.url_passwords_in),
    Rule("command-line", "SECRET", credentials.COMMAND_HEADS, credentials.command_passwords_in),
    Rule("key-value", "SECRET", (credentials.PAIR_HEAD,), credentials.pairs_in),
    Rule("authorization", "SECRET", (credentials.HEADER_HEAD,), credentials.headers_in),
    Rule("aws-secret-key", "SECRET", (r"A(?:KIA|SIA)[A-Z0-9]{16}", r"(?i)aws", r"(?i)secret"), credentials.aws_secrets_in),
    Rule("birth", "DOB", (births.CUE_HEAD,), births.births_in),
    Rule("person", "PERSON", people.HEADS, people.people_in),
    Rule("address", "ADDRESS", addresses.HEADS, addresses.addresses_in),
    *(Rule(token.name, "SECRET", (token.head,), tokens.finder_of(token)) for token in tokens.TOKENS),
)  # fmt: skip
