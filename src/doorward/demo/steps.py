"""The seven steps: what each does with real clients, what it shows, and what it is held to."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doorward.demo import promises
from doorward.demo.clients import CLIENT_SECONDS, Heard, LivePsql, doorward, psql, psycopg_fetch
from doorward.demo.pages import Page
from doorward.demo.promises import Finding
from doorward.demo.show import Stage
from doorward.demo.truth import HIDDEN_CUSTOMER_COLUMNS, Truth

REQUEST = re.compile(r"doorward approve (req_[0-9a-f]+)")
LINK = re.compile(r"http://\S+/approvals/req_[0-9a-f]+")
SETTLE_SECONDS = 8.0
CUSTOMERS, CARDS = 4, 2
SHOWN = ("first_name", "last_name", "email", "phone", "national_id")
READ_CUSTOMERS = f"SELECT id, {', '.join(SHOWN)}, loyalty_tier FROM customers WHERE id <= {CUSTOMERS}"  # noqa: S608 - our own
READ_CARDS = f"SELECT cardholder_name, card_number, brand FROM payment_cards WHERE id <= {CARDS}"  # noqa: S608 - our own


@dataclass(frozen=True, slots=True)
class Scene:
    """What a step acts in. The log before *since_us* is of earlier days, and proves nothing of this tour."""

    stage: Stage
    truth: Truth
    page: Page
    since_us: int

    def doorward(self, *arguments: str, as_name: str = "", quietly: bool = False) -> Heard:
        """Run ``doorward``, shown unless *quietly*."""
        player = self.stage.players.get(as_name)
        colours = self.page.has_colours and not quietly
        heard = doorward(self.stage.files.path, *arguments, player=player, width=self.page.inner_width, colours=colours)
        if not quietly:
            self.page.client(as_name or "operator", heard)
        return heard


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, and what does it."""

    title: str
    take: Callable[[Scene], list[Finding]]


def _masked_read(scene: Scene) -> list[Finding]:
    people, cards = scene.truth.customers(CUSTOMERS), scene.truth.cards(CARDS)
    heard = psql(scene.stage.players["alice"], READ_CUSTOMERS, READ_CARDS)
    scene.page.client("alice", heard)
    hidden = [person[name] for person in people for name in SHOWN if person[name] is not None]
    hidden += [value for card in cards for value in card]
    return promises.masked_in_psql(heard, hidden, [person["loyalty_tier"] for person in people], 4 * CUSTOMERS)


def _agent_read(scene: Scene) -> list[Finding]:
    statement = "SELECT id, email, phone, date_of_birth, marketing_opt_in, created_at FROM customers WHERE id <= %s ORDER BY id"
    fetched = psycopg_fetch(scene.stage.players["report-bot"], statement, (CUSTOMERS,))
    scene.page.python("report-bot", fetched)
    rows = _rows_of_log(scene, lambda row: row["status"] == "done" and "date_of_birth" in row["text"], "--who", "report-bot")
    chain = str(rows[-1]["chain"]) if rows else ""
    return promises.masked_in_driver(fetched, scene.truth.customers(CUSTOMERS), HIDDEN_CUSTOMER_COLUMNS, chain)


def _drop(scene: Scene) -> list[Finding]:
    before = scene.truth.count("orders")
    heard = psql(scene.stage.players["alice"], "DROP TABLE orders", "SELECT count(*) AS still_there FROM orders")
    scene.page.client("alice", heard)
    return promises.drop_refused(heard, before, scene.truth.count("orders"))


def _hold(scene: Scene) -> list[Finding]:
    column = "referral_code"
    while scene.truth.has_column("customers", column):
        column += "_x"
    with LivePsql(scene.stage.players["alice"], [f"ALTER TABLE customers ADD COLUMN {column} text"]) as live:
        live.await_words("doorward approve ")
        told = live.errors_so_far()
        found, link = REQUEST.search(told), LINK.search(told)
        shown_while_waiting, column_before = live.is_waiting, scene.truth.has_column("customers", column)
        request = found[1] if found else "req_none"
        live.await_words("withdraws it")
        scene.page.waiting("alice", live.shown, live.errors_so_far())
        by_asker = scene.doorward("approve", request, as_name="alice")
        waits, column_between = live.is_waiting, scene.truth.has_column("customers", column)
        by_approver = scene.doorward("approve", request, "--reason", "ticket 4711", as_name="bob")
        heard = live.finish()
    scene.page.goes_on("alice", heard)
    return promises.held_until_approved(
        promises.Held(
            link=link[0] if link else "",
            shown_while_waiting=shown_while_waiting,
            column_before=column_before,
            by_asker=by_asker,
            waits_after_asker=waits,
            column_after_asker=column_between,
            by_approver=by_approver,
            client=heard,
            column_at_end=scene.truth.has_column("customers", column),
        )
    )


