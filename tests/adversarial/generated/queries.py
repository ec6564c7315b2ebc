"""Random queries over random relations. Each knows which of its columns protected values may reach, by its own bookkeeping.

*steers* says that a protected value may decide which rows come, how many, or in what order: what such a query tells is not a
matter of lineage, and is judged by canaries alone. Everything else is deterministic, so that two databases that differ in
protected cells alone must give the same result but for masks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.adversarial.generated.relations import Column, Relation

DEEPEST = 3
STEERING_SHARE = 0.08


@dataclass
class Query:
    """A query, its columns, and whether protected values steer it."""

    sql: str
    columns: list[Column]
    steers: bool = False

    @property
    def changes(self) -> bool:
        """Whether it inserts, updates or deletes."""
        return " RETURNING " in self.sql


@dataclass(frozen=True)
class Expression:
    """An expression and whether protected values may reach it."""

    sql: str
    tainted: bool


@dataclass
class _Scope:
    """What the FROM clause offers, by alias, and what can be seen around it."""

    items: list[tuple[str, list[Column]]] = field(default_factory=list)
    merged: frozenset[str] = frozenset()  # columns that a USING made one of
    outer: _Scope | None = None

    def named(self, name: str) -> int:
        return sum(column.name == name for _alias, columns in self.items for column in columns)


class Queries:
    """Makes queries over *relations* with the dice of *rng*."""

    def __init__(self, rng: random.Random, relations: list[Relation]) -> None:
        self._rng = rng
        self._relations = relations
        self._number = 0
        self._steers = False
        self._may_steer = False

    def query(self, *, may_steer: bool = True) -> Query:
        """A query of any form that gives rows."""
        self._number = 0
        self._steers = False
        self._may_steer = may_steer and self._rng.random() < STEERING_SHARE
        sql, columns = self._any(0, {}, None)
        return Query(sql, columns, self._steers)

    def returning(self) -> Query:
        """An INSERT, UPDATE or DELETE with RETURNING, of clear values or of a column's own."""
        self._number, self._steers, self._may_steer = 0, False, False
        target = self._rng.choice([relation for relation in self._relations if relation.writable])
        shown, columns = self._write(target)
        return Query(shown, columns, False)

    # --- forms of queries -----------------------------------------------------------------------------------------

    def _any(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        forms: list[Callable[[int, dict[str, list[Column]], _Scope | None], tuple[str, list[Column]]]] = [self._select] * 5
        forms.append(self._aggregate)
        if depth < DEEPEST:
            forms += [self._with, self._set_operation, self._star]
        if depth == 0:
            forms += [self._with, self._recursive, self._changing_with]
        return self._rng.choice(forms)(depth, ctes, outer)

    def _select(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        clause, scope = self._from(depth, ctes, outer)
        targets, columns = self._targets(scope, depth, ctes)
        distinct = ""
        is_tainted = any(column.tainted for column in columns)
        comparable = not any(column.type in ("json", "row") for column in columns)
        if self._rng.random() < 0.08 and comparable and (self._may_steer or not is_tainted):
            distinct = "DISTINCT "
            self._note(is_tainted)
        where = self._where(scope)
        order = ""
        if self._rng.random() < 0.15 and not distinct:
            key = self._steering(scope)
            order = f" ORDER BY {key}" if key else ""
        return f"SELECT {distinct}{', '.join(targets)} FROM {clause}{where}{order}", columns

    def _star(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        clause, scope = self._from(depth, ctes, outer)
        where = self._where(scope)
        if self._rng.random() < 0.5 and not scope.merged:
            columns = [column for _alias, found in scope.items for column in found]
            return f"SELECT * FROM {clause}{where}", columns
        alias, columns = self._rng.choice(scope.items)
        return f"SELECT {alias}.* FROM {clause}{where}", list(columns)

    def _aggregate(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        clause, scope = self._from(depth, ctes, outer)
        keys = []
        for _ in range(self._rng.randint(0, 2)):
            key = self._clear_reference(scope)
            if key:
                keys.append(key)
        targets, columns = [], []
        for key in keys:
            name = self._name(scope)
            targets.append(f"{key.sql} AS {name}")
            columns.append(Column(name, "text", key.tainted))
        for _ in range(self._rng.randint(1, 3)):
            made, type_name = self._aggregated(scope, depth, ctes)
            name = self._name(scope)
            targets.append(f"{made.sql} AS {name}")
            columns.append(Column(name, type_name, made.tainted))
        group = f" GROUP BY {', '.join(key.sql for key in keys)}" if keys else ""
        having = " HAVING count(*) > 0" if self._rng.random() < 0.2 else ""
        return f"SELECT {', '.join(targets)} FROM {clause}{self._where(scope)}{group}{having}", columns

    def _with(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        known = dict(ctes)
        parts = []
        for _ in range(self._rng.randint(1, 2)):
            sql, columns = self._any(depth + 1, known, outer)
            # A CTE that is called like a table hides it.
            name = self._rng.choice([*(r.name for r in self._relations), "beta", "w"]) + self._rng.choice(("", "", "_x"))
            if name in known:
                name = self._fresh("w")
            listed, columns = self._renamed(columns)
            hint = self._rng.choice(("", "", "MATERIALIZED ", "NOT MATERIALIZED "))
            parts.append(f"{name}{listed} AS {hint}({sql})")
            known = {**known, name: columns}
        sql, columns = self._any(depth + 1, known, outer)
        return f"WITH {', '.join(parts)} {sql}", columns

    def _recursive(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        """Columns change places with each turn, so that what is clear in the first row is not in the next."""
        clause, scope = self._from(DEEPEST, ctes, None)
        first = self._text(scope, 1, ctes)
        second = self._text(scope, 1, ctes)
        where = self._where(scope)
        name = self._fresh("r")
        tainted = first.tainted or second.tainted
        arm = f"SELECT 1, ({first.sql})::text, ({second.sql})::text FROM {clause}{where}"
        turn = f"SELECT n + 1, q, p FROM {name} WHERE n < 3"
        columns = [Column("n", "int", False), Column("p", "text", tainted), Column("q", "text", tainted)]
        sql, shown = self._any(2, {**ctes, name: columns}, None)
        return f"WITH RECURSIVE {name}(n, p, q) AS ({arm} UNION ALL {turn}) {sql}", shown

    def _changing_with(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        target = self._rng.choice([relation for relation in self._relations if relation.writable])
        change, columns = self._write(target)
        name = self._fresh("c")
        sql, shown = self._any(2, {**ctes, name: columns}, None)
        return f"WITH {name} AS ({change}) {sql}", shown

    def _set_operation(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, list[Column]]:
        arms = []
        width = self._rng.randint(1, 3)
        tainted = [False] * width
        names = [self._fresh("u") for _ in range(width)]
        for _ in range(2):
            clause, scope = self._from(depth + 1, ctes, outer)
            made = [self._text(scope, depth + 1, ctes) for _ in range(width)]
            tainted = [before or one.tainted for before, one in zip(tainted, made, strict=True)]
            targets = ", ".join(f"({one.sql})::text AS {name}" for one, name in zip(made, names, strict=True))
            arms.append(f"SELECT {targets} FROM {clause}{self._where(scope)}")
        operator = "UNION ALL"
        if not any(tainted) or self._may_steer:
            operator = self._rng.choice(("UNION ALL", "UNION", "INTERSECT", "EXCEPT"))
            self._note(any(tainted) and operator != "UNION ALL")
        columns = [Column(name, "text", one) for name, one in zip(names, tainted, strict=True)]
        return f"({arms[0]}) {operator} ({arms[1]})", columns

    def _write(self, target: Relation) -> tuple[str, list[Column]]:
        """A change that moves no protected value, and what it returns of the rows it changed."""
        alias = self._rng.choice((target.name, "x"))
        scope = _Scope([(alias, target.columns)])
        targets, columns = self._targets(scope, DEEPEST, {}, bare_only=self._rng.random() < 0.4)
        named = target.name if alias == target.name else f"{target.name} AS {alias}"
        same = self._rng.choice([column for column in target.columns if column.name not in ("id", "made")])
        form = self._rng.choice(("update", "delete", "insert"))
        if form == "update":
            sql = f"UPDATE {named} SET {same.name} = {alias}.{same.name} WHERE {alias}.id < 4"
        elif form == "delete":
            sql = f"DELETE FROM {named} WHERE {alias}.id < 4"
        else:
            sql = f"INSERT INTO {named} (id) VALUES (900), (901)"
        return f"{sql} RETURNING {', '.join(targets)}", columns

    # --- the FROM clause ------------------------------------------------------------------------------------------

    def _from(self, depth: int, ctes: dict[str, list[Column]], outer: _Scope | None) -> tuple[str, _Scope]:
        scope = _Scope(outer=outer)
        text = self._item(scope, depth, ctes)
        for _ in range(self._rng.choice((0, 0, 1, 1, 2)) if depth < 2 else self._rng.choice((0, 0, 1))):
            left = scope.items[-1]
            added = self._item(scope, depth, ctes)
            right = scope.items[-1]
            text = self._join(text, added, left, right, scope)
        return text, scope

    def _join(
        self, text: str, added: str, left: tuple[str, list[Column]], right: tuple[str, list[Column]], scope: _Scope
    ) -> str:
        both = [
            (a.name, b.name)
            for a in left[1]
            for b in right[1]
            if a.type == b.type == "int" and ((not a.tainted and not b.tainted) or self._may_steer)
        ]
        word = self._rng.choice(("JOIN", "LEFT JOIN", "JOIN", "FULL JOIN"))
        if added.startswith("LATERAL"):
            return f"{text} CROSS JOIN {added}"
        if both and self._rng.random() < 0.8:
            a, b = self._rng.choice(both)
            self._note(any(c.tainted for c in left[1] if c.name == a) or any(c.tainted for c in right[1] if c.name == b))
            if a == b and scope.named(a) == 2 and len(scope.items) == 2 and self._rng.random() < 0.4:
                scope.merged = scope.merged | {a}
                return f"{text} {word} {added} USING ({a})"
            return f"{text} {word} {added} ON {left[0]}.{a} = {right[0]}.{b}"
        return f"{text} CROSS JOIN {added}"

    def _item(self, scope: _Scope, depth: int, ctes: dict[str, list[Column]]) -> str:
        dice = self._rng.random()
        if depth < DEEPEST and dice < 0.18:
            lateral = bool(scope.items) and self._rng.random() < 0.4
            seen = _Scope(list(scope.items), outer=scope.outer) if lateral else None
            sql, columns = self._any(depth + 1, ctes, seen)
            alias = self._fresh("s")
            listed, columns = self._renamed(columns)
            scope.items.append((alias, columns))
            return f"{'LATERAL ' if lateral else ''}({sql}) AS {alias}{listed}"
        if dice < 0.24:
            alias = self._fresh("f")
            scope.items.append((alias, [Column("g", "int", False)]))
            return f"generate_series(1, 2) AS {alias}(g)"
        if dice < 0.28:
            alias = self._fresh("v")
            scope.items.append((alias, [Column("alpha", "text", False), Column("id", "int", False)]))
            return f"(VALUES ('one', 1), ('two', 2)) AS {alias}(alpha, id)"
        if dice < 0.33 and scope.items:
            source = self._reference(scope, "text[]")
            if source is not None and (not source.tainted or self._may_steer):
                self._note(source.tainted)
                alias = self._fresh("a")
                scope.items.append((alias, [Column("one", "text", source.tainted)]))
                return f"LATERAL unnest({source.sql}) AS {alias}(one)"
        if ctes and self._rng.random() < 0.5:
            name = self._rng.choice(sorted(ctes))
            columns = list(ctes[name])
        else:
            offered = [relation for relation in self._relations if relation.name not in ctes]
            if not offered:
                scope.items.append((alias := self._fresh("f"), [Column("g", "int", False)]))
                return f"generate_series(1, 2) AS {alias}(g)"
            relation = self._rng.choice(offered)
            name, columns = relation.name, list(relation.columns)
        if self._rng.random() < 0.3 and all(alias != name for alias, _ in scope.items):
            scope.items.append((name, columns))
            return name
        alias = self._fresh(self._rng.choice(("x", "alpha", "y")))
        listed = ""
        if self._rng.random() < 0.2:
            listed, columns = self._renamed(columns)
        scope.items.append((alias, columns))
        return f"{name} AS {alias}{listed}"

    def _renamed(self, columns: list[Column]) -> tuple[str, list[Column]]:
        """Perhaps a list of new names, which may be those of other columns elsewhere."""
        names = [column.name for column in columns]
        clash = len(set(names)) != len(names)
        if not clash and self._rng.random() < 0.6:
            return "", columns
        pool = ["alpha", "beta", "gamma", "delta", "kappa", "sigma", "id", "region"]
        self._rng.shuffle(pool)
        fresh = [pool[i] if i < len(pool) else self._fresh("n") for i in range(len(columns))]
        # Of columns called alike only a new name can be told; whoever renames, renames all of them.
        renamed = [Column(name, column.type, column.tainted) for name, column in zip(fresh, columns, strict=True)]
        return f"({', '.join(fresh)})", renamed

    # --- what steers ----------------------------------------------------------------------------------------------

    def _note(self, steers: bool) -> None:
        self._steers = self._steers or steers

    def _where(self, scope: _Scope) -> str:
        dice = self._rng.random()
        if dice < 0.55:
            return ""
        key = self._steering(scope)
        if not key:
            return ""
        if dice < 0.7:
            return f" WHERE {key} IS NOT NULL"
        return f" WHERE ({key})::text > 'b' OR ({key})::text < '5'"

    def _steering(self, scope: _Scope) -> str:
        """A reference that may decide on rows: a clear one, or any where this query may steer."""
        if self._may_steer:
            found = self._reference(scope, "")
            if found is not None:
                self._note(found.tainted)
                return found.sql
        clear = self._clear_reference(scope)
        return clear.sql if clear else ""

    # --- expressions ----------------------------------------------------------------------------------------------

    def _targets(
        self, scope: _Scope, depth: int, ctes: dict[str, list[Column]], *, bare_only: bool = False
    ) -> tuple[list[str], list[Column]]:
        targets, columns = [], []
        for _ in range(self._rng.randint(1, 4)):
            made, type_name = self._target(scope, depth, ctes, bare_only=bare_only)
            name = self._name(scope)
            targets.append(f"{made.sql} AS {name}")
            columns.append(Column(name, type_name, made.tainted))
        return targets, columns

    def _target(self, scope: _Scope, depth: int, ctes: dict[str, list[Column]], *, bare_only: bool) -> tuple[Expression, str]:
        if bare_only or self._rng.random() < 0.35:
            alias, columns = self._rng.choice(scope.items)
            column = self._rng.choice(columns)
            return Expression(self._spelled(scope, alias, column), column.tainted), column.type
        dice = self._rng.random()
        if dice < 0.55:
            return self._text(scope, depth, ctes), "text"
        if dice < 0.7:
            return self._int(scope), "int"
        if dice < 0.82:
            return self._document(scope), "jsonb"
        if dice < 0.9:
            return self._row(scope)
        return self._condition(scope, depth, ctes), "bool"

    def _name(self, scope: _Scope) -> str:
        """The name of a target: its own, or one that a column has that it is not."""
        if self._rng.random() < 0.4:
            return self._fresh(self._rng.choice(("alpha", "beta", "gamma", "delta")))
        return self._fresh("c")

    def _fresh(self, stem: str) -> str:
        self._number += 1
        return f"{stem}_{self._number}"

    def _spelled(self, scope: _Scope, alias: str, column: Column) -> str:
        if column.name in scope.merged and self._rng.random() < 0.5:
            return column.name
        # A bare name that an alias or a table has too would mean a whole row.
        is_alone = scope.outer is None and scope.named(column.name) == 1 and all(column.name != name for name, _ in scope.items)
        if is_alone and self._rng.random() < 0.4:
            return column.name
        forms = [f"{alias}.{column.name}", f'"{alias}"."{column.name}"']
        # What a function of one plain column gives is no row.
        return self._rng.choice(forms if alias[0] in "fa" else [*forms, f"({alias}).{column.name}"])

    def _references(self, scope: _Scope, type_name: str) -> list[tuple[str, Column]]:
        found = [(alias, c) for alias, columns in scope.items for c in columns if type_name in ("", c.type)]
        if scope.outer is not None and self._rng.random() < 0.5:
            outer = [(alias, c) for alias, columns in scope.outer.items for c in columns if type_name in ("", c.type)]
            inner = {alias for alias, _ in scope.items}
            found += [(alias, c) for alias, c in outer if alias not in inner]
        return found

    def _reference(self, scope: _Scope, type_name: str) -> Expression | None:
        found = [pair for pair in self._references(scope, type_name) if pair[1].type not in ("row", "json")]
        if not found:
            return None
        alias, column = self._rng.choice(found)
        return Expression(self._spelled(scope, alias, column), column.tainted)

    def _clear_reference(self, scope: _Scope) -> Expression | None:
        found = [
            (alias, column)
            for alias, columns in scope.items
            for column in columns
            if not column.tainted and column.type in ("int", "text", "bool")
        ]
        if not found:
            return None
        alias, column = self._rng.choice(found)
        return Expression(f"{alias}.{column.name}", False)

    def _text(self, scope: _Scope, depth: int, ctes: dict[str, list[Column]]) -> Expression:
        dice = self._rng.random()
        if dice < 0.1:
            return Expression(self._rng.choice(("'constant'", "current_schema()", "upper('x')", "'a' || 'b'")), False)
        if dice < 0.2 and depth < DEEPEST:
            return self._scalar(scope, depth, ctes)
        if dice < 0.3:
            whole, _type = self._row(scope)
            return Expression(f"({whole.sql})::text", whole.tainted)
        if dice < 0.38:
            array = self._reference(scope, "text[]")
            if array is not None:
                form = self._rng.choice(("({0})[1]", "array_to_string({0}, ',')", "({0})::text", "array_to_json({0})::text"))
                return Expression(form.format(array.sql), array.tainted)
        if dice < 0.46:
            document = self._document(scope)
            form = self._rng.choice(("({0})->>'k'", "({0})::text", "({0}) #>> '{{k}}'", "jsonb_pretty({0})"))
            return Expression(form.format(document.sql), document.tainted)
        if dice < 0.52:
            number = self._int(scope)
            return Expression(
                self._rng.choice(("({0})::text", "to_char({0}, '999999999999')")).format(number.sql), number.tainted
            )
        if dice < 0.62:
            condition = self._condition(scope, depth, ctes)
            one, two = self._leaf(scope), self._leaf(scope)
            tainted = condition.tainted or one.tainted or two.tainted
            return Expression(f"CASE WHEN {condition.sql} THEN {one.sql} ELSE {two.sql} END", tainted)
        one, two = self._leaf(scope), self._leaf(scope)
        form = self._rng.choice(_TEXT_FORMS)
        return Expression(form.format(one.sql, two.sql), one.tainted or ("{1" in form and two.tainted))

    def _leaf(self, scope: _Scope) -> Expression:
        found = self._reference(scope, "text") if self._rng.random() < 0.85 else None
        return found or Expression(self._rng.choice(("'k'", "'north'", "NULL::text")), False)

    def _int(self, scope: _Scope) -> Expression:
        dice = self._rng.random()
        if dice < 0.3:
            text = self._leaf(scope)
            return Expression(
                self._rng.choice(("length({0})", "ascii({0})", "strpos({0}, 'a')")).format(text.sql), text.tainted
            )
        found = self._reference(scope, "int")
        if found is None:
            return Expression("7", False)
        form = self._rng.choice(("{0}", "{0} % 10", "abs({0})", "{0} - 1", "coalesce({0}, 0)", "nullif({0}, 3)"))
        return Expression(form.format(found.sql), found.tainted)

    def _condition(self, scope: _Scope, depth: int, ctes: dict[str, list[Column]]) -> Expression:
        one, two = self._leaf(scope), self._leaf(scope)
        form = self._rng.choice(_CONDITIONS)
        return Expression(form.format(one.sql, two.sql), one.tainted or ("{1" in form and two.tainted))

    def _document(self, scope: _Scope) -> Expression:
        found = self._reference(scope, "jsonb")
        if found is not None and self._rng.random() < 0.4:
            return found
        text = self._leaf(scope)
        form = self._rng.choice(_DOCUMENT_FORMS)
        if self._rng.random() < 0.3:
            whole, _type = self._row(scope)
            return Expression(f"to_jsonb({whole.sql})", whole.tainted)
        return Expression(form.format(text.sql), text.tainted)

    def _row(self, scope: _Scope) -> tuple[Expression, str]:
        """A whole row, by its alias or made of some columns."""
        alias, columns = self._rng.choice(scope.items)
        if self._rng.random() < 0.5 and len(columns) > 1 and scope.named(alias) == 0:
            return Expression(alias, any(column.tainted for column in columns)), "row"
        chosen = self._rng.sample(columns, min(2, len(columns)))
        listed = ", ".join(f"{alias}.{column.name}" for column in chosen)
        return Expression(f"ROW({listed})", any(column.tainted for column in chosen)), "row"

    def _scalar(self, scope: _Scope, depth: int, ctes: dict[str, list[Column]]) -> Expression:
        """A sub-select of one value, which may look at what is around it."""
        relation = self._rng.choice([r for r in self._relations if r.name not in ctes] or self._relations[:1])
        if relation.name in ctes:
            return self._leaf(scope)
        alias = self._fresh("z")
        inner = _Scope([(alias, relation.columns)], outer=scope)
        made = self._leaf(inner)
        key = self._clear_reference(scope)
        where = f" WHERE {alias}.id::text = ({key.sql})::text" if key and self._rng.random() < 0.7 else ""
        return Expression(f"(SELECT max({made.sql}) FROM {relation.name} AS {alias}{where})", made.tainted)

    def _aggregated(self, scope: _Scope, depth: int, ctes: dict[str, list[Column]]) -> tuple[Expression, str]:
        dice = self._rng.random()
        if dice < 0.15:
            return Expression("count(*)", False), "int"
        if dice < 0.3:
            number = self._int(scope)
            return Expression(self._rng.choice(("sum({0})", "max({0})", "min({0})")).format(number.sql), number.tainted), "int"
        text = self._text(scope, max(depth, 2), ctes)
        form = self._rng.choice(_AGGREGATES)
        return Expression(form.format(text.sql), text.tainted), "text"


_TEXT_FORMS = (
    "lower({0})", "upper({0})", "reverse({0})", "md5({0})", "{0} || {1}", "concat({0}, '-', {1})", "coalesce({0}, {1})",
    "coalesce({0}, {1}, 'none')", "nullif({0}, {1})", "greatest({0}, {1})", "least({0}, {1})", "substr({0}, 2, 5)",
    "left({0}, 3)", "right({0}, 3)", "replace({0}, 'a', 'b')", "translate({0}, 'abc', 'xyz')",
    "overlay({0} placing 'Q' from 1 for 1)",
    "encode(convert_to({0}, 'UTF8'), 'hex')", "encode(convert_to({0}, 'UTF8'), 'base64')", "quote_literal({0})", "initcap({0})",
    "format('%s/%s', {0}, {1})", "regexp_replace({0}, '^.', '')", "split_part({0}, 'e', 1)", "lpad({0}, 20, '.')", "trim({0})",
    "({0})::varchar(30)", "({0} COLLATE \"C\")", "repeat({0}, 2)", "chr(ascii({0}))", "concat_ws(',', {0}, {1})", "{0}",
    "(ARRAY[{0}, {1}])[1]", "json_build_array({0})::text", "(SELECT {0})", "(VALUES ({0}))", "btrim({0}, 'a')",
    "array_to_string(ARRAY[{0}, {1}], '+')", "substring({0} from '..')", "unistr({0})", "normalize({0})", "to_hex(ascii({0}))",
)  # fmt: skip
_CONDITIONS = (
    "{0} IS NULL", "{0} = {1}", "{0} > 'm'", "{0} LIKE 'a%'", "{0} IN ('north', 'x')", "{0} BETWEEN 'a' AND 'm'",
    "{0} IS DISTINCT FROM {1}", "NOT ({0} < {1})", "{0} = ANY (ARRAY['north', {1}])", "EXISTS (SELECT 1 WHERE {0} > 'c')",
    "{0} ~ 'a'", "starts_with({0}, 'n')", "({0}, 1) < ({1}, 2)", "{0} IN (SELECT {1})", "true",
)  # fmt: skip
_DOCUMENT_FORMS = (
    "to_jsonb({0})", "jsonb_build_object('k', {0})", "jsonb_build_array({0})", "json_build_object('k', {0})::jsonb",
    "jsonb_build_object({0}, 1)", "jsonb_set('{{\"k\": 1}}', '{{k}}', to_jsonb({0}))",
    "jsonb_strip_nulls(jsonb_build_object('k', {0}))",
)  # fmt: skip
_AGGREGATES = (
    "max({0})", "min({0})", "string_agg({0}, ',' ORDER BY {0})", "array_agg({0} ORDER BY {0})::text",
    "jsonb_agg({0} ORDER BY {0})::text", "count(DISTINCT {0} || '')::text", "max({0}) FILTER (WHERE {0} > 'c')",
    "bool_or({0} > 'm')::text", "json_agg({0} ORDER BY {0})::text", "min({0}) FILTER (WHERE {0} IS NOT NULL)",
)  # fmt: skip
