"""Commands against a running Doorward: people, secrets, psql, log, approvals, catalog, audit, doctor."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from doorward.policy.load import default_texts
from tests.cli.commands import Running

pytestmark = pytest.mark.live


def add(running: Running, name: str, *options: str, kind: str = "user") -> None:
    ended = running.doorward(kind, "add", name, *options)
    assert ended.code == 0, ended.everything


def test_added_person_is_listed_and_revoked(running: Running) -> None:
    """The life of a principal, on the command line."""
    add(running, "dora", "--group", "developers")
    again = running.doorward("user", "add", "dora")
    assert (again.code, "There is, or was, a principal named 'dora'" in again.everything) == (1, True)
    assert running.doorward("user", "revoke", "dora").code == 0
    listed = {found["name"]: found for found in json.loads(running.doorward("user", "list", "--json").output)}
    assert listed["dora"]["groups"] == ["developers"]
    assert listed["dora"]["revoked_us"]
    refused = running.doorward("connect", "dora", "--print")
    assert (refused.code, "revoked" in refused.everything) == (1, True)


def test_agent_needs_somebody_to_act_for(running: Running) -> None:
    """And the service's owner is a person who is known."""
    missing = running.doorward("agent", "add", "lost-bot", "--acting-for", "nobody-here")
    assert (missing.code, "nobody-here" in missing.everything) == (1, True)
    missing = running.doorward("service", "add", "etl", "--owner", "nobody-here")
    assert (missing.code, "nobody-here" in missing.everything) == (1, True)


def test_connect_prints_what_can_be_pasted(running: Running) -> None:
    """Unbroken lines; and the same as JSON."""
    add(running, "paula")
    minted = json.loads(running.doorward("connect", "paula", "--json").output)
    assert minted["secret"].startswith("dwd_")
    assert urlsplit(minted["url"]).password == minted["secret"]
    printed = running.doorward("connect", "paula", "--print", "--hours", "2", COLUMNS="40").output
    assert [line for line in printed.splitlines() if line.startswith('  psql "postgresql://paula:dwd_') and line.endswith('"')]


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
def test_connect_starts_psql_and_the_log_tells_of_it(running: Running) -> None:
    """The way of a statement, as a visitor sees it: masked for the client, recorded for everyone else."""
    add(running, "alma", "--group", "developers")
    heard = running.doorward("connect", "alma", "--", "-X", "-At", "-c", "SELECT email, tier FROM customers ORDER BY id")
    assert heard.code == 0, heard.everything
    assert "ann@example.com" not in heard.everything
    assert heard.output.splitlines()[0].endswith("|gold")
    told = running.doorward("log", "--who", "alma", "--statements", "--json")
    row = json.loads(told.output.splitlines()[-1])
    assert (row["chain"], row["verdict"], row["text"]) == ("alma", "allow", "SELECT email, tier FROM customers ORDER BY id")
    assert "SELECT email, tier FROM customers" in running.doorward("log", "--table", "customers").output
    assert running.doorward("log", "--who", "nobody-here").output.strip() == "nothing in the log is like that"


def test_log_refuses_a_time_that_is_none(running: Running) -> None:
    """And a verdict that is none is wrong usage."""
    assert running.doorward("log", "--since", "yesteryear").code == 1
    assert running.doorward("log", "--since", "1h").code == 0
    assert running.doorward("log", "--verdict", "maybe").code == 2


def test_operator_approves_nothing_without_saying_who(running: Running) -> None:
    """An approval is a named person's."""
    ended = running.doorward("approve", "req_none")
    assert (ended.code, "who you are" in ended.everything) == (1, True)


def test_wrong_secret_approves_nothing(running: Running) -> None:
    """The error says so, and not which part was wrong."""
    add(running, "berta", "--group", "security")
    ended = running.doorward("approve", "req_none", DOORWARD_USER="berta", DOORWARD_SECRET="dwd_wrong")
    assert (ended.code, "name or the secret is wrong" in ended.everything) == (1, True)


def test_request_that_is_not_there_is_not_found(running: Running) -> None:
    """With a good secret, too."""
    add(running, "bruno", "--group", "security")
    secret = json.loads(running.doorward("connect", "bruno", "--json").output)["secret"]
    ended = running.doorward("reject", "req_none", DOORWARD_USER="bruno", DOORWARD_SECRET=secret)
    assert (ended.code, "no such request" in ended.everything) == (1, True)
    assert running.doorward("approvals").output.strip() == "nothing waits"