def _deletes(scene: Scene) -> list[Finding]:
    before = scene.truth.count("orders")
    statements = [
        "DELETE FROM orders",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone",
        "SELECT count(*) AS still_there FROM orders",
    ]
    rejections = []
    with LivePsql(scene.stage.players["alice"], statements) as live:
        for position in (1, 2):
            if live.await_words("doorward approve ", times=position):
                request = REQUEST.findall(live.errors_so_far())[position - 1]
                rejections.append(
                    scene.doorward("reject", request, "--reason", "never all orders", as_name="bob", quietly=True)
                )
        heard = live.finish()
    scene.page.client("alice", heard)
    for said in rejections:
        scene.page.client("bob", said)
    return promises.deletes_stopped(heard, rejections, before, scene.truth.count("orders"))


def _log(scene: Scene) -> list[Finding]:
    rows = _rows_of_log(scene, lambda row: "WITH gone AS" in row["text"] and row["status"] not in ("waiting", "open"))
    scene.doorward("log", "--statements", "--limit", str(min(12, len(rows) or 1)))
    return promises.all_in_log(rows)


def _verify(scene: Scene) -> list[Finding]:
    rows = _rows_of_log(scene, lambda row: row["text"] == "DROP TABLE orders" and row["verdict"] == "deny")
    dropped = next((row for row in reversed(rows) if row["text"] == "DROP TABLE orders"), None)
    index = int(dropped["index"]) if dropped else -1
    sound = scene.doorward("audit", "verify")
    with tempfile.TemporaryDirectory(prefix="doorward-demo-copy-") as folder:
        copy = Path(folder) / "log"
        where = _copy_with_one_byte_changed(scene.stage.files.log, copy, index)
        scene.page.note(f"in a copy of the log, {where}:")
        damaged = scene.doorward("audit", "verify", "--log", str(copy))
    return promises.log_intact_and_damage_named(sound, damaged, index)


STEPS = (
    Step("Alice reads customers with psql: masked, with nobody having configured anything", _masked_read),
    Step("The agent reads through psycopg, in binary: the same, and recorded as for Alice", _agent_read),
    Step("DROP TABLE orders is refused, with an explanation; the session goes on", _drop),
    Step("ALTER TABLE customers waits on the live session until Bob approves it", _hold),
    Step("DELETE without WHERE is stopped, alone and hidden in a CTE", _deletes),
    Step("The log of all that: who, for whom, decision, rule, rows, what was masked", _log),
    Step("The log verifies; one byte changed in a copy is found and named", _verify),
)


def _rows_of_log(scene: Scene, has_arrived: Callable[[dict[str, Any]], bool], *filters: str) -> list[dict[str, Any]]:
    """The statements in the log, as ``doorward log --json`` tells them, once one that *has_arrived* is among them."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        heard = scene.doorward("log", "--statements", "--json", *filters, quietly=True)
        all_rows: list[dict[str, Any]] = [json.loads(line) for line in heard.output.splitlines()]
        rows = [row for row in all_rows if row["at_us"] >= scene.since_us]
        if any(has_arrived(row) for row in rows) or time.monotonic() > deadline:
            return rows


def _copy_with_one_byte_changed(log: Path, copy: Path, index: int) -> str:
    """Copy a log once entry *index* is signed, and change one letter in that entry; says where."""
    deadline = time.monotonic() + CLIENT_SECONDS
    while True:
        try:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(log, copy, ignore=shutil.ignore_patterns("log.key"))
            bundles = sorted((copy / "tile" / "entries").rglob("*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            holding = [path for path in bundles if path.is_file() and b"DROP TABLE orders" in path.read_bytes()]
        except (shutil.Error, OSError):
            holding = []  # files of a running log come and go; the next copy is whole
        if holding or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    if not holding:
        return f"entry {index} could not be found"
    content = bytearray(holding[0].read_bytes())
    place = content.rindex(b"DROP TABLE orders")
    content[place] ^= 0x01
    holding[0].write_bytes(content)
    return f"byte {place} of {holding[0].relative_to(copy)} changed, so that it says {chr(content[place])}ROP TABLE orders"
