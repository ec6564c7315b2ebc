"""What each criterion asks, what stands for it here, and what the organisation must still do.

One table because a framework is a list of criteria.
"""

from __future__ import annotations

from dataclasses import dataclass

from doorward.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: *words* is the control that Doorward operates; *not_shown* is what this pack says nothing of."""

    name: str
    title: str
    words: str
    populations: tuple[str, ...]
    controls: tuple[str, ...]
    not_shown: str


# The criteria are named and put in our own words; the text of the Trust Services Criteria is the AICPA's.
SOC2 = (
    Criterion(
        "CC6.1",
        "Logical access",
        "Nobody reaches the protected database but under a proven identity of their own: the shared login is "
        "Doorward's alone, and each "
        "session belongs to a named person, service or agent.",
        ("inventory", "sign-ins", "refused-sign-ins"),
        ("access-approved-before-use", "secrets-good-when-used", "nothing-passed-beside"),
        "Accesses to other systems, and who can read the database's files, backups or Doorward's own machine.",
    ),
    Criterion(
        "CC6.2",
        "Giving access",
        "Access begins with an entry that says who gave it to whom. Until then there is no sign-in. Access for a time is asked "
        "for, approved by somebody else, and ends by itself.",
        ("access-granted", "access-for-a-time"),
        ("access-approved-before-use", "timed-access-in-order", "secrets-good-when-used"),
        "Whether the request was justified: keep the ticket or the message in which it was asked for.",
    ),
    Criterion(
        "CC6.3",
        "Changing and removing access",
        "Revoking ends live sessions and voids secrets at once. Access is reviewed line by line; roles are separated: "
        "who asks does not approve.",
        ("access-removed", "access-for-a-time", "access-reviews", "approvals"),
        ("leavers-are-out", "timed-access-in-order", "access-reviewed", "approver-is-never-requester"),
        "When people left: compare the revocations with the list of the personnel department.",
    ),
    Criterion(
        "CC6.6",
        "The boundary",
        "Doorward is the road to the database. Sessions are encrypted, and the database's own list of sessions is "
        "compared with Doorward's.",
        ("sign-ins", "refused-sign-ins", "coverage-checks"),
        ("sessions-encrypted", "nothing-passed-beside"),
        "Firewalls and network rules: without them other roads are noticed, not closed.",
    ),
    Criterion(
        "CC6.7",
        "Data in motion",
        "Protected columns are masked for whoever is not cleared; what was given to whom, in clear or masked, is counted.",
        ("seen-in-clear", "disclosures", "writes-by-people"),
        ("clear-reads-justified",),
        "What readers did with what they saw.",
    ),
    Criterion(
        "CC6.8",
        "Harmful statements",
        "What holds data is not dropped, whole tables are not changed without a second person, and the server's files "
        "and settings are out of "
        "reach. That this works is tried on schedule.",
        ("denied", "probes"),
        ("denied-never-runs", "guardrails-proven"),
        "Malware on other machines.",
    ),
    Criterion(
        "CC7.1",
        "Configuration and its drift",
        "Rules have versions; each statement's entry names the one it was decided with. What columns hold is reviewed "
        "by people.",
        ("policy-versions", "policy-changes", "label-changes"),
        ("rules-reviewed",),
        "Vulnerabilities of the database server and of the machines.",
    ),
    Criterion(
        "CC7.2",
        "Monitoring",
        "Everything is written to a log that can't be changed unnoticed, before it happens. The log is verified whole "
        "for this pack.",
        ("refused-sign-ins", "denied", "starts-and-stops", "unknown-outcomes"),
        ("log-is-complete", "nothing-passed-beside"),
        "Whether somebody looks: keep the records of whoever watches.",
    ),
    Criterion(
        "CC7.3",
        "Evaluating events",
        "Denials and refused sign-ins are listed with who, what and by which rule.",
        ("denied", "refused-sign-ins"),
        ("denied-never-runs",),
        "The judgement on each event, and by whom.",
    ),
    Criterion(
        "CC7.4",
        "Responding",
        "A person, service or agent can be cut off at once, with its sessions; the record shows what it did until then. In an "
        "emergency chosen people break the glass, for an hour at most, and somebody else looks at what they did.",
        ("interventions", "access-removed", "broken-glass"),
        ("leavers-are-out", "broken-glass-reviewed"),
        "The plan for incidents, and its exercises.",
    ),
    Criterion(
        "CC8.1",
        "Changes",
        "Changes of the schema and of privileges, and statements that change whole tables, wait for a second person; "
        "exactly what was approved runs.",
        ("schema-changes", "writes-by-people", "approvals", "broken-glass", "policy-changes"),
        (
            "schema-changes-approved",
            "held-runs-only-approved",
            "approver-is-never-requester",
            "broken-glass-reviewed",
            "rules-reviewed",
        ),
        "Tests of a change before it was made, and changes made by other roads.",
    ),
    Criterion(
        "C1.1",
        "Knowing what is confidential",
        "Columns are labelled by what they hold; whatever is not labelled yet counts as protected.",
        ("label-changes", "disclosures"),
        ("clear-reads-justified",),
        "Confidential data outside the protected databases.",
    ),
    Criterion(
        "C1.2",
        "Disposing of what is confidential",
        "Statements that delete or drop are on record, and dropping what holds data is refused.",
        ("writes-by-people", "schema-changes"),
        ("denied-never-runs",),
        "Periods of retention, and copies elsewhere.",
    ),
    Criterion(
        "P-series",
        "Privacy: use, disclosure, access",
        "The ledger of disclosures says who was given which personal column, in clear or masked, in how many rows, and "
        "for which purpose where one "
        "was stated.",
        ("disclosures", "seen-in-clear"),
        ("clear-reads-justified",),
        "Notice, consent and the answers to persons concerned. Doorward knows columns, not whose row it was.",
    ),
    Criterion(
        "AI",
        "What AI agents do",
        "An agent has an identity of its own and acts for a named person or service; it never may what they may not, "
        "and sees masks.",
        ("agents", "agent-activity"),
        ("agents-have-owners", "clear-reads-justified", "approver-is-never-requester"),
        "What a model does with what it read, and its prompts.",
    ),
)

FRAMEWORKS = {"soc2": ("SOC 2", SOC2)}


def framework(name: str) -> tuple[str, tuple[Criterion, ...]]:
    """The title and criteria of a framework. Raises InvalidRequest."""
    if name not in FRAMEWORKS:
        raise InvalidRequest(f"There is no framework {name[:40]!r}.", f"Use {' or '.join(FRAMEWORKS)}.")
    return FRAMEWORKS[name]