def test_status_and_catalog_tell_of_the_database(running: Running) -> None:
    """Names, labels, and a listener."""
    told = json.loads(running.doorward("status", "--json").output)
    assert told["gateway_connected"]
    assert told["upstreams"] == ["shop"]
    protected = json.loads(running.doorward("catalog", "--protected", "--json").output)
    assert [(row["table"], row["column"], row["label"]) for row in protected] == [("public.customers", "email", "email")]
    assert "email" in running.doorward("catalog", "--table", "customers").output


def test_columns_are_judged_compared_and_exported(running: Running, tmp_path: Path) -> None:
    """A word on a column is known at once, found by date, and in what other tools read."""
    ended = running.doorward("catalog", "correct", "public.customers.id", "national-id", "--reason", "passports")
    assert ended.code == 0, ended.everything
    (row,) = json.loads(running.doorward("catalog", "list", "--label", "national_id", "--json").output)
    assert (row["table"], row["column"], row["reviewed_by"]) == ("public.customers", "id", "operator")
    changes = json.loads(running.doorward("catalog", "diff", "--since", "2020-01-01", "--json").output)
    last = changes[-1]
    assert (last["change"], last["column"], last["label_before"], last["label"]) == ("changed", "id", "none", "national_id")
    assert running.doorward("catalog", "diff", "--since", "2999-01-01").output.strip() == "nothing has changed since"
    for form in ("json", "csv", "openmetadata", "data-contract"):
        out = tmp_path / form
        assert running.doorward("catalog", "export", form, "--out", str(out)).code == 0
        assert "national_id" in out.read_text()
    assert running.doorward("catalog", "reject", "public.customers.id").code == 0
    assert json.loads(running.doorward("catalog", "list", "--label", "national_id", "--json").output) == []
    assert running.doorward("catalog", "confirm", "public.customers.email").code == 0


def test_a_column_label_or_form_that_is_not_there_is_said_so(running: Running) -> None:
    """And what there is."""
    assert "schema.table.column" in running.doorward("catalog", "confirm", "nothing.of.this").everything
    assert running.doorward("catalog", "correct", "public.customers.id", "unheard-of").code == 1
    assert "openmetadata" in running.doorward("catalog", "export", "parquet").everything


def test_audit_verify_tells_an_intact_log_from_a_damaged_copy(running: Running, tmp_path: Path) -> None:
    """0 and 1; and a proof of an entry can be had."""
    add(running, "vera")
    intact = running.doorward("audit", "verify")
    assert (intact.code, "NOT" in intact.output, "intact" in intact.output) == (0, False, True), intact.everything
    proof = running.doorward("audit", "proof", "0")
    assert proof.output.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
    copy = tmp_path / "log"
    shutil.copytree(running.data / "log", copy)
    for bundle in (copy / "tile" / "entries").rglob("*"):
        if bundle.is_file():
            bundle.write_bytes(bundle.read_bytes().replace(b"service.started", b"service.Started"))
    damaged = running.doorward("audit", "verify", "--log", str(copy))
    assert damaged.code == 1
    assert "NOT INTACT" in damaged.output
    assert "entry 0" in damaged.output
    assert json.loads(running.doorward("audit", "verify", "--log", str(copy), "--json").output)["intact"] is False
    assert running.doorward("audit", "verify", "--log", str(tmp_path / "none")).code == 1


def test_doctor_finds_a_healthy_doorward_healthy(running: Running) -> None:
    """Every line a state; nothing fails."""
    ended = running.doorward("doctor", "--json")
    assert ended.code == 0, ended.everything
    checks = {check["what"]: check for check in json.loads(ended.output)}
    for what in ("data directory", "service", "port", "database", "version", "role", "clock", "log", "TLS to clients"):
        assert checks[what]["state"] == "ok", checks[what]


def test_doctor_warns_of_a_superuser_and_fails_for_a_database_that_is_away(running: Running) -> None:
    """Each with a remedy."""
    ended = running.doorward("doctor", "postgresql://a:b@127.0.0.1:1/db")
    assert ended.code == 3
    assert "✗ database" in ended.output
    assert "→" in ended.output


