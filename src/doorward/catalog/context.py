# ruff: noqa: SIM905 - word lists
"""What stands around a column: the other columns of its table and the other tables of its database, as far as they help.

A name like "name", "number" or "city" says little by itself. Beside "e-mail" and "first name" it says a lot.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from doorward.catalog.languages import LANGUAGES
from doorward.catalog.vocabulary import CANONICAL, CATALOGUE, ORGANIZATION, PERSON, WEAK_PERSON
from doorward.catalog.words import parts, words

Words = tuple[str, ...]

# An affix is what most names of a table share ("nom_adh", "prenom_adh"); fewer columns show no habit.
_AFFIX_SHARE, _AFFIX_COLUMNS, _AFFIX_LENGTH = 0.6, 4, 4
# A table about people shows at least so many of their traits.
_TRAITS_OF_PEOPLE = 2
_TRAITS: tuple[tuple[str, frozenset[str]], ...] = (
    ("email", frozenset({"email"})),
    ("phone", frozenset({"phone", "mobile"})),
    ("first name", frozenset({"first", "name"})),
    ("last name", frozenset({"last", "name"})),
    ("birth", frozenset({"birth"})),
    ("gender", frozenset({"gender"})),
    ("national id", frozenset({"national", "id"})),
    ("ssn", frozenset({"ssn"})),
    ("password", frozenset({"password"})),
    ("username", frozenset({"username"})),
    ("login", frozenset({"login"})),
    ("salutation", frozenset({"salutation"})),
    ("marital", frozenset({"marital"})),
)
_PLACES = (frozenset({"street"}), frozenset({"zip"}), frozenset({"house", "number"}), frozenset({"address", "line"}))
# Beside an address' street or code, "address" alone counts once more.
_PLACES_WITH_CITY = (*_PLACES, frozenset({"address"}))
_BESIDE_STATE = frozenset("city zip district county village street province municipality address country".split())
_BARE_EMAIL = (("email",), ("email", "address"))
_LOOKUP_COLUMNS = 6
_KEYS = frozenset("key name parameter field attribute property option setting config variable code namespace".split())
_PAIR_COLUMNS = 12
_LOOKUP_WORDS = frozenset(
    """id name code label title description desc key value type status state active enabled sort order position color
    icon flag created updated deleted date time at by level slug abbreviation short long display parent is default rank
    priority public internal note""".split()
)


@dataclass(frozen=True)
class Surroundings:
    """What is around the columns of one table.

    *affixes* are words that most of its names share and that mean nothing by themselves. *holds_pairs*: rows are a key and a
    value. *has_short_texts*: the database bounds most texts, so that an unbounded one is meant to be long. *has_city*: beside
    a city or a code a bare "state" is a place, elsewhere it says how far something got; None when nothing is known.
    *references* are the names of the database's tables, as words: ``email_id`` is a key where there is a table of e-mails.
    """

    affixes: frozenset[str] = frozenset()
    is_about_people: bool = False
    holds_addresses: bool = False
    is_lookup: bool = False
    holds_pairs: bool = False
    has_short_texts: bool = False
    names_providers: bool = False
    holds_copies: bool = False
    has_city: bool | None = None
    references: frozenset[Words] = frozenset()

    def refers_to_a_table(self, column: Words) -> bool:
        """Whether the words of *column* are the name of a table and "id"."""
        stem = column[:-1] if len(column) > 1 and column[-1] == "id" else ()
        return bool(stem) and any(table[-len(stem) :] == stem for table in self.references)

    @cached_property
    def traits(self) -> frozenset[str]:
        """What rules may ask of a table, as words beside those of its name."""
        told = {
            "person": self.is_about_people,
            "address": self.holds_addresses,
            "dwelling": self.is_about_people and self.holds_addresses,
            "pair": self.holds_pairs,
            "federated": self.names_providers,
            "mailing": self.holds_copies,
        }
        return frozenset(word for word, holds in told.items() if holds)


ALONE = Surroundings()


def head(table: Words) -> str:
    """The noun a table's name is about: its last word that is not a number."""
    return next((word for word in reversed(table) if not word.isdigit()), "")


