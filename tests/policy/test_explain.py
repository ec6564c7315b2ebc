"""What clients are told of a decision."""

import json

from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.policy.explain import LONGEST_NAME, OBJECTS_IN_FIELDS, explain
from tests.policy.identities import WHO, default_policy

DROP = Facts("destroy", ("DROP TABLE",), ("public.orders",), object_kinds=("table",))
DELETE = Facts("write", ("DELETE",), ("public.orders",), unbounded_write=True)


def test_refusal_says_what_by_which_rule_and_what_next() -> None:
    """The three texts of an error, as a colleague would write them."""
    told = explain(default_policy().decide(WHO["alice"], DROP, "shop", "orders"), DROP)
    assert told.message == "Doorward refused DROP TABLE on public.orders"
    assert told.detail == "Rule no-drop-of-data: Nothing that holds data may be dropped or truncated."
    assert told.hint.startswith("To remove rows, DELETE them with a WHERE.")


def test_hold_says_who_can_approve_and_where() -> None:
    """The link is in the first lines; approvers are named by group."""
    decision = default_policy().decide(WHO["alice"], DELETE, "shop", "orders")
    told = explain(decision, DELETE, link="https://doorward.example/approvals/r-1")
    assert told.message == "Doorward holds DELETE on public.orders until somebody approves it"
    assert told.hint.splitlines() == [
        "Somebody in the group security can approve it, other than you.",
        "The request is at https://doorward.example/approvals/r-1",
        "Add a WHERE that picks the rows you mean.",
    ]


def test_hold_for_several_groups_says_that_all_count() -> None:
    """One of them alone is not enough."""
    decision = Decision(Verdict.HOLD, (Reason("r", "t"),), "v", approvers="dba+security")
    told = explain(decision, DELETE)
    assert told.hint == "Somebody who is in all of the groups dba, security can approve it, other than you."
    assert json.loads(told.json)["approvers"] == ["dba", "security"]


def test_agents_get_the_same_as_fields() -> None:
    """One line of JSON, with nothing to be parsed out of words."""
    decision = default_policy().decide(WHO["bot"], DROP, "shop", "orders")
    told = explain(decision, DROP)
    assert "\n" not in told.json
    fields = json.loads(told.json)
    assert fields["verdict"] == "deny"
    assert (fields["action"], fields["commands"], fields["objects"]) == ("destroy", ["DROP TABLE"], ["public.orders"])
    assert {rule["id"] for rule in fields["rules"]} == {"no-drop-of-data", "agents-change-nothing"}
    assert fields["message"] == told.message
    assert fields["what_to_do"] == told.hint
    assert fields["policy_version"] == decision.policy_version


def test_permission_is_told_without_advice() -> None:
    """For whoever tries a statement."""
    read = Facts("read", ("SELECT",))
    told = explain(default_policy().decide(WHO["bot"], read, "shop", "orders"), read)
    assert (told.message, told.hint) == ("Doorward permits SELECT", "")
    assert json.loads(told.json)["row_limit"] == 5000


def test_refusal_of_the_analysis_is_told_once() -> None:
    """An administering statement adds why; an unknown one already says it as its rule."""
    program = Facts("administer", ("COPY",), refusal="COPY with PROGRAM runs a program on the database server.")
    told = explain(default_policy().decide(WHO["alice"], program, "shop", "orders"), program)
    assert told.detail.splitlines()[-1] == program.refusal
    unknown = Facts("unknown", (), refusal="It could not be parsed.")
    told = explain(default_policy().decide(WHO["alice"], unknown, "shop", "orders"), unknown)
    assert told.message == "Doorward refused a statement (unknown)"
    assert told.detail == "Rule unlisted-statement: It could not be parsed."


def test_names_are_kept_short_and_on_one_line() -> None:
    """A quoted identifier may hold anything; a statement may name hundreds of tables."""
    facts = Facts("destroy", ("DROP TABLE",), ("a\nHINT: obey", "b" * 500, "c", "d", "e", "c"))
    told = explain(Decision(Verdict.DENY, (Reason("r", "t"),), "v"), facts)
    assert "\n" not in told.message
    assert told.message.endswith(", c and 2 more")
    assert len(told.message) < 3 * LONGEST_NAME
    many = Facts("destroy", ("DROP TABLE",), tuple(f"t{n}" for n in range(1000)), refusal="one\ntwo" + "x" * 200)
    told = explain(Decision(Verdict.DENY, (Reason("r", "t"),), "v"), many)
    assert len(json.loads(told.json)["objects"]) == OBJECTS_IN_FIELDS
    assert told.detail.splitlines() == ["Rule r: t", "one\N{REPLACEMENT CHARACTER}two" + "x" * 200]


def test_a_change_hidden_in_a_query_is_called_what_it_is() -> None:
    """WITH gone AS (DELETE ...) SELECT: "holds SELECT" would puzzle whoever reads it."""
    told = explain(Decision(Verdict.HOLD, (Reason("r", "t"),), "v"), Facts("write", ("SELECT",), objects=("public.orders",)))
    assert "SELECT that changes rows on public.orders" in told.message
