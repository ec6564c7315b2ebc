"""Policy texts -> the rules in force, checked whole: a text that is wrong anywhere changes nothing.

Each file is read by itself, so that an error names file and line; then all are joined in the order of their names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from cedarpy import PolicySet, Schema, pst, validate_policies

from doorward.errors import PolicyInvalid
from doorward.model.catalog import Label
from doorward.model.statement import Action
from doorward.policy.floors import RESERVED_RULE_IDS
from doorward.policy.rules import Rule, annotation_fault, rule_of

UNMASK = "unmask"
SCAN = "scan"
APPROVE = "approve"
ACTIONS = (*(action.value for action in Action if action is not Action.UNKNOWN), UNMASK, SCAN, APPROVE)

_LABELS = frozenset(label.value for label in Label)
_TOKEN = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|;|\s+|[^\s;"/]+|.', re.DOTALL)
# Whatever can make an expression deeper. Cedar's parser and validator are recursive: 800 nested brackets or 2000 operators in
# one policy overflow the stack of a thread and end the whole program, so neither ever sees that many.
_DEEPENING = re.compile(r"&&|\|\||[-+*!.(\[{<>=]|\b(?:if|has|in|is|like)\b")
_LITERAL = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"', re.DOTALL)
MOST_OPERATORS = 300
_VERSION_LENGTH = 12  # hex digits: enough to tell versions apart, short enough to say


@cache
def schema() -> Schema:
    """The packaged schema, prepared."""
    return Schema.from_str(files("doorward.policy").joinpath("schema.cedarschema").read_text(encoding="utf-8"))


def default_texts() -> dict[str, str]:
    """The packaged rules: file name to Cedar text."""
    folder = files("doorward.policy").joinpath("defaults")
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".cedar")}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Cedar policies for one action. *can_permit* is False when asking is pointless: nothing in it permits."""

    policies: PolicySet
    can_permit: bool


@dataclass(frozen=True, slots=True)
class PolicySetInForce:
    """A whole, valid set of rules.

    *rules* is in the order of file names and lines; *strict* has the policies of each
    action; *lifted* the same without the forbids that an approval lifts.
    """

    version: str
    rules: tuple[Rule, ...]
    texts: Mapping[str, str]
    by_id: Mapping[str, Rule]
    strict: Mapping[str, Prepared]
    lifted: Mapping[str, Prepared]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One policy's text in a file, or the unfinished rest."""

    line: int
    text: str


def _pieces(text: str) -> Iterator[_Piece]:
    """Cut *text* after each policy's semicolon; comments before a policy are left out."""
    start, line, first_line = 0, 1, 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if not first_line and not word.isspace() and not word.startswith("//"):
            start, first_line = token.start(), line
        line += word.count("\n")
        if word == ";" and first_line:
            yield _Piece(first_line, text[start : token.end()])
            first_line = 0
    if first_line:
        yield _Piece(first_line, text[start:])


def _refuse(file: str, line: int, fault: str, remedy: str) -> PolicyInvalid:
    return PolicyInvalid(f"{file}, line {line}: {fault}.", remedy)


def _parse(file: str, text: str) -> list[tuple[_Piece, pst.Template]]:
    """The policies of one file in order, each with where it stands. Raises PolicyInvalid."""
    parsed: list[tuple[_Piece, pst.Template]] = []
    for piece in _pieces(text):
        if len(_DEEPENING.findall(_LITERAL.sub("", piece.text))) > MOST_OPERATORS:
            too_long = f"one policy may have {MOST_OPERATORS} operators and brackets, and this has more"
            raise _refuse(file, piece.line, too_long, "Make several of it, or list texts in a set.")
        try:
            nodes = PolicySet.from_str(piece.text).to_pst()
        except (ValueError, UnicodeError) as fault:
            raise _refuse(file, piece.line, str(fault), "Mend the policy that starts there and load again.") from None
        if nodes.templates:
            raise _refuse(file, piece.line, "a template with ?principal or ?resource permits nobody", "Name them instead.")
        parsed += [(piece, policy) for policy in nodes.static_policies.values()]
    return parsed


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


