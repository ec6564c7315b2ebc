"""What the packaged rules say, as a table that a security person can check."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.model.catalog import Label
from doorward.model.decision import Facts, Verdict
from doorward.model.identity import PrincipalKind
from doorward.model.statement import Action
from doorward.policy.load import default_texts, load
from tests.policy.identities import WHO, default_policy

PEOPLE_AND_SERVICES = ("vera", "alice", "sam", "etl", "webshop")
AGENTS = ("bot", "etl-bot")
EVERYONE = PEOPLE_AND_SERVICES + AGENTS
WRITERS = ("alice", "etl", "webshop")

READ = Facts("read", ("SELECT",), ("public.orders",))
READ_PROTECTED = Facts("read", ("SELECT",), ("public.customers",), labels=(Label.EMAIL,), touches_protected=True)
SET = Facts("session", ("SET",), settings=("timezone",))
INSERT = Facts("write", ("INSERT",), ("public.orders",))
DELETE_ALL = Facts("write", ("DELETE",), ("public.orders",), unbounded_write=True)
DELETE_IN_WITH = Facts("write", ("SELECT",), ("public.orders",), unbounded_write=True)
EXPLAINED_DELETE = Facts("read", ("EXPLAIN",), ("public.orders",), unbounded_write=True)
DROP_TABLE = Facts("destroy", ("DROP TABLE",), ("public.orders",), object_kinds=("table",))
DROP_NOTHING_NAMED = Facts("destroy", ("DROP TABLE",))
DROP_VIEW = Facts("destroy", ("DROP VIEW",), ("public.v",), object_kinds=("view",))
DROP_VIEW_AND_TABLE = Facts("destroy", ("DROP VIEW", "DROP TABLE"), object_kinds=("view", "table"), multiple=True)
DROP_TEMPORARY = Facts("destroy", ("DROP TABLE",), object_kinds=("table",), temporary=True)
DROP_TYPE = Facts("destroy", ("DROP TYPE",), object_kinds=("type",))
CREATE_TABLE = Facts("define", ("CREATE TABLE",), object_kinds=("table",))
CREATE_TEMPORARY = Facts("define", ("CREATE TABLE",), object_kinds=("table",), temporary=True)
ALTER_PROTECTED = Facts("define", ("ALTER TABLE",), ("public.customers",), object_kinds=("table",), touches_protected=True)
ANALYZE_PROTECTED = Facts("define", ("ANALYZE",), ("public.customers",), object_kinds=("table",), touches_protected=True)
CREATE_FUNCTION = Facts("define", ("CREATE FUNCTION",), object_kinds=("function",))
CREATE_SOMETHING = Facts("define", ("CREATE",))
GRANT = Facts("grant", ("GRANT",), ("public.orders",), object_kinds=("table",))
COPY_OUT = Facts("read", ("COPY",), ("public.customers",), copy_protected_out=True, touches_protected=True)
COPIES = Facts("write", ("INSERT",), ("public.notes", "public.customers"), copies_protected=True, touches_protected=True)
COPY_PROGRAM = Facts("administer", ("COPY",), refusal="COPY with PROGRAM runs a program on the database server.")
DANGEROUS = Facts("read", ("SELECT",), dangerous_functions=("pg_read_file",))
UNLISTED = Facts("read", ("SELECT",), unlisted_functions=("shop.total",))
UNKNOWN = Facts("unknown", ("X",), refusal="It could not be parsed.")

# Facts -> (who is allowed, who is held, the rule that stops everybody else).
TABLE = {
    "read": (READ, EVERYONE, (), ""),
    "read protected": (READ_PROTECTED, EVERYONE, (), ""),
    "set": (SET, EVERYONE, (), ""),
    "insert": (INSERT, WRITERS, (), ""),
    "delete all": (DELETE_ALL, (), WRITERS, ""),
    "delete in with": (DELETE_IN_WITH, (), WRITERS, ""),
    "explained delete": (EXPLAINED_DELETE, (), PEOPLE_AND_SERVICES, "no-unbounded-write-by-agents"),
    "drop table": (DROP_TABLE, (), (), "no-drop-of-data"),
    "drop nothing named": (DROP_NOTHING_NAMED, (), (), "no-drop-of-data"),
    "drop view": (DROP_VIEW, ("alice",), (), ""),
    "drop view and table": (DROP_VIEW_AND_TABLE, (), (), "no-drop-of-data"),
    "drop temporary": (DROP_TEMPORARY, PEOPLE_AND_SERVICES, (), "agents-change-nothing"),
    "drop type": (DROP_TYPE, (), (), "no-drop-of-data"),
    "create table": (CREATE_TABLE, ("alice", "etl"), (), ""),
    "create temporary": (CREATE_TEMPORARY, PEOPLE_AND_SERVICES, (), "agents-change-nothing"),
    "alter protected": (ALTER_PROTECTED, (), ("alice", "etl"), ""),
    "analyze protected": (ANALYZE_PROTECTED, ("alice", "etl"), (), ""),
    "create function": (CREATE_FUNCTION, (), ("alice", "etl"), ""),
    "create something": (CREATE_SOMETHING, (), ("alice", "etl"), ""),
    "grant": (GRANT, (), ("alice", "sam"), ""),
    "copy out": (COPY_OUT, (), (), "no-copy-out-of-protected-data"),
    "copies": (COPIES, (), (), "no-copies-of-protected-values"),
    "copy program": (COPY_PROGRAM, (), (), "no-administration"),
    "dangerous": (DANGEROUS, (), (), "no-dangerous-functions"),
    "unlisted": (UNLISTED, (), PEOPLE_AND_SERVICES, "no-unlisted-functions-by-agents"),
    "unknown": (UNKNOWN, (), (), "unlisted-statement"),
}


@pytest.mark.parametrize("who", EVERYONE)
@pytest.mark.parametrize("what", TABLE)
def test_default_rules_decide_as_the_table_says(who: str, what: str) -> None:
    """Identity by statement, every cell; whoever is neither allowed nor held is denied, by the rule that is named."""
    facts, allowed, held, rule = TABLE[what]
    decision = default_policy().decide(WHO[who], facts, "shop", "orders")
    expected = Verdict.ALLOW if who in allowed else Verdict.HOLD if who in held else Verdict.DENY
    assert decision.verdict is expected
    assert decision.approvers == ("security" if expected is Verdict.HOLD else "")
    assert (decision.hold_seconds > 0) == (expected is Verdict.HOLD)
    if expected is Verdict.DENY and rule:
        assert rule in {reason.rule for reason in decision.reasons}


@pytest.mark.parametrize("who", EVERYONE)
def test_only_agents_have_a_row_limit(who: str) -> None:
    """Agents read a few thousand rows, others as many as they ask for."""
    assert default_policy().decide(WHO[who], READ, "shop", "orders").row_limit == (5000 if who in AGENTS else 0)


@pytest.mark.parametrize("who", EVERYONE)
def test_nobody_sees_protected_values_by_default(who: str) -> None:
    """Every label there is stays masked; what is only thought to be personal is shown to people, and to them alone."""
    facts = Facts("read", ("SELECT",), labels=tuple(Label), touches_protected=True)
    is_person = WHO[who].principal.kind is PrincipalKind.HUMAN and not WHO[who].actors
    expected = {Label.PROPOSED} if is_person else set()
    assert default_policy().decide(WHO[who], facts, "shop", "orders").cleared == expected


@pytest.mark.parametrize("name", sorted(default_texts()))
def test_default_file_says_what_it_is_for(name: str) -> None:
    """Each file opens with a comment and each rule has an id, a description and a source that can be shown."""
    text = default_texts()[name]
    assert text.startswith("// ")
    rules = load({name: text}).rules
    assert rules
    for rule in rules:
        assert rule.id
        assert rule.description.endswith(".")
        assert rule.source in text


def test_default_rules_that_stop_people_say_what_to_do() -> None:
    """A refusal without advice leaves its reader alone. Unmasking is never refused aloud, so its rules need none."""
    silent = {"secrets-stay-masked", "agents-see-masks"}
    assert not [r.id for r in load(default_texts()).rules if r.forbids and not r.advice and r.id not in silent]


words = st.lists(st.text(max_size=8), max_size=2).map(tuple)
any_facts = st.builds(
    Facts,
    action=st.sampled_from([action.value for action in Action]) | st.text(max_size=8),
    tags=words,
    objects=words,
    unresolved=words,
    labels=st.lists(st.sampled_from(Label), max_size=3).map(tuple),
    touches_protected=st.booleans(),
    unbounded_write=st.booleans(),
    copies_protected=st.booleans(),
    copy_protected_out=st.booleans(),
    unlisted_functions=words,
    dangerous_functions=words,
    object_kinds=st.lists(st.sampled_from(["table", "view", "function", "x\ud800"]), max_size=2).map(tuple),
    settings=words,
    refusal=st.text(max_size=8),
    multiple=st.booleans(),
    temporary=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(who=st.sampled_from(EVERYONE), facts=any_facts, approved=st.booleans(), where=st.text(max_size=6))
def test_no_facts_raise_and_none_let_the_worst_through(who: str, facts: Facts, approved: bool, where: str) -> None:
    """Whatever is asked is answered with a reason; unknown and administering statements are denied, approved or not."""
    decision = default_policy().decide(WHO[who], facts, where, where, approved=approved)
    assert decision.reasons
    if facts.action not in {action.value for action in Action} - {"unknown", "administer"}:
        assert decision.verdict is Verdict.DENY
    if facts.dangerous_functions or facts.copies_protected or facts.copy_protected_out:
        assert decision.verdict is Verdict.DENY
    if who in AGENTS and facts.action not in {"read", "session"}:
        assert decision.verdict is Verdict.DENY
    is_person = WHO[who].principal.kind is PrincipalKind.HUMAN and not WHO[who].actors
    assert decision.cleared <= ({Label.PROPOSED} if is_person else set())
