"""Every endpoint: what it is called with, what it gives.

One table, at the end, is the API: doors, tests and the description are made by walking it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from doorward.api import access_shapes, account_shapes, agent_shapes, key_shapes, policy_shapes, shapes
from doorward.api.queries import (
    DISCLOSURE_QUERY,
    LOG_QUERY,
    TIMES,
    filters_from,
    label_from,
    state_from,
    wanted_from,
    whole_number,
)
from doorward.control.coverage import Compared
from doorward.control.desk import Question
from doorward.control.explained import Explained
from doorward.control.office import Office
from doorward.control.operators import Operator
from doorward.control.probing import Tried
from doorward.control.projection.disclosing import Disclosure
from doorward.control.queue import Group, Word
from doorward.control.record import EXPORT_LIMIT, LIMIT
from doorward.control.timeline import timeline
from doorward.control.views import EntryView
from doorward.model.access import AccessWish
from doorward.model.agents import Task
from doorward.model.approval import RequestState
from doorward.model.identity import PrincipalKind
from doorward.model.review import Review


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call. *body* is of the type that the endpoint takes."""

    office: Office
    by: Operator
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A row of the API: *takes* is the body's type, *gives* the answer's, *query* the parameters.

    An *is_open* one needs no sign-in: what it is sent is itself the proof.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call], Awaitable[object]]
    gives: Any
    takes: type[msgspec.Struct] | None = None
    query: tuple[str, ...] = ()
    status: int = 200
    is_open: bool = False


async def _status(call: Call) -> shapes.StatusOut:
    return shapes.status_out(call.office.status(call.by), call.by.name)


async def _principals(call: Call) -> list[shapes.PrincipalOut]:
    return [shapes.principal_out(record) for record in call.office.principals.all(call.by)]


async def _add_principal(call: Call) -> shapes.PrincipalOut:
    body: shapes.NewPrincipal = call.body
    kind = PrincipalKind(body.kind)
    added = await call.office.principals.add(call.by, kind, body.name, body.groups, body.acting_for)
    return shapes.principal_out(call.office.principals.good(added.name))


async def _regroup(call: Call) -> shapes.PrincipalOut:
    await call.office.principals.regroup(call.by, call.path["name"], call.body.groups)
    return shapes.principal_out(call.office.principals.good(call.path["name"]))


async def _revoke_principal(call: Call) -> None:
    await call.office.principals.revoke(call.by, call.path["name"], call.query.get("reason", "")[:500])


async def _secrets(call: Call) -> list[shapes.CredentialOut]:
    return [shapes.credential_out(c) for c in call.office.secrets.of(call.by, call.query.get("principal", call.by.name))]


async def _mint(call: Call) -> shapes.SecretOut:
    body: shapes.NewSecret = call.body
    minted = await call.office.secrets.mint(call.by, body.principal, body.hours, body.purpose, body.upstream)
    return shapes.secret_out(minted, call.office.status(call.by), body.upstream)


async def _keys(call: Call) -> list[key_shapes.KeyOut]:
    return [key_shapes.key_out(row) for row in call.office.api_keys.all(call.by)]


async def _add_key(call: Call) -> shapes.SecretOut:
    body: key_shapes.NewKey = call.body
    keys = call.office.api_keys
    made = await keys.add(call.by, body.service, body.days, body.purpose, body.upstream, opens_api=body.opens_api)
    return shapes.secret_out(made, call.office.status(call.by), body.upstream)


async def _accounts(call: Call) -> list[account_shapes.AccountOut]:
    return [account_shapes.account_out(row) for row in call.office.local_accounts.all(call.by)]


async def _link_account(call: Call) -> account_shapes.AccountLinkOut:
    return account_shapes.link_out(await call.office.local_accounts.link(call.by, call.path["name"]))


async def _remove_account(call: Call) -> None:
    await call.office.local_accounts.remove(call.by, call.path["name"])


