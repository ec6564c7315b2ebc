"""A pipeline signs in with the token of its platform, over TLS, and the record says which run it was."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.authentication.issuing import Issuer, Place, encoded, served
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database

pytestmark = pytest.mark.live

CLAIMS = {
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "ref": "refs/heads/main",
    "run_id": "4711",
    "workflow": "nightly",
}
SETTINGS = """
[issuers.github]
kind = "github"
issuer = "{address}"
audience = "doorward"

[[workloads]]
service = "loader"
issuer = "github"
claims = {{ repository = "acme/shop", ref = "refs/heads/main" }}
"""


@dataclass
class Scene:
    database: Database
    doorward: Running
    issuer: Issuer
    place: Place

    def token(self, header: dict[str, Any] | None = None, **changed: Any) -> str:
        return self.issuer.token(self.issuer.claims(time.time(), **{**CLAIMS, **changed}), **(header or {}))

    def dsn(self, token: str, **options: str) -> str:
        return self.doorward.dsn("loader", password=token, **{"sslmode": "require", **options})

    def refusal(self, token: str, **options: str) -> str:
        """Why *token* does not get in, as the log has it."""
        before = len(self.doorward.entries("signin.refused"))
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(self.dsn(token, **options))
        assert 'password authentication failed for user "loader"' in str(caught.value)
        self.doorward.wait_for(lambda: len(self.doorward.entries("signin.refused")) > before)
        return str(self.doorward.entries("signin.refused")[-1]["reason"])

    def exchange(self, **body: Any) -> tuple[int, dict[str, Any]]:
        """Ask the API for a secret."""
        parts = urlsplit(self.doorward.control.console_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        connection.request("POST", "/api/v1/workload-secrets", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer


@pytest.fixture(scope="module")
def scene(postgres15: Server) -> Iterator[Scene]:
    issuer = Issuer()
    with (
        fresh_database(postgres15) as made,
        served(issuer) as place,
        tempfile.TemporaryDirectory(prefix="doorward-tokens-") as folder,
    ):
        Path(folder, "identity.toml").write_text(SETTINGS.format(address=issuer.address))
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream, Path(folder)) as running:
            add = running.control.office.principals.add
            running.do(add(LOCAL, PrincipalKind.SERVICE, "loader", ("pipelines", "owned-by-bob")))
            yield Scene(made, running, issuer, place)


def test_a_token_is_a_password_over_tls(scene: Scene) -> None:
    """The record says which repository and run it was, as proven; the database's own log names the service."""
    asked = len(scene.place.asked)
    for _ in range(3):
        with psycopg.connect(scene.dsn(scene.token(), application_name="dbt"), autocommit=True) as connection:
            assert connection.execute("SELECT 'loaded' AS by_token").fetchone() == ("loaded",)
            assert connection.execute("SHOW application_name").fetchone() == ("loader: dbt",)
    assert len(scene.place.asked) - asked in (0, 2)  # the keys are fetched once, if they were not before
    intent = [entry for entry in scene.doorward.entries("statement.intent") if "by_token" in entry["statement"]][-1]
    identity = intent["identity"]
    assert (identity["chain"], identity["proven_by"]) == ("loader", "token of github")
    assert identity["proof"] | {"run_id": "4711", "repository": "acme/shop", "workflow": "nightly"} == identity["proof"]
    assert identity["credential"].startswith("tok_")


