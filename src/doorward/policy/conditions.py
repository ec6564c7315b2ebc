"""What can be told of a policy's scope and conditions without asking Cedar: what they imply, and that they never hold.

Everything here errs on the side of silence: a condition that isn't understood implies nothing and contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cedarpy import pst

from doorward.policy.reading import ACTIONS, APPROVE, SCAN, UNMASK, WAYS

# The groups of actions in the schema, and the actions in them.
_STATEMENTS = frozenset(ACTIONS) - {UNMASK, SCAN, APPROVE, *WAYS}
_ACTION_GROUPS = {
    "statement": _STATEMENTS,
    "change": _STATEMENTS - {"session", "read"},
    "infer": frozenset(WAYS),
}
_PRINCIPALS = frozenset({"Human", "Service", "Agent"})


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a condition that must be true, or false where *holds* is not set."""

    expr: pst.Expr
    holds: bool


def terms(policy: pst.Template) -> frozenset[Term]:
    """The parts that must all be as they say for *policy* to apply, its scope apart."""
    found: set[Term] = set()
    for clause in policy.clauses:
        found.update(_parts(Term(clause.expr, isinstance(clause, pst.When))))
    return frozenset(found)


def _parts(term: Term) -> Iterator[Term]:
    match term.expr:
        case pst.UnaryOp(op="not", arg=arg):
            yield from _parts(Term(arg, not term.holds))
        case pst.BinaryOp(op="and", left=left, right=right) if term.holds:
            yield from _parts(Term(left, True))
            yield from _parts(Term(right, True))
        case pst.BinaryOp(op="or", left=left, right=right) if not term.holds:
            yield from _parts(Term(left, False))
            yield from _parts(Term(right, False))
        case pst.BinaryOp(op="not_eq", left=left, right=right):
            yield Term(pst.BinaryOp("eq", left, right), not term.holds)
        case pst.BoolLit(value=value) if value is term.holds:
            return
        case _:
            yield term


def actions_of(policy: pst.Template) -> frozenset[str]:
    """The actions that *policy* speaks of, groups resolved."""
    match policy.action:
        case pst.ActionEq(entity=named):
            return _ACTION_GROUPS.get(named.id, frozenset({named.id}))
        case pst.ActionIn(entities=several):
            return frozenset().union(*(_ACTION_GROUPS.get(named.id, frozenset({named.id})) for named in several))
        case _:
            return frozenset(ACTIONS)


def kinds_of(policy: pst.Template) -> frozenset[str]:
    """The entity types of principals that *policy* can apply to."""
    scope = policy.principal
    kinds = _PRINCIPALS
    if isinstance(scope, (pst.ScopeIs, pst.ScopeIsIn)):
        kinds &= {str(scope.entity_type)}
    if isinstance(scope, pst.ScopeEq) and isinstance(scope.entity, pst.EntityUid):
        kinds &= {str(scope.entity.type)}
    for term in terms(policy):
        if isinstance(term.expr, pst.Is) and term.expr.base == pst.Var("principal") and term.expr.in_expr is None:
            named = frozenset({str(term.expr.entity_type)})
            kinds = kinds & named if term.holds else kinds - named
    return kinds


def may_concern(policy: pst.Template, kind: str, name: str, groups: frozenset[str], action: str) -> bool:
    """Whether *policy* can apply to somebody of that *kind* (an entity type), *name* and *groups*, on *action*.

    By its scope, and by conditions that speak of who it is and nothing else.
    """
    return action in actions_of(policy) and kind in kinds_of(policy) and _is_meant(policy.principal, kind, name, groups)


def _is_meant(scope: pst.PrincipalOrResourceConstraint, kind: str, name: str, groups: frozenset[str]) -> bool:
    match scope:
        case pst.ScopeEq(entity=pst.EntityUid(type=named, id=key)):
            return str(named) == kind and key == name
        case pst.ScopeIn(entity=pst.EntityUid(id=key)) | pst.ScopeIsIn(entity=pst.EntityUid(id=key)):
            return key in groups
        case _:
            return True


def covers(wide: pst.Template, narrow: pst.Template) -> bool:
    """Whether *wide* surely applies wherever *narrow* does."""
    return (
        actions_of(narrow) <= actions_of(wide)
        and _scope_covers(wide.principal, narrow.principal, kinds_of(narrow))
        and _scope_covers(wide.resource, narrow.resource, frozenset())
        and all(_is_implied(term, narrow) for term in terms(wide))
    )