def test_explain_says_what_would_become_of_a_statement(running: Running) -> None:
    """Who, how it is read, the decision, and each column; in words, as JSON, from the input, and for somebody unknown."""
    add(running, "xenia")
    told = running.doorward("explain", "SELECT id, email, lower(email) AS low FROM customers", "--as", "xenia")
    assert told.code == 0, told.everything
    for words in (
        "xenia on",
        "reads public.customers",
        "allowed",
        "everyone-may-read",
        "public.customers.email",
        "first character",
    ):
        assert words in told.everything
    as_json = running.doorward("explain", "DROP TABLE customers", "--as", "xenia", "--json")
    assert json.loads(as_json.output)["verdict"] == "deny"
    unasked = running.doorward("explain", "SELECT email FROM customers", "--as", "xenia", "--text-only")
    assert "By the text alone" in unasked.everything
    nobody = running.doorward("explain", "SELECT 1", "--as", "nobody-here")
    assert (nobody.code, "nobody-here" in nobody.everything) == (1, True)
    assert running.doorward("explain", "-", "--as", "xenia").code == 1


def test_log_keys_are_listed_wrapped_anew_and_destroyed(running: Running) -> None:
    """The one in use is not to be destroyed, and one that there is not neither."""
    (key,) = json.loads(running.doorward("audit", "keys", "--json").output)
    assert (key["in_use"], key["erased_us"]) == (True, None)
    assert key["id"] in running.doorward("audit", "keys").output
    assert "1 key wrapped anew" in running.doorward("audit", "rotate-keys").output
    assert json.loads(running.doorward("audit", "rotate-keys", "--json").output) == {"keys": 1}
    (again,) = json.loads(running.doorward("audit", "keys", "--json").output)
    assert again["wrapped_by"] != key["wrapped_by"]
    refused = running.doorward("audit", "erase-key", key["id"], "--reason", "too old", "--yes")
    assert (refused.code, "in use" in refused.everything) == (1, True)
    missing = running.doorward("audit", "erase-key", "1999-01-01", "--reason", "too old", "--yes")
    assert (missing.code, "no key of 1999-01-01" in missing.everything) == (1, True)
    assert running.doorward("audit", "erase-key", key["id"], "--reason", "too old").code == 1  # nobody there to say yes


def test_an_entry_is_shown_whole_and_as_it_is_hashed(running: Running) -> None:
    """With its values for whoever may read the keys; in the log itself they are sealed."""
    add(running, "selma", "--group", "developers")
    statement = "SELECT tier FROM customers WHERE email = 'ann@example.com'"
    minted = json.loads(running.doorward("connect", "selma", "--json").output)
    with psycopg.connect(minted["url"], autocommit=True) as connection:
        connection.execute(statement.encode())
    row = json.loads(running.doorward("log", "--who", "selma", "--statements", "--json").output.splitlines()[-1])
    assert row["text"] == statement
    shown = json.loads(running.doorward("audit", "show", str(row["index"])).output)
    assert shown["statement"] == statement
    raw = running.doorward("audit", "show", str(row["index"]), "--raw").output
    assert json.loads(raw)["statement"] == "SELECT tier FROM customers WHERE email = '?'"
    assert "ann@example.com" not in raw
    assert running.doorward("audit", "show", "99999999").code == 1


def test_a_stranger_checks_a_proof_and_a_log_without_trust(running: Running, tmp_path: Path) -> None:
    """A proof with its entry, a log by a checkpoint that was kept, and a witness of one's own."""
    log = running.data / "log"
    key = (log / "log.pub").read_text().strip()
    proof, entry, kept = tmp_path / "one.tlog-proof", tmp_path / "one.json", tmp_path / "kept.checkpoint"
    shutil.copy(log / "checkpoint", kept)
    proof.write_text(running.doorward("audit", "proof", "0").output)
    entry.write_text(running.doorward("audit", "show", "0", "--raw").output)
    check = ("audit", "check-proof", str(proof), "--entry", str(entry), "--key", key)
    compare = ("audit", "extends", str(kept), "--log", str(log), "--key", key)
    shown = running.doorward(*check)
    assert (shown.code, "proven" in shown.everything) == (0, True)
    assert json.loads(running.doorward(*check, "--json").output)["proven"]
    add(running, "otto")
    told = running.doorward(*compare)
    assert (told.code, "extended" in told.everything) == (0, True)
    assert json.loads(running.doorward(*compare, "--json").output)["extends"]
    own = str(tmp_path / "witness")
    cosigned = running.doorward("audit", "witness", str(log), "--key", key, "--folder", own, "--name", "w.test")
    assert cosigned.code == 0, cosigned.everything
    assert [line.split(" ")[1] for line in cosigned.output.splitlines() if line.startswith("\u2014")] == ["doorward", "w.test"]
    entry.write_text(entry.read_text().replace("service.started", "service.startet"))
    altered = running.doorward(*check)
    assert (altered.code, "does not show this text" in altered.everything) == (1, True)


