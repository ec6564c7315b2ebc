"""Who calls: the operator's token, or a person's name and minted secret."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection

from doorward.api.settings import DoorSettings
from doorward.authentication.attempts import Attempts
from doorward.control.office import Office
from doorward.control.operators import LOCAL, LOCAL_NAME, Operator
from doorward.control.sign_ins import TOKEN_PREFIX
from doorward.control.verifiers import KEY_PREFIX
from doorward.errors import AuthenticationFailed, DoorwardError
from doorward.model.identity import PrincipalKind


class Signin:
    """Turns what a caller shows into an Operator."""

    def __init__(self, office: Office, settings: DoorSettings) -> None:
        self._office = office
        self._token = settings.operator_token.encode()
        self._attempts = Attempts(office.now)

    def by_name(self, name: str, secret: str, address: str) -> Operator:
        """Sign in with a name and a secret; the local operator's secret is the token. Only people get in.

        Raises AuthenticationFailed or TooManyAttempts.
        """
        with self.attempt(address, name):
            if name == LOCAL_NAME:
                return self._by_token(secret)
            by = self._office.secrets.prove(name, secret)
            if by.principal is None or by.principal.kind is not PrincipalKind.HUMAN:
                raise AuthenticationFailed("The name or the secret is wrong, or the secret has expired.")
        return by

    @contextmanager
    def attempt(self, address: str, name: str = "") -> Iterator[None]:
        """Hold this while a proof of *name* from *address* is judged: failures are counted. Raises TooManyAttempts."""
        self._attempts.check(address, name)
        try:
            yield
        except AuthenticationFailed:
            self._attempts.failed(address, name)
            raise
        self._attempts.succeeded(address, name)

    @contextmanager
    def costly_attempt(self, address: str, name: str) -> Iterator[None]:
        """The same for a proof that takes long to judge: it counts as failed until it is known not to be."""
        self._attempts.check(address, name)
        self._attempts.failed(address, name)
        try:
            yield
        except AuthenticationFailed:
            raise
        except DoorwardError:
            self._attempts.take_back(address, name)
            raise
        self._attempts.take_back(address, name)
        self._attempts.succeeded(address, name)

    async def by_password(self, name: str, password: str, code: str, address: str) -> Operator:
        """Sign in with a local account. Raises AuthenticationFailed or TooManyAttempts."""
        with self.costly_attempt(address, name):
            return await self._office.local_accounts.sign_in(name, password, code)

    def by_header(self, connection: HTTPConnection) -> Operator:
        """Sign in with the Authorization header (RFC 9110, section 11.6.2): ``Bearer`` token or ``Basic`` name and secret."""
        address = address_of(connection)
        scheme, _, shown = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and shown.strip().startswith(TOKEN_PREFIX):
            with self.attempt(address):
                return self._office.sign_ins.prove(shown.strip())
        if scheme.lower() == "bearer" and shown.strip().startswith(KEY_PREFIX):
            with self.attempt(address):
                return self._office.api_keys.prove(shown.strip())
        if scheme.lower() == "bearer":
            return self.by_name(LOCAL_NAME, shown.strip(), address)
        if scheme.lower() == "basic":
            name, secret = _basic(shown.strip())
            return self.by_name(name, secret, address)
        raise AuthenticationFailed("Sign in first.", "Send the operator's token as Bearer, or name and secret as Basic.")

    def _by_token(self, token: str) -> Operator:
        if not self._token or not hmac.compare_digest(self._token, token.encode(errors="surrogatepass")):
            raise AuthenticationFailed("The operator's token is wrong.", "It is in run/operator.token of the data directory.")
        return LOCAL


def address_of(connection: HTTPConnection) -> str:
    """The peer's address; headers that claim another are not believed."""
    return connection.client.host if connection.client else ""


def _basic(shown: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(shown, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationFailed("The Authorization header can't be read.", "See RFC 7617.") from None
    return name, secret
