"""A Doorward in front of a small shop, shared by the tests of one module, once on each server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, fresh_database

SECRETS = ("alice@example.com", "bob@example.com", "123-45-6789", "987-65-4321", "4111111111111111", "Alice Example")

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, full_name text NOT NULL, email text UNIQUE, ssn text, card_number text,
  birth_date date, tier text NOT NULL);
INSERT INTO customers VALUES
  (1, 'Alice Example', 'alice@example.com', '123-45-6789', '4111111111111111', '1980-02-03', 'EU'),
  (2, 'Bob Sample', 'bob@example.com', '987-65-4321', '5500005555555559', NULL, 'US');
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, amount numeric(12,2), status text);
INSERT INTO orders SELECT n, 1 + n % 2, n, CASE WHEN n % 3 = 0 THEN 'open' ELSE 'paid' END FROM generate_series(1, 3000) n;
CREATE VIEW contacts AS SELECT id, email AS reach, tier FROM customers;
ANALYZE;
"""


@dataclass
class Shop:
    """The protected database, and the Doorward in front of it."""

    database: Database
    doorward: Running

    def truth(self, sql: str) -> object:
        """The one value that the database itself gives for *sql*, past Doorward."""
        return self.database.execute(sql)[0][0]


@pytest.fixture(scope="module", params=["postgres15", "postgres18"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The shop, owned by the ordinary role that Doorward signs in with."""
    with fresh_database(request.getfixturevalue(request.param)) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream) as doorward:
            yield Shop(database, doorward)