def _is_implied(term: Term, narrow: pst.Template) -> bool:
    if term in terms(narrow):
        return True
    if isinstance(term.expr, pst.Is) and term.expr.base == pst.Var("principal") and term.expr.in_expr is None:
        kinds, named = kinds_of(narrow), str(term.expr.entity_type)
        return kinds <= {named} if term.holds else named not in kinds
    return False


def _scope_covers(
    wide: pst.PrincipalOrResourceConstraint, narrow: pst.PrincipalOrResourceConstraint, kinds: frozenset[str]
) -> bool:
    if wide == narrow:
        return True
    match wide:
        case pst.ScopeAny():
            return True
        case pst.ScopeIs(entity_type=named):
            return bool(kinds) and kinds <= {str(named)}
        case pst.ScopeIn(entity=group):
            return _group_of(narrow) == group or _is_within(narrow, group)
        case pst.ScopeIsIn(entity_type=named, entity=group):
            return bool(kinds) and kinds <= {str(named)} and _group_of(narrow) == group
    return False


def _group_of(scope: pst.PrincipalOrResourceConstraint) -> pst.EntityOrSlot | None:
    return scope.entity if isinstance(scope, (pst.ScopeIn, pst.ScopeIsIn)) else None


def _is_within(scope: pst.PrincipalOrResourceConstraint, group: pst.EntityOrSlot) -> bool:
    """A database of an upstream: ``Database::"shop/orders"`` is in ``Upstream::"shop"``."""
    if not (isinstance(scope, pst.ScopeEq) and isinstance(scope.entity, pst.EntityUid) and isinstance(group, pst.EntityUid)):
        return False
    is_database = str(scope.entity.type) == "Database" and str(group.type) == "Upstream"
    return is_database and scope.entity.id.startswith(f"{group.id}/")


# --- what never holds -----------------------------------------------------------------------------------------------


def contradiction(policy: pst.Template) -> str:
    """Why the conditions of *policy* can never all hold, in words; empty when that isn't plain to see."""
    found = terms(policy)
    if any(isinstance(term.expr, pst.BoolLit) for term in found):
        return "its condition is never true"
    if not kinds_of(policy):
        return "it asks that whoever acts be of two kinds at once"
    for term in found:
        if term.holds and Term(term.expr, False) in found:
            return f"it asks for {spelled(term.expr)} and for the opposite"
    return _two_values(found) or _empty_and_not(found) or _outside(found) or _no_number(found)


def _two_values(found: Iterable[Term]) -> str:
    values: dict[pst.Expr, pst.Expr] = {}
    for term in found:
        pair = _equality(term)
        if pair is None:
            continue
        asked, value = pair
        if values.setdefault(asked, value) != value:
            return f"{spelled(asked)} can't be {spelled(values[asked])} and {spelled(value)} at once"
    return ""


_LITERALS = (pst.StringLit, pst.LongLit, pst.BoolLit, pst.EntityLit)


def _equality(term: Term) -> tuple[pst.Expr, pst.Expr] | None:
    match term.expr:
        case pst.BinaryOp(op="eq", left=left, right=right) if term.holds:
            if isinstance(right, _LITERALS) and not isinstance(left, _LITERALS):
                return left, right
            if isinstance(left, _LITERALS) and not isinstance(right, _LITERALS):
                return right, left
    return None


def _held(term: Term) -> tuple[pst.Expr, tuple[pst.Expr, ...]] | None:
    """A set and what must be in it."""
    match term.expr:
        case pst.BinaryOp(op="contains", left=left, right=right) if term.holds and isinstance(right, _LITERALS):
            return left, (right,)
        case pst.BinaryOp(op="contains_all", left=left, right=pst.Set(elements=elements)) if term.holds and elements:
            return left, elements
    return None


def _empty_and_not(found: frozenset[Term]) -> str:
    empty = {
        term.expr.arg for term in found if isinstance(term.expr, pst.UnaryOp) and term.expr.op == "is_empty" and term.holds
    }
    for term in found:
        match term.expr:
            case pst.BinaryOp(op="contains" | "contains_any", left=left) if term.holds and left in empty:
                return f"{spelled(left)} can't be empty and hold something"
            case pst.BinaryOp(op="contains_all", left=left, right=pst.Set(elements=elements)) if term.holds and elements:
                if left in empty:
                    return f"{spelled(left)} can't be empty and hold something"
    return ""