def test_rules_are_published_listed_and_rolled_back(running: Running, tmp_path: Path) -> None:
    """Refused when broken, with file and line; otherwise in force with a reason, and gone again."""
    for name, text in default_texts().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    rule = tmp_path / "zz.cedar"
    rule.write_text('@id("closed") @description("d") forbid (principal, action == Action::"read", resourc);', encoding="utf-8")
    broken = running.doorward("policy", "publish", str(tmp_path), "--reason", "closed")
    assert broken.code == 1
    assert "zz.cedar, line 1" in broken.everything
    rule.write_text(rule.read_text().replace("resourc)", "resource)"), encoding="utf-8")
    published = running.doorward("policy", "publish", str(tmp_path), "--reason", "closed for the night")
    assert published.code == 0, published.everything
    assert "+ closed" in published.output
    history = running.doorward("policy", "history")
    assert "closed for the night" in history.everything
    assert "in force" in history.everything
    back = running.doorward("policy", "rollback", "0", "--reason", "open again", "--json")
    told = json.loads(back.output)
    assert (told["removed"], told["by"], told["is_in_force"]) == (["closed"], "operator", True)


def test_a_day_is_held_and_released(running: Running) -> None:
    """And what is to be destroyed by age says so when there is nothing."""
    day = json.loads(running.doorward("audit", "keys", "--json").output)[0]["id"]
    assert running.doorward("audit", "hold", day, "--reason", "case 4711").code == 0
    assert "held: case 4711" in running.doorward("audit", "keys").everything
    assert running.doorward("audit", "release", day, "--reason", "closed").code == 0
    assert running.doorward("audit", "release", day, "--reason", "closed").code == 1
    none = running.doorward("audit", "erase-key", "--before", "2000-01-01", "--reason", "old", "--yes")
    assert (none.code, "no key to destroy" in none.everything) == (0, True)
    assert running.doorward("audit", "erase-key", "--reason", "old", "--yes").code == 2


def test_a_part_of_the_log_is_put_away_only_when_there_is_one(running: Running, tmp_path: Path) -> None:
    """A young log has nothing old enough, and a folder that is no archive is said to be none."""
    ended = running.doorward("audit", "archive", "--before", "2000-01-01", "--to", str(tmp_path / "away"))
    assert (ended.code, "nothing to put away" in ended.everything) == (1, True)
    assert running.doorward("audit", "archive", "--before", "soon", "--to", str(tmp_path / "away")).code == 1
    assert running.doorward("audit", "verify-archive", str(tmp_path)).code == 3
    assert running.doorward("audit", "restore", str(tmp_path), "--key", "x").code == 3


def test_functions_in_rules_are_held_against_the_running_doorward(running: Running, tmp_path: Path) -> None:
    """Only there it is known which ones users made."""
    rule = '@id("x") @description("d") forbid (principal, action == Action::"read", resource) '
    rule += 'unless { ["no_such_function"].containsAll(context.unlisted_functions) };'
    (tmp_path / "a.cedar").write_text(rule, encoding="utf-8")
    told = running.doorward("policy", "check", str(tmp_path))
    assert 'there is no function "no_such_function"' in told.everything
    assert running.doorward("policy", "check", str(tmp_path), "--data-dir", str(tmp_path / "none")).everything.endswith(
        "0 warnings"
    )


def test_a_local_account_and_a_key_are_made_listed_and_taken_away(running: Running) -> None:
    """What is shown once can be pasted whole, and the lists tell of it."""
    add(running, "lena")
    made = running.doorward("user", "password", "lena", COLUMNS="40")
    assert made.code == 0, made.everything
    assert [line for line in made.output.splitlines() if line.strip().startswith("http") and "/account/set-up?link=" in line]
    assert "lena" in running.doorward("user", "accounts").output
    assert running.doorward("user", "password", "lena", "--remove").code == 0
    assert running.doorward("user", "password", "nobody-here").code == 1
    add(running, "old-reports", "--owner", "lena", kind="service")
    key = json.loads(running.doorward("key", "add", "old-reports", "--database", "shop", "--days", "2", "--json").output)
    assert key["secret"].startswith("dwk_")
    told = running.doorward("key", "add", "old-reports", "--api", COLUMNS="40").output
    assert [line for line in told.splitlines() if line.startswith("  dwk_")]
    assert running.doorward("key", "revoke", key["credential_id"]).code == 0
    listed = {one["id"]: one for one in json.loads(running.doorward("key", "list", "--json").output)}
    assert (listed[key["credential_id"]]["is_good"], len(listed)) == (False, 2)
    assert "old-reports" in running.doorward("key", "list").output
    assert running.doorward("key", "add", "lena").code == 1
