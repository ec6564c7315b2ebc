"""What psql, drivers, mappers, dashboards and people send all day is read as harmless, with every function vouched for."""

# ruff: noqa: E501 - a statement reads best on one line

from __future__ import annotations

import pytest

from doorward.catalog.resolve import resolve
from doorward.model.catalog import Snapshot
from doorward.model.statement import Action, Analysis
from doorward.sql.analyze import analyze

NOTHING_KNOWN = Snapshot("shop", "1", ())

# action, text
BENIGN = [
    ("session", ""),
    ("session", "-- ping"),
    ("session", "BEGIN"),
    ("session", "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ"),
    ("session", "START TRANSACTION"),
    ("session", "COMMIT AND CHAIN"),
    ("session", "ROLLBACK TO SAVEPOINT sp"),
    ("session", "SAVEPOINT sp"),
    ("session", "RELEASE SAVEPOINT sp"),
    ("session", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE"),
    ("session", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"),
    ("session", "SET CONSTRAINTS ALL DEFERRED"),
    ("session", "SET search_path TO app, public"),
    ("session", "SET LOCAL statement_timeout = '5s'"),
    ("session", "SET TIME ZONE 'Europe/Zurich'"),
    ("session", "SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE"),
    ("session", "SET DateStyle = 'ISO, DMY'"),
    ("session", "SET NAMES 'utf-8'"),
    ("session", "SET client_encoding TO 'UNICODE'"),
    ("session", "SET standard_conforming_strings = on"),
    ("session", "SET extra_float_digits = 3; SET application_name = 'DBeaver 24.1'"),
    ("session", "SET client_min_messages TO warning"),
    ("session", "SET enable_seqscan = off"),
    ("session", "RESET ALL"),
    ("session", "RESET search_path"),
    ("session", "DISCARD ALL"),
    ("session", "SHOW server_version"),
    ("session", "SHOW TRANSACTION ISOLATION LEVEL"),
    ("session", "DEALLOCATE ALL"),
    ("session", "CLOSE ALL"),
    ("session", "FETCH FORWARD 100 FROM c"),
    ("session", "MOVE ABSOLUTE 0 IN c"),
    ("session", "LISTEN jobs"),
    ("session", "UNLISTEN *"),
    ("session", "EXECUTE p(1, 'x')"),
    ("read", "SELECT 1"),
    ("read", "select version(), current_database(), current_schema(), current_user, session_user, pg_backend_pid()"),
    ("read", "SELECT pg_catalog.set_config('search_path', '', false)"),
    ("read", "SELECT set_config('timezone', 'UTC', false), current_setting('server_version_num')::int"),
    ("read", "DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT id FROM orders"),
    ("read", "PREPARE p (int) AS SELECT * FROM orders WHERE id = $1"),
    ("read", "EXPLAIN (COSTS OFF, FORMAT JSON) DELETE FROM orders"),
    ("read", "EXPLAIN ANALYZE SELECT count(*) FROM orders"),
    ("read", "COPY orders (id, status) TO STDOUT WITH (FORMAT csv)"),
    ("read", "COPY (SELECT id FROM orders) TO STDOUT (FORMAT binary)"),
    ("read", "TABLE orders"),
    ("read", "VALUES (1, 'a'), (2, 'b')"),
    # psql \d
    (
        "read",
        """SELECT n.nspname as "Schema", c.relname as "Name",
             CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END as "Type",
             pg_catalog.pg_get_userbyid(c.relowner) as "Owner"
           FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
           WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog'
             AND n.nspname !~ '^pg_toast' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2;""",
    ),
    (
        "read",
        """SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relname OPERATOR(pg_catalog.~) '^(orders)$' COLLATE pg_catalog.default
             AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3""",
    ),
    (
        "read",
        """SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
             (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
              WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
             a.attnotnull, a.attidentity, pg_catalog.col_description(a.attrelid, a.attnum)
           FROM pg_catalog.pg_attribute a WHERE a.attrelid = '16385' AND a.attnum > 0 AND NOT a.attisdropped
           ORDER BY a.attnum""",
    ),
    (
        "read",
        """SELECT c2.relname, i.indisprimary, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
             pg_catalog.pg_get_constraintdef(con.oid, true)
           FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i
             LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND contype IN ('p','u','x'))
           WHERE c.oid = '16385' AND c.oid = i.indrelid AND i.indexrelid = c2.oid""",
    ),
    # Mappers and drivers
    ("read", "select t.oid, t.typname, t.typarray from pg_type t join pg_namespace n on t.typnamespace = n.oid where t.typname = $1"),
    ("read", "SELECT c.conname, array_agg(a.attname ORDER BY a.attnum) FROM pg_constraint c JOIN pg_attribute a "
             "ON a.attnum = ANY(c.conkey) WHERE c.conrelid = to_regclass($1) GROUP BY 1"),
    ("read", "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog')"),
    ("read", "SELECT has_table_privilege(current_user, c.oid, 'SELECT'), obj_description(c.oid) FROM pg_class c"),
    ("read", 'SELECT "order"."id", "order"."status" FROM "order" WHERE "order"."id" = $1 LIMIT 1 FOR UPDATE SKIP LOCKED'),
    ("read", "SELECT nextval('orders_id_seq'), lastval()"),
    ("write", "INSERT INTO orders (status, at) VALUES ($1, now()) RETURNING id"),
    ("write", "INSERT INTO orders (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = excluded.n WHERE orders.n < 5"),
    ("write", "UPDATE orders SET status = 'paid', at = current_timestamp WHERE id = $1"),
    ("write", "DELETE FROM sessions WHERE expires < now() - interval '1 day'"),
    ("write", "COPY orders FROM STDIN WITH (FORMAT csv, HEADER)"),
    ("write", "REFRESH MATERIALIZED VIEW CONCURRENTLY daily"),
    ("write", "WITH moved AS (DELETE FROM inbox WHERE done RETURNING id) INSERT INTO archive SELECT id FROM moved"),
    # Reports and dashboards
    (
        "read",
        """WITH monthly AS (SELECT date_trunc('month', at) AS month, region, sum(amount) AS total, count(DISTINCT customer_id) n
             FROM orders o JOIN regions r USING (region_id) WHERE at >= now() - interval '12 months' GROUP BY 1, 2)
           SELECT month, region, round(total, 2), total - lag(total) OVER (PARTITION BY region ORDER BY month) AS change,
             rank() OVER w, percentile_cont(0.5) WITHIN GROUP (ORDER BY total), coalesce(n, 0)::float / nullif(total, 0)
           FROM monthly GROUP BY month, region, total, n WINDOW w AS (ORDER BY total DESC) ORDER BY 1 DESC NULLS LAST LIMIT 50""",
    ),
    ("read", "SELECT d::date, extract(dow FROM d), to_char(d, 'YYYY-MM') FROM generate_series('2026-01-01'::date, now(), '1 day') d"),
    ("read", "SELECT jsonb_path_query(doc, '$.a'), doc->>'b', doc #>> '{c,d}', doc ? 'e' FROM events WHERE doc @> '{\"k\": 1}'"),
    ("read", "SELECT string_agg(name, ', ' ORDER BY name), array_length(array_agg(id), 1), bool_or(active) FROM items"),
    ("read", "SELECT split_part(path, '/', 2), regexp_replace(path, '\\d+', 'N', 'g'), md5(path), encode(sha256(b), 'hex') FROM hits"),
    ("read", "SELECT * FROM a WHERE name ILIKE '%x%' AND ts BETWEEN $1 AND $2 AND kind = ANY($3) AND to_tsvector(t) @@ to_tsquery('x')"),
    ("read", "SELECT row_number() OVER (), ntile(4) OVER (ORDER BY x), first_value(x) OVER (ORDER BY y) FROM t TABLESAMPLE system (1)"),
    ("read", "SELECT greatest(a, b), least(a, b), trim(both ' ' from c), substring(c from 2 for 3), position('x' in c), overlay(c placing 'y' from 1) FROM t"),
    ("read", "WITH RECURSIVE tree(id, depth) AS (SELECT id, 1 FROM n WHERE parent IS NULL UNION ALL SELECT n.id, depth + 1 "
             "FROM n JOIN tree ON n.parent = tree.id) SELECT max(depth) FROM tree"),
    ("read", "select 'fct' as source, count(*) as failures, count(*) != 0 as should_warn from (select id from fct where id is null) t"),
    ("read", "SELECT pg_size_pretty(pg_total_relation_size(oid)), relname FROM pg_class ORDER BY pg_total_relation_size(oid) DESC LIMIT 5"),
    ("read", "SELECT gen_random_uuid(), random(), clock_timestamp(), age(now(), '2000-01-01'), pg_typeof(1), quote_ident('a')"),
    ("read", "SELECT xmlelement(name a, 'b'), json_object('k': 1), json_array(1, 2), grouping(a) FROM t GROUP BY ROLLUP (a)"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "text"), BENIGN)
def test_benign_statement_is_let_be(action: str, text: str) -> None:
    """The action is right, nothing is refused, no function is unknown."""
    analysis = analyze(text)
    facts = resolve(analysis, NOTHING_KNOWN).facts
    assert analysis.action.value == action
    assert facts.refusal == ""
    assert facts.unlisted_functions == ()
    assert facts.dangerous_functions == ()
    assert not facts.unbounded_write


def test_the_set_is_as_wide_as_it_claims() -> None:
    assert len(BENIGN) >= 60
    assert analyze("") == Analysis(())
    assert analyze("").action is Action.SESSION
