"""Exchanging what a person or service shows, and what an agent shows, for a token or secret of the agent acting for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from doorward.authentication.delegation import (
    LEAST_SECONDS,
    MOST_SECONDS,
    READ,
    SCOPES,
    WRITE,
    Delegation,
    DelegationKey,
    check_chain,
    may_act_of,
)
from doorward.authentication.tokens import TokenRefused, looks_like_token
from doorward.control.agents import Agents
from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.control.secrets import Minted, Secrets
from doorward.control.sign_ins import TOKEN_PREFIX, SignIns
from doorward.control.workloads import ProvenWorkload, Workloads
from doorward.errors import AuthenticationFailed, InvalidRequest, NotPermitted
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.repositories import Store

DELEGATED_SCOPE = "delegated_scope"  # what the record calls the scope, among what is proven
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: for which audience, with which scope, for how long."""

    audience: str
    scope: frozenset[str] = frozenset({READ})
    seconds: int = MOST_SECONDS


@dataclass(frozen=True, slots=True)
class _Subject:
    """Who is behind what was shown: what may be passed on of it, until when, and the sign-in that it belongs to, if any."""

    principal: Principal
    scope: frozenset[str]
    ends_s: int
    sign_in_id: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh token. It is not in the repr."""

    token: str = field(repr=False)
    delegation: Delegation


class Delegations:
    """The small token service. *url* gives its own address, which is the issuer; *resource* that of the tools."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        secrets: Secrets,
        workloads: Workloads,
        agents: Agents,
        sign_ins: SignIns,
        now: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._store = store
        self._changes = changes
        self._secrets = secrets
        self._workloads = workloads
        self._agents = agents
        self._sign_ins = sign_ins
        self._now = now
        self._new_id = new_id
        self.key = DelegationKey()
        self.url = ""  # known once the doors are open

    @property
    def resource(self) -> str:
        """The audience of tokens for the tools."""
        return f"{self.url}/mcp"

    async def exchange(self, subject_shown: str, actor_shown: str, wanted: Wanted) -> Issued:
        """A token that lets an agent act for who is behind *subject_shown*.

        Each is a name and a secret (``NAME:SECRET``); the subject's may also be the token of a person's sign-in, a token of a
        service's platform, or one of ours. What was shown of a sign-in ends with it.
        Raises AuthenticationFailed, NotPermitted or InvalidRequest.
        """
        if wanted.audience != self.resource and wanted.audience not in self._upstreams():
            raise InvalidRequest(
                "The audience is nothing that is protected here.", "Name a database, or the address of the tools."
            )
        if not wanted.scope or not wanted.scope <= SCOPES:
            raise InvalidRequest("The scope is not known.", f"Known: {', '.join(sorted(SCOPES))}.")
        if not LEAST_SECONDS <= wanted.seconds <= MOST_SECONDS:
            raise InvalidRequest(f"A token lives for {LEAST_SECONDS} to {MOST_SECONDS} seconds.")
        upstream = "" if wanted.audience == self.resource else wanted.audience
        actor = (await self._secret_holder(actor_shown, upstream)).principal
        if actor.kind is not PrincipalKind.AGENT:
            raise NotPermitted("Only an agent acts for somebody.", "Show the agent's own secret as actor_token.")
        now_s = self._now() // _SECOND_US
        shown = await self._subject(subject_shown, actor, upstream, now_s)
        subject = shown.principal
        if not wanted.scope <= shown.scope:
            has = " ".join(sorted(shown.scope))
            raise NotPermitted("A token can't be exchanged for one with more scope.", f"It has: {has}.")
        check_chain(subject.name, (actor.name,))
        if actor.acting_for != subject.name:
            raise NotPermitted(f"{actor.name} is not registered to act for {subject.name}.", "See: doorward agent list")
        self._check_may_act(actor)
        expires_s = min(now_s + wanted.seconds, shown.ends_s)
        delegation = Delegation(subject.name, (actor.name,), wanted.scope, wanted.audience, self._new_id("dlg"), expires_s)
        async with self._changes.turn():
            await self._changes.record(
                Operator(subject),
                "delegation.issued",
                actor.name,
                audience=wanted.audience,
                expires_us=str(expires_s * _SECOND_US),
                scope=" ".join(sorted(wanted.scope)),
                token=delegation.token_id,
                **({"sign_in": shown.sign_in_id} if shown.sign_in_id else {}),
            )
            if shown.sign_in_id:
                self._sign_ins.issued(shown.sign_in_id, delegation.token_id, expires_s * _SECOND_US)
        return Issued(self.key.sign(self.url, delegation, now_s), delegation)

    def verify(self, token: str, audience: str) -> tuple[Delegation, Principal, Principal]:
        """What a token for *audience* says, its subject and its agent as they are now. Raises AuthenticationFailed.

        Everybody in it must still be good, the agent registered for the subject, and not stopped.
        """
        delegation = self.key.read(token, self.url, frozenset({audience}), self._now() / _SECOND_US)
        subject, actor = self._good(delegation.subject), self._good(delegation.actors[-1])
        if actor.kind is not PrincipalKind.AGENT or actor.acting_for != subject.name:
            raise AuthenticationFailed("The token is not accepted.", reason="the agent does not act for the subject any more")
        self._check_may_act(actor)
        self._sign_ins.check_issued(delegation.token_id)
        return delegation, subject, actor

    async def secret_for(self, delegation: Delegation, actor: Principal, upstream: str) -> Minted:
        """A secret that *actor* signs in to *upstream* with, as long as the token is good, and with its scope."""
        left_s = delegation.expires_s - self._now() / _SECOND_US
        sign_in_id = self._sign_ins.sign_in_of(delegation.token_id)
        return await self._secrets.exchange(proven(delegation, actor), upstream, left_s / 60, "delegation", sign_in_id)

    # --- who shows what -------------------------------------------------------------------------------------------------

    async def _subject(self, shown: str, actor: Principal, upstream: str, now_s: int) -> _Subject:
        if shown.startswith(TOKEN_PREFIX):
            by = self._sign_ins.prove(shown)
            assert by.principal is not None, "a sign-in is a person's"
            return _Subject(by.principal, SCOPES, by.ends_us // _SECOND_US, by.sign_in_id)
        if not looks_like_token(shown):
            return await self._secret_holder(shown, upstream)
        try:
            delegation = self.key.read(shown, self.url, frozenset({self.resource, *self._upstreams()}), float(now_s))
        except TokenRefused:
            workload = await self._workloads.prove(shown)
            named = may_act_of(shown)
            if named is not None and named != actor.name:
                raise NotPermitted("The token names another that may act.", "Exchange it for that one.") from None
            return _Subject(workload.service, SCOPES, workload.expires_us // _SECOND_US)
        self._sign_ins.check_issued(delegation.token_id)
        # One of ours may be narrowed by who holds it. Anybody else would be a longer chain.
        if delegation.actors != (actor.name,):
            check_chain(delegation.subject, (*delegation.actors, actor.name))
        sign_in_id = self._sign_ins.sign_in_of(delegation.token_id)
        return _Subject(self._good(delegation.subject), delegation.scope, delegation.expires_s, sign_in_id)

    async def _secret_holder(self, shown: str, upstream: str) -> _Subject:
        """A secret that opens one database alone is good for tokens for that one."""
        name, _, secret = shown.partition(":")
        if not secret:
            raise AuthenticationFailed("The token can't be read.", "Give NAME:SECRET, or a token of the service's platform.")
        credential = await asyncio.to_thread(self._secrets.match, name, secret, upstream)
        record = self._store.principals.by_id(credential.principal_id)
        assert record is not None, "a credential is a principal's"
        return _Subject(record.principal, SCOPES, credential.expires_us // _SECOND_US, credential.sign_in_id)

    def _good(self, name: str) -> Principal:
        record = self._store.principals.named(name)
        if record is None or record.is_revoked:
            raise AuthenticationFailed("The token is not accepted.", reason=f"{name} was revoked")
        return record.principal

    def _check_may_act(self, agent: Principal) -> None:
        why_not = self._agents.why_not(agent, "")
        if why_not:
            raise AuthenticationFailed("The token is not accepted.", "Ask whoever the agent acts for.", reason=why_not)

    def _upstreams(self) -> frozenset[str]:
        return frozenset(upstream.name for upstream in self._store.upstreams.all())


def proven(delegation: Delegation, actor: Principal) -> ProvenWorkload:
    """*delegation* as what a holder has proven."""
    proof = ((DELEGATED_SCOPE, " ".join(sorted(delegation.scope))), ("delegation", delegation.token_id))
    return ProvenWorkload(actor, delegation.token_id, "delegation", proof, delegation.expires_s * _SECOND_US)


def may_write(scope: str) -> bool:
    """Whether a scope, as the record has it, lets anything be changed."""
    return WRITE in scope.split()