def test_every_forged_variant_is_refused(scene: Scene) -> None:
    """The client is told the same each time; the log says what was wrong."""
    now = time.time()
    stranger = Issuer(scene.issuer.address)
    claims = {**CLAIMS, "iss": scene.issuer.address, "aud": "doorward", "exp": int(now) + 300}
    unsigned = f"{encoded({'alg': 'none'})}.{encoded(claims)}.{encoded(b'x')}"
    for token, reason in (
        (stranger.token(stranger.claims(now, **CLAIMS)), "signature does not hold"),
        (unsigned, "algorithm"),
        (scene.token(exp=int(now) - 100), "expired"),
        (scene.token(nbf=int(now) + 100), "not good yet"),
        (scene.token(aud="other"), "somebody else"),
        (scene.token(iss="https://other.example"), "another issuer"),
        (scene.token({"kid": "unknown"}), "does not publish"),
        (scene.token(repository="mallory/shop"), "no rule"),
        (scene.token()[:-4] + "AAAA", "signature does not hold"),
        ("eyJ.eyJ.x", "can't be read"),
        ("dwd_wrong", "wrong"),
    ):
        assert reason in scene.refusal(token), token


def test_a_token_is_never_asked_for_without_tls(scene: Scene) -> None:
    """The password of who tries is not sent at all: SCRAM is what is offered."""
    assert "needs TLS" in scene.refusal(scene.token(), sslmode="disable")


def test_a_service_with_tokens_still_has_its_secrets(scene: Scene) -> None:
    """In clear over TLS, since it is asked so; by SCRAM without."""
    secret = scene.doorward.secret("loader")
    for sslmode in ("require", "disable"):
        with psycopg.connect(scene.dsn(secret, sslmode=sslmode)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nobody_else_may_show_a_token(scene: Scene) -> None:
    """People, and services that no rule names, prove themselves by SCRAM: a good token of another is no password of theirs."""
    for name in ("alice", "nightly-etl"):
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(scene.doorward.dsn(name, password=scene.token(), sslmode="require"))


def test_an_issuer_that_is_away_does_not_end_what_is_open(scene: Scene) -> None:
    """Its keys are at hand: sessions go on, and new ones begin."""
    with psycopg.connect(scene.dsn(scene.token()), autocommit=True) as connection:
        scene.place.is_away = True
        try:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            with psycopg.connect(scene.dsn(scene.token())) as another:
                assert another.execute("SELECT 2").fetchone() == (2,)
        finally:
            scene.place.is_away = False


def test_a_token_is_exchanged_for_a_short_lived_secret(scene: Scene) -> None:
    """For clients that can't show it as a password; the proof goes along, and a token that is refused says little."""
    status, minted = scene.exchange(token=scene.token(), service="loader", upstream="shop", minutes=10, purpose="dbt run")
    assert (status, minted["principal"], minted["database"]) == (201, "loader", "shop")
    with psycopg.connect(scene.dsn(minted["secret"], dbname="shop", sslmode="disable"), autocommit=True) as connection:
        connection.execute("SELECT 'x' AS by_exchanged")
    intent = [entry for entry in scene.doorward.entries("statement.intent") if "by_exchanged" in entry["statement"]][-1]
    assert intent["identity"]["proof"]["run_id"] == "4711"
    assert intent["identity"]["proof"]["via"] == "token of github"
    assert intent["identity"]["proven_by"] == "scram-sha-256"
    status, refused = scene.exchange(token=Issuer(scene.issuer.address).token(CLAIMS))
    assert (status, refused["error"]["code"]) == (401, "token-refused")
    status, refused = scene.exchange(token=scene.token(), minutes=600)
    assert (status, refused["error"]["code"]) == (400, "invalid-request")


def test_a_revoked_service_loses_the_sessions_of_its_tokens(scene: Scene) -> None:
    """As any other principal."""
    office = scene.doorward.control.office
    scene.doorward.do(office.principals.add(LOCAL, PrincipalKind.HUMAN, "carol"))
    with psycopg.connect(scene.dsn(scene.token()), autocommit=True) as connection:
        scene.doorward.do(office.principals.regroup(LOCAL, "loader", ("pipelines", "owned-by-carol")))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(scene.dsn(scene.token())) as connection:
        connection.execute("SELECT 1")
    scene.doorward.do(office.principals.revoke(LOCAL, "carol"))
    assert "no owner" in scene.refusal(scene.token())
    scene.doorward.do(office.principals.regroup(LOCAL, "loader", ("pipelines", "owned-by-bob")))
