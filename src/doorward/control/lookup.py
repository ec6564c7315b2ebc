"""Who is it that connects? The answer a gateway gets: the chain, and how the last of it proves itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from doorward.authentication.tokens import looks_like_token
from doorward.control.agents import Agents
from doorward.control.delegations import Delegations, proven
from doorward.control.secrets import Secrets
from doorward.control.workloads import Workloads
from doorward.errors import DoorwardError
from doorward.model.identity import Principal
from doorward.model.link import Found, Lookup, PrincipalCard, Shown, Verifier
from doorward.store.records import Credential
from doorward.store.repositories import Store


class Directory:
    """Answers lookups from the store. A refusal is for the log and the operator; it names no other principal."""

    def __init__(
        self,
        store: Store,
        secrets: Secrets,
        workloads: Workloads,
        agents: Agents,
        delegations: Delegations,
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._workloads = workloads
        self._agents = agents
        self._delegations = delegations
        self._now = now

    def lookup(self, question: Lookup) -> Found:
        """The chain of *question*'s user, its live verifiers, and the upstream that the database name stands for."""
        speaker = self._store.principals.named(question.user)
        if speaker is None:
            return _refused(question, "The user is not known.")
        if speaker.is_revoked:
            return _refused(question, "The user was revoked.")
        principal = speaker.principal
        actors: tuple[Principal, ...] = ()
        if speaker.principal.acting_for is not None:
            owner = self._store.principals.named(speaker.principal.acting_for)
            if owner is None or owner.is_revoked:
                return _refused(question, "The principal that this agent acts for was revoked.")
            principal, actors = owner.principal, (speaker.principal,)
        upstream = self.upstream_for(question.database)
        if not upstream:
            return _refused(question, "The database is not one that Doorward protects.")
        why_not = self._agents.why_not(speaker.principal, upstream)
        if why_not:
            return _refused(question, why_not)
        return Found(
            id=question.id,
            principal=_card(principal),
            actors=tuple(map(_card, actors)),
            verifiers=self._verifiers(speaker.principal.id, upstream),
            upstream=upstream,
            terms=self._agents.terms(speaker.principal),
            takes_token=self._agents.takes_tokens(speaker.principal)
            if actors
            else self._workloads.takes_tokens(principal.name),
        )

    async def shown(self, question: Shown) -> Found:
        """The same for who showed a password in clear: a token of its platform, or of ours for an agent, or a secret."""
        found = self.lookup(Lookup(question.id, question.user, question.database))
        if found.refusal or not found.takes_token:
            return replace(found, refusal=found.refusal or "The user shows no token.")
        try:
            if not looks_like_token(question.password):
                known = await asyncio.to_thread(self._secrets.match, question.user, question.password, found.upstream)
                proof, until_us = _proof(known), known.expires_us
                return replace(found, proven_by="secret", credential_id=known.id, proof=proof, until_us=until_us)
            if found.actors:
                delegation, _subject, actor = self._delegations.verify(question.password, found.upstream)
                if actor.name != question.user:
                    return replace(found, refusal="The token is another agent's.")
                token = proven(delegation, actor)
            else:
                token = await self._workloads.prove(question.password, question.user)
        except DoorwardError as error:
            return replace(found, refusal=error.reason or error.message)
        return replace(
            found,
            proven_by=token.proven_by,
            credential_id=token.credential_id,
            proof=dict(token.proof),
            until_us=token.expires_us,
        )

    def upstream_for(self, database: str) -> str:
        """The name of the one upstream called *database*, or else holding it; empty for none or more than one."""
        upstreams = self._store.upstreams.all()
        by_name = [upstream.name for upstream in upstreams if upstream.name == database]
        found = by_name or [upstream.name for upstream in upstreams if upstream.database == database]
        return found[0] if len(found) == 1 else ""

    def _verifiers(self, principal_id: str, upstream: str) -> tuple[Verifier, ...]:
        now_us = self._now()
        return tuple(
            Verifier(c.id, c.iterations, c.salt, c.stored_key, c.server_key, c.expires_us, _proof(c))
            for c in self._store.credentials.of(principal_id)
            if c.is_good_at(now_us) and c.upstream in ("", upstream)
        )


def _proof(credential: Credential) -> dict[str, str]:
    return msgspec.json.decode(credential.proof, type=dict[str, str])


def _card(principal: Principal) -> PrincipalCard:
    return PrincipalCard(principal.id, principal.kind.value, principal.name, principal.groups, principal.acting_for)


def _refused(question: Lookup, why: str) -> Found:
    return Found(id=question.id, principal=None, refusal=why)
