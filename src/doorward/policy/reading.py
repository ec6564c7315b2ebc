"""Policy texts -> rules with their Cedar trees, and everything that is wrong with the texts.

Each policy is read by itself, so that a fault names file and line and hides none of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from cedarpy import PolicySet, Schema, pst, validate_policies

from doorward.errors import PolicyInvalid
from doorward.model.catalog import Label
from doorward.model.statement import Action, Way
from doorward.policy.floors import RESERVED_RULE_IDS
from doorward.policy.rules import Rule, annotation_fault, rule_of

UNMASK = "unmask"
SCAN = "scan"
APPROVE = "approve"
# Letting a protected column steer rows.
WAYS = tuple(way.value for way in Way)
ACTIONS = (*(action.value for action in Action if action is not Action.UNKNOWN), UNMASK, SCAN, *WAYS, APPROVE)

_LABELS = frozenset(label.value for label in Label)
_TOKEN = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|;|\s+|[^\s;"/]+|.', re.DOTALL)
# Whatever can make an expression deeper. Cedar's parser and validator are recursive: 800 nested brackets or 2000 operators in
# one policy overflow the stack of a thread and end the whole program, so neither ever sees that many.
_DEEPENING = re.compile(r"&&|\|\||[-+*!.(\[{<>=]|\b(?:if|has|in|is|like)\b")
_LITERAL = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"', re.DOTALL)
MOST_OPERATORS = 300


@cache
def schema() -> Schema:
    """The packaged schema, prepared."""
    return Schema.from_str(files("doorward.policy").joinpath("schema.cedarschema").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a policy can't be used, where it starts, and what to do about it."""

    file: str
    line: int
    words: str
    remedy: str

    def error(self) -> PolicyInvalid:
        """The fault as the error that a set of rules is refused with."""
        return PolicyInvalid(f"{self.file}, line {self.line}: {self.words}.", self.remedy)


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule and the tree of its policy, whose id is the rule's."""

    rule: Rule
    policy: pst.Template


