"""What Cedar is given agrees with the packaged schema."""

import json
from dataclasses import fields, replace

import pytest
from cedarpy import is_authorized

from doorward.model.catalog import Label, LabelClass
from doorward.model.decision import NOTHING_KNOWN, Circumstances, Facts
from doorward.model.identity import PrincipalKind
from doorward.model.statement import Action
from doorward.policy import request
from doorward.policy.load import ACTIONS, schema
from tests.policy.identities import ALICE, BOT, ETL, ETL_BOT, SAM, request_for

FULL = Facts(
    "read",
    ("SELECT",),
    ("public.customers",),
    ("nowhere",),
    tuple(Label),
    True,
    True,
    True,
    True,
    ("f",),
    ("g",),
    ("table",),
    ("timezone",),
    "no",
    True,
    True,
)
# The action is the question's own, and columns that steer rows are asked about one by one.
UNTOLD = {"action", "refusal", "steering"}
EVERYTHING = "permit (principal, action, resource);"


@pytest.mark.parametrize("facts", [FULL, Facts("read", ())], ids=["full", "empty"])
@pytest.mark.parametrize("action", [action.value for action in Action if action is not Action.UNKNOWN] + ["unmask"])
def test_statement_context_is_what_the_schema_declares(action: str, facts: Facts) -> None:
    """Cedar checks the request against the schema when it is given one."""
    for chain in ((ALICE, BOT), (ETL, ETL_BOT)):
        entities = request.entities(chain, "shop", "orders", schema())
        resource = request.uid("Label", "email") if action == "unmask" else request.database_uid("shop", "orders")
        known = Circumstances("why", "OPS-1", "psql", "10.0.0.7", "TLSv1.3") if facts is FULL else NOTHING_KNOWN
        context = request.statement_context(facts, "shop", "orders", approved=False, circumstances=known, at_us=1)
        for who in chain:
            assert is_authorized(request.ask(who, action, resource, context), EVERYTHING, entities, schema()).allowed


def test_request_context_is_what_the_schema_declares() -> None:
    """The same for the question put to approvers."""
    entities = request.entities((SAM,), "shop", "", schema())
    question = request.ask(SAM, "approve", request.uid("Group", "security"), request.request_context(request_for(ALICE)))
    assert is_authorized(question, EVERYTHING, entities, schema()).allowed


def test_every_fact_reaches_the_rules() -> None:
    """A fact added to the model and forgotten here would be one that no rule can see. The refusal is words for people."""
    told = json.loads(request.statement_context(FULL, "shop", "orders", approved=True))
    assert {field.name for field in fields(Facts)} - set(told) == UNTOLD
    granted = {"granted", "action_granted", "break_glass"}
    known = {"upstream", "database", "approved", "label_classes", "schemas", "time", "client"} | granted
    circumstances = {field.name for field in fields(Circumstances)}
    assert set(told) - {field.name for field in fields(Facts)} == known - {"client"} | circumstances - {"client"}
    somewhere = request.statement_context(FULL, "shop", "orders", approved=True, circumstances=Circumstances(client="::1"))
    assert set(json.loads(somewhere)) - set(told) == {"client"}


def test_only_what_is_asked_for_is_told() -> None:
    """A decision that no rule needs labels for costs no time for them."""
    whole = json.loads(request.statement_context(FULL, "shop", "orders", approved=True))
    for name in whole:
        told = json.loads(request.statement_context(FULL, "shop", "orders", approved=True, only=frozenset({name})))
        assert told == {name: whole[name]}


@pytest.mark.parametrize("name", [field.name for field in fields(Facts) if field.name not in UNTOLD])
def test_every_fact_makes_a_difference(name: str) -> None:
    """None is told under another's name."""
    empty = Facts("read", ())
    changed = replace(empty, **{name: getattr(FULL, name)})
    before, after = (json.loads(request.statement_context(facts, "s", "d", approved=False)) for facts in (empty, changed))
    differing = {key for key in before if before[key] != after[key]}
    derived = {"labels": {"label_classes"}, "objects": {"schemas"}}
    assert differing == {name} | derived.get(name, set())


def test_every_label_class_is_in_the_schema() -> None:
    """The schema lists the classes, so that a misspelled one is refused."""
    listed = str(schema()).split("entity LabelClass enum [")[1].split("]")[0]
    assert {word.strip().strip('"') for word in listed.split(",")} == {label_class.value for label_class in LabelClass}


def test_every_kind_of_principal_has_an_entity_type() -> None:
    """A kind added to the model can't be forgotten here."""
    assert set(request.ENTITY_TYPES) == set(PrincipalKind)
    assert len(ACTIONS) == len(set(ACTIONS))