async def _sign_in(call: Call) -> shapes.SignInOut:
    return _signed_in(call, call.office.proven_still(call.office.codes.take(call.body.code, call.body.verifier)))


def _signed_in(call: Call, by: Operator) -> shapes.SignInOut:
    return shapes.SignInOut(call.office.sign_ins.token_of(by), by.name, by.ends_us)


async def _ask_device(call: Call) -> shapes.DeviceOut:
    asked = await call.office.devices.ask()
    return shapes.DeviceOut(asked.handle, asked.user_code, asked.address, asked.expires_seconds, asked.interval_seconds)


async def _poll_device(call: Call) -> shapes.SignInOut:
    by = await call.office.devices.poll(call.body.handle)
    return shapes.SignInOut() if by is None else _signed_in(call, by)


async def _sign_out(call: Call) -> None:
    await call.office.sign_ins.end(call.by, call.by.sign_in_id, "You signed out.")


async def _exchange(call: Call) -> shapes.SecretOut:
    body: shapes.NewWorkloadSecret = call.body
    proven = await call.office.workloads.prove(body.token, body.service)
    minted = await call.office.secrets.exchange(proven, body.upstream, body.minutes, body.purpose)
    return shapes.secret_out(minted, call.office.status(Operator(proven.service)), body.upstream)


async def _revoke_secret(call: Call) -> None:
    await call.office.secrets.revoke(call.by, call.path["id"])


async def _requests(call: Call) -> list[shapes.RequestOut]:
    """What waits comes first: people's questions before all others, and like ones behind one another."""
    state = state_from(call.query)
    waiting = call.office.queue.waiting(call.by) if state in (None, RequestState.PENDING) else ()
    first = [_asked(call, question, group) for group in waiting for question in group]
    if state is RequestState.PENDING:
        return first
    settled = (q for q in call.office.desk.questions(call.by, state) if q.record.state is not RequestState.PENDING)
    return first + [_asked(call, question, ()) for question in settled]


async def _request(call: Call) -> shapes.RequestOut:
    question = call.office.desk.question(call.by, call.path["id"])
    return _asked(call, question, call.office.queue.alike(call.by, question))


def _asked(call: Call, question: Question, alike: Group) -> shapes.RequestOut:
    on_call = call.office.on_call.names_for(question.record.request)
    return shapes.request_out(question, on_call, call.office.effect_for(call.by, question), alike)


async def _answer(call: Call) -> shapes.RequestOut:
    await call.office.desk.answer(call.path["id"], call.by, call.body.approved, call.body.reason)
    return await _request(call)


async def _answer_alike(call: Call) -> list[Word]:
    body: shapes.NewAnswers = call.body
    return list(await call.office.queue.answer(body.requests, call.by, body.approved, body.reason))


async def _take_back(call: Call) -> shapes.RequestOut:
    await call.office.desk.take_back(call.path["id"], call.by, call.body.reason)
    return await _request(call)


async def _accesses(call: Call) -> list[access_shapes.AccessOut]:
    now_us = call.office.now()
    return [access_shapes.access_out(record, now_us) for record in call.office.accesses.records(call.by)]


async def _ask_access(call: Call) -> shapes.RequestOut:
    body: access_shapes.NewAccess = call.body
    wish = AccessWish(body.labels, body.actions, body.tables, body.minutes * 60, body.row_limit, body.ticket)
    request = await call.office.accesses.ask(call.by, body.upstream, wish, body.reason, body.principal)
    return _asked(call, call.office.desk.question(call.by, request.id), ())


async def _revoke_access(call: Call) -> None:
    await call.office.accesses.revoke(call.by, call.path["id"], call.query.get("reason", ""))


async def _break_glass(call: Call) -> access_shapes.AccessOut:
    body: access_shapes.NewBreakGlass = call.body
    record = await call.office.accesses.break_glass(call.by, body.upstream, body.minutes, body.reason, body.ticket)
    return access_shapes.access_out(record, call.office.now())


async def _review_glass(call: Call) -> None:
    await call.office.accesses.review(call.by, call.path["id"], call.body.word)