def _outside(found: frozenset[Term]) -> str:
    """``["view"].containsAll(x) && x.contains("table")``."""
    bounds: dict[pst.Expr, frozenset[pst.Expr]] = {}
    for term in found:
        match term.expr:
            case pst.BinaryOp(op="contains_all", left=pst.Set(elements=elements), right=right) if term.holds:
                bounds[right] = bounds.get(right, frozenset(elements)) & frozenset(elements)
    for term in found:
        pair = _held(term)
        if pair is None or pair[0] not in bounds:
            continue
        for element in pair[1]:
            if isinstance(element, _LITERALS) and element not in bounds[pair[0]]:
                return f"{spelled(pair[0])} must hold {spelled(element)} and nothing but others"
    return ""


# Facts with a known range, as the schema's comments have it.
_RANGES = {"hour": (0, 23), "minute": (0, 59)}
_FLIPPED = {"less": "greater", "less_eq": "greater_eq", "greater": "less", "greater_eq": "less_eq", "eq": "eq"}
_OPPOSITE = {"less": "greater_eq", "less_eq": "greater", "greater": "less_eq", "greater_eq": "less"}


def _no_number(found: frozenset[Term]) -> str:
    ranges: dict[pst.Expr, tuple[int, int]] = {}
    for term in found:
        bound = _bound(term)
        if bound is None:
            continue
        asked, low, high = bound
        known = _RANGES.get(asked.attr, (-(1 << 63), 1 << 63)) if isinstance(asked, pst.GetAttr) else (-(1 << 63), 1 << 63)
        before = ranges.get(asked, known)
        ranges[asked] = max(before[0], low), min(before[1], high)
        if ranges[asked][0] > ranges[asked][1]:
            return f"no {spelled(asked)} is in the range that it asks for"
    return ""


def _bound(term: Term) -> tuple[pst.Expr, int, int] | None:
    """A number, and the least and the greatest that it may be."""
    if not isinstance(term.expr, pst.BinaryOp) or term.expr.op not in _FLIPPED:
        return None
    op, left, right = str(term.expr.op), term.expr.left, term.expr.right
    if isinstance(left, pst.LongLit):
        op, left, right = _FLIPPED[op], right, left
    if not isinstance(right, pst.LongLit) or isinstance(left, pst.LongLit):
        return None
    if not term.holds:
        if op not in _OPPOSITE:
            return None
        op = _OPPOSITE[op]
    value, least, most = right.value, -(1 << 63), 1 << 63
    spans = {
        "less": (least, value - 1),
        "less_eq": (least, value),
        "greater": (value + 1, most),
        "greater_eq": (value, most),
        "eq": (value, value),
    }
    return left, *spans[op]


# --- in words -------------------------------------------------------------------------------------------------------


def spelled(expr: pst.Expr) -> str:
    """*expr* about as its author wrote it, for messages."""
    match expr:
        case pst.Var(name=name):
            return name
        case pst.GetAttr(base=base, attr=attr):
            return f"{spelled(base)}.{attr}"
        case pst.StringLit(value=text):
            return f'"{text}"'
        case pst.LongLit(value=number):
            return str(number)
        case pst.BoolLit(value=value):
            return "true" if value else "false"
        case pst.EntityLit(value=named):
            return str(named)
        case pst.Is(base=base, entity_type=named):
            return f"{spelled(base)} is {named}"
        case pst.HasAttr(base=base, attrs=attrs):
            return f"{spelled(base)} has {'.'.join(attrs)}"
        case pst.UnaryOp(op="is_empty", arg=arg):
            return f"{spelled(arg)}.isEmpty()"
        case pst.BinaryOp(op="contains", left=left, right=right):
            return f"{spelled(left)}.contains({spelled(right)})"
        case pst.BinaryOp(op="in", left=left, right=right):
            return f"{spelled(left)} in {spelled(right)}"
        case pst.BinaryOp(op="eq", left=left, right=right):
            return f"{spelled(left)} == {spelled(right)}"
        case _:
            return "something"
