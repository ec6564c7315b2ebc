"""Where the columns of a statement steer which rows come, how many, or in which order: what can be learned without being shown.

A condition is taken apart at AND and OR; what is left is a column held against a value, against another column, or anything
else. A value that a sub-select passes on is followed under its new name. Columns that only flow into a result are no
matter of this module, unless what is calculated from them may fail, or make rows, for some values only.

One module because every clause of a query is a line of one reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from doorward.model.statement import Origin, RelationName, Steering, Way
from doorward.sql.bounds import TooMuch, Visits
from doorward.sql.ranges import (
    CONSTANT,
    Computed,
    Derived,
    Flow,
    Item,
    Level,
    Range,
    Shown,
    Table,
    bounded,
    either,
    flow_of,
    joined,
    renamed,
)
from doorward.sql.total import Fails, fails, function_name, gives_rows, is_constant, unfolds
from doorward.sql.tree import Fields, children, descendants, kind_and_fields, strings

# More constants than this, or more conditions on one column, and a single statement tells as much as many do.
MOST_VALUES = 20
MOST_CONDITIONS = 8
# Sub-selects of recursive queries are read again until nothing new comes of it; this many in all.
_MOST_READINGS = 2_000
_MOST_ROUNDS = 12
_MOST_VISITS = 250_000

_EVERYTHING = Steering(Origin(None), Way.STEER)
_Ctes = dict[str, tuple[tuple[Item, ...], bool]]  # the columns, and whether it refers to itself
_CARRIERS = frozenset({"PrepareStmt", "DeclareCursorStmt", "ExplainStmt", "CopyStmt", "CreateTableAsStmt"})


# What SEARCH and CYCLE add to a recursive query's columns.
_ADDED_COLUMNS = ("search_seq_column", "cycle_mark_column", "cycle_path_column")


def steering_of(kind: str, fields: Fields) -> tuple[Steering, ...]:
    """Every place in a statement, or in the one that it carries, where a column steers rows. What can't be read steers all."""
    while kind in _CARRIERS:
        if "query" not in fields:
            return ()
        kind, fields = kind_and_fields(fields["query"])
    reading = _Reading()
    try:
        reading.statement(kind, fields, {}, None)
    except (RecursionError, TooMuch):
        return (_EVERYTHING,)
    return reading.found()


