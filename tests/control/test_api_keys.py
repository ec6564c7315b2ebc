"""Long-lived keys: scoped, expiring, shown once, kept as a verifier, with their last use, and over at once when revoked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from doorward.control.operators import LOCAL
from doorward.errors import AuthenticationFailed, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from doorward.model.identity import PrincipalKind
from tests.api.clients import Doors
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio
DAY_US = 86_400_000_000


@pytest.fixture
async def service(scene: Scene) -> Scene:
    """A service that ben answers for."""
    await scene.office.principals.add(LOCAL, PrincipalKind.SERVICE, "etl", ("owned-by-ben",))
    return scene


async def test_a_key_is_shown_once_and_kept_as_a_verifier(service: Scene) -> None:
    """Neither in the file nor in the log; it expires by itself."""
    made = await service.office.api_keys.add(LOCAL, "etl", purpose="old")
    assert made.secret.startswith("dwk_")
    assert made.expires_us == service.clock.now_us + 90 * DAY_US
    assert made.secret.encode() not in (service.socket.parent / "control.db").read_bytes() + b"".join(service.log.raw)
    found = service.office.directory.lookup(link.Lookup(1, "etl", "shop"))
    assert [one.credential_id for one in found.verifiers] == [made.credential_id]
    service.clock.now_us = made.expires_us
    assert service.office.directory.lookup(link.Lookup(1, "etl", "shop")).verifiers == ()
    assert [row.is_good for row in service.office.api_keys.all(LOCAL)] == [False]


async def test_a_key_for_one_database_opens_no_other(service: Scene) -> None:
    """Nor the HTTP doors."""

    (shop,) = service.store.upstreams.all()
    service.store.upstreams.put(replace(shop, name="ledger", database="ledgerdb"))
    made = await service.office.api_keys.add(LOCAL, "etl", upstream="shop")
    assert len(service.office.directory.lookup(link.Lookup(1, "etl", "shop")).verifiers) == 1
    assert service.office.directory.lookup(link.Lookup(1, "etl", "ledger")).verifiers == ()
    with pytest.raises(AuthenticationFailed):
        service.office.secrets.match("etl", made.secret, "ledger")
    with pytest.raises(AuthenticationFailed):
        service.office.secrets.prove("etl", made.secret)


@pytest.mark.parametrize("days", [0, -1, 366, float("nan"), float("inf")])
async def test_a_key_lives_for_a_year_at_most(service: Scene, days: float) -> None:
    """None for ever."""
    with pytest.raises(InvalidRequest):
        await service.office.api_keys.add(LOCAL, "etl", days)


async def test_keys_are_services_that_somebody_answers_for(service: Scene) -> None:
    """And take an administrator."""
    keys = service.office.api_keys
    await service.office.principals.add(LOCAL, PrincipalKind.SERVICE, "nobodys")
    for name in ("alice", "report-bot", "nobodys"):
        with pytest.raises(Conflict):
            await keys.add(LOCAL, name)
    for name, upstream in (("nobody", ""), ("etl", "elsewhere")):
        with pytest.raises(NotFound):
            await keys.add(LOCAL, name, upstream=upstream)
    for by in (service.operator("alice"), service.operator("eve")):
        with pytest.raises(NotPermitted):
            await keys.add(by, "etl")
        with pytest.raises(NotPermitted):
            keys.all(by)
    await service.office.principals.revoke(LOCAL, "ben")
    with pytest.raises(Conflict, match="answers"):
        await keys.add(LOCAL, "etl")


async def test_a_key_reads_the_api_where_that_was_said_and_changes_nothing(service: Scene) -> None:
    """What concerns the service; and not as a name's secret, which is for people."""
    doors = Doors(service)
    for_api = await service.office.api_keys.add(LOCAL, "etl", opens_api=True)
    for_the_port = await service.office.api_keys.add(LOCAL, "etl")
    reader = doors.client(headers={"Authorization": f"Bearer {for_api.secret}"})
    assert (await reader.get("/api/v1/status")).json()["you"] == "etl"
    assert [one["name"] for one in (await reader.get("/api/v1/principals")).json()] == ["etl"]
    for path in ("/api/v1/keys", "/api/v1/accounts", "/api/v1/log/keys", "/api/v1/policy/versions"):
        assert (await reader.get(path)).status_code == 403, path
    for path, body in (("/api/v1/requests/req_1/answer", {"approved": True}), ("/api/v1/secrets", {"principal": "etl"})):
        assert (await reader.post(path, json=body)).status_code == 403
    for shown in (for_the_port.secret, for_api.secret[:-1], "dwk_", "dwk_\u00e9"):
        headers = {"Authorization": f"Bearer {shown}".encode()}
        assert (await doors.client(headers=headers).get("/api/v1/status")).status_code == 401
    await service.office.secrets.revoke(LOCAL, for_api.credential_id)
    assert (await reader.get("/api/v1/status")).status_code == 401


async def test_the_api_makes_and_lists_keys(service: Scene) -> None:
    """Whole and without the key."""
    async with Doors(service).operator() as client:
        made = (await client.post("/api/v1/keys", json={"service": "etl", "upstream": "shop", "days": 1})).json()
        listed = (await client.get("/api/v1/keys")).text
        assert made["secret"].startswith("dwk_")
        assert made["secret"] not in listed
        assert (await client.delete(f"/api/v1/secrets/{made['credential_id']}")).status_code == 204
        (row,) = (await client.get("/api/v1/keys")).json()
    assert (row["id"], row["upstream"], row["is_good"], row["last_used_us"]) == (made["credential_id"], "shop", False, None)
    assert (await service.gateway.hears(link.Revoked)).credential_id == made["credential_id"]


async def test_the_last_use_is_noted_to_the_hour(service: Scene) -> None:
    """From the port, where the gateway proves it, and without a write for each sign-in."""
    made = await service.office.api_keys.add(LOCAL, "etl")

    def last_used_us() -> int | None:
        found = service.store.credentials.by_id(made.credential_id)
        assert found is not None
        return found.last_used_us

    note = link.SessionNote("ses_1", "etl", "service", "c", "shop", "", 1, "", 0, credential=made.credential_id)
    assert last_used_us() is None
    await service.gateway.say(note)
    await until(lambda: last_used_us() is not None)
    first = last_used_us()
    service.clock.now_us += 3_599_000_000
    service.office.session_noted(0, note)
    assert last_used_us() == first
    service.clock.now_us += 1_000_000
    service.office.session_noted(0, note)
    assert last_used_us() == service.clock.now_us
