"""``doorward policy replay``: what proposed rules would have done to what the log has."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from doorward.cli.client import data_directory, not_running
from doorward.cli.options import AsJson, DataDir
from doorward.cli.policy_texts import texts_of
from doorward.cli.searching import Since
from doorward.cli.terminal import chain_text, console, one_line, say_json, verdict_text

if TYPE_CHECKING:
    from rich.console import Console

    from doorward.rehearsal.replaying import Change, Replayed

Processes = Annotated[
    int, typer.Option(help="How many processes share the work.  [default: one a core]", min=0, show_default=False)
]
KINDS_SHOWN = 20
PEOPLE_SHOWN = 4


def replay_rules(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The proposed rules: a folder of *.cedar files.")],
    since: Since = "",
    processes: Processes = 0,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide anew, by proposed rules, on every statement that the log has, and tell what would have come out differently.

    Nothing is run. People have the groups that they have now, and tables the labels that were last read.

    Example: doorward policy replay ./policy --since 7d
    """
    from doorward.audit.reader import LogReader
    from doorward.clock import now_us
    from doorward.control.moments import moment_us
    from doorward.rehearsal.parts import first_since, replay_log
    from doorward.rehearsal.replaying import Plan
    from doorward.store.names import read_names

    proposed = texts_of(folder, data_dir)
    data = data_directory(data_dir)
    stored = read_names(data.store)
    if stored is None or not data.log.is_dir():
        raise not_running(data)
    reader = LogReader(data.log)
    start, stop = first_since(reader, moment_us(since, now_us(), None)), reader.size()
    in_force = texts_of(None, data_dir).files
    plan = Plan(data.log, proposed.files, in_force, stored, data.day_keys, data.wrapping_key)
    with _Progress(stop - start, quiet=as_json) as progress:
        replayed = replay_log(plan, start, stop, processes or os.cpu_count() or 1, progress)
    if as_json:
        say_json(_as_json(replayed))
    else:
        _show(replayed, proposed.where)


class _Progress:
    """A bar on standard error, where that is a terminal."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console(stderr=True),
            disable=quiet or not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task("replay", total=total)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._bar.stop()

    def __call__(self, count: int) -> None:
        self._bar.advance(self._task, count)


# What becomes of a statement -> how it is summed up.
_SUMS = {
    "deny": "would have been denied",
    "hold": "would have been held",
    "allow": "would have been allowed",
    "shown": "would have shown more in clear",
    "hidden": "would have been masked more",
}


def sums_of(replayed: Replayed) -> dict[str, tuple[int, int]]:
    """How many statements of how many people, by what would have become of them. What comes anyway is left out."""
    counts = dict.fromkeys(_SUMS, 0)
    people: dict[str, set[str]] = {word: set() for word in _SUMS}
    for change, count in replayed.changes.items():
        if change.anyway:
            continue
        words = [change.after] if change.after != change.before else []
        words += ["shown"] * bool(change.shown) + ["hidden"] * bool(change.hidden)
        for word in words:
            counts[word] += count
            people[word].add(change.person)
    return {word: (counts[word], len(people[word])) for word in _SUMS}


def _as_json(replayed: Replayed) -> dict[str, Any]:
    return {
        "statements": replayed.statements,
        "judged": replayed.judged,
        "not_judged": dict(replayed.unjudged),
        "would_have_been": {word: {"statements": count, "people": who} for word, (count, who) in sums_of(replayed).items()},
        "changes": [
            {
                "count": count,
                "who": change.chain,
                "for": change.person,
                "before": change.before,
                "after": change.after,
                "rules": change.rules,
                "shown": change.shown,
                "hidden": change.hidden,
                "anyway": change.anyway,
                "example": {"index": replayed.examples[change][0], "statement": replayed.examples[change][1]},
            }
            for change, count in replayed.changes.most_common()
        ],
    }


def _show(replayed: Replayed, where: str) -> None:
    out = console()
    out.print(f"{replayed.statements:,} statements in the log, {replayed.judged:,} of them judged by {where}")
    for why, count in replayed.unjudged.most_common():
        out.print(Text(f"{count:,} not judged: {why}", style="yellow"))
    out.print()
    for word, (count, people) in sums_of(replayed).items():
        style = {"deny": "red", "hold": "yellow", "allow": "green", "shown": "magenta"}.get(word, "default")
        who = f"  from {people} {'person or service' if people == 1 else 'people and services'}" if count else ""
        out.print(
            Text(f"{count:>9,}", style=f"bold {style}" if count else "dim").append(f"  {_SUMS[word]}{who}", style="default")
        )
    anyway = sum(count for change, count in replayed.changes.items() if change.anyway)
    if anyway:
        words = "  would come out so by the rules in force, too: catalog, groups or rules have changed since"
        out.print(Text(f"{anyway:>9,}", style="dim").append(words, style="dim"))
    kinds = _kinds(replayed)
    for kind in kinds[:KINDS_SHOWN]:
        out.print()
        _show_kind(out, replayed, kind)
    if len(kinds) > KINDS_SHOWN:
        out.print(f"[dim]and {len(kinds) - KINDS_SHOWN} more kinds of change; --json has all[/]")


def _kinds(replayed: Replayed) -> list[list[tuple[Change, int]]]:
    """Changes that differ in nothing but who it is, the most frequent first."""
    kinds: dict[tuple[object, ...], list[tuple[Change, int]]] = {}
    for change, count in replayed.changes.most_common():
        if not change.anyway:
            key = (change.before, change.after, change.rules, change.shown, change.hidden)
            kinds.setdefault(key, []).append((change, count))
    return sorted(kinds.values(), key=lambda kind: -sum(count for _change, count in kind))


def _show_kind(out: Console, replayed: Replayed, kind: list[tuple[Change, int]]) -> None:
    change = kind[0][0]
    line = Text(f"{sum(count for _change, count in kind):>9,}  ", style="bold").append(verdict_text(change.before))
    if change.after != change.before:
        line.append(" -> ", style="dim").append(verdict_text(change.after))
    if change.shown:
        line.append(f", shows {', '.join(change.shown)}", style="magenta")
    if change.hidden:
        line.append(f", masks {', '.join(change.hidden)}")
    if change.after != change.before:
        line.append(f"  by {', '.join(change.rules)}", style="default")
    out.print(line)
    who = Text(", ").join(chain_text(one.chain).append(f" ({count:,})", style="dim") for one, count in kind[:PEOPLE_SHOWN])
    if len(kind) > PEOPLE_SHOWN:
        who.append(f" and {len(kind) - PEOPLE_SHOWN} more", style="dim")
    index, example = replayed.examples[change]
    out.print(Padding(who, (0, 0, 0, 11), expand=False))
    example_line = Text(f"entry {index}: ", style="dim").append(one_line(example), style="default")
    example_line.truncate(max(20, out.width - 11), overflow="ellipsis")
    out.print(Padding(example_line, (0, 0, 0, 11), expand=False))