class _Reading:
    """One statement being read. What was found is kept by place, so that reading a place twice changes nothing."""

    def __init__(self) -> None:
        self._steering: dict[tuple[object, Origin, Way, tuple[Origin, ...]], int] = {}
        self._readings = 0
        self._visits = Visits(_MOST_VISITS)

    # --- what is found --------------------------------------------------------------------------------------------

    def found(self) -> tuple[Steering, ...]:
        """One Steering for each column and way, with how often; more than a few of one column are the gravest."""
        times: dict[tuple[Origin, Way, tuple[Origin, ...]], int] = {}
        places: dict[tuple[Origin, Way], int] = {}
        for (_, origin, way, matched), count in self._steering.items():
            times[origin, way, matched] = times.get((origin, way, matched), 0) + count
            places[origin, way] = places.get((origin, way), 0) + 1
        found = []
        for (origin, way, matched), count in times.items():
            too_many = (way is Way.COMPARE and count > MOST_VALUES) or (
                way is Way.SEARCH and places[origin, way] > MOST_CONDITIONS
            )
            found.append(Steering(origin, Way.STEER if too_many else way, count, matched))
        return tuple(found)

    def _note(self, place: object, flow: Flow, way: Way, times: int = 1, matched: tuple[Origin, ...] = ()) -> None:
        key = place if isinstance(place, tuple) else id(place)
        for origin in flow.origins:
            self._steering[(key, origin, way, matched)] = times

    def _steers(self, place: object, flow: Flow) -> None:
        """Whatever *flow* is used for decides on rows."""
        self._note(place, flow, Way.STEER if flow.is_mixed else Way.SEARCH)

    # --- statements -----------------------------------------------------------------------------------------------

    def statement(self, kind: str, body: Fields, ctes: _Ctes, around: Level | None) -> tuple[Item, ...]:
        """The result columns of a query, or of what RETURNING shows."""
        self._readings += 1
        if self._readings > _MOST_READINGS:
            raise TooMuch
        self._visits.count(1)
        if kind == "SelectStmt":
            return self._select(body, ctes, around)
        if "withClause" in body:
            ctes = self._with_clause(body["withClause"], ctes, around)
        change = _CHANGES.get(kind)
        if change is None:
            return ()
        level = Level(around=around)
        target = self._table(body["relation"], {})
        change(self, body, level, target, ctes)
        if "returningClause" in body:
            level.ranges += [replace(target, name=name) for name in ("old", "new")]
            level.ranges += [
                replace(target, name=option["ReturningOption"].get("value", ""))
                for option in body["returningClause"].get("options", ())
                if "ReturningOption" in option
            ]
        return self._targets(body.get("returningClause", {}).get("exprs", ()), level, ctes)

    def _insert(self, body: Fields, level: Level, target: Table, ctes: _Ctes) -> None:
        kind, query = kind_and_fields(body.get("selectStmt", {}))
        if kind:
            self.statement(kind, query, ctes, level.around)
        level.ranges.append(target)
        conflict = body.get("onConflictClause")
        if not conflict:
            return
        excluded = replace(target, name="excluded", key=("excluded", target.key))
        inner = Level([target, excluded], level.around)
        # Which of the rows is there already, the answer tells.
        is_values = "valuesLists" in query
        for element in conflict.get("infer", {}).get("indexElems", ()):
            index = element.get("IndexElem", {})
            flow = target.column(index["name"]) if "name" in index else self._value(index.get("expr", {}), inner, ctes)
            times = min(len(query.get("valuesLists", ())), MOST_VALUES) or 1
            self._note(element, flow, Way.COMPARE if is_values and flow.is_bare else Way.STEER, times)
        self._condition(conflict.get("infer", {}).get("whereClause"), inner, ctes)
        self._targets(conflict.get("targetList", ()), inner, ctes)
        self._condition(conflict.get("whereClause"), inner, ctes)

    def _update(self, body: Fields, level: Level, target: Table, ctes: _Ctes) -> None:
        level.ranges.append(target)
        self._from(body.get("fromClause", ()), level, ctes)
        rest = [target for target in body.get("targetList", ()) if not _moves(target.get("ResTarget", {}))]
        self._targets(rest, level, ctes)
        self._condition(body.get("whereClause"), level, ctes)

    def _delete(self, body: Fields, level: Level, target: Table, ctes: _Ctes) -> None:
        level.ranges.append(target)
        self._from(body.get("usingClause", ()), level, ctes)
        self._condition(body.get("whereClause"), level, ctes)

    def _merge(self, body: Fields, level: Level, target: Table, ctes: _Ctes) -> None:
        level.ranges.append(target)
        self._from((body["sourceRelation"],), level, ctes)
        self._condition(body.get("joinCondition"), level, ctes)
        for clause in (node["MergeWhenClause"] for node in body.get("mergeWhenClauses", ())):
            self._condition(clause.get("condition"), level, ctes)
            self._targets(clause.get("targetList", ()), level, ctes)
            for value in clause.get("values", ()):
                self._value(value, level, ctes)

    # --- queries --------------------------------------------------------------------------------------------------

    def _select(self, select: Fields, ctes: _Ctes, around: Level | None) -> tuple[Item, ...]:
        if "withClause" in select:
            ctes = self._with_clause(select["withClause"], ctes, around)
        level = Level(around=around)
        if select.get("op", "SETOP_NONE") != "SETOP_NONE":
            shown = self._set_operation(select, ctes, around)
        elif "valuesLists" in select:
            shown = self._values(select["valuesLists"], level, ctes)
        else:
            self._from(select.get("fromClause", ()), level, ctes)
            level.windows = joined(self._window(node, level, ctes) for node in select.get("windowClause", ()))
            self._condition(select.get("whereClause"), level, ctes)
            shown = self._targets(select.get("targetList", ()), level, ctes)
            self._groups(select.get("groupClause", ()), shown, level, ctes)
            self._condition(select.get("havingClause"), level, ctes)
            self._distinct(select.get("distinctClause"), shown, level, ctes)
        for node in select.get("sortClause", ()):
            expression = node["SortBy"]["node"]
            self._steers(node, self._listed(expression, shown, level, ctes, by_name=True))
        for key in ("limitCount", "limitOffset"):
            if key in select:
                self._note(select[key], self._value(select[key], level, ctes), Way.STEER)
        return bounded(shown)

    def _set_operation(self, select: Fields, ctes: _Ctes, around: Level | None) -> tuple[Item, ...]:
        # A long chain of UNIONs leans to the left.
        chain = [select]
        while chain[-1]["larg"].get("op", "SETOP_NONE") != "SETOP_NONE" and not _has_clauses(chain[-1]["larg"]):
            chain.append(chain[-1]["larg"])
        left = self.statement("SelectStmt", chain[-1]["larg"], ctes, around)
        for link in reversed(chain):
            right = self.statement("SelectStmt", link["rarg"], ctes, around)
            if link.get("op") != "SETOP_UNION" or not link.get("all"):
                for at, item in enumerate((*left, *right)):
                    self._steers((id(link), at), flow_of(item))
            left = _alternatives(left, right)
        return left

    def _values(self, lists: Sequence[Fields], level: Level, ctes: _Ctes) -> tuple[Item, ...]:
        rows = [[self._value(value, level, ctes) for value in row["List"].get("items", ())] for row in lists]
        width = max(map(len, rows), default=0)
        return tuple(Shown(f"column{at + 1}", either([row[at] for row in rows if at < len(row)])) for at in range(width))

    def _with_clause(self, clause: Fields, ctes: _Ctes, around: Level | None) -> _Ctes:
        tables = [node["CommonTableExpr"] for node in clause.get("ctes", ())]
        seen = dict(ctes)
        repeating, looks_ahead = _repeating(tables) if clause.get("recursive") else (frozenset[str](), False)
        seen.update(dict.fromkeys(repeating, ((), True)))
        # What comes later is read again with all the rest; what only refers to itself, by itself.
        for several in [tables] if looks_ahead else [[table] for table in tables]:
            self._until_nothing_new(several, repeating, seen, around)
        return seen

    def _until_nothing_new(
        self, tables: Sequence[Fields], repeating: frozenset[str], seen: _Ctes, around: Level | None
    ) -> None:
        names = [table["ctename"] for table in tables if table["ctename"] in repeating]
        for _ in range(_MOST_ROUNDS):
            before = [seen[name] for name in names]
            for table in tables:
                name = table["ctename"]
                seen[name] = (self._cte(table, seen, around), name in repeating)
            if before == [seen[name] for name in names]:
                return
        raise TooMuch

    def _cte(self, table: Fields, ctes: _Ctes, around: Level | None) -> tuple[Item, ...]:
        kind, query = kind_and_fields(table["ctequery"])
        items = renamed(self.statement(kind, query, ctes, around), strings(table.get("aliascolnames")))
        clauses = [table[key] for key in ("search_clause", "cycle_clause") if key in table]
        bodies = [clause.get("CTESearchClause", clause.get("CTECycleClause", clause)) for clause in clauses]
        added = [body[key] for body in bodies for key in _ADDED_COLUMNS if key in body]
        everything = replace(joined(map(flow_of, items)), is_bare=False)
        return (*items, *(Shown(name, everything) for name in added))

    def _targets(self, targets: Iterable[Fields], level: Level, ctes: _Ctes) -> tuple[Item, ...]:
        """The columns that a list of targets gives. One that can fail for some values, or gives rows, steers."""
        items: list[Item] = []
        for node in targets:
            target = node.get("ResTarget", {})
            value = target.get("val")
            if not value:
                continue
            if _is_star(value):
                items += self._star(value, level, ctes)
                continue
            flow = self._value(value, level, ctes)
            if flow.origins:
                self._calculated(value, flow)
            items.append(Shown(target.get("name") or _called(value), flow))
        return tuple(items)

    def _calculated(self, value: Fields, flow: Flow) -> None:
        if flow.is_bare:
            return
        outcome = fails(value)
        if outcome is Fails.FOR_SOME or (outcome is Fails.BY_FORM and not flow.of_bare):
            self._note(value, flow, Way.SEARCH)

    def _star(self, value: Fields, level: Level, ctes: _Ctes) -> Sequence[Item]:
        if "ColumnRef" not in value:
            return (Shown(None, self._value(value, level, ctes)),)
        parts = strings(value["ColumnRef"].get("fields"))
        if not parts:
            return self._items(level.ranges)
        for outer in level.levels():
            self._visits.count(len(outer.ranges))
            called = [item for item in outer.ranges if item.name == parts[-1]]
            if called:
                return self._items(called)
        return (Shown(None, Flow(frozenset((Origin(None),)), frozenset(parts), False, True, False)),)

    def _items(self, ranges: Sequence[Range]) -> list[Item]:
        items: list[Item] = []
        for found in ranges:
            more = found.items()
            self._visits.count(len(more))
            items += more
        return items

    # --- clauses that decide on rows ------------------------------------------------------------------------------

    def _groups(self, groups: Sequence[Fields], shown: Sequence[Item], level: Level, ctes: _Ctes) -> None:
        pending = list(groups)
        while pending:
            node = pending.pop()
            if "GroupingSet" in node:
                pending += node["GroupingSet"].get("content", ())
            elif "RowExpr" in node:
                pending += node["RowExpr"].get("args", ())
            elif node:
                self._steers(node, self._listed(node, shown, level, ctes, by_name=False))

    def _distinct(self, clause: Sequence[Fields] | None, shown: Sequence[Item], level: Level, ctes: _Ctes) -> None:
        if clause is None:
            return
        expressions = [node for node in clause if node]
        for node in expressions:
            self._steers(node, self._listed(node, shown, level, ctes, by_name=True))
        if not expressions:
            for at, item in enumerate(shown):
                self._steers((id(clause), at), flow_of(item))

    def _listed(self, node: Fields, shown: Sequence[Item], level: Level, ctes: _Ctes, *, by_name: bool) -> Flow:
        """An expression of ORDER BY, GROUP BY or DISTINCT ON: a position, a result column's name, or a calculation.

        ORDER BY takes a name for a result column's first, the others for a column's of FROM (manual, "SELECT").
        """
        position = node.get("A_Const", {}).get("ival", {}).get("ival")
        if position:
            return _at(shown, position)
        parts = strings(node.get("ColumnRef", {}).get("fields"))
        if len(parts) != 1 or len(node["ColumnRef"]["fields"]) != 1:
            return self._value(node, level, ctes)
        sure = [item.flow for item in shown if isinstance(item, Shown) and item.name == parts[0]]
        if by_name and sure:
            return either(sure)
        maybe = [item.flow for item in shown if isinstance(item, Shown) and item.name is None]
        return either([*sure, *maybe, self._value(node, level, ctes)])

    def _window(self, node: Fields, level: Level, ctes: _Ctes) -> Flow:
        window = node.get("WindowDef", node)
        flows = []
        for key in ("partitionClause", "orderClause"):
            for item in window.get(key, ()):
                flow = self._value(item.get("SortBy", {}).get("node", item), level, ctes)
                self._steers(item, flow)
                flows.append(flow)
        for key in ("startOffset", "endOffset"):
            if key in window:
                flow = self._value(window[key], level, ctes)
                self._note(window[key], flow, Way.STEER)
                flows.append(flow)
        return joined(flows)

    # --- FROM -----------------------------------------------------------------------------------------------------

    def _from(self, items: Iterable[Fields], level: Level, ctes: _Ctes) -> None:
        for item in items:
            level.ranges += self._range(item, level, ctes)

    def _range(self, item: Fields, level: Level, ctes: _Ctes) -> list[Range]:
        """The items that can be named after *item* of FROM; *level* has those before it."""
        kind, body = kind_and_fields(item)
        read = _RANGES.get(kind)
        return read(self, body, level, ctes) if read is not None else [self._unknown(body, level, ctes)]

    def _table(self, body: Fields, ctes: _Ctes) -> Table:
        alias = body.get("alias", {})
        name = alias.get("aliasname") or body["relname"]
        relation = RelationName(body.get("schemaname"), body["relname"])
        return Table(name, id(body), relation, tuple(strings(alias.get("colnames"))))

    def _range_var(self, body: Fields, level: Level, ctes: _Ctes) -> list[Range]:
        table = self._table(body, ctes)
        if body["relname"] not in ctes or "schemaname" in body:
            return [table]
        items, repeats = ctes[body["relname"]]
        self._visits.count(len(items))
        return [Derived(table.name, table.key, renamed(items, table.renamed), repeats)]

    def _sample(self, body: Fields, level: Level, ctes: _Ctes) -> list[Range]:
        for argument in (*body.get("args", ()), body.get("repeatable", {})):
            self._note(argument, self._value(argument, level, ctes), Way.STEER)
        return self._range(body["relation"], level, ctes)

    def _subselect(self, body: Fields, level: Level, ctes: _Ctes) -> list[Range]:
        kind, query = kind_and_fields(body["subquery"])
        alias = body.get("alias", {})
        items = self.statement(kind, query, ctes, level if body.get("lateral") else level.around)
        return [Derived(alias.get("aliasname", ""), id(body), renamed(items, strings(alias.get("colnames"))))]

    def _function(self, body: Fields, level: Level, ctes: _Ctes) -> list[Range]:
        flows = []
        names: set[str] | None = set()
        alias = body.get("alias", {})
        for entry in body.get("functions", ()):
            calls = entry["List"].get("items", ()) if "List" in entry else (entry,)
            for node in calls:
                if not node:
                    continue
                flow = self._value(node, level, ctes)
                flows.append(flow)
                call = node.get("FuncCall", {})
                if "List" in node:  # the columns of AS (...)
                    continue
                way = Way.SEARCH if unfolds(call) and not flow.is_mixed else Way.STEER
                self._note(node, flow, way)
                known = _COLUMNS_OF.get(function_name(call))
                names = None if names is None or known is None else names | known | {function_name(call)}
        listed = [definition["ColumnDef"].get("colname", "") for definition in body.get("coldeflist", ())]
        given = {*strings(alias.get("colnames")), *listed, "ordinality", alias.get("aliasname", "")}
        known_names = frozenset(names | given) if names is not None else None
        return [Computed(alias.get("aliasname", ""), id(body), joined(flows), known_names)]

    def _unknown(self, body: Fields, level: Level, ctes: _Ctes) -> Range:
        """XMLTABLE, JSON_TABLE and what else may come: rows made of all that is named in it."""
        flow = self._value({"": body}, level, ctes)
        self._note(body, flow, Way.STEER)
        return Computed(body.get("alias", {}).get("aliasname", ""), id(body), flow, None)

    def _join(self, body: Fields, level: Level, ctes: _Ctes) -> list[Range]:
        left = self._range(body["larg"], level, ctes)
        right = self._range(body["rarg"], Level([*level.ranges, *left], level.around), ctes)
        inner = Level([*left, *right], level.around)
        self._condition(body.get("quals"), inner, ctes)
        self._merged(body, left, right)
        alias = body.get("alias")
        if alias:
            items = self._items((*left, *right))
            return [Derived(alias.get("aliasname", ""), id(body), bounded(renamed(items, strings(alias.get("colnames")))))]
        both = [*left, *right]
        named = body.get("join_using_alias", {}).get("aliasname")
        if named:
            names = strings(body.get("usingClause"))
            merged = [Shown(name, _column_of(both, name)) for name in names]
            both.append(Derived(named, ("using", id(body)), tuple(merged)))
        return both

    def _merged(self, body: Fields, left: Sequence[Range], right: Sequence[Range]) -> None:
        """USING compares columns of one name; NATURAL those that both sides have."""
        for node in body.get("usingClause", ()):
            for name in strings([node]):
                self._compared(node, _column_of(left, name), _column_of(right, name))
        if body.get("isNatural"):
            plain = all(isinstance(item, Table) and not item.renamed for item in (*left, *right))
            for here, there in ((left, right), (right, left)):
                others = tuple(origin for item in there for origin in sorted(item.row().origins, key=repr)) if plain else ()
                for item in here:
                    self._note((id(body), item.key), item.row(), Way.MATCH if plain else Way.STEER, 1, others)

    # --- conditions -----------------------------------------------------------------------------------------------

    def _condition(self, node: Fields | None, level: Level, ctes: _Ctes) -> None:
        """A condition on rows, taken apart at AND and OR."""
        pending = [node] if node else []
        while pending:
            part = pending.pop()
            kind, body = kind_and_fields(part)
            if kind == "BoolExpr" and body.get("boolop") in ("AND_EXPR", "OR_EXPR"):
                pending += body.get("args", ())
            elif kind == "BoolExpr" and "NullTest" in body.get("args", [{}])[0]:
                pending += body["args"]
            elif kind == "NullTest":
                flow = self._value(body["arg"], level, ctes)
                if not flow.is_bare:
                    self._steers(part, flow)
            else:
                narrow = _NARROW.get(kind)
                if narrow is not None and narrow(self, part, body, level, ctes):
                    continue
                self._steers(part, self._value(part, level, ctes))

    def _equality(self, part: Fields, body: Fields, level: Level, ctes: _Ctes) -> bool:
        """Column = value, column IN (values), column = column; anything else is left to the caller."""
        if strings(body.get("name")) not in (["="], ["pg_catalog", "="]):
            return False
        left, right = body.get("lexpr", {}), body.get("rexpr", {})
        kind = body.get("kind", "AEXPR_OP")
        if kind == "AEXPR_IN":
            values = right.get("List", {}).get("items", ())
            if len(values) > MOST_VALUES or not all(map(is_constant, values)):
                return False
            return self._held_against(part, left, level, ctes, len(values))
        if kind not in ("AEXPR_OP", "AEXPR_NOT_DISTINCT"):
            return False
        if "RowExpr" in left and "RowExpr" in right:
            pairs = list(zip(left["RowExpr"].get("args", ()), right["RowExpr"].get("args", ()), strict=False))
            for one, other in pairs:
                pair = {"kind": "AEXPR_OP", "name": body["name"], "lexpr": one, "rexpr": other}
                if not self._equality(one, pair, level, ctes):
                    self._steers(one, joined([self._value(one, level, ctes), self._value(other, level, ctes)]))
            return True
        for column, value in ((left, right), (right, left)):
            if is_constant(value):
                return self._held_against(part, column, level, ctes, 1)
        one, other = self._bare(left, level, ctes), self._bare(right, level, ctes)
        if one is None or other is None:
            return False
        self._compared(part, one, other)
        return True

    def _held_against(self, part: Fields, column: Fields, level: Level, ctes: _Ctes, times: int) -> bool:
        flow = self._bare(column, level, ctes)
        if flow is not None:
            self._note(part, flow, Way.COMPARE, times)
        return flow is not None

    def _is_member(self, part: Fields, body: Fields, level: Level, ctes: _Ctes) -> bool:
        """Column IN (a sub-select of one bare column), or EXISTS, where the sub-select's own conditions are all."""
        query = kind_and_fields(body["subselect"])
        if body.get("subLinkType") == "EXISTS_SUBLINK":
            self.statement(*query, ctes, level)
            return True
        operator = strings(body.get("operName")) or ["="]
        column = self._bare(body.get("testexpr", {}), level, ctes)
        if body.get("subLinkType") != "ANY_SUBLINK" or operator != ["="] or column is None:
            return False
        items = self.statement(*query, ctes, level)
        if len(items) != 1 or isinstance(items[0], Range) or not items[0].flow.is_bare:
            return False
        self._compared(part, column, items[0].flow)
        return True

    def _compared(self, place: object, one: Flow, other: Flow) -> None:
        """Two columns are held equal; only as they are, and of different rows, do they match."""
        plain = one.is_bare and other.is_bare
        for at, (here, there) in enumerate(((one, other), (other, one))):
            others = tuple(sorted(there.origins, key=repr)) if plain else ()
            self._note((id(place), at), here, Way.MATCH if plain else Way.STEER, 1, others)

    def _bare(self, node: Fields, level: Level, ctes: _Ctes) -> Flow | None:
        """The flow of a column as it is, or cast to text of any length; None for anything else."""
        kind, body = kind_and_fields(node)
        while kind == "TypeCast" and _is_whole_text(body.get("typeName", {})):
            kind, body = kind_and_fields(body["arg"])
        if kind != "ColumnRef":
            return None
        flow = self._value({kind: body}, level, ctes)
        return flow if flow.is_bare else None

    # --- values ---------------------------------------------------------------------------------------------------

    def _value(self, node: Fields, level: Level, ctes: _Ctes) -> Flow:
        """What an expression derives from. Clauses inside it that decide on rows are noted on the way."""
        if "ColumnRef" in node:
            return self._column(node["ColumnRef"], level)
        if "A_Const" in node or "ParamRef" in node:
            return CONSTANT
        flows: list[Flow] = []
        is_mixed = False
        pending = [kind_and_fields(node)] if node else []
        while pending:
            kind, body = pending.pop()
            if kind == "ColumnRef":
                flows.append(self._column(body, level))
            elif kind == "SelectStmt":
                flows.append(self._whole(self.statement(kind, body, ctes, level)))
                is_mixed = True
            elif kind == "SubLink" and body.get("subLinkType") == "EXISTS_SUBLINK":
                self.statement(*kind_and_fields(body["subselect"]), ctes, level)
            elif kind == "FuncCall":
                flows.append(self._call(body, level, ctes))
            elif kind not in ("A_Const", "ParamRef", "TypeName"):
                pending += children(body)
        return joined(flows, is_mixed=is_mixed and any(flow.origins for flow in flows))

    def _column(self, body: Fields, level: Level) -> Flow:
        fields = body.get("fields", ())
        parts = strings(fields)
        self._visits.count(sum(item.breadth for outer in level.levels() for item in outer.ranges))
        if not parts:
            return joined(item.row() for item in level.ranges)
        if len(parts) != len(fields):
            row = level.row_of(parts[-1])
            return row if row is not None else Flow(frozenset((Origin(None),)), frozenset(parts), False, True, False)
        return level.reference(parts)

    def _whole(self, items: Sequence[Item]) -> Flow:
        return joined(map(flow_of, items))

    def _call(self, body: Fields, level: Level, ctes: _Ctes) -> Flow:
        """A function's arguments, and what its FILTER, ORDER BY and OVER decide."""
        arguments = [self._value(argument, level, ctes) for argument in body.get("args", ())]
        if function_name(body) == "count" and arguments and not (arguments[0].is_bare and "agg_distinct" not in body):
            for argument in arguments:
                self._steers(body, argument)
        if gives_rows(body):
            for argument in arguments:
                self._note(body, argument, Way.SEARCH if unfolds(body) and not argument.is_mixed else Way.STEER)
        flows = list(arguments)
        if "agg_filter" in body:
            self._condition(body["agg_filter"], level, ctes)
            flows.append(self._value(body["agg_filter"], level, ctes))
        for node in body.get("agg_order", ()):
            flow = self._value(node.get("SortBy", {}).get("node", {}), level, ctes)
            if "agg_within_group" not in body:  # there it is what the aggregate is of
                self._steers(node, flow)
            flows.append(flow)
        if "over" in body:
            flows += [self._window(body["over"], level, ctes), level.windows]
        return joined(flows)


