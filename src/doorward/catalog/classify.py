# ruff: noqa: SIM905 - word lists
"""What a column probably holds, from its name, type, table and comment. Values are looked at elsewhere, in sampling.

A *finding* is a proposal: an operator's verdict always wins over it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from doorward.catalog import linear
from doorward.catalog.context import ALONE, Surroundings, head, is_people
from doorward.catalog.rules import AGENT_NOUN, NOT_A_PERSON, NOT_AN_AGENT, PLAIN_DOCUMENT, RULES, SHORTEST, TEXTS, Kind, Rule
from doorward.catalog.vocabulary import ASPECT, CATALOGUE, KNOWN, PUBLISHED, ROLE
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
_QUESTIONS = frozenset(
    (
        "is",
        "has",
        "can",
        "allow",
        "enable",
        "use",
        "show",
        "require",
        "does",
        "do",
        "should",
        "must",
        "gets",
        "wants",
        "allows",
        "needs",
        "had",
        "was",
        "are",
        "shows",
        "uses",
        "requires",
        "hide",
    )
)
_WHICH_NAME = frozenset("short long legal sort alternate preferred previous old new current complete primary secondary".split())
_SESSION = frozenset(("session", "login", "token", "auth"))
_KIN = frozenset(("child", "parent", "sender", "owner", "node"))
_ID = frozenset({"id"})
_SMALL_WORDS = frozenset(("the", "a", "an", "of", "s", "for", "der", "die", "das", "de", "la"))
_COMMENT_DISCOUNT = 0.85
_SURE = 0.85
_SHORT_AFFIX = 3  # an affix no longer than this means nothing, whatever word it spells
# Where rules are silent the model speaks above this alone: below, it is wrong as often as right on schemas it has not seen.
_MODEL_SPEAKS = 0.9
_MODEL_DISCOUNT = 0.8  # what it says is proposed, never applied at once
_MODEL_KINDS = TEXTS | {Kind.DOCUMENT, Kind.BINARY, Kind.DATE}
_BY_TYPE = {Kind.INTERNET: Label.IP, Kind.HARDWARE: Label.DEVICE_ID}
# What is an identifier by nature stays one as a number that is called id.
_NATURAL_KEYS = frozenset({Label.NATIONAL_ID, Label.DEVICE_ID, Label.SECRET})
_LENGTH = re.compile(r"[a-z ]*char[a-z ]*\(\s*(\d+)[^)]*\)", re.IGNORECASE)
UNLIMITED = 1 << 30
_LONG = 500
_SMALL_NUMBER = re.compile(r"(small|tiny)int(eger)?(\(\d+\))?( unsigned)?|int2", re.IGNORECASE)
_IN_SMALL_NUMBERS = frozenset({Label.NONE, Label.DEMOGRAPHIC, Label.HEALTH, Label.DOB, Label.CARD, Label.FREE_TEXT})
NONE = Finding(Label.NONE, 0.6, ("no rule speaks for anything protected",))


@lru_cache(maxsize=4096)
def length_of(type_name: str, kind: Kind) -> int:
    """How many characters a text type holds at most; a great many when it says nothing or is no text."""
    said = _LENGTH.fullmatch(type_name.strip())
    if kind is Kind.TEXT and type_name.strip().lower() in ("char", "character", "bpchar", '"char"'):
        return 1
    return int(said.group(1)) if said and kind is Kind.TEXT else UNLIMITED


def is_long_text(type_name: str, kind: Kind, beside: Surroundings) -> bool:
    """Whether a text type is meant for long texts: without bound where the database bounds others, or with a wide one."""
    length = length_of(type_name, kind)
    return kind is Kind.TEXT and (
        beside.has_short_texts and "char" not in type_name.lower() if length == UNLIMITED else length > _LONG
    )


def is_small_number(type_name: str) -> bool:
    """Whether a type holds numbers too small for anything but flags, codes, parts of dates and measurements."""
    return _SMALL_NUMBER.fullmatch(type_name.strip()) is not None


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


@dataclass(frozen=True, slots=True)
class _Name:
    """A column's name as rules read it. *rest* is the name without the table's words and prefixes."""

    words: tuple[str, ...]
    rest: frozenset[str]
    table: tuple[str, ...]
    kind: Kind
    beside: Surroundings
    is_long: bool

    @property
    def present(self) -> frozenset[str]:
        """The words of the name, in no order."""
        return frozenset(self.words)


def _fits(rule: Rule, name: _Name) -> str:
    """The phrase of *rule* that fits, or nothing."""
    table = frozenset(name.table) | name.beside.traits
    if rule.long and not name.is_long:
        return ""
    if name.kind not in rule.kinds or (rule.tables and not rule.tables & table) or rule.not_tables & frozenset(name.table):
        return ""
    for phrase in rule.phrases.split("|"):
        wanted = frozenset(phrase.split())
        if wanted == _ID and name.words != ("id",):
            continue
        if wanted <= name.present and not rule.unless & (name.present - wanted) and (not rule.bare or name.rest <= wanted):
            return phrase
    return ""


def _person_name(name: _Name) -> str:
    """Why a column called "name", or by a person's role and "name", is a natural person's name."""
    column, table = name.words, name.table
    if name.kind not in TEXTS or "name" not in (column[-1], column[0]):
        return ""
    others = [word for word in column if word != "name"]
    if NOT_A_PERSON & set(others):
        return ""
    # The word beside "name" says whose name it is: a staff certification's is nobody's.
    beside = next((word for word in (reversed(others) if column[-1] == "name" else others) if word not in _WHICH_NAME), "")
    if beside in _KIN and not name.beside.is_about_people:
        return ""
    if beside in ROLE and not (set(table) & CATALOGUE and set(others) <= set(table)):
        return "a person's role and 'name'"
    if others and column[-1] == "name" and AGENT_NOUN.fullmatch(others[-1]) and not others[-1].endswith(NOT_AN_AGENT):
        return f"'{others[-1]} name': somebody who does something"
    if name.rest <= {"name"} and table and is_people(table):
        return f"'name' in a table of people ({head(table)})"
    if name.rest <= {"name"} and name.beside.is_about_people:
        return "'name' beside other traits of people"
    return ""


def _is_surrogate(column: tuple[str, ...], kind: Kind) -> bool:
    last = column[-1] if column else ""
    return kind in (Kind.UUID, Kind.INERT) or (kind in (Kind.INTEGER, Kind.DECIMAL) and last in ("id", "key", "ref", "uuid"))


def _read(column: tuple[str, ...], table: tuple[str, ...], kind: Kind, beside: Surroundings, is_long: bool) -> _Name:
    meaningful = tuple(word for word in column if not word.isdigit()) or column
    present, around = frozenset(meaningful), frozenset(table)
    rest = set(meaningful) - (around - {"name", "id"}) if len(present - around) else set(meaningful[-1:])
    if len(meaningful) > 1 and len(meaningful[0]) <= _PREFIX_LENGTH and meaningful[0] not in KNOWN:
        rest.discard(meaningful[0])
    return _Name(meaningful, frozenset(rest), table, kind, beside, is_long)


def _by_words(
    column: tuple[str, ...], table: tuple[str, ...], kind: Kind, beside: Surroundings = ALONE, is_long: bool = False
) -> Finding:
    """The first rule that fits a name's words."""
    name = _read(column, table, kind, beside, is_long)
    is_aspect = name.words[-1] in ASPECT or name.words[0] in _QUESTIONS
    for rule in RULES:
        if is_aspect and not rule.final and name.words[-1] not in rule.phrases.replace("|", " ").split():
            continue
        if rule.label is Label.PERSON_NAME and (why := _person_name(name)):
            return Finding(Label.PERSON_NAME, 0.85, (why,))
        if phrase := _fits(rule, name):
            return Finding(rule.label, rule.confidence, (f"name says '{phrase}'",))
    return NONE


