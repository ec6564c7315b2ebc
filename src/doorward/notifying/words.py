"""A notice in words: a title, facts, a link; and what of a statement may leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from doorward.model.notice import Notice, Occasion
from doorward.notifying.receivers import Content

STATEMENT_LIMIT = 1_500
TEXT_LIMIT = 300
NAMES_LIMIT = 20

_TITLES = {
    Occasion.ASKED: "{chain} asks {approvers} for an approval",
    Occasion.SECONDED: "{by} said yes to {chain}; it takes more",
    Occasion.TAKEN_BACK: "{by} took a yes to {chain} back",
    Occasion.ESCALATED: "{chain} still waits; {escalated_to} is asked as well",
    Occasion.APPROVED: "{by} approved what {chain} asked",
    Occasion.REJECTED: "{by} rejected what {chain} asked",
    Occasion.WITHDRAWN: "{chain} asks no more",
    Occasion.EXPIRED: "Nobody answered {chain} in time",
    Occasion.LAPSED: "What {chain} was approved came to nothing",
    Occasion.REVOKED: "What {chain} was approved was taken back",
    Occasion.GLASS_BROKEN: "{chain} broke the glass",
    Occasion.GLASS_TO_REVIEW: "What {chain} did behind broken glass has to be looked at",
    Occasion.GLASS_REVIEWED: "{by} looked at what {chain} did behind broken glass",
    Occasion.TESTED: "This is a test of Doorward's notices",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What one receiver is told. *statement* and *word* are empty where they may not leave."""

    title: str
    facts: tuple[tuple[str, str], ...]
    statement: str
    word: str
    link: str


def told(notice: Notice, content: Content, console: str) -> Told:
    """*notice* in words, with links to the console at *console*."""
    occasion = Occasion(notice.occasion)
    rows = (
        ("Who", notice.chain),
        ("Where", notice.upstream),
        ("What", notice.action),
        ("Tables", _names(notice.objects)),
        ("Protected data", _names(notice.labels)),
        ("Rules", _names(notice.rules)),
        ("Why", notice.why),
        ("Asked of", notice.approvers if not notice.by else ""),
        ("By", notice.by),
        ("Takes", f"{notice.quorum} people" if notice.quorum > 1 else ""),
        ("Until", _time(notice.expires_us) if occasion.waits else ""),
        ("Id", notice.subject),
    )
    named = {name: clean(getattr(notice, name)) for name in ("chain", "by", "approvers", "escalated_to")}
    statement = {"shape": notice.shape, "whole": notice.text, "none": ""}[content]
    return Told(
        title=_TITLES[occasion].format(**named)[:TEXT_LIMIT],
        facts=tuple((name, clean(value)) for name, value in rows if value),
        statement=_cut(_printable(statement), STATEMENT_LIMIT),
        word=clean(notice.word) if content == "whole" else "",
        link=link_of(notice, console),
    )


def link_of(notice: Notice, console: str) -> str:
    """Where in the console it is looked at and answered."""
    base = console.rstrip("/")
    return f"{base}/approvals/{notice.subject}" if notice.subject.startswith("req_") else f"{base}/"


def clean(text: str) -> str:
    """*text* on one line, of bounded length, with nothing that turns or hides letters."""
    return _cut(" ".join(_printable(text).split()), TEXT_LIMIT)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMES_LIMIT} more" if len(names) > NAMES_LIMIT else ""
    return ", ".join(names[:NAMES_LIMIT]) + more


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at_us else ""
