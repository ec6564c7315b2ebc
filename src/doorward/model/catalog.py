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
    UNCLASSIFIED = "unclassified"  # nobody has looked yet: protected


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
    UNCLASSIFIED = "unclassified"

    @property
    def label_class(self) -> LabelClass:
        """The class a policy reasons about."""
        return _CLASS_OF[self]

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
    Label.UNCLASSIFIED: LabelClass.UNCLASSIFIED,
}


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
    """A column by identity: (relation oid, *number*) where number is pg_attribute.attnum."""

    number: int
    name: str
    type_name: str
    label: Label
    reasons: tuple[str, ...] = ()


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
    exist outside the system schemas: a statement that uses such a name proves nothing about its output.
    """

    upstream: str
    epoch: str
    relations: tuple[Relation, ...]
    user_functions: frozenset[str] = frozenset()
    user_operators: frozenset[str] = frozenset()
    user_types: frozenset[str] = frozenset()
    server_version: str = ""

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
