"""Programs that show a token of their platform in place of a secret: which service it is, and what the token proves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from doorward.authentication.replays import Replays
from doorward.authentication.tokens import Flaw, TokenRefused, VerifiedToken, issuer_of
from doorward.control.identity_settings import KINDS, IdentitySettings, WorkloadRule, matches, several
from doorward.control.issuer_watch import IssuerWatch, KeyPlace
from doorward.errors import AuthenticationFailed
from doorward.model.claim import claims_of
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.repositories import Store

OWNED_BY = "owned-by-"
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class ProvenWorkload:
    """A service that a good token stands for. *credential_id* names the token in the record."""

    service: Principal
    credential_id: str
    proven_by: str
    proof: tuple[tuple[str, str], ...]
    expires_us: int


class Workloads:
    """Tokens of the issuers in *settings*. *now* is the wall clock in microseconds."""

    def __init__(self, settings: IdentitySettings, store: Store, now: Callable[[], int]) -> None:
        self._settings = settings
        self._store = store
        self._now = now
        self._watches = {name: self._watch(name) for name in settings.issuers}
        self._names = {issuer.issuer: name for name, issuer in settings.issuers.items()}
        self._services = frozenset(rule.service for rule in settings.workloads)
        self._replays = Replays(self._now_s())

    def takes_tokens(self, name: str) -> bool:
        """Whether some token stands for the service *name*."""
        return name in self._services

    async def prove(self, token: str, name: str = "") -> ProvenWorkload:
        """The service that *token* stands for; *name* says which, where rules leave a choice.

        Raises AuthenticationFailed, or ProviderUnavailable when its issuer's keys are not to be had.
        """
        issuer = self._names.get(issuer_of(token))
        if issuer is None:
            raise TokenRefused(Flaw.ISSUER)
        settings = self._settings.issuers[issuer]
        verified = await self._watches[issuer].verify(token, self._settings.expected(issuer))
        if settings.trust_domain and not verified.subject.startswith(f"spiffe://{settings.trust_domain}/"):
            raise TokenRefused(Flaw.ISSUER, "another trust domain")
        service = self._service(issuer, verified, name)
        if settings.single_use:
            self._replays.use(verified, self._now_s())
        return ProvenWorkload(
            service,
            f"tok_{verified.digest}",
            f"token of {issuer}",
            _proof(settings.kind, verified),
            verified.expires_s * _SECOND_US,
        )

    def _service(self, issuer: str, token: VerifiedToken, name: str) -> Principal:
        fitting = {rule.service for rule in self._settings.workloads if rule.issuer == issuer and _fits(rule, token.claims)}
        chosen = {name} & fitting if name else fitting
        if len(chosen) != 1:
            raise AuthenticationFailed(
                "The token is good, but no rule makes it this service."
                if not fitting or name
                else "The token is several services.",
                "Compare its claims with the rules in identity.toml." if not fitting or name else "Say which.",
                reason=f"no rule for a token of {issuer}" if not fitting or name else "several rules fit the token",
            )
        return self.owned(chosen.pop())

    def owned(self, name: str) -> Principal:
        """The service, if it and the person who answers for it are still good."""
        record = self._store.principals.named(name)
        if record is None or record.is_revoked or record.principal.kind is not PrincipalKind.SERVICE:
            raise AuthenticationFailed("There is no such service.", "Add it.", reason="no such service, or it was revoked")
        owners = [group.removeprefix(OWNED_BY) for group in record.principal.groups if group.startswith(OWNED_BY)]
        known = [self._store.principals.named(owner) for owner in owners]
        if not any(owner is not None and not owner.is_revoked for owner in known):
            raise AuthenticationFailed(
                "Nobody answers for this service.",
                f"Put it into the group {OWNED_BY}NAME of a person who does.",
                reason="the service has no owner who is still there",
            )
        return record.principal

    def _now_s(self) -> float:
        return self._now() / _SECOND_US

    def _watch(self, name: str) -> IssuerWatch:
        issuer = self._settings.issuers[name]
        return IssuerWatch(KeyPlace(issuer.issuer, issuer.jwks_file, issuer.jwks_url, issuer.ca_file), self._now_s)


def _fits(rule: WorkloadRule, claims: Mapping[str, Any]) -> bool:
    return all(_claim_fits(wanted, claim_at(claims, path)) for path, wanted in rule.claims.items())


def _claim_fits(wanted: str | tuple[str, ...], given: tuple[str, ...]) -> bool:
    return any(matches(pattern, value) for pattern in several(wanted) for value in given)


def claim_at(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The values at *path*, whose parts are apart by ``/``, as texts: one, or those of a list. None where there is nothing."""
    # A name may hold a slash itself ("https://example.com/role"): the whole path counts first.
    found: Any = claims.get(path)
    if found is None and "/" in path:
        found = claims
        for part in path.split("/"):
            found = found.get(part) if isinstance(found, dict) else None
    values = found if isinstance(found, list) else [found]
    return tuple(_text(value) for value in values if isinstance(value, str | int | bool))


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _proof(kind: str, token: VerifiedToken) -> tuple[tuple[str, str], ...]:
    told = [("issuer", token.issuer), ("subject", token.subject)]
    for name, path in KINDS[kind].proof.items():
        told += [(name, value) for value in claim_at(token.claims, path)[:1]]
    return claims_of(told)
