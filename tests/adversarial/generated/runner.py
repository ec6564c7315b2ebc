"""Random schemas, labels and queries, through a whole Doorward on a real server, judged by the oracle.

    python -m tests.adversarial.generated.runner [--cases 10000] [--planned 10000] [--seed N] [--server 15|18] [--verbose]

*cases* go through Doorward, in all forms of the protocol. *planned* are put to the database itself, and to the steps that
decide and plan, as ``doorward explain`` takes them: many more in the same time. Ends with ``leaked 0 of N``; each case that
leaked is told with the seed and number that give it again.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import psycopg

from doorward.assembly import control_side
from doorward.assembly.control_side import definition_is_clear
from doorward.catalog.resolve import resolve
from doorward.catalog.snapshot import read_snapshot
from doorward.model.catalog import Label, Snapshot
from doorward.model.decision import Verdict
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.model.upstream import Upstream
from doorward.policy.decide import Policy
from doorward.policy.load import default_texts, load
from doorward.proxy import judging
from doorward.proxy.upstream_connections import UpstreamQuerier
from doorward.sql.analyze import analyze
from tests.adversarial.client import HELD
from tests.adversarial.generated import oracle
from tests.adversarial.generated.queries import Queries, Query
from tests.adversarial.generated.relations import Column, Filling, Relation, Schema, fill, tables
from tests.adversarial.runner import server_of
from tests.adversarial.stage import let_sleep
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Role, Server, fresh_database

A_SCHEMA = 60  # cases on one schema
VIEWS = 5
RETURNING_SHARE = 0.08
UPSTREAM = "made"


@dataclass
class Tally:
    """What was played. *leaked* tells case by case; *overmasked* counts columns that were masked without need."""

    cases: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    steered: int = 0
    columns: int = 0
    overmasked: int = 0
    leaked: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The report."""
        yield from self.leaked
        yield (
            f"{self.cases} cases: {self.answered} answered in both states, {self.refused} refused by Doorward, "
            f"{self.failed} failed at the database, {self.steered} steered by protected values (judged by canaries alone)"
        )
        yield f"{self.overmasked} of {self.columns} columns that nothing protected reaches were masked"
        yield f"leaked {len(self.leaked)} of {self.cases}"


@dataclass
class Playground:
    """One database, and the Doorward before it."""

    database: Database
    role: Role
    running: Running
    admin: psycopg.Connection[Any]
    querier: UpstreamQuerier

    def make(self, schema: Schema) -> None:
        """An empty database with *schema*."""
        self._run(
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
            f"GRANT USAGE ON SCHEMA public TO {self.role.name}",
            *schema.ddl,
        )
        self._run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {self.role.name}")

    def view(self, schema: Schema, query: Query, name: str, *, materialized: bool) -> bool:
        """Add a view of *query*, if the database takes it."""
        text = f"CREATE {'MATERIALIZED ' if materialized else ''}VIEW {name} AS {query.sql}"
        try:
            self._run(text)
        except psycopg.Error:
            return False
        schema.relations.append(Relation(name, list(query.columns)))
        if materialized:
            schema.refreshed.append(name)
        self._run(f"GRANT SELECT ON {name} TO {self.role.name}")
        return True

    def read(self, labels: dict[str, dict[str, Label]]) -> Snapshot:
        """Have Doorward read the catalog with *labels* for columns of tables, by table and name."""
        numbers = {
            (row[0], row[1]): (int(row[2]), int(row[3]))
            for row in self.admin.execute(
                "SELECT c.relname, a.attname, c.oid::int8, a.attnum FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
            ).fetchall()
        }
        verdicts = {numbers[table, name]: label for table, found in labels.items() for name, label in found.items()}
        return self.running.do(self._read(verdicts))

    async def _read(self, verdicts: dict[tuple[int, int], Label]) -> Snapshot:
        snapshot = await read_snapshot(self.querier, UPSTREAM, verdicts, definition_is_clear)
        await self.running.control.office.catalog.publish_snapshot(snapshot)
        return snapshot

    def fill(self, filling: Filling) -> None:
        """Replace all rows."""
        self.admin.execute("; ".join(filling.statements).encode())

    def _run(self, *statements: str) -> None:
        for statement in statements:
            self.admin.execute(statement.encode())


