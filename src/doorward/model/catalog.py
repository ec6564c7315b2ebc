"""What is known of an upstream's data: relations, columns, and the labels on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class LabelClass(Enum):
    """How a label is treated by policy."""

    CLEAR = "clear"
    PERSONAL = "personal"
    RESTRICTED = "restricted"
    SECRET = "secret"
    FREE_TEXT = "free text"
    PROPOSED = "proposed"  # a detector thinks so and is not sure: protected until somebody has looked
    UNCLASSIFIED = "unclassified"  # nobody has looked yet: protected


class Regulation(Enum):
    """Which rules from outside speak of such data."""

    GDPR = "GDPR"  # Regulation (EU) 2016/679, articles 4, 9 and 87
    PCI = "PCI"  # PCI DSS 4.0, requirement 3
    HIPAA = "HIPAA"  # 45 CFR 164.514(b)(2): the identifiers of the Safe Harbor method, and health data itself


class Label(Enum):
    """What the values of a column are. The value is the word in policies, logs and the label guide."""

    NONE = "none"
    EMAIL = "email"
    PERSON_NAME = "person_name"
    ONLINE_ID = "online_id"
    PHONE = "phone"
    ADDRESS = "address"
    NATIONAL_ID = "national_id"
    DOB = "dob"
    DEMOGRAPHIC = "demographic"
    CARD = "card"
    BANK_ACCOUNT = "bank_account"
    IP = "ip"
    DEVICE_ID = "device_id"
    SECRET = "secret"
    GEO = "geo"
    HEALTH = "health"
    FINANCIAL = "financial"
    PHOTO = "photo"
    FREE_TEXT = "free_text"
    PROPOSED = "proposed"
    UNCLASSIFIED = "unclassified"

    @property
    def label_class(self) -> LabelClass:
        """The class a policy reasons about."""
        return _CLASS_OF[self]

    @property
    def regulations(self) -> tuple[Regulation, ...]:
        """Which regulations speak of such values, in no way legal advice."""
        return _REGULATED.get(self, ())

    @property
    def is_protected(self) -> bool:
        """Whether values must not be shown unless a policy clears somebody for it."""
        return self is not Label.NONE


_CLASS_OF = {
    Label.NONE: LabelClass.CLEAR,
    Label.EMAIL: LabelClass.PERSONAL,
    Label.PERSON_NAME: LabelClass.PERSONAL,
    Label.ONLINE_ID: LabelClass.PERSONAL,
    Label.PHONE: LabelClass.PERSONAL,
    Label.ADDRESS: LabelClass.PERSONAL,
    Label.NATIONAL_ID: LabelClass.RESTRICTED,
    Label.DOB: LabelClass.PERSONAL,
    Label.DEMOGRAPHIC: LabelClass.PERSONAL,
    Label.CARD: LabelClass.RESTRICTED,
    Label.BANK_ACCOUNT: LabelClass.RESTRICTED,
    Label.IP: LabelClass.PERSONAL,
    Label.DEVICE_ID: LabelClass.PERSONAL,
    Label.SECRET: LabelClass.SECRET,
    Label.GEO: LabelClass.PERSONAL,
    Label.HEALTH: LabelClass.RESTRICTED,
    Label.FINANCIAL: LabelClass.RESTRICTED,
    Label.PHOTO: LabelClass.PERSONAL,
    Label.FREE_TEXT: LabelClass.FREE_TEXT,
    Label.PROPOSED: LabelClass.PROPOSED,
    Label.UNCLASSIFIED: LabelClass.UNCLASSIFIED,
}


_BOTH = (Regulation.GDPR, Regulation.HIPAA)
_REGULATED = {
    Label.EMAIL: _BOTH,
    Label.PERSON_NAME: _BOTH,
    Label.ONLINE_ID: (Regulation.GDPR,),
    Label.PHONE: _BOTH,
    Label.ADDRESS: _BOTH,
    Label.NATIONAL_ID: _BOTH,
    Label.DOB: _BOTH,
    Label.DEMOGRAPHIC: (Regulation.GDPR,),
    Label.CARD: (Regulation.PCI, Regulation.GDPR),
    Label.BANK_ACCOUNT: _BOTH,
    Label.IP: _BOTH,
    Label.DEVICE_ID: _BOTH,
    Label.GEO: _BOTH,
    Label.HEALTH: _BOTH,
    Label.FINANCIAL: (Regulation.GDPR,),
    Label.PHOTO: _BOTH,
    Label.FREE_TEXT: (Regulation.GDPR,),
}

# What holds a value that stands in for money or identity is protected on less evidence than the rest.
_SURE_ENOUGH = {LabelClass.SECRET: 0.6, LabelClass.RESTRICTED: 0.75}
_SURE = 0.85


def applies_at_once(label: Label, confidence: float) -> bool:
    """Whether a detector's finding is taken for true before anybody has looked. *confidence* is from 0 to 1."""
    return confidence >= _SURE_ENOUGH.get(label.label_class, _SURE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector proposes for a column, and why. *confidence* is from 0 to 1."""

    label: Label
    confidence: float
    reasons: tuple[str, ...]


class RelationKind(Enum):
    """pg_class.relkind in words."""

    TABLE = "table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    PARTITIONED_TABLE = "partitioned table"
    FOREIGN_TABLE = "foreign table"
    SEQUENCE = "sequence"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by identity: (relation oid, *number*) where number is pg_attribute.attnum.

    *proposal* is what a PROPOSED column probably holds. *confidence* is how sure the detectors are, from 0 to 1.
    """

    number: int
    name: str
    type_name: str
    label: Label
    reasons: tuple[str, ...] = ()
    proposal: Label | None = None
    confidence: float = 1.0

    @property
    def likely_label(self) -> Label:
        """What it holds, or is thought to hold."""
        return self.proposal or self.label


@dataclass(frozen=True)
class Relation:
    """A table, view or the like. *oid* is pg_class.oid; *estimated_rows* is -1 when never analysed."""

    oid: int
    schema: str
    name: str
    kind: RelationKind
    columns: tuple[Column, ...]
    estimated_rows: int = -1
    is_system: bool = False  # a system catalog that the introspection vouches for as clear
    hides_protected: bool = False  # a view that reads protected columns, shown or not
    definition: str = ""  # of a view: a digest of its text

    @cached_property
    def is_protected(self) -> bool:
        """Whether any column carries a protected label, or is read to make its rows."""
        return self.hides_protected or any(column.label.is_protected for column in self.columns)

    @cached_property
    def labels(self) -> frozenset[Label]:
        """The protected labels on its columns."""
        return frozenset(column.label for column in self.columns if column.label.is_protected)

    @property
    def qualified_name(self) -> str:
        """``schema.name``, for people; not quoted, not for SQL."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Snapshot:
    """One reading of an upstream's catalog, labels applied. Everything absent from it counts as protected.

    *epoch* changes whenever anything in it does. *user_functions*, *user_operators* and *user_types* are bare names that
    exist outside the system schemas: a statement that uses such a name proves nothing about its output. *uncastable_types* are
    those names of types that no row can be cast to.
    """

    upstream: str
    epoch: str
    relations: tuple[Relation, ...]
    user_functions: frozenset[str] = frozenset()
    user_operators: frozenset[str] = frozenset()
    user_types: frozenset[str] = frozenset()
    server_version: str = ""
    uncastable_types: frozenset[str] = frozenset()

    @cached_property
    def by_oid(self) -> dict[int, Relation]:
        """Relations by pg_class.oid."""
        return {relation.oid: relation for relation in self.relations}

    @cached_property
    def by_name(self) -> dict[str, tuple[Relation, ...]]:
        """Relations by bare name, over all schemas: what an unqualified name might mean."""
        names: dict[str, list[Relation]] = {}
        for relation in self.relations:
            names.setdefault(relation.name, []).append(relation)
        return {name: tuple(found) for name, found in names.items()}

    @cached_property
    def labels(self) -> dict[tuple[int, int], Label]:
        """(table oid, attribute number) to label, the key that RowDescription gives."""
        return {(r.oid, c.number): c.label for r in self.relations for c in r.columns}