def _moves(target: Fields) -> bool:
    """Whether SET only moves a column by a value: balance = balance - $1."""
    value = target.get("val", {}).get("A_Expr", {})
    if strings(value.get("name")) not in (["+"], ["-"], ["*"], ["||"]) or not is_constant(value.get("rexpr", {})):
        return False
    return strings(value.get("lexpr", {}).get("ColumnRef", {}).get("fields"))[-1:] == [target.get("name")]


def _has_clauses(select: Fields) -> bool:
    return not select.keys().isdisjoint(("withClause", "sortClause", "limitCount", "limitOffset"))


def _alternatives(left: Sequence[Item], right: Sequence[Item]) -> tuple[Item, ...]:
    """The columns of a set operation: named by the left side, from either."""
    if len(left) == len(right) and not any(isinstance(item, Range) for item in (*left, *right)):
        return tuple(
            Shown(a.name, either([a.flow, b.flow]))
            for a, b in zip(left, right, strict=True)
            if isinstance(a, Shown) and isinstance(b, Shown)
        )
    everything = replace(joined(map(flow_of, (*left, *right))), is_bare=False)
    return (*(Shown(item.name, everything) for item in left if isinstance(item, Shown)), Shown(None, everything))


def _at(shown: Sequence[Item], position: int) -> Flow:
    """The result column at *position*, counted from 1."""
    for before, item in enumerate(shown):
        if isinstance(item, Range):
            # Beyond the columns of that table, the catalog takes it for anything.
            return item.at(position - before) if isinstance(item, Table) else joined(map(flow_of, shown))
        if before + 1 == position:
            return item.flow
    return CONSTANT


