"""Which service a token is: by rules that all match, with an owner, and no other."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from doorward.authentication.tokens import Flaw, TokenRefused
from doorward.control.identity_settings import read_identity_settings
from doorward.control.operators import LOCAL
from doorward.control.workloads import ProvenWorkload, Workloads, claim_at
from doorward.errors import AuthenticationFailed, InvalidRequest, NotFound
from doorward.model.entry import Administered
from doorward.model.identity import PrincipalKind
from tests.authentication.issuing import Issuer
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio

GITHUB: dict[str, Any] = {
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "ref": "refs/heads/main",
    "run_id": "4711",
    "run_attempt": "1",
    "workflow": "nightly",
    "actor": "alice",
}
KUBERNETES: dict[str, Any] = {
    "sub": "system:serviceaccount:etl:loader",
    "kubernetes.io": {"namespace": "etl", "pod": {"name": "loader-1"}, "serviceaccount": {"name": "loader", "uid": "u"}},
}
GITLAB = {"sub": "project_path:acme/shop:ref_type:branch:ref:main", "project_path": "acme/shop", "ref": "main", "job_id": "9"}
SPIFFE = {"sub": "spiffe://prod.example/etl/loader"}
SETTINGS = """
[issuers.github]
kind = "github"
issuer = "https://github.example"
audience = "doorward"
jwks_file = "{jwks}"
[issuers.cluster]
kind = "kubernetes"
issuer = "https://cluster.example"
audience = ["doorward", "db"]
jwks_file = "{jwks}"
[issuers.gitlab]
kind = "gitlab"
audience = "doorward"
jwks_file = "{jwks}"
single_use = true
[issuers.mesh]
kind = "spiffe"
issuer = "https://mesh.example"
trust_domain = "prod.example"
audience = "doorward"
jwks_file = "{jwks}"
[[workloads]]
service = "etl"
issuer = "github"
claims = {{ repository = "acme/shop", ref = ["refs/heads/main", "refs/tags/v*"] }}
[[workloads]]
service = "reports"
issuer = "github"
claims = {{ repository = "acme/*", workflow = "nightly" }}
[[workloads]]
service = "etl"
issuer = "cluster"
claims = {{ "kubernetes.io/namespace" = "etl", "kubernetes.io/serviceaccount/name" = "loader" }}
[[workloads]]
service = "etl"
issuer = "gitlab"
claims = {{ project_path = "acme/shop" }}
[[workloads]]
service = "etl"
issuer = "mesh"
claims = {{ sub = "spiffe://*/etl/loader" }}
"""


class Stage:
    """Workloads of an office, and the issuers that they trust: one set of keys for all."""

    def __init__(self, scene: Scene, issuer: Issuer, workloads: Workloads) -> None:
        self.scene, self.issuer, self.workloads = scene, issuer, workloads

    def token(self, address: str, claims: dict[str, Any], **changed: Any) -> str:
        self.issuer.address = address
        return self.issuer.token(self.issuer.claims(self.scene.clock() / 1_000_000, **{**claims, **changed}))

    async def prove(self, address: str, claims: dict[str, Any], name: str = "etl", **changed: Any) -> ProvenWorkload:
        return await self.workloads.prove(self.token(address, claims, **changed), name)


@pytest.fixture
async def stage(scene: Scene) -> Stage:
    issuer = Issuer()
    jwks = scene.socket.with_name("jwks.json")
    jwks.write_bytes(issuer.jwks())
    for name in ("etl", "reports"):
        await scene.office.principals.add(LOCAL, PrincipalKind.SERVICE, name, ("owned-by-alice",))
    return Stage(scene, issuer, Workloads(read_identity_settings(SETTINGS.format(jwks=jwks)), scene.store, scene.clock))


@pytest.mark.parametrize(
    ("address", "claims", "proof"),
    [
        (
            "https://github.example",
            GITHUB,
            {"repository": "acme/shop", "run_id": "4711", "workflow": "nightly", "actor": "alice"},
        ),
        ("https://cluster.example", KUBERNETES, {"namespace": "etl", "pod": "loader-1", "service_account": "loader"}),
        ("https://gitlab.com", GITLAB, {"project_path": "acme/shop", "job_id": "9"}),
        ("https://mesh.example", SPIFFE, {"spiffe_id": "spiffe://prod.example/etl/loader"}),
    ],
    ids=["github", "kubernetes", "gitlab", "spiffe"],
)
async def test_a_token_of_each_platform_is_its_service(
    stage: Stage, address: str, claims: dict[str, Any], proof: dict[str, str]
) -> None:
    """And what it proves is kept: where it ran, and which run it was."""
    proven = await stage.prove(address, claims)
    assert (proven.service.name, proven.proven_by.split()[0]) == ("etl", "token")
    assert proof.items() <= dict(proven.proof).items()
    assert dict(proven.proof)["issuer"] == address
    assert proven.credential_id.startswith("tok_")


@pytest.mark.parametrize(
    ("address", "claims", "changed"),
    [
        ("https://github.example", GITHUB, {"repository": "mallory/shop"}),
        ("https://github.example", GITHUB, {"ref": "refs/heads/feature"}),
        ("https://github.example", GITHUB, {"ref": "refs/tags/v1/x"}),
        ("https://github.example", GITHUB, {"repository": None}),
        ("https://github.example", GITHUB, {"repository": ["mallory/shop"]}),
        ("https://github.example", GITHUB, {"repository": {"acme/shop": 1}}),
        ("https://cluster.example", KUBERNETES, {"kubernetes.io": {"namespace": "etl"}}),
        ("https://cluster.example", KUBERNETES, {"kubernetes.io": "etl"}),
        ("https://cluster.example", GITHUB, {}),
        ("https://gitlab.com", GITLAB, {"project_path": "acme/shop2"}),
    ],
    ids=range(10),
)
async def test_a_token_that_no_rule_fits_is_nobody(
    stage: Stage, address: str, claims: dict[str, Any], changed: dict[str, Any]
) -> None:
    """Though it is a good token of a trusted issuer."""
    with pytest.raises(AuthenticationFailed) as refused:
        await stage.prove(address, claims, **changed)
    assert refused.value.reason.startswith("no rule")


async def test_other_issuers_and_trust_domains_are_refused(stage: Stage) -> None:
    """By what the operator named, whatever the token says of itself."""
    for address, claims in (
        ("https://other.example", GITHUB),
        ("https://mesh.example", {"sub": "spiffe://test.example/etl/loader"}),
    ):
        with pytest.raises(TokenRefused) as refused:
            await stage.prove(address, claims)
        assert refused.value.flaw is Flaw.ISSUER


async def test_a_choice_must_be_made(stage: Stage) -> None:
    """A token that is two services is the one that is named, or none."""
    assert (await stage.prove("https://github.example", GITHUB, "reports")).service.name == "reports"
    with pytest.raises(AuthenticationFailed, match="several"):
        await stage.prove("https://github.example", GITHUB, "")
    assert (await stage.prove("https://cluster.example", KUBERNETES, "")).service.name == "etl"
    with pytest.raises(AuthenticationFailed):
        await stage.prove("https://cluster.example", KUBERNETES, "reports")


async def test_a_token_may_be_good_once(stage: Stage) -> None:
    """Where the issuer is configured so; a refused use does not use it up."""
    token = stage.token("https://gitlab.com", GITLAB, jti="j1")
    with pytest.raises(AuthenticationFailed):
        await stage.workloads.prove(token, "reports")
    assert (await stage.workloads.prove(token, "etl")).service.name == "etl"
    with pytest.raises(TokenRefused) as refused:
        await stage.workloads.prove(token, "etl")
    assert refused.value.flaw is Flaw.REPLAYED


async def test_a_service_needs_somebody_who_answers_for_it(stage: Stage) -> None:
    """An owner who is gone, or none; and a service that was revoked."""
    principals = stage.scene.office.principals
    await principals.regroup(LOCAL, "etl", ("pipelines",))
    with pytest.raises(AuthenticationFailed, match="Nobody answers"):
        await stage.prove("https://github.example", GITHUB)
    await principals.regroup(LOCAL, "etl", ("owned-by-nobody", "owned-by-alice"))
    await stage.prove("https://github.example", GITHUB)
    await principals.revoke(LOCAL, "alice")
    with pytest.raises(AuthenticationFailed, match="Nobody answers"):
        await stage.prove("https://github.example", GITHUB)
    await principals.revoke(LOCAL, "reports")
    with pytest.raises(AuthenticationFailed):
        await stage.prove("https://github.example", GITHUB, "reports")


async def test_a_token_is_exchanged_for_a_secret_that_carries_the_proof(stage: Stage) -> None:
    """For an hour at most, for one upstream if asked; the log has who, for how long and by which run."""
    proven = await stage.prove("https://github.example", GITHUB)
    office = stage.scene.office
    minted = await office.secrets.exchange(proven, "shop", 30, "dbt run")
    credential = stage.scene.store.credentials.by_id(minted.credential_id)
    assert credential is not None
    assert json.loads(credential.proof)["run_id"] == "4711"
    assert (credential.upstream, credential.expires_us - credential.created_us) == ("shop", 1_800_000_000)
    entry = msgspec.json.decode(stage.scene.log.raw[-1], type=Administered)
    assert (entry.act, entry.by, entry.details["proof.run_id"]) == ("secret.minted", "etl", "4711")
    assert minted.secret not in str(entry)
    with pytest.raises(AuthenticationFailed):
        office.secrets.prove("etl", minted.secret)  # it opens the database, not the doors
    assert office.secrets.match("etl", minted.secret, "shop").id == minted.credential_id
    with pytest.raises(InvalidRequest):
        await office.secrets.exchange(proven, "shop", 61)
    with pytest.raises(NotFound):
        await office.secrets.exchange(proven, "elsewhere", 5)


def test_claims_are_found_by_their_path() -> None:
    """A name with a slash in it counts before a path; booleans and numbers are texts, anything else is nothing."""
    claims = {"a/b": "whole", "a": {"b": "inner", "c": True, "d": 7, "e": None}, "l": ["x", 1, {}]}
    assert claim_at(claims, "a/b") == ("whole",)
    assert [claim_at(claims, path) for path in ("a/c", "a/d", "a/e", "a/b/c", "l", "none")] == [
        ("true",),
        ("7",),
        (),
        (),
        ("x", "1"),
        (),
    ]
