"""Access reviews: a snapshot, decided by somebody else with a reason; what is revoked is gone; all of it in the log."""

from __future__ import annotations

import json

import pytest

from doorward.control.operators import LOCAL
from doorward.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model.identity import PrincipalKind
from doorward.model.review import Access, Review, ReviewLine
from doorward.store.records import PublishedPolicy
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio


def line_of(review: Review, whom: str, access: Access) -> ReviewLine:
    return next(line for line in review.lines if (line.whom, line.access) == (whom, access))


@pytest.fixture
async def review(scene: Scene) -> Review:
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "abe", ("admins",))
    await scene.office.secrets.mint(LOCAL, "alice", purpose="reports")
    return await scene.office.reviews.start(LOCAL, "first quarter")


async def test_snapshot_has_who_has_what(scene: Scene, review: Review) -> None:
    """Principals, groups, secrets, and whom agents act for; it stays as it was."""
    told = {(line.whom, line.access): line.told for line in review.lines}
    assert {whom for whom, _ in told} == {"abe", "ada", "alice", "ben", "eve", "report-bot"}
    assert "acts for alice" in told["report-bot", Access.BEING_KNOWN]
    assert told["ben", Access.GROUP] == "is in the group approvers"
    assert "for reports" in told["alice", Access.SECRET]
    await scene.office.principals.revoke(LOCAL, "ben")
    assert scene.office.reviews.one(LOCAL, review.id).lines == review.lines


async def test_what_is_revoked_is_gone(scene: Scene, review: Review) -> None:
    """A group, a secret, a principal; each recorded before it is done, by the reviewer."""
    ada = scene.operator("ada")
    for whom, access in (("ben", Access.GROUP), ("alice", Access.SECRET), ("report-bot", Access.BEING_KNOWN)):
        line = line_of(review, whom, access)
        decided = await scene.office.reviews.decide(ada, review.id, line.number, "revoke", "not needed")
        assert line_of(decided, whom, access).done
    assert scene.principal("ben").groups == ()
    assert all(secret.revoked_us for secret in scene.office.secrets.of(LOCAL, "alice"))
    record = scene.store.principals.named("report-bot")
    assert record is not None
    assert record.is_revoked
    acts = [(e["act"], e["by"], e["subject"]) for e in map(json.loads, scene.log.raw) if e["kind"] == "administered"]
    assert acts[-6:] == [
        ("review.decided", "ada", review.id),
        ("principal.regrouped", "ada", "ben"),
        ("review.decided", "ada", review.id),
        ("secret.revoked", "ada", "alice"),
        ("review.decided", "ada", review.id),
        ("principal.revoked", "ada", "report-bot"),
    ]


async def test_nobody_reviews_themselves_or_their_agents(scene: Scene, review: Review) -> None:
    """Nor does the local operator, who is nobody by name; nor anybody who is no administrator."""
    own = line_of(review, "ada", Access.GROUP).number
    with pytest.raises(NotPermitted, match="their own access"):
        await scene.office.reviews.decide(scene.operator("ada"), review.id, own, "keep", "it is me")
    await scene.office.principals.add(LOCAL, PrincipalKind.AGENT, "ada-bot", acting_for="ada")
    later = await scene.office.reviews.start(LOCAL, "later")
    agents = line_of(later, "ada-bot", Access.BEING_KNOWN).number
    with pytest.raises(NotPermitted, match="agents"):
        await scene.office.reviews.decide(scene.operator("ada"), later.id, agents, "keep", "mine")
    for who in (LOCAL, scene.operator("ben"), scene.operator("eve")):
        with pytest.raises(NotPermitted):
            await scene.office.reviews.decide(who, review.id, own, "keep", "fine")
    assert (await scene.office.reviews.decide(scene.operator("abe"), review.id, own, "keep", "runs it")).lines[
        own - 1
    ].by == "abe"
    with pytest.raises(NotPermitted):
        scene.office.reviews.all(scene.operator("alice"))


async def test_decision_needs_a_reason_and_a_word_that_is_known(scene: Scene, review: Review) -> None:
    ada, number = scene.operator("ada"), line_of(review, "ben", Access.GROUP).number
    for decision, reason in (("keep", " "), ("keep", "x" * 1001), ("perhaps", "why not"), ("", "why not")):
        with pytest.raises(InvalidRequest):
            await scene.office.reviews.decide(ada, review.id, number, decision, reason)
    with pytest.raises(NotFound):
        await scene.office.reviews.decide(ada, review.id, 999, "keep", "fine")
    with pytest.raises(NotFound):
        await scene.office.reviews.decide(ada, "rev_none", 1, "keep", "fine")


async def test_closes_once_every_line_is_done(scene: Scene, review: Review) -> None:
    """And stays closed; what was kept may be decided anew before, what was revoked not."""
    ada, abe = scene.operator("ada"), scene.operator("abe")
    with pytest.raises(Conflict, match="are not done"):
        await scene.office.reviews.close(ada, review.id)
    for line in review.lines:
        by = abe if line.whom == "ada" else ada
        await scene.office.reviews.decide(by, review.id, line.number, "keep", "needed")
    ben = line_of(review, "ben", Access.GROUP).number
    await scene.office.reviews.decide(ada, review.id, ben, "revoke", "moved")
    with pytest.raises(Conflict, match="revoked already"):
        await scene.office.reviews.decide(ada, review.id, ben, "keep", "came back")
    closed = await scene.office.reviews.close(ada, review.id)
    assert (closed.closed_by, closed.open_lines) == ("ada", ())
    with pytest.raises(Conflict, match="closed"):
        await scene.office.reviews.decide(ada, review.id, ben, "revoke", "again")
    assert scene.office.reviews.all(scene.operator("eve"))[0] == closed


async def test_rules_are_reviewed_by_somebody_else_than_who_published_them(scene: Scene, review: Review) -> None:
    """By a person who is an administrator; the log has the version."""
    scene.store.policies.add(PublishedPolicy(4, "v4", 1, "ada", "OPS-1", {"a.cedar": ""}))
    ada, abe = scene.operator("ada"), scene.operator("abe")
    for who in (ada, LOCAL, scene.operator("ben")):
        with pytest.raises(NotPermitted):
            await scene.office.reviews.review_rules(who, 4, "fine")
    with pytest.raises(NotFound):
        await scene.office.reviews.review_rules(abe, 5, "fine")
    await scene.office.reviews.review_rules(abe, 4, "replayed")
    last = json.loads(scene.log.raw[-1])
    assert (last["act"], last["by"], last["subject"], last["details"]["version"]) == (
        "policy.reviewed",
        "abe",
        "policy 4",
        "v4",
    )
