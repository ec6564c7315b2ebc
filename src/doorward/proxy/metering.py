"""How much an agent does: statements a minute, rows an hour, and what its task has left. Counted by each gateway for itself."""

from __future__ import annotations

from collections import deque

from doorward.model.agents import Terms
from doorward.model.bounds import Bounds
from doorward.model.decision import Reason

_MINUTE_US = 60_000_000
# Rows are counted by the minute: what an hour ago was is forgotten that exactly.
_MINUTES = 60
MOST_METERED = 10_000

LIMIT_RULE = "limits-of-the-agent"
TASK_RULE = "task-of-the-agent"
TOKEN_RULE = "token-of-the-agent"


class AgentMeter:
    """What one agent did lately. The terms may change; what was counted stays."""

    def __init__(self) -> None:
        self._statements: deque[int] = deque()
        self._rows: deque[list[int]] = deque()  # minute, rows
        self._of_task: dict[str, int] = {}

    def begin(self, terms: Terms, now_us: int) -> Reason | None:
        """Count a statement, or say why it may not be."""
        task, limits = terms.task, terms.limits
        if terms.until_us and now_us >= terms.until_us:
            return Reason(
                TOKEN_RULE, "What the agent signed in with has expired.", "Exchange the token anew, and connect again."
            )
        if task is not None and now_us >= task.until_us:
            return Reason(TASK_RULE, "The time of the task is over.", "Ask whoever gave the task for more time.")
        if self._left(terms, now_us) == 0:
            rule, what = (TASK_RULE, "the task") if self._task_left(terms) == 0 else (LIMIT_RULE, "the agent an hour")
            return Reason(rule, f"All the rows that {what} may have were read.", "Wait, or ask for a higher limit.")
        if limits.statements_per_minute:
            while self._statements and self._statements[0] <= now_us - _MINUTE_US:
                self._statements.popleft()
            if len(self._statements) >= limits.statements_per_minute:
                text = f"The agent may send {limits.statements_per_minute} statements a minute."
                return Reason(LIMIT_RULE, text, "Wait a minute, and send fewer.")
            self._statements.append(now_us)
        return None

    def rows_left(self, terms: Terms, now_us: int) -> int:
        """How many rows the next result may have; 0 for any number. (None left is what ``begin`` refuses.)"""
        left = self._left(terms, now_us)
        return 0 if left is None else max(left, 1)

    def count(self, terms: Terms, rows: int, now_us: int) -> None:
        """So many rows were given."""
        if not rows:
            return
        if terms.task is not None:
            self._of_task = {terms.task.id: self._of_task.get(terms.task.id, 0) + rows}
        if terms.limits.rows_per_hour:
            minute = now_us // _MINUTE_US
            if self._rows and self._rows[-1][0] == minute:
                self._rows[-1][1] += rows
            else:
                self._rows.append([minute, rows])

    def _left(self, terms: Terms, now_us: int) -> int | None:
        left = [number for number in (self._task_left(terms), self._hour_left(terms, now_us)) if number is not None]
        return min(left) if left else None

    def _task_left(self, terms: Terms) -> int | None:
        task = terms.task
        if task is None or not task.rows:
            return None
        return max(0, task.rows - self._of_task.get(task.id, 0))

    def _hour_left(self, terms: Terms, now_us: int) -> int | None:
        if not terms.limits.rows_per_hour:
            return None
        oldest = now_us // _MINUTE_US - _MINUTES
        while self._rows and self._rows[0][0] <= oldest:
            self._rows.popleft()
        return max(0, terms.limits.rows_per_hour - sum(rows for _minute, rows in self._rows))


class AgentMeters:
    """One meter for each agent, whatever its sessions. Without terms nobody is metered."""

    def __init__(self) -> None:
        self._meters: dict[str, AgentMeter] = {}

    def of(self, principal_id: str) -> AgentMeter:
        """The meter of an agent."""
        meter = self._meters.get(principal_id)
        if meter is None:
            if len(self._meters) >= MOST_METERED:
                del self._meters[next(iter(self._meters))]
            meter = self._meters[principal_id] = AgentMeter()
        return meter


def bounds_of(terms: Terms, scope: str | None = None) -> tuple[Bounds, ...]:
    """What the terms say of each statement by itself, and the *scope* of the token that an agent showed, None for none."""
    found = []
    if scope is not None and "write" not in scope.split():
        found.append(Bounds(TOKEN_RULE, "The token of this agent", read_only=True))
    if terms.limits.rows_per_statement:
        found.append(Bounds(LIMIT_RULE, "This agent", rows=terms.limits.rows_per_statement))
    task = terms.task
    if task is not None and (task.read_only or task.tables):
        named = f"The task {task.ticket or task.id}"
        found.append(Bounds(TASK_RULE, named, task.read_only, frozenset(task.tables)))
    return tuple(found)


def is_metered(terms: Terms) -> bool:
    """Whether anything has to be counted or looked at for each statement."""
    return terms.task is not None or bool(terms.until_us or terms.limits.rows_per_hour or terms.limits.statements_per_minute)