async def _duties(call: Call) -> list[access_shapes.DutyOut]:
    return [access_shapes.duty_out(shift) for shift in call.office.on_call.shifts(call.query.get("group", ""))]


async def _put_on_call(call: Call) -> access_shapes.DutyOut:
    body: access_shapes.NewDuty = call.body
    shift = await call.office.on_call.put(
        call.by, body.group, body.principal, body.hours, body.reason, begins_in_hours=body.begins_in_hours
    )
    return access_shapes.duty_out(shift)


async def _end_duty(call: Call) -> None:
    await call.office.on_call.end(call.by, call.path["id"])


async def _log(call: Call) -> shapes.LogOut:
    # A table has no pages to turn.
    most = EXPORT_LIMIT if call.query.get("format") == "csv" else LIMIT
    page = await call.office.record.search(call.by, filters_from(call.query, most))
    return shapes.LogOut(page.rows, page.older)


async def _disclosures(call: Call) -> list[Disclosure]:
    return list(await call.office.record.who_saw(call.by, wanted_from(call.query)))


async def _timeline(call: Call) -> list[EntryView]:
    return list(await timeline(call.office.record, call.by, call.path["name"], filters_from(call.query, EXPORT_LIMIT)))


async def _reviews(call: Call) -> list[Review]:
    return list(call.office.reviews.all(call.by))


async def _review(call: Call) -> Review:
    return call.office.reviews.one(call.by, call.path["id"])


async def _start_review(call: Call) -> Review:
    return await call.office.reviews.start(call.by, call.body.title)


async def _decide_line(call: Call) -> Review:
    number = whole_number(call.path["number"], "number")
    body: shapes.LineDecision = call.body
    return await call.office.reviews.decide(call.by, call.path["id"], number, body.decision, body.reason)


async def _close_review(call: Call) -> Review:
    return await call.office.reviews.close(call.by, call.path["id"])


async def _review_rules(call: Call) -> None:
    await call.office.reviews.review_rules(call.by, whole_number(call.path["number"], "number"), call.body.reason)


async def _compare(call: Call) -> list[Compared]:
    return list(await call.office.coverage.compare(call.by))


async def _probe(call: Call) -> list[Tried]:
    return list(await call.office.probing.probe(call.by))


async def _entry(call: Call) -> shapes.EntryOut:
    detail = await call.office.record.detail(call.by, whole_number(call.path["index"], "index"))
    return shapes.EntryOut(detail.row, msgspec.Raw(detail.canonical.encode()), detail.canonical)


async def _log_keys(call: Call) -> list[shapes.LogKeyOut]:
    return [shapes.log_key_out(row) for row in call.office.log_keys.all(call.by)]


async def _erase_log_key(call: Call) -> None:
    await call.office.log_keys.erase(call.by, call.path["id"], call.query.get("reason", ""))


async def _hold_log_key(call: Call) -> None:
    await call.office.log_keys.hold(call.by, call.path["id"], call.body.reason)


async def _release_log_key(call: Call) -> None:
    await call.office.log_keys.release(call.by, call.path["id"], call.query.get("reason", ""))


async def _rotate_log_keys(call: Call) -> shapes.RotatedOut:
    return shapes.RotatedOut(await call.office.log_keys.rotate(call.by))


async def _sessions(call: Call) -> list[shapes.SessionOut]:
    return [shapes.session_out(note) for note in call.office.sessions.live(call.by)]


async def _catalog(call: Call) -> list[shapes.ColumnOut]:
    query = call.query
    unreviewed = query.get("unreviewed", "") in ("1", "true", "yes")
    rows = call.office.catalog.rows(query.get("upstream", ""), query.get("table", ""), unreviewed, query.get("label", ""))
    return [shapes.column_out(row) for row in rows]


async def _column_changes(call: Call) -> list[shapes.ColumnChangeOut]:
    since = whole_number(call.query.get("since_us", "0"), "since_us")
    return [shapes.column_change_out(change) for change in call.office.catalog.changes_since(since)]


