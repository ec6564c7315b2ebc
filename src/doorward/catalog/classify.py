"""What a column probably holds, from its name, type, table and comment; values are never looked at.

A *finding* is a proposal: an operator's verdict always wins over it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from doorward.catalog.rules import NOT_A_PERSON, RULES, TEXTS, Kind, Rule
from doorward.catalog.vocabulary import ASPECT, CATALOGUE, PERSON, PUBLISHED, ROLE
from doorward.catalog.words import words
from doorward.model.catalog import Finding, Label

_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"bool(ean)?|flag|bit\(1\)|tinyint\(1\)", Kind.BOOLEAN),
    (r"(big|small|medium|tiny)?int(eger)?\d?|(small|big)?serial\d?|year|oid|xid8?|cid", Kind.INTEGER),
    (r"numeric|decimal|double( precision)?|float\d?|real|money|number", Kind.DECIMAL),
    (r"date", Kind.DATE),
    (r"timestamp(tz)?|datetime|time(tz)?", Kind.MOMENT),
    (r"uuid", Kind.UUID),
    (r"enum|set", Kind.ENUM),
    (r"jsonb?|xml|hstore", Kind.DOCUMENT),
    (r"bytea|(tiny|medium|long)?blob|(var)?binary|lo", Kind.BINARY),
    (r"inet|cidr", Kind.INTERNET),
    (r"macaddr8?", Kind.HARDWARE),
    (r"point|geometry|geography|polygon|path|circle|box|line|lseg|earth", Kind.PLACE),
    (r"tsvector", Kind.SEARCH),
    (r"interval|bit|varbit|\w+range|tsquery|(half|sparse)?(vec|vector)|pg_lsn|reg[a-z]+|tid", Kind.INERT),
    (r"(tiny|medium|long)?text|citext|name|(n?var|bp)?char(acter)?( varying)?\d?|string|clob|\"char\"", Kind.TEXT),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), kind) for pattern, kind in _KINDS)
_PREFIX_LENGTH = 5  # a leading word no longer than this may be the table's initials: ec_name, cust_name
_QUESTIONS = frozenset(("is", "has", "can", "allow", "enable", "use", "show", "require"))
_SMALL_WORDS = frozenset(("the", "a", "an", "of", "s", "for", "der", "die", "das", "de", "la"))
_COMMENT_DISCOUNT = 0.85
NONE = Finding(Label.NONE, 0.6, ("no rule speaks for anything protected",))


@lru_cache(maxsize=4096)
def kind_of(type_name: str) -> Kind:
    """What a type holds, from its SQL spelling; array and length parts are looked through."""
    plain = type_name.strip().lower().removeprefix("public.")
    if plain == "bit(1)" or plain == "tinyint(1)":
        return Kind.BOOLEAN
    plain = re.sub(r"\[\]|\(.*\)| unsigned| with(out)? time zone", "", plain).strip()
    for pattern, kind in _COMPILED:
        if pattern.fullmatch(plain) or (pattern.fullmatch(plain.strip('"')) and kind is Kind.BOOLEAN):
            return kind
    return Kind.OTHER


def _fits(rule: Rule, column: frozenset[str], rest: frozenset[str], table: frozenset[str], kind: Kind) -> str:
    """The phrase of *rule* that fits, or nothing. *rest* is the name without the table's words and prefixes."""
    if kind not in rule.kinds or (rule.tables and not rule.tables & table) or rule.not_tables & table:
        return ""
    for phrase in rule.phrases.split("|"):
        wanted = frozenset(phrase.split())
        if wanted <= column and not rule.unless & (column - wanted) and (not rule.bare or rest <= wanted):
            return phrase
    return ""


def _person_name(column: tuple[str, ...], table: tuple[str, ...], rest: frozenset[str], kind: Kind) -> str:
    """Why a column called "name", or by a person's role and "name", is a natural person's name."""
    if kind not in TEXTS or "name" not in column or column[-1] != "name":
        return ""
    if NOT_A_PERSON & (frozenset(column) - {"name"}):
        return ""
    if any(word in ROLE for word in column[:-1]) and not (set(table) & CATALOGUE and set(column[:-1]) <= set(table)):
        return "a person's role and 'name'"
    if rest <= {"name"} and table and _head(table) in PERSON:
        return f"'name' in a table of people ({_head(table)})"
    return ""