def _column_of(ranges: Sequence[Range], name: str) -> Flow:
    """The column that USING names on one side of a join."""
    flows = [flow for item in ranges if (flow := item.column(name)) is not None]
    return either(flows) if flows else CONSTANT


def _is_star(value: Fields) -> bool:
    kind, body = kind_and_fields(value)
    parts = body.get("fields" if kind == "ColumnRef" else "indirection", [{}])
    return kind in ("ColumnRef", "A_Indirection") and "A_Star" in parts[-1]


def _repeating(tables: Sequence[Fields]) -> tuple[frozenset[str], bool]:
    """The CTEs of a WITH RECURSIVE that refer to themselves or to a later one, and whether any does the latter."""
    later = [table["ctename"] for table in tables]
    found, looks_ahead = set(), False
    for table in tables:
        name = table["ctename"]
        inside = {body.get("relname") for kind, body in descendants("CommonTableExpr", table) if kind == "RangeVar"}
        if not inside.isdisjoint(later):
            found.add(name)
        later.remove(name)
        looks_ahead |= not inside.isdisjoint(later)
    return frozenset(found), looks_ahead


def _is_whole_text(type_name: Fields) -> bool:
    return strings(type_name.get("names"))[-1:] in (["text"], ["varchar"]) and type_name.keys().isdisjoint(
        ("typmods", "arrayBounds")
    )


