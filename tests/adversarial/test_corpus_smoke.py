"""A part of the corpus on every run of the tests: each class of attack, and ordinary work. `make adversarial` plays it all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doorward.control.operators import LOCAL
from doorward.model.catalog import Label
from tests.adversarial import benign, corpus
from tests.adversarial.corpus import Entry
from tests.adversarial.play import FORMS, play
from tests.adversarial.runner import OWN, Report, attack, work
from tests.adversarial.stage import Stage, staged
from tests.live.servers import Server

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

ENTRIES = [entry for path in OWN for entry in corpus.load(path)]
# As many of each class of each file; the first ones of own.json are those that once got through.
A_CLASS = 3


def _some(role: str) -> list[Entry]:
    taken: dict[tuple[str, str], list[Entry]] = {}
    for entry in ENTRIES:
        listed = taken.setdefault((entry.id.split("-")[0], entry.cls), [])
        if entry.role == role and not entry.control and not entry.limit and len(listed) < A_CLASS:
            listed.append(entry)
    return [entry for listed in taken.values() for entry in listed]


@pytest.fixture(scope="module", params=["app", "superuser"])
def stage(request: pytest.FixtureRequest, postgres18: Server) -> Iterator[Stage]:
    """A Doorward that signs in as an ordinary role, and one that signs in as superuser."""
    with staged(postgres18, request.param, corpus.FIXTURE) as made:
        yield made


def test_no_class_of_attack_gets_through(stage: Stage) -> None:
    """Nothing leaks and nothing denied runs, whatever role Doorward signs in with."""
    report = Report()
    attack(stage, _some("app" if stage.upstream.user == "app" else "superuser"), report, FORMS[:1])
    assert report.is_clean, "\n".join(report.lines())
    assert len(report.leak_ids) + len(report.guardrail_ids) > 5


def test_ordinary_work_goes_on(stage: Stage) -> None:
    """Everyday statements run, with the right columns masked, in both protocols."""
    if stage.upstream.user != "app":
        pytest.skip("once is enough")
    report = Report()
    work(stage, benign.load()[::6], report, ("simple", "binary"))
    assert report.is_clean, "\n".join(report.lines())


def test_known_limits_are_as_the_documentation_says(stage: Stage) -> None:
    """An entry marked as a limit gets through; once it doesn't, the mark and docs/limits.md have to go."""
    if stage.upstream.user != "app":
        pytest.skip("once is enough")
    stopped = [entry.id for entry in ENTRIES if entry.limit and not play(entry, stage, "simple").fault]
    assert stopped == []


def test_what_people_protect_is_protected_in_views_too(stage: Stage) -> None:
    """A verdict on a column reaches the views over it with the next reading, which it asks for."""
    stage.prepare(("CREATE VIEW vv AS SELECT id AS n, v AS x FROM victim", "GRANT SELECT ON vv TO app"))
    catalog = stage.running.control.office.catalog

    def label(table: str, name: str) -> Label:
        rows = [row for row in catalog.rows(table=table) if row.relation.name == table and row.column.name == name]
        return rows[0].column.label

    assert label("vv", "x") is Label.NONE
    row = next(r for r in catalog.rows(table="public.victim") if r.column.name == "v")
    stage.running.do(
        catalog.decide(LOCAL, stage.upstream.name, row.relation.oid, row.column.number, Label.NATIONAL_ID, "it is one")
    )
    assert stage.running.control._touched.is_set()
    stage.read_catalog(anew=False)
    assert label("vv", "x") is Label.NATIONAL_ID