@dataclass(frozen=True, slots=True)
class Reading:
    """All rules that can be used, in the order of file names and lines, and what is wrong with the others."""

    rules: tuple[ReadRule, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One policy's text in a file, or the unfinished rest."""

    file: str
    line: int
    text: str

    def fault(self, words: str, remedy: str) -> Fault:
        return Fault(self.file, self.line, words, remedy)


def read(texts: Mapping[str, str]) -> Reading:
    """Read *texts*, file name to Cedar text. Never raises for what is in them."""
    rules: dict[str, ReadRule] = {}
    faults: list[Fault] = []
    for file in sorted(texts):
        for piece in _pieces(file, texts[file]):
            for policy in _parse(piece, faults):
                rule = _check(piece, policy, faults)
                if rule is None:
                    continue
                if earlier := rules.get(rule.id):
                    taken = f'@id("{rule.id}") is taken by {earlier.rule.file}, line {earlier.rule.line}'
                    faults.append(piece.fault(taken, "Give each rule an id of its own."))
                else:
                    rules[rule.id] = ReadRule(rule, replace(policy, id=rule.id))
    return Reading(tuple(rules.values()), tuple(faults))


def _pieces(file: str, text: str) -> Iterator[_Piece]:
    """Cut *text* after each policy's semicolon; comments before a policy are left out."""
    start, line, first_line = 0, 1, 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if not first_line and not word.isspace() and not word.startswith("//"):
            start, first_line = token.start(), line
        line += word.count("\n")
        if word == ";" and first_line:
            yield _Piece(file, first_line, text[start : token.end()])
            first_line = 0
    if first_line:
        yield _Piece(file, first_line, text[start:])


def _parse(piece: _Piece, faults: list[Fault]) -> list[pst.Template]:
    """The policies of one piece; none when it can't be read."""
    if len(_DEEPENING.findall(_LITERAL.sub("", piece.text))) > MOST_OPERATORS:
        too_long = f"one policy may have {MOST_OPERATORS} operators and brackets, and this has more"
        faults.append(piece.fault(too_long, "Make several of it, or list texts in a set."))
        return []
    try:
        nodes = PolicySet.from_str(piece.text).to_pst()
    except (ValueError, UnicodeError) as fault:
        faults.append(piece.fault(str(fault), "Mend the policy that starts there and load again."))
        return []
    if nodes.templates:
        faults.append(piece.fault("a template with ?principal or ?resource permits nobody", "Name them instead."))
        return []
    return list(nodes.static_policies.values())


def _check(piece: _Piece, policy: pst.Template, faults: list[Fault]) -> Rule | None:
    """The rule that *policy* is; None for one with a fault."""
    annotations = dict(policy.annotations)
    checks: tuple[tuple[Callable[[], str], str], ...] = (
        (lambda: annotation_fault(policy.effect, annotations), "docs/policy.md lists the annotations and what each needs."),
        (lambda: _action_fault(policy, annotations), "docs/policy.md lists the annotations and what each needs."),
        (lambda: _scope_fault(policy), 'Write for instance: action in [Action::"read", Action::"session"].'),
        (lambda: _entity_fault(policy), "Use one of these."),
        (lambda: _schema_fault(piece), "docs/policy.md lists what a rule may speak of."),
    )
    for fault_of, remedy in checks:
        if fault := fault_of():
            faults.append(piece.fault(fault, remedy))
            return None
    rule = rule_of(policy.effect, annotations, piece.file, piece.line, piece.text)
    if rule.id in RESERVED_RULE_IDS:
        faults.append(piece.fault(f'@id("{rule.id}") is the name of a built-in rule', "Give the rule another id."))
        return None
    return rule


def _entity_fault(policy: pst.Template) -> str:
    """A label that doesn't exist. The schema checks everything else that has a fixed list."""
    for named in sorted(pst.entity_uids(policy), key=str):
        if str(named.type) == "Label" and named.id not in _LABELS:
            return f'there is no Label::"{named.id}"; there are ' + ", ".join(sorted(_LABELS))
    return ""


def _scope_fault(policy: pst.Template) -> str:
    """A permit for any action at all, which would also let see and approve."""
    if policy.effect == "permit" and isinstance(policy.action, pst.ScopeAny):
        return "a permit must name its actions, or else it also permits to unmask and to approve"
    return ""


_NOT_STATEMENTS = frozenset({UNMASK, SCAN, APPROVE})
_NOT_INFERENCE = frozenset(ACTIONS).difference(WAYS)
# Annotation -> the actions on which nothing would come of it.
_MEANS_NOTHING = {
    "row_limit": _NOT_STATEMENTS,
    "parameters": _NOT_STATEMENTS,
    "quorum": _NOT_STATEMENTS,
    "require": frozenset({APPROVE}),
    "probes": _NOT_INFERENCE,
    "learned_rows": _NOT_INFERENCE,
    "window_seconds": _NOT_INFERENCE,
    "beyond": _NOT_INFERENCE,
    "mask": frozenset(ACTIONS) - {SCAN},
}


def _action_fault(policy: pst.Template, annotations: Mapping[str, str]) -> str:
    """An obligation on a rule that names only actions for which nothing would come of it."""
    match policy.action:
        case pst.ActionEq(entity=named):
            ids = {named.id}
        case pst.ActionIn(entities=several):
            ids = {named.id for named in several}
        case _:
            return ""
    for name, actions in _MEANS_NOTHING.items():
        if name in annotations and ids <= actions:
            return f"@{name} means nothing for the action {', '.join(sorted(ids))}"
    return ""


def _schema_fault(piece: _Piece) -> str:
    errors = validate_policies(piece.text, schema()).errors
    return str(errors[0].error).removeprefix("for policy `policy0`, ").removeprefix("for policy `policy0`: ") if errors else ""