def _called(value: Fields) -> str | None:
    """What the server calls a result column without an alias (FigureColname); None where we don't work it out."""
    return _figured(value)[0]


def _figured(value: Fields) -> tuple[str | None, bool]:
    """The name, and whether a cast around it keeps it."""
    kind, body = kind_and_fields(value)
    if kind in ("ColumnRef", "FuncCall"):
        parts = strings(body.get("fields" if kind == "ColumnRef" else "funcname"))
        return (parts[-1], True) if parts else (None, True)
    if kind == "TypeCast":
        name, is_strong = _figured(body["arg"])
        return (name, True) if is_strong else (strings(body.get("typeName", {}).get("names"))[-1], False)
    if kind == "CollateClause":
        return _figured(body["arg"])
    if kind == "CaseExpr":
        name, is_strong = _figured(body["defresult"]) if "defresult" in body else (None, False)
        return (name, True) if is_strong else ("case", False)
    if kind == "A_Expr":
        return ("nullif", True) if body.get("kind") == "AEXPR_NULLIF" else ("?column?", False)
    return _NAMES.get(kind, (None, True))


_NAMES: dict[str, tuple[str | None, bool]] = {
    "A_ArrayExpr": ("array", True),
    "A_Const": ("?column?", False),
    "BoolExpr": ("?column?", False),
    "BooleanTest": ("?column?", False),
    "CoalesceExpr": ("coalesce", True),
    "GroupingFunc": ("grouping", True),
    "NullTest": ("?column?", False),
    "ParamRef": ("?column?", False),
    "RowExpr": ("row", True),
}