def by_rules(
    schema: str,
    table: str,
    column: str,
    type_name: str,
    comment: str = "",
    is_key: bool = False,
    is_foreign_key: bool = False,
    beside: Surroundings = ALONE,
) -> Finding:
    """Propose a label for a column. *is_key*: it is the table's whole primary key; *type_name* is the base type's.

    Foreign keys and surrogate keys are none: masking them would break joins. *schema* is read together with the table's
    name, so ``hr.rates`` may say more than ``rates``. *beside* is what the table's other columns tell.
    """
    kind = kind_of(type_name)
    name, context = words(column, beside.affixes) or ("unnamed",), words(table)
    around = tuple(word for word in words(schema) if word not in ("public", "dbo")) + context
    if is_foreign_key:
        return Finding(Label.NONE, 0.9, ("a foreign key; labels follow the key it refers to",))
    if kind is Kind.INERT:
        return Finding(Label.NONE, 0.9, (f"type {type_name} holds nothing personal",))
    if kind in _BY_TYPE:
        return Finding(_BY_TYPE[kind], 0.9, (f"type {type_name}",))
    is_long = kind is Kind.DOCUMENT or is_long_text(type_name, kind, beside)
    finding = _by_words(name, around, kind, beside, is_long)
    if finding is NONE and any(len(affix) > _SHORT_AFFIX or affix in context for affix in beside.affixes):
        finding = _by_words(words(column), around, kind, beside, is_long)
    if finding.label in (Label.SECRET, Label.NATIONAL_ID, Label.DEVICE_ID) and kind is Kind.UUID:
        return finding
    if finding.label in SHORTEST and length_of(type_name, kind) < SHORTEST[finding.label]:
        return Finding(Label.NONE, 0.8, (f"type {type_name} is too short for it",))
    if is_small_number(type_name) and finding.label not in _IN_SMALL_NUMBERS:
        return Finding(Label.NONE, 0.8, (f"type {type_name} holds a flag or a code",))
    if finding.label is Label.ADDRESS and name == ("state",) and beside.has_city is False:
        return Finding(Label.NONE, 0.7, ("a state without a city is a stage of something",))
    # "device_id" in a table of devices is the device's own.
    is_own = finding.label is Label.DEVICE_ID and kind is Kind.TEXT and name[0] in around
    keyed = not is_own and beside.refers_to_a_table(name) and (finding.label is not Label.SECRET or not set(around) & _SESSION)
    if keyed or _is_surrogate(name, kind) or (is_key and kind in (Kind.INTEGER, Kind.UUID)):
        is_natural = finding.label in _NATURAL_KEYS and not (finding.label is Label.DEVICE_ID and kind is Kind.INTEGER)
        return finding if is_natural and not keyed else Finding(Label.NONE, 0.9, ("a surrogate key",))
    if finding is NONE and comment:
        finding = _by_comment(comment, kind)
    if finding is NONE and kind is Kind.DOCUMENT and not set(around) & PUBLISHED and not set(name) & PLAIN_DOCUMENT:
        return Finding(Label.FREE_TEXT, 0.6, (f"type {type_name} may hold anything",))
    is_vague = finding.label is Label.DEMOGRAPHIC or (finding.label is Label.FREE_TEXT and finding.confidence < _SURE)
    if beside.is_lookup and is_vague and "value" not in name:
        return Finding(Label.NONE, 0.6, ("a table of names and descriptions",))
    return finding