async def _decide_label(call: Call) -> None:
    body: shapes.NewVerdict = call.body
    await call.office.catalog.decide(
        call.by, body.upstream, body.table_oid, body.attribute_number, label_from(body.label), body.reason
    )


async def _policy(call: Call) -> policy_shapes.PolicyOut:
    policies = call.office.policies
    if not call.by.may_read_all:
        call.by.require_administration()
    wanted = call.query.get("number", "")
    number = whole_number(wanted, "number") if wanted else policies.number
    return policy_shapes.PolicyOut(number, dict(policies.texts(number)))


async def _policy_names(call: Call) -> policy_shapes.PolicyNamesOut:
    snapshots = call.office.catalog.snapshots.values()
    return policy_shapes.PolicyNamesOut(tuple(sorted(frozenset().union(*(found.user_functions for found in snapshots)))))


async def _policy_versions(call: Call) -> list[policy_shapes.PolicyVersionOut]:
    return [policy_shapes.policy_version_out(row) for row in call.office.policies.history(call.by)]


async def _publish_policy(call: Call) -> policy_shapes.PolicyVersionOut:
    body: policy_shapes.NewPolicy = call.body
    return policy_shapes.policy_version_out(await call.office.policies.publish(call.by, body.files, body.reason))


async def _roll_back_policy(call: Call) -> policy_shapes.PolicyVersionOut:
    body: policy_shapes.PolicyRollback = call.body
    return policy_shapes.policy_version_out(await call.office.policies.roll_back(call.by, body.number, body.reason))


async def _explain(call: Call) -> Explained:
    body: shapes.StatementQuestion = call.body
    return await call.office.explaining.explain(
        call.by,
        body.statement,
        body.principal or call.by.name,
        via=body.via,
        database=body.database,
        ask=body.ask_database,
    )


async def _agents(call: Call) -> list[agent_shapes.AgentOut]:
    return [agent_shapes.agent_out(agent) for agent in call.office.agents.all(call.by)]


async def _register_agent(call: Call) -> agent_shapes.AgentOut:
    body: agent_shapes.NewRegistration = call.body
    return agent_shapes.agent_out(
        await call.office.agents.register(
            call.by,
            call.path["name"],
            purpose=body.purpose,
            model=body.model,
            upstreams=body.upstreams,
            needs_task=body.needs_task,
            takes_tokens=body.takes_tokens,
            limits=body.limits,
        )
    )


async def _give_task(call: Call) -> Task:
    body: agent_shapes.NewTask = call.body
    return await call.office.agents.give_task(
        call.by,
        call.path["name"],
        body.minutes,
        read_only=body.read_only,
        tables=body.tables,
        rows=body.rows,
        ticket=body.ticket,
    )


async def _end_task(call: Call) -> None:
    await call.office.agents.end_task(call.by, call.path["name"])


async def _stop_agents(call: Call) -> agent_shapes.StoppedOut:
    body: agent_shapes.NewStop = call.body
    return agent_shapes.StoppedOut(await call.office.agents.stop(call.by, body.scope, body.name, body.reason))


async def _resume_agents(call: Call) -> None:
    await call.office.agents.resume(call.by, call.path["scope"], call.query.get("name", ""))


COLUMN_QUERY = ("upstream", "table", "unreviewed", "label")

