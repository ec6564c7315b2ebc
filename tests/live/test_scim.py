"""A directory pushes people and groups; whoever it deactivates is out at once, in the middle of a statement."""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from scim2_models import Error, Group, ListResponse, User

from doorward.control.operators import LOCAL
from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live
TOKEN = "t" * 32
# A twentieth of one is what it takes.
MOST_SECONDS = 2
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Scene:
    doorward: Running

    def ask(
        self, method: str, path: str, body: Any = None, token: str = TOKEN, kind: str = "application/scim+json"
    ) -> tuple[int, Any]:
        """What the endpoint answers; each error is one of SCIM's."""
        parts = urlsplit(self.doorward.control.console_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        connection.request(method, f"/scim/v2{path}", sent, {"Authorization": f"Bearer {token}", "Content-Type": kind})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        answer = json.loads(content) if content else None
        if response.status >= 400:
            assert Error.model_validate(answer).status == response.status
        return response.status, answer

    def found(self, wanted: str) -> tuple[int, Any]:
        """The users that a filter finds."""
        return self.ask("GET", f"/Users?filter={quote(wanted)}")

    def push(self, user_name: str, **attributes: Any) -> dict[str, Any]:
        """A user, checked against an independent reading of the standard."""
        status, made = self.ask("POST", "/Users", {"schemas": [USER], "userName": user_name, **attributes})
        assert status == 201, made
        assert User.model_validate(made).user_name == user_name
        return dict(made)

    def patch(self, made: dict[str, Any], **values: Any) -> Any:
        operations = [{"op": "replace", "path": name, "value": value} for name, value in values.items()]
        status, answer = self.ask("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": operations})
        assert status == 200, answer
        return answer

    def groups(self, name: str) -> tuple[str, ...]:
        return self.doorward.control.office.principals.good(name).principal.groups


@pytest.fixture(scope="module")
def scene(postgres15: Server) -> Iterator[Scene]:
    with fresh_database(postgres15) as made, tempfile.TemporaryDirectory(prefix="doorward-scim-") as folder:
        data = Path(folder, "data")
        data.mkdir()
        Path(folder, "token").write_text(TOKEN)
        (data / "identity.toml").write_text(
            f'[scim]\ntoken_file = "{folder}/token"\nstrip_domain = "example.com"\ngroups = {{ Engineering = "developers" }}\n'
        )
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream, data) as running:
            yield Scene(running)


def test_whoever_is_deactivated_is_out_at_once(scene: Scene) -> None:
    """In the middle of a statement, their agents as well; the record has when; activated again they begin anew."""
    made = scene.push("Alice@example.com", externalId="e1", name={"givenName": "Alice"})
    ended: dict[str, float] = {}
    opened = {name: scene.doorward.connect(name) for name in ("alice", "report-bot")}

    def sleep(name: str) -> None:
        try:
            opened[name].execute("SELECT pg_sleep(60)")
        except psycopg.OperationalError:
            ended[name] = time.monotonic()

    sleeping = [threading.Thread(target=sleep, args=(name,)) for name in opened]
    for thread in sleeping:
        thread.start()
    sessions = scene.doorward.control.office.sessions
    scene.doorward.wait_for(lambda: sum("pg_sleep" in note.doing for note in sessions.live(LOCAL)) == 2)
    began = time.monotonic()
    assert scene.patch(made, active=False)["active"] is False
    for thread in sleeping:
        thread.join(20)
    assert max(ended.values()) - began < MOST_SECONDS
    with pytest.raises(psycopg.OperationalError):
        scene.doorward.connect("alice")
    entry = [e for e in scene.doorward.entries("administered") if e["act"] == "principal.suspended"][-1]
    assert (entry["by"], entry["subject"]) == ("directory", "alice")
    scene.patch(made, active="True")
    with pytest.raises(psycopg.OperationalError):
        scene.doorward.connect("alice")  # the secret of before stays void
    scene.doorward.secret("alice")
    with scene.doorward.connect("alice") as connection:
        connection.execute("SELECT 1")


def test_people_and_groups_are_pushed(scene: Scene) -> None:
    """Created, found, replaced, patched, deleted; groups that are mapped are groups here."""
    made = scene.push("nora@example.com", externalId="e2", active=True)
    status, listed = scene.found('userName eq "NORA@example.com"')
    assert status == 200
    assert ListResponse[User].model_validate(listed).total_results == 1
    assert scene.found('externalId eq "none"')[1]["totalResults"] == 0
    members = [{"value": made["id"]}]
    status, group = scene.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Engineering", "members": members})
    assert status == 201
    assert Group.model_validate(group).display_name == "Engineering"
    assert scene.groups("nora") == ("developers",)
    remove = [{"op": "remove", "path": f'members[value eq "{made["id"]}"]'}]
    assert scene.ask("PATCH", f"/Groups/{group['id']}", {"schemas": [PATCH], "Operations": remove})[0] == 200
    assert scene.groups("nora") == ()
    status, replaced = scene.ask(
        "PUT", f"/Users/{made['id']}", {"schemas": [USER], "userName": "nora@example.com", "title": "Dr"}
    )
    assert (status, replaced["title"]) == (200, "Dr")
    assert "externalId" not in replaced
    assert scene.ask("DELETE", f"/Users/{made['id']}")[0] == 204
    assert scene.ask("GET", f"/Users/{made['id']}")[0] == 404
    assert scene.doorward.control.office.principals.all(LOCAL)
    status, config = scene.ask("GET", "/ServiceProviderConfig")
    assert (status, config["patch"]["supported"]) == (200, True)


def test_garbage_is_refused_in_scims_own_words(scene: Scene) -> None:
    """With the kind of error that the standard names, and nothing is done."""
    made = scene.push("omar@example.com")
    for method, path, body, status, kind in (
        ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": 7}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": "not a name"}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x", "active": "maybe"}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": "omar@example.com"}, 409, "uniqueness"),
        ("POST", "/Users", {"schemas": [USER], "userName": "nightly-etl"}, 409, "uniqueness"),
        ("POST", "/Users", b"{", 400, "invalidValue"),
        ("POST", "/Users", b"[" * 5_000, 400, "invalidValue"),
        ("POST", "/Groups", {"schemas": [GROUP], "displayName": "g", "members": [7]}, 400, "invalidValue"),
        ("PUT", f"/Users/{made['id']}", {"schemas": [USER], "userName": "other"}, 400, "invalidValue"),
        ("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [{"op": "x"}]}, 400, "invalidValue"),
        ("GET", "/Users?filter=userName%20sw%20%22a%22", None, 400, "invalidFilter"),
        ("GET", "/Users?count=many", None, 400, "invalidValue"),
        ("GET", f"/Users/{0}", None, 404, None),
        ("PATCH", "/Users", {}, 405, None),
        ("GET", "/Nothing", None, 404, None),
    ):
        answered, told = scene.ask(method, path, body)
        assert (answered, told.get("scimType")) == (status, kind), (method, path, told)
    assert scene.ask("POST", "/Users", {"userName": "x"}, kind="text/plain")[0] == 400
    assert scene.ask("GET", "/Users", token="wrong")[0] == 401
    assert scene.ask("GET", "/Users", token="")[0] == 401