@contextlib.contextmanager
def playground(server: Server, *, observe: bool = False) -> Iterator[Playground]:
    """A database of its own, reached by an ordinary role. With *observe* nothing of it is protected."""
    poll_seconds, control_side.CATALOG_POLL_SECONDS = control_side.CATALOG_POLL_SECONDS, 86_400.0
    try:
        with fresh_database(server) as database, database.connect() as admin:
            admin.add_notice_handler(lambda _notice: None)
            role = database.new_role()
            upstream = Upstream(
                UPSTREAM, "postgresql", server.host, server.port, database.name, role.name, role.password, "disable", observe
            )
            with running_doorward(upstream, tls=False) as running:
                running.do(let_sleep(running))
                querier = UpstreamQuerier(upstream)
                try:
                    yield Playground(database, role, running, admin, querier)
                finally:
                    running.do(querier.close())
    finally:
        control_side.CATALOG_POLL_SECONDS = poll_seconds


def play(ground: Playground, seed: int, cases: int, tally: Tally, *, planned: bool = False, verbose: bool = False) -> None:
    """Play *cases* queries on schemas that follow from *seed*."""
    for number in range((cases + A_SCHEMA - 1) // A_SCHEMA):
        world = _world(ground, f"{seed}.{number}", min(cases - number * A_SCHEMA, A_SCHEMA))
        answers = _planned(ground, world) if planned else _through(ground, world)
        for at, ((query, form), one, two) in enumerate(zip(world.played, *answers, strict=True)):
            fault = _judge(query, one, two, world, tally)
            if fault:
                tally.leaked.append(f"leaked: {world.seed} case {at} ({form}): {fault}\n    {query.sql}\n    {query.columns}")
            if verbose:
                print(f"--- {world.seed} case {at} {form} {one.error or len(one.rows)} {query.sql}")


@dataclass
class _World:
    """A schema as it stands in the database, what Doorward knows of it, its two states, and what is asked."""

    seed: str
    snapshot: Snapshot
    fillings: list[Filling]
    played: list[tuple[Query, str]]

    @cached_property
    def canaries(self) -> oracle.Canaries:
        return oracle.Canaries.of([canary for filling in self.fillings for canary in filling.canaries])

    @cached_property
    def protected(self) -> frozenset[tuple[int, int]]:
        return frozenset(key for key, label in self.snapshot.labels.items() if label.is_protected)


def _world(ground: Playground, seed: str, cases: int) -> _World:
    rng = random.Random(seed)
    schema = tables(rng)
    ground.make(schema)
    labels = {relation.name: relation.labels for relation in schema.relations}
    ground.fill(_filling(schema, seed, 1))
    for number in range(VIEWS):
        query = _named_apart(Queries(rng, schema.relations).query(may_steer=False))
        ground.view(schema, query, f"v{number}", materialized=rng.random() < 0.25)
    queries = Queries(rng, schema.relations)
    played = [
        (queries.returning() if rng.random() < RETURNING_SHARE else queries.query(), rng.choice(oracle.FORMS))
        for _ in range(cases)
    ]
    return _World(seed, ground.read(labels), [_filling(schema, seed, state) for state in (1, 2)], played)


def _filling(schema: Schema, seed: str, state: int) -> Filling:
    return fill(schema, random.Random(f"{seed} clear"), random.Random(f"{seed} protected {state}"))


def _through(ground: Playground, world: _World) -> list[list[oracle.Answer]]:
    answers = []
    for filling in world.fillings:
        ground.fill(filling)
        with ground.running.connect("alice") as connection:
            connection.execute("SET statement_timeout = '5s'")
            connection.add_notice_handler(partial(_withdraw, connection))
            answers.append([oracle.ask(connection, query.sql, form, changes=query.changes) for query, form in world.played])
    return answers


def _withdraw(connection: psycopg.Connection[Any], notice: psycopg.errors.Diagnostic) -> None:
    """Nobody approves anything here."""
    if HELD in (notice.message_primary or ""):
        connection.cancel()


def _planned(ground: Playground, world: _World) -> list[list[oracle.Answer]]:
    answers = []
    for filling in world.fillings:
        ground.fill(filling)
        with ground.database.connect(ground.role) as connection:
            connection.execute("SET statement_timeout = '5s'")
            answers.append([_plan(connection, query.sql, world.snapshot) for query, _form in world.played])
    return answers


def _plan(connection: psycopg.Connection[Any], sql: str, snapshot: Snapshot) -> oracle.Answer:
    analysis = analyze(sql)
    resolved = resolve(analysis, snapshot)
    decision = judging.decide(POLICY, ALICE, analysis, resolved.facts, snapshot.upstream, "postgres", approved=False)
    if decision.verdict is not Verdict.ALLOW:
        return oracle.Answer(error="Doorward", sqlstate="42501")
    answer, columns = oracle.ask_directly(connection, sql)
    if answer.error:
        # What Doorward would show of it is the wire's matter.
        return oracle.Answer(error="withheld")
    return oracle.masked(answer, judging.plan(resolved, decision, snapshot.labels, columns).masks)


POLICY = Policy(load(default_texts()))
ALICE = Identity(Principal("prn_alice", PrincipalKind.HUMAN, "alice", ("developers",)), (), "scram-sha-256", "cred")


def _judge(
    query: Query,
    one: oracle.Answer,
    two: oracle.Answer,
    world: _World,
    tally: Tally,
) -> str:
    tally.cases += 1
    errors = [answer for answer in (one, two) if answer.error]
    if any("Doorward" in answer.error or answer.sqlstate == "57014" for answer in errors):
        tally.refused += 1
    elif errors:
        tally.failed += 1
    else:
        tally.answered += 1
        _count_overmasked(query, one, tally)
    fault = world.canaries.shown(one) or world.canaries.shown(two)
    if query.steers:
        tally.steered += 1
        return fault
    return fault or oracle.differs(one, two, world.protected)


def _count_overmasked(query: Query, answer: oracle.Answer, tally: Tally) -> None:
    if len(answer.origins) != len(query.columns) or not answer.rows:
        return
    for at, column in enumerate(query.columns):
        if not column.tainted:
            tally.columns += 1
            tally.overmasked += all(row[at] in (b"***", b"0", b"f", b"{}") for row in answer.rows)


def _named_apart(query: Query) -> Query:
    """A view's columns have names of their own."""
    seen: dict[str, int] = {}
    names = []
    for column in query.columns:
        seen[column.name] = seen.get(column.name, 0) + 1
        names.append(column.name if seen[column.name] == 1 else f"{column.name}_{seen[column.name]}")
    if len(set(names)) == len(names) and all(count == 1 for count in seen.values()):
        return query
    columns = [Column(name, column.type, column.tainted) for name, column in zip(names, query.columns, strict=True)]
    return Query(f"SELECT * FROM ({query.sql}) AS renamed({', '.join(names)})", columns, query.steers)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="tests.adversarial.generated.runner", description="Search for leaks of lineage.")
    parser.add_argument("--cases", type=int, default=10_000, help="how many go through Doorward")
    parser.add_argument("--planned", type=int, default=0, help="how many are put to the database and the planning steps alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", type=int, choices=(15, 18), action="append")
    parser.add_argument("--verbose", action="store_true", help="print every query")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    tally = Tally()
    began = time.monotonic()
    servers = options.server or [15, 18]
    for version in servers:
        with server_of(version) as server, playground(server) as ground:
            for share, planned in ((options.cases // len(servers), False), (options.planned // len(servers), True)):
                play(ground, options.seed * 100 + version, share, tally, planned=planned, verbose=options.verbose)
    print("\n".join(tally.lines()))
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 1 if tally.leaked else 0


if __name__ == "__main__":
    sys.exit(main())