def _head(table: tuple[str, ...]) -> str:
    """The noun a table's name is about: its last word that is not a number."""
    return next((word for word in reversed(table) if not word.isdigit()), "")


def _is_surrogate(column: tuple[str, ...], kind: Kind) -> bool:
    last = column[-1] if column else ""
    return kind in (Kind.UUID, Kind.INERT) or (kind in (Kind.INTEGER, Kind.DECIMAL) and last in ("id", "key", "ref", "uuid"))


def _by_words(column: tuple[str, ...], table: tuple[str, ...], kind: Kind) -> Finding:
    """The first rule that fits a name's words."""
    meaningful = tuple(word for word in column if not word.isdigit()) or column
    present, around = frozenset(meaningful), frozenset(table)
    rest = set(meaningful) - (around - {"name"}) if len(present - around) else set(meaningful[-1:])
    if len(meaningful) > 1 and len(meaningful[0]) <= _PREFIX_LENGTH:
        rest.discard(meaningful[0])
    is_aspect = meaningful[-1] in ASPECT or meaningful[0] in _QUESTIONS
    for rule in RULES:
        if is_aspect and not rule.final and meaningful[-1] not in rule.phrases.replace("|", " ").split():
            continue
        if rule.label is Label.PERSON_NAME and (why := _person_name(meaningful, table, frozenset(rest), kind)):
            return Finding(Label.PERSON_NAME, 0.85, (why,))
        if phrase := _fits(rule, present, frozenset(rest), around, kind):
            return Finding(rule.label, rule.confidence, (f"name says '{phrase}'",))
    return NONE


def classify(
    schema: str,
    table: str,
    column: str,
    type_name: str,
    comment: str = "",
    is_key: bool = False,
    is_foreign_key: bool = False,
) -> Finding:
    """Propose a label for a column. *is_key*: it is the table's whole primary key; *type_name* is the base type's.

    Foreign keys and surrogate keys are none: masking them would break joins. *schema* is read together with the table's
    name, so ``hr.rates`` may say more than ``rates``.
    """
    kind = kind_of(type_name)
    name, context = words(column), words(table)
    around = tuple(word for word in words(schema) if word not in ("public", "dbo")) + context
    if is_foreign_key:
        return Finding(Label.NONE, 0.9, ("a foreign key; labels follow the key it refers to",))
    if kind is Kind.INERT:
        return Finding(Label.NONE, 0.9, (f"type {type_name} holds nothing personal",))
    if not name:
        name = ("unnamed",)
    if kind is Kind.INTERNET:
        return Finding(Label.IP, 0.9, (f"type {type_name}",))
    if kind is Kind.HARDWARE:
        return Finding(Label.DEVICE_ID, 0.9, (f"type {type_name}",))
    finding = _by_words(name, around, kind)
    if finding.label in (Label.SECRET, Label.NATIONAL_ID, Label.DEVICE_ID) and kind is not Kind.UUID:
        return finding
    if _is_surrogate(name, kind) or (is_key and kind in (Kind.INTEGER, Kind.UUID)):
        return Finding(Label.NONE, 0.9, ("a surrogate key",)) if finding.label is not Label.DEVICE_ID else finding
    if finding is NONE and comment:
        finding = _by_comment(comment, kind)
    if finding is NONE and kind is Kind.DOCUMENT and not set(around) & PUBLISHED:
        return Finding(Label.FREE_TEXT, 0.6, (f"type {type_name} may hold anything",))
    return finding


def _by_comment(comment: str, kind: Kind) -> Finding:
    """Read a comment as a name: its first clause only, since later ones tell of other things."""
    clause = re.split(r"[.;:,(\n]", comment.strip(), maxsplit=1)[0]
    said = tuple(word for word in words(clause) if word not in _SMALL_WORDS)
    if not said or len(said) > 6:
        return NONE
    found = _by_words(said, (), kind)
    if found is NONE:
        return NONE
    return Finding(found.label, found.confidence * _COMMENT_DISCOUNT, tuple(f"comment: {reason}" for reason in found.reasons))