# fmt: off
ENDPOINTS = (
    Endpoint("GET", "/status", "The state of things", _status, shapes.StatusOut),
    Endpoint("GET", "/principals", "Who is known", _principals, list[shapes.PrincipalOut]),
    Endpoint("POST", "/principals", "Add a principal", _add_principal, shapes.PrincipalOut, shapes.NewPrincipal, status=201),
    Endpoint("PUT", "/principals/{name}/groups", "Put it into groups", _regroup, shapes.PrincipalOut, shapes.NewGroups),
    Endpoint("DELETE", "/principals/{name}", "Revoke a principal for good", _revoke_principal, None, None, ("reason",), 204),
    Endpoint("GET", "/keys", "Long-lived keys of services", _keys, list[key_shapes.KeyOut]),
    Endpoint("POST", "/keys", "Make a long-lived key, shown once", _add_key, shapes.SecretOut, key_shapes.NewKey, status=201),
    Endpoint("GET", "/accounts", "Local accounts", _accounts, list[account_shapes.AccountOut]),
    Endpoint("POST", "/accounts/{name}/link", "A link to set a local account up with, once", _link_account,
             account_shapes.AccountLinkOut, status=201),
    Endpoint("DELETE", "/accounts/{name}", "Take a local account away", _remove_account, None, status=204),
    Endpoint("GET", "/agents", "Agents, what is settled about them and who stopped them", _agents, list[agent_shapes.AgentOut]),
    Endpoint("PUT", "/agents/{name}", "Settle what is given about an agent", _register_agent, agent_shapes.AgentOut,
             agent_shapes.NewRegistration),
    Endpoint("POST", "/agents/{name}/task", "Give an agent a task", _give_task, Task, agent_shapes.NewTask, status=201),
    Endpoint("DELETE", "/agents/{name}/task", "End the task of an agent", _end_task, None, status=204),
    Endpoint("POST", "/agent-stops", "Stop agents: one, those of an owner, or all", _stop_agents, agent_shapes.StoppedOut,
             agent_shapes.NewStop, status=201),
    Endpoint("DELETE", "/agent-stops/{scope}", "Undo a stop", _resume_agents, None, None, ("name",), 204),
    Endpoint("GET", "/secrets", "The secrets of a principal", _secrets, list[shapes.CredentialOut], None, ("principal",)),
    Endpoint("POST", "/secrets", "Mint a secret, shown once", _mint, shapes.SecretOut, shapes.NewSecret, status=201),
    Endpoint("POST", "/sign-ins", "Take over a sign-in from a browser", _sign_in, shapes.SignInOut, shapes.NewSignIn,
             status=201, is_open=True),
    Endpoint("POST", "/sign-ins/device", "Ask for a code to be typed in elsewhere", _ask_device, shapes.DeviceOut,
             shapes.NewDevice, status=201, is_open=True),
    Endpoint("POST", "/sign-ins/device-token", "Whether the code was typed in", _poll_device, shapes.SignInOut,
             shapes.DeviceAnswer, is_open=True),
    Endpoint("DELETE", "/sign-ins/current", "Sign out", _sign_out, None, status=204),
    Endpoint("POST", "/workload-secrets", "Exchange a program's token for a short-lived secret, shown once", _exchange,
             shapes.SecretOut, shapes.NewWorkloadSecret, status=201, is_open=True),
    Endpoint("DELETE", "/secrets/{id}", "Revoke a secret", _revoke_secret, None, status=204),
    Endpoint("GET", "/requests", "Approval requests", _requests, list[shapes.RequestOut], None, ("state",)),
    Endpoint("POST", "/requests/answer", "Approve or reject several of one kind", _answer_alike, list[Word], shapes.NewAnswers),
    Endpoint("GET", "/requests/{id}", "One request", _request, shapes.RequestOut),
    Endpoint("POST", "/requests/{id}/answer", "Approve or reject", _answer, shapes.RequestOut, shapes.NewAnswer),
    Endpoint("POST", "/requests/{id}/take-back", "Take back one's yes", _take_back, shapes.RequestOut, shapes.NewTakingBack),
    Endpoint("GET", "/access", "Access for a time", _accesses, list[access_shapes.AccessOut]),
    Endpoint("POST", "/access", "Ask for access", _ask_access, shapes.RequestOut, access_shapes.NewAccess, status=201),
    Endpoint("DELETE", "/access/{id}", "End access early", _revoke_access, None, None, ("reason",), 204),
    Endpoint("POST", "/access/{id}/review", "Review broken glass", _review_glass, None, access_shapes.NewGlassReview,
             status=204),
    Endpoint("POST", "/break-glass", "Break the glass", _break_glass, access_shapes.AccessOut, access_shapes.NewBreakGlass,
             status=201),
    Endpoint("GET", "/oncall", "Who answers for a group", _duties, list[access_shapes.DutyOut], None, ("group",)),
    Endpoint("POST", "/oncall", "Put somebody on call", _put_on_call, access_shapes.DutyOut, access_shapes.NewDuty, status=201),
    Endpoint("DELETE", "/oncall/{id}", "End it early", _end_duty, None, status=204),
    Endpoint("GET", "/log", "Search the audit log", _log, shapes.LogOut, None, LOG_QUERY),
    Endpoint("GET", "/disclosures", "Who was given labelled columns", _disclosures, list[Disclosure], None, DISCLOSURE_QUERY),
    Endpoint("GET", "/timeline/{name}", "What one did, oldest first", _timeline, list[EntryView], None, (*TIMES, "limit")),
    Endpoint("GET", "/log/{index:int}", "One entry", _entry, shapes.EntryOut),
    Endpoint("GET", "/log/keys", "The log's keys, one a day", _log_keys, list[shapes.LogKeyOut]),
    Endpoint("DELETE", "/log/keys/{id}", "Destroy a day's key for good", _erase_log_key, None, None, ("reason",), 204),
    Endpoint("POST", "/log/keys/{id}/hold", "Keep a day's key", _hold_log_key, None, shapes.NewHold, status=204),
    Endpoint("DELETE", "/log/keys/{id}/hold", "End that", _release_log_key, None, None, ("reason",), 204),
    Endpoint("POST", "/log/keys/rotate", "Wrap the log's keys anew", _rotate_log_keys, shapes.RotatedOut),
    Endpoint("GET", "/reviews", "Access reviews", _reviews, list[Review]),
    Endpoint("POST", "/reviews", "Start an access review", _start_review, Review, shapes.NewReview, status=201),
    Endpoint("GET", "/reviews/{id}", "One access review", _review, Review),
    Endpoint("POST", "/reviews/{id}/lines/{number}", "Decide on a line", _decide_line, Review, shapes.LineDecision),
    Endpoint("POST", "/reviews/{id}/close", "Close an access review", _close_review, Review),
    Endpoint("POST", "/policy-reviews/{number}", "Review published rules", _review_rules, None, shapes.RulesReview, status=204),
    Endpoint("POST", "/coverage", "Compare with the databases' own sessions", _compare, list[Compared]),
    Endpoint("POST", "/probe", "Try what must be refused", _probe, list[Tried]),
    Endpoint("GET", "/sessions", "Who is connected", _sessions, list[shapes.SessionOut]),
    Endpoint("GET", "/catalog", "Columns", _catalog, list[shapes.ColumnOut], None, COLUMN_QUERY),
    Endpoint("GET", "/catalog/changes", "What became of columns", _column_changes, list[shapes.ColumnChangeOut],
             None, ("since_us",)),
    Endpoint("GET", "/policy", "The rules in force, or those of a number", _policy, policy_shapes.PolicyOut, None, ("number",)),
    Endpoint("POST", "/policy", "Put rules in force", _publish_policy, policy_shapes.PolicyVersionOut,
             policy_shapes.NewPolicy, status=201),
    Endpoint("GET", "/policy/names", "What rules may name", _policy_names, policy_shapes.PolicyNamesOut),
    Endpoint("GET", "/policy/versions", "What was published", _policy_versions, list[policy_shapes.PolicyVersionOut]),
    Endpoint("POST", "/policy/rollback", "Put earlier rules in force again", _roll_back_policy, policy_shapes.PolicyVersionOut,
             policy_shapes.PolicyRollback, status=201),
    Endpoint("POST", "/explain", "What would become of a statement", _explain, Explained, shapes.StatementQuestion),
    Endpoint("POST", "/catalog/verdict", "Say what a column holds", _decide_label, None, shapes.NewVerdict, status=204),
)
# fmt: on