@lru_cache(maxsize=65536)
def classify(
    schema: str,
    table: str,
    column: str,
    type_name: str,
    comment: str = "",
    is_key: bool = False,
    is_foreign_key: bool = False,
    beside: Surroundings = ALONE,
) -> Finding:
    """What :func:`by_rules` finds, with a confidence that is a measured share; where rules are silent, what the model says."""
    said = by_rules(schema, table, column, type_name, comment, is_key, is_foreign_key, beside)
    kind = kind_of(type_name)
    if (not said.label.is_protected and said is not NONE) or kind in _BY_TYPE:
        return said
    weights = linear.shipped()
    found = linear.features(words(column, beside.affixes), words(table), kind, type_name, beside)
    if said is NONE:
        likelihood = linear.probability(found, weights)
        if likelihood < _MODEL_SPEAKS or kind not in _MODEL_KINDS or beside.is_lookup:
            return said
        return Finding(linear.likeliest(found, weights), likelihood * _MODEL_DISCOUNT, _model_reasons(found, weights))
    sure = linear.confidence(said.confidence, found, weights)
    return replace(said, confidence=round(min(sure, said.confidence) if comment_said(said) else sure, 3))


def comment_said(finding: Finding) -> bool:
    """Whether a finding rests on a column's comment."""
    return bool(finding.reasons) and finding.reasons[0].startswith("comment:")


def _model_reasons(found: tuple[str, ...], weights: linear.Weights) -> tuple[str, ...]:
    return ("the model: " + ", ".join(linear.telling(found, weights)),)


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