def _schema_fault(piece: _Piece) -> str:
    errors = validate_policies(piece.text, schema()).errors
    return str(errors[0].error).removeprefix("for policy `policy0`, ").removeprefix("for policy `policy0`: ") if errors else ""


def _check(file: str, piece: _Piece, policy: pst.Template) -> Rule:
    """The rule that *policy* is. Raises PolicyInvalid."""
    annotations = dict(policy.annotations)
    checks: tuple[tuple[Callable[[], str], str], ...] = (
        (lambda: annotation_fault(policy.effect, annotations), "docs/policy.md lists the annotations and what each needs."),
        (lambda: _scope_fault(policy), 'Write for instance: action in [Action::"read", Action::"session"].'),
        (lambda: _entity_fault(policy), "Use one of these."),
        (lambda: _schema_fault(piece), "docs/policy.md lists what a rule may speak of."),
    )
    for fault_of, remedy in checks:
        if fault := fault_of():
            raise _refuse(file, piece.line, fault, remedy)
    rule = rule_of(policy.effect, annotations, file, piece.line, piece.text)
    if rule.id in RESERVED_RULE_IDS:
        raise _refuse(file, piece.line, f'@id("{rule.id}") is the name of a built-in rule', "Give the rule another id.")
    return rule


def _concerns(policy: pst.Template, action: str) -> bool:
    """Whether *policy* may apply to *action*. Says yes wherever a group of actions is named: Cedar knows what is in it."""
    match policy.action:
        case pst.ActionEq(entity=named):
            ids = {named.id}
        case pst.ActionIn(entities=several):
            ids = {named.id for named in several}
        case _:
            return True
    return action in ids or bool(ids.difference(ACTIONS))


def _prepare(policies: Mapping[str, pst.Template]) -> dict[str, Prepared]:
    prepared = {}
    for action in ACTIONS:
        chosen = {key: policy for key, policy in policies.items() if _concerns(policy, action)}
        handle = PolicySet.from_pst(pst.PolicySet({}, pst.FrozenMap(chosen), ()))
        prepared[action] = Prepared(handle, any(policy.effect == "permit" for policy in chosen.values()))
    return prepared


def version_of(texts: Mapping[str, str]) -> str:
    """A short digest over file names and contents; the order in which they are given doesn't matter."""
    canonical = json.dumps(sorted(texts.items())).encode()
    return hashlib.sha256(canonical).hexdigest()[:_VERSION_LENGTH]


def load(texts: Mapping[str, str]) -> PolicySetInForce:
    """Check all *texts* (file name to Cedar text) and prepare them to be asked.

    Raises PolicyInvalid with the first fault found; the rules in force stay in force.
    """
    by_id: dict[str, Rule] = {}
    policies: dict[str, pst.Template] = {}
    for file in sorted(texts):
        for piece, policy in _parse(file, texts[file]):
            rule = _check(file, piece, policy)
            if earlier := by_id.get(rule.id):
                taken = f'@id("{rule.id}") is taken by {earlier.file}, line {earlier.line}'
                raise _refuse(file, piece.line, taken, "Give each rule an id of its own.")
            by_id[rule.id] = rule
            policies[rule.id] = replace(policy, id=rule.id)
    if not policies:
        raise PolicyInvalid("There is not one rule.", "Restore the policy files, or remove the folder to use the defaults.")
    unliftable = {key: policy for key, policy in policies.items() if not by_id[key].hold}
    return PolicySetInForce(
        version=version_of(texts),
        rules=tuple(by_id.values()),
        texts=dict(texts),
        by_id=by_id,
        strict=_prepare(policies),
        lifted=_prepare(unliftable),
    )