# The functions of FROM whose columns' names we know beside those that an alias gives.
_VALUE = frozenset({"value"})
_KEY_VALUE = frozenset({"key", "value"})
_COLUMNS_OF: dict[str, frozenset[str]] = {
    "generate_series": frozenset(),
    "generate_subscripts": frozenset(),
    "json_array_elements": _VALUE,
    "json_array_elements_text": _VALUE,
    "json_each": _KEY_VALUE,
    "json_each_text": _KEY_VALUE,
    "json_object_keys": frozenset(),
    "jsonb_array_elements": _VALUE,
    "jsonb_array_elements_text": _VALUE,
    "jsonb_each": _KEY_VALUE,
    "jsonb_each_text": _KEY_VALUE,
    "jsonb_object_keys": frozenset(),
    "regexp_split_to_table": frozenset(),
    "string_to_table": frozenset(),
}

_CHANGES: dict[str, Callable[[_Reading, Fields, Level, Table, _Ctes], None]] = {
    "InsertStmt": _Reading._insert,
    "UpdateStmt": _Reading._update,
    "DeleteStmt": _Reading._delete,
    "MergeStmt": _Reading._merge,
}
_NARROW: dict[str, Callable[[_Reading, Fields, Fields, Level, _Ctes], bool]] = {
    "A_Expr": _Reading._equality,
    "SubLink": _Reading._is_member,
}
_RANGES: dict[str, Callable[[_Reading, Fields, Level, _Ctes], list[Range]]] = {
    "JoinExpr": _Reading._join,
    "RangeFunction": _Reading._function,
    "RangeSubselect": _Reading._subselect,
    "RangeTableSample": _Reading._sample,
    "RangeVar": _Reading._range_var,
}
