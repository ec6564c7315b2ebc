"""Which access fits an execution: that of its database, its tables and its time."""

import pytest

from doorward.model.access import Access
from doorward.model.catalog import Label
from doorward.model.decision import NOTHING_GRANTED, Facts
from doorward.proxy.granting import granted_for

READ = Facts("read", ("SELECT",), ("crm.customers", "crm.orders"), labels=(Label.EMAIL,))


def access(**changes: object) -> Access:
    """E-mail addresses in the schema crm, from second 10 to second 20."""
    fields: dict[str, object] = {
        "id": "agr_1", "kind": "granted", "speaker_id": "prn_1", "speaker": "alice", "upstream": "shop", "labels": ("email",),
        "actions": (), "tables": ("crm.*",), "row_limit": 0, "from_us": 10, "until_us": 20, "reason": "", "ticket": "",
    }  # fmt: skip
    return Access(**(fields | changes))  # type: ignore[arg-type]


def test_access_that_fits_gives_its_labels_until_its_end() -> None:
    """And names itself, for the log."""
    granted, until_us = granted_for([access()], "shop", READ, 10)
    assert (granted.labels, granted.action, granted.break_glass, granted.ids) == ({Label.EMAIL}, False, False, ("agr_1",))
    assert until_us == 20


@pytest.mark.parametrize(
    ("changes", "facts", "until_us"),
    [
        ({"upstream": "other"}, READ, 0),
        ({"until_us": 15}, READ, 0),
        ({"from_us": 16}, READ, 16),
        ({"tables": ("crm.customers",)}, READ, 20),
        ({"tables": ("cr.*", "crm.orders")}, READ, 20),
        ({}, Facts("read", ("SELECT",), ("crm.customers", "public.notes")), 20),
        ({}, Facts("read", ("SELECT",), ("crm.customers",), ("gone",)), 20),
        ({}, Facts("read", ("SELECT",)), 20),
        ({"tables": ()}, Facts("read", ("SELECT",), (), ("gone",)), 20),
    ],
)
def test_access_that_does_not_fit_gives_nothing(changes: dict[str, object], facts: Facts, until_us: int) -> None:
    """Another database, another time, or one table more; what the catalog doesn't know is never granted."""
    assert granted_for([access(**changes)], "shop", facts, 15) == (NOTHING_GRANTED, until_us)


def test_several_add_up_and_the_smallest_limit_counts() -> None:
    """The decision is good until the first of them ends."""
    several = [
        access(id="agr_1", row_limit=50, until_us=30),
        access(id="agr_2", labels=("phone",), row_limit=10),
        access(id="agr_3", labels=("nonsense",), actions=("read",)),
        access(id="agr_4", labels=(), kind="break-glass", tables=()),
        access(id="agr_5", from_us=17, until_us=40),
    ]
    granted, until_us = granted_for(several, "shop", READ, 15)
    assert granted.labels == {Label.EMAIL, Label.PHONE}
    assert (granted.action, granted.break_glass, granted.row_limit) == (True, True, 10)
    assert granted.ids == ("agr_1", "agr_2", "agr_3", "agr_4")
    assert until_us == 17