def is_people(table: Words) -> bool:
    """Whether a table's name says that its rows are people: "profile" and the like only beside another word for people."""
    noun = head(table)
    if noun not in PERSON:
        return False
    others = [word for word in table[:-1] if len(word) > 3]
    return noun not in WEAK_PERSON or not others or any(word in PERSON for word in others)


def _is_known(part: str) -> bool:
    return part in CANONICAL or any(part in language for language in LANGUAGES)


def _affixes(names: Sequence[str], table: str) -> frozenset[str]:
    """The first or last part that most of *names* share, if it is the table's own word or a short one without meaning."""
    split = [found for name in names if len(found := parts(name)) > 1]
    if len(names) < _AFFIX_COLUMNS:
        return frozenset()
    own = set(parts(table)) | {part.removesuffix("s") for part in parts(table)}
    shared: set[str] = set()
    for end in (0, -1):
        part, count = next(iter(Counter(pieces[end] for pieces in split).most_common(1)), ("", 0))
        meaningless = (
            len(part) <= _AFFIX_LENGTH
            and (len(part) < _AFFIX_LENGTH - 1 or not _is_known(part))
            and part not in ("id", "ip", "is", "name", "date")
        )
        if count >= _AFFIX_SHARE * len(names) and (part in own or meaningless):
            shared.add(part)
    joined = "".join(parts(table))
    # "shiptoname", "shiptocity" in a table "shipto": joined without a sign.
    if len(joined) >= _AFFIX_LENGTH and sum("".join(parts(name)).startswith(joined) for name in names) >= _AFFIX_SHARE * len(
        names
    ):
        shared.add(joined)
    return frozenset(shared)


def surroundings(
    table: str, columns: Iterable[str], references: frozenset[Words] = ALONE.references, has_short_texts: bool = False
) -> Surroundings:
    """What the columns of *table* tell about each other. *references* are the words of all tables' names."""
    names = tuple(columns)
    affixes = _affixes(names, table)
    read = [words(name, affixes) for name in names]
    table_words = words(table)
    traits = {name for name, wanted in _TRAITS for column in read if wanted <= set(column) and column[-1] not in _ASIDES}
    noun = head(table_words)
    # Somebody's name beside somebody's address for mail.
    named = any(column == ("name",) for column in read) and any(column in _BARE_EMAIL for column in read)
    is_organization = bool(set(table_words) & ORGANIZATION) or noun in CATALOGUE
    places = {wanted for wanted in _PLACES_WITH_CITY for column in read if wanted <= set(column) and column[-1] != "id"}
    everything = frozenset(word for column in read for word in column)
    return Surroundings(
        affixes=affixes,
        is_about_people=is_people(table_words) or ((len(traits) >= _TRAITS_OF_PEOPLE or named) and not is_organization),
        holds_addresses=bool(places),
        is_lookup=len(names) <= _LOOKUP_COLUMNS and not traits and everything <= _LOOKUP_WORDS | set(table_words),
        holds_pairs=bool(everything & _KEYS) and "value" in everything and len(names) <= _PAIR_COLUMNS,
        has_short_texts=has_short_texts,
        names_providers="provider" in everything,
        holds_copies="bcc" in everything,
        has_city=any(len(column) == 1 and column[0] in _BESIDE_STATE for column in read),
        references=references,
    )


_ASIDES = frozenset("id verified count sent at status type confirmed template subject body enabled attempt".split())


def bounds_texts(type_names: Iterable[str]) -> bool:
    """Whether most text columns among *type_names* say how long they may get, or could."""
    plain = [name.lower() for name in type_names]
    bounded = sum("char" in name for name in plain)
    return bounded > sum("text" in name for name in plain)


def table_references(tables: Iterable[str]) -> frozenset[Words]:
    """The names of *tables* as words, for :func:`surroundings`."""
    return frozenset(
        found for table in tables if (found := tuple(word for word in words(table) if not re.fullmatch(r"\d+", word)))
    )
