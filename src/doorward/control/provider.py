"""The identity provider that people sign in with, asked as OpenID Connect Core 1.0 and RFC 8628 have it.

Code flow with PKCE (RFC 7636), state and nonce; the ID token is verified as any other token. Nothing of a person is kept here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from doorward.authentication.strict_json import NotStrict, read_object
from doorward.authentication.tokens import Expected, Flaw, TokenRefused, VerifiedToken
from doorward.control.fetching import MOST_ANSWER_BYTES, Answer, Fetcher, check_address
from doorward.control.issuer_watch import IssuerWatch, KeyPlace, description_of
from doorward.control.sign_in_settings import SignInSettings
from doorward.errors import AuthenticationFailed, ConfigurationInvalid, ProviderUnavailable

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
# ID tokens of some providers live for days; how long a sign-in lasts is our own setting.
LONGEST_ID_TOKEN_SECONDS = 31 * 86_400


class SignInOver(AuthenticationFailed):
    """The provider says that this sign-in has ended, or never came about."""

    code = "sign-in-over"


@dataclass(frozen=True, slots=True)
class Question:
    """What is kept while somebody is at the provider's: nobody else can answer with another's code."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str

    def __repr__(self) -> str:
        return "Question()"


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for. *refresh_token* is empty where it gave none; the sign-in then ends at *expires_s*."""

    subject: str
    claims: Mapping[str, Any]
    provider_session: str
    expires_s: int
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeviceQuestion:
    """What somebody types in on another machine, and where."""

    device_code: str = field(repr=False)
    user_code: str
    address: str
    expires_seconds: int
    interval_seconds: int


class Provider:
    """One provider. *now_s* is the wall clock in seconds."""

    def __init__(self, settings: SignInSettings, now_s: Callable[[], float]) -> None:
        self.settings = settings
        self._fetcher = Fetcher(settings.ca_file)
        self._watch = IssuerWatch(KeyPlace(settings.issuer, ca_file=settings.ca_file), now_s, self._fetcher)
        self._described: dict[str, object] = {}

    # --- with a browser -----------------------------------------------------------------------------------------------

    async def ask(self, redirect_uri: str) -> tuple[str, Question]:
        """Where to send a browser, and what to keep until it comes back to *redirect_uri*. Raises ProviderUnavailable."""
        question = Question(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), redirect_uri)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(question.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": question.state,
            "nonce": question.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            # Without it many give no refresh token, by which alone they can say that somebody has gone.
            "prompt": "consent",
        }
        endpoint = await self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", question

    async def answered(self, question: Question, told: Mapping[str, str]) -> Vouched:
        """Whom the provider vouches for, by what the browser brought back. Raises AuthenticationFailed, ProviderUnavailable."""
        if not hmac.compare_digest(told.get("state", "").encode(), question.state.encode()):
            raise SignInOver("This sign-in was not begun here.", "Sign in again.", reason="state does not match")
        # RFC 9207: an answer that names another issuer was meant for somebody else.
        if told.get("iss", self.settings.issuer) != self.settings.issuer:
            raise SignInOver("The answer is another provider's.", "Sign in again.", reason="iss does not match")
        if "error" in told or not told.get("code"):
            raise SignInOver(
                "The provider did not let you in.", "Sign in again.", reason=f"provider: {told.get('error', '')[:40]}"
            )
        answer = await self._token(
            grant_type="authorization_code",
            code=told["code"],
            redirect_uri=question.redirect_uri,
            code_verifier=question.verifier,
        )
        return await self._vouched(answer, question.nonce)

    # --- without one --------------------------------------------------------------------------------------------------

    async def ask_device(self) -> DeviceQuestion:
        """A code to be typed in elsewhere (RFC 8628). Raises ProviderUnavailable, also when the provider has no such thing."""
        endpoint = await self._endpoint("device_authorization_endpoint")
        answer = _object(await self._post(endpoint, {"scope": " ".join(self.settings.scopes)}))
        try:
            return DeviceQuestion(
                str(answer["device_code"]),
                str(answer["user_code"]),
                check_address(str(answer.get("verification_uri_complete") or answer["verification_uri"])),
                int(answer["expires_in"]),
                max(int(answer.get("interval", 5)), 1),
            )
        except (KeyError, ValueError, TypeError, ConfigurationInvalid):
            raise ProviderUnavailable("The provider gave no code to type in.", "Sign in with a browser.") from None

    async def poll_device(self, device_code: str) -> Vouched | None:
        """Whom the provider vouches for, None while nobody has typed the code in. Raises as ``answered`` does."""
        try:
            return await self._vouched(await self._token(grant_type=DEVICE_GRANT, device_code=device_code), None)
        except SignInOver as over:
            if over.reason in ("provider: authorization_pending", "provider: slow_down"):
                return None
            raise

    # --- later --------------------------------------------------------------------------------------------------------

    async def still_vouches(self, subject: str, refresh_token: str) -> Vouched:
        """Whom it vouches for now. Raises SignInOver when it does no more, ProviderUnavailable when nobody can tell."""
        answer = await self._token(grant_type="refresh_token", refresh_token=refresh_token)
        if "id_token" not in answer:
            # Providers need not send one again (section 12.2); that they answered is the point.
            told = await self._userinfo(subject, answer)
            return Vouched(subject, {"sub": subject, **told}, "", 0, str(answer.get("refresh_token") or refresh_token))
        vouched = await self._vouched(answer, None)
        if vouched.subject != subject:
            raise SignInOver("The provider vouches for somebody else.", "Sign in again.", reason="another subject")
        return Vouched(
            subject, vouched.claims, vouched.provider_session, vouched.expires_s, vouched.refresh_token or refresh_token
        )

    async def logged_out(self, logout_token: str) -> tuple[str, str]:
        """(subject, session) that the provider says has ended (Back-Channel Logout 1.0). Raises TokenRefused."""
        token = await self._watch.verify(logout_token, self._expected(frozenset({"logout+jwt", "jwt", ""}), ()))
        events = token.claims.get("events")
        if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in token.claims:
            raise TokenRefused(Flaw.KIND, "no logout token")
        session = token.claims.get("sid", "")
        if not isinstance(session, str) or not (session or token.subject):
            raise TokenRefused(Flaw.INCOMPLETE, "sub or sid")
        return token.subject, session

    # --- how it is asked ----------------------------------------------------------------------------------------------

    def _expected(self, types: frozenset[str], required: tuple[str, ...]) -> Expected:
        return Expected(
            self.settings.issuer,
            frozenset({self.settings.client_id}),
            longest_seconds=LONGEST_ID_TOKEN_SECONDS,
            types=types,
            required=required,
        )

    async def _vouched(self, answer: Mapping[str, Any], nonce: str | None) -> Vouched:
        token = await self._watch.verify(
            str(answer.get("id_token", "")), self._expected(frozenset({"jwt", ""}), ("sub", "iat"))
        )
        if nonce is not None and token.claims.get("nonce") != nonce:
            raise SignInOver("This sign-in was not begun here.", "Sign in again.", reason="nonce does not match")
        self._check_party(token)
        claims = {**token.claims, **await self._userinfo(token.subject, answer)}
        session = token.claims.get("sid", "")
        refresh = answer.get("refresh_token", "")
        return Vouched(
            token.subject,
            claims,
            session if isinstance(session, str) else "",
            token.expires_s,
            refresh if isinstance(refresh, str) else "",
        )

    def _check_party(self, token: VerifiedToken) -> None:
        """A token for several must be made for us (section 3.1.3.7)."""
        several = isinstance(token.claims.get("aud"), list) and len(token.claims["aud"]) > 1
        party = token.claims.get("azp")
        if (several or party is not None) and party != self.settings.client_id:
            raise TokenRefused(Flaw.AUDIENCE, "azp")

    async def _userinfo(self, subject: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What the provider tells beside the token; only of the same person (section 5.3.4)."""
        described = await self._description()
        if "userinfo_endpoint" not in described or not isinstance(answer.get("access_token"), str):
            return {}
        told = _object(await self._fetcher.get(check_address(str(described["userinfo_endpoint"])), answer["access_token"]))
        return told if told.get("sub") == subject else {}

    async def _token(self, **form: str) -> dict[str, Any]:
        return _object(await self._post(await self._endpoint("token_endpoint"), form))

    async def _post(self, endpoint: str, form: Mapping[str, str]) -> Answer:
        secret = self.settings.client_secret()
        described = await self._description()
        methods = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and isinstance(methods, list) and "client_secret_basic" not in methods:
            return await self._fetcher.post(endpoint, {**form, "client_id": self.settings.client_id, "client_secret": secret})
        basic = (self.settings.client_id, secret) if secret else None
        return await self._fetcher.post(endpoint, {**form, "client_id": self.settings.client_id}, basic)

    async def _endpoint(self, name: str) -> str:
        found = (await self._description()).get(name)
        if not isinstance(found, str):
            raise ProviderUnavailable(f"The provider has no {name}.", "It can't be signed in with in this way.")
        try:
            return check_address(found)
        except ConfigurationInvalid as error:
            raise ProviderUnavailable(error.message, error.remedy) from None

    async def _description(self) -> dict[str, object]:
        if not self._described:
            self._described = await description_of(self.settings.issuer, self._fetcher)
        return self._described


def _object(answer: Answer) -> dict[str, Any]:
    """The object that a provider answered. Raises SignInOver for its refusal, ProviderUnavailable for what is no answer."""
    try:
        told = read_object(answer.content, MOST_ANSWER_BYTES)
    except NotStrict:
        told = {}
    if answer.status == 200 and told:
        return told
    if answer.status in (400, 401, 403) and isinstance(told.get("error"), str):
        raise SignInOver("The provider does not vouch for you.", "Sign in again.", reason=f"provider: {told['error'][:40]}")
    raise ProviderUnavailable("The identity provider gave no answer that can be used.", f"It said HTTP {answer.status}.")
