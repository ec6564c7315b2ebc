"""What is posted to whom: Doorward's own JSON for webhooks, an adaptive card for Teams, an event for PagerDuty.

Nothing that comes from a statement is put where a receiver would read markup.
"""

from __future__ import annotations

import json
from typing import Any

from doorward.model.notice import Notice, Occasion
from doorward.notifying.receivers import Receiver
from doorward.notifying.words import Told, clean

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
_SUMMARY_LIMIT = 1_000
_ALARMS = frozenset({Occasion.GLASS_BROKEN, Occasion.GLASS_TO_REVIEW})


def webhook(notice: Notice, what: Told, receiver: Receiver) -> dict[str, Any]:
    """As Standard Webhooks has it: type, time, and the data by name."""
    data: dict[str, Any] = {
        "id": notice.subject,
        "title": what.title,
        "who": notice.chain,
        "upstream": notice.upstream,
        "action": notice.action,
        "objects": notice.objects,
        "labels": notice.labels,
        "rules": notice.rules,
        "why": notice.why,
        "approvers": notice.approvers,
        "escalated_to": notice.escalated_to,
        "quorum": notice.quorum,
        "expires_us": notice.expires_us,
        "by": notice.by,
        "statement": what.statement,
        "link": what.link,
    }
    if receiver.statement == "whole":
        data["word"] = what.word
    return {"type": notice.occasion, "timestamp_us": notice.at_us, "data": data}


def teams(notice: Notice, what: Told, receiver: Receiver) -> dict[str, Any]:
    """An adaptive card, as incoming webhooks of Teams take it. Text runs are shown as they are, unlike text blocks."""

    def runs(*texts: tuple[str, str]) -> dict[str, Any]:
        return {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": text, "weight": weight} for text, weight in texts],
        }

    body = [runs((what.title, "Bolder"))]
    body += [runs((f"{name}: ", "Bolder"), (value, "Default")) for name, value in what.facts]
    if what.statement:
        shown = runs((what.statement, "Default"))
        shown["inlines"][0]["fontType"] = "Monospace"
        body.append(shown)
    if what.word:
        body.append(runs(("They wrote: ", "Bolder"), (what.word, "Default")))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in Doorward", "url": what.link}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def pagerduty(notice: Notice, what: Told, receiver: Receiver) -> dict[str, Any]:
    """An event of the Events API v2. What waits triggers an incident; its end resolves the same one."""
    occasion = Occasion(notice.occasion)
    is_end = not occasion.waits and occasion is not Occasion.TESTED
    event: dict[str, Any] = {
        "routing_key": receiver.secret(),
        "event_action": "resolve" if is_end else "trigger",
        "dedup_key": f"doorward/{clean(notice.subject)}",
    }
    if not is_end:
        details = dict(what.facts) | ({"Statement": what.statement} if what.statement else {})
        event["payload"] = {
            "summary": what.title[:_SUMMARY_LIMIT],
            "source": notice.upstream or "doorward",
            "severity": "critical" if occasion in _ALARMS else "warning",
            "component": "doorward",
            "class": notice.occasion,
            "custom_details": details | ({"They wrote": what.word} if what.word else {}),
        }
        event["links"] = [{"href": what.link, "text": "Open in Doorward"}]
    return event


SHAPES = {"webhook": webhook, "teams": teams, "pagerduty": pagerduty}


def encoded(body: dict[str, Any]) -> bytes:
    """The bytes that are sent, and signed. Letters outside ASCII are escaped: what is half a letter breaks nothing."""
    return json.dumps(body, separators=(",", ":")).encode()
