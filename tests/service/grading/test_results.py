"""Results as the administration reads them, on a real database and store."""

from __future__ import annotations

import pytest

from contracts.errors.grading import NotFound
from contracts.model import Role
from contracts.rpc.grading.results import ListResults, Results, ResultsFile
from services.grading.usecases import results
from tests.service.grading.desk import Desk, counted, person
from tests.service.grading.school import candidate_ids, identify, import_roster


def listed(desk: Desk, **more: object) -> Results:
    return results.list_results(desk.app, ListResults(exam_id=desk.exam_id, by=desk.admin, **more))


@pytest.fixture
def term(desk: Desk) -> Desk:
    """Jade's copy is graded, Louise's is not, Ethan has none; one copy is nobody's."""
    import_roster(desk.app, desk.exam_id, desk.admin)
    who = candidate_ids(desk.app, desk.exam_id, desk.admin)
    identify(desk, desk.graded(), who["Jade"])
    identify(desk, desk.add_copy(), who["Louise"])
    desk.graded()
    return desk


def test_every_candidate_is_listed_with_or_without_a_copy(term: Desk) -> None:
    found = listed(term)
    told = [(each.first_name, each.state, each.total) for each in found.items]
    assert told == [("Ethan", "no_copy", None), ("Louise", "marking", None), ("Jade", "graded", found.items[2].total)]
    assert str(found.items[2].total) == "14.750"
    assert (found.total, found.graded, found.marking, found.no_copy, found.unidentified) == (3, 1, 1, 1, 1)


def test_results_are_read_in_pages(term: Desk) -> None:
    first = listed(term, limit=2)
    rest = listed(term, limit=2, cursor=first.next)
    assert [each.first_name for each in (*first.items, *rest.items)] == ["Ethan", "Louise", "Jade"]
    assert (first.total, rest.next) == (3, None)


def test_a_list_of_results_takes_three_queries(term: Desk) -> None:
    """P1.7."""
    listed(term)
    with counted(term.db) as statements:
        listed(term)
    assert len([each for each in statements if each.startswith("SELECT")]) == 3


@pytest.mark.parametrize("role", [Role.MARKER, Role.OPERATOR, Role.CANDIDATE])
def test_names_beside_marks_are_the_administrators(term: Desk, role: Role) -> None:
    with pytest.raises(NotFound):
        results.list_results(term.app, ListResults(exam_id=term.exam_id, by=person("X", role)))
    with pytest.raises(NotFound):
        results.make_results_file(term.app, ResultsFile(exam_id=term.exam_id, format="csv", by=person("X", role)))


def test_files_have_every_candidate_and_only_final_marks(term: Desk) -> None:
    made = results.make_results_file(term.app, ResultsFile(exam_id=term.exam_id, format="pronote", by=term.admin))
    assert term.app.objects.get(made.file).decode("utf-8-sig").splitlines()[1:] == [
        "DA SILVA;Ethan;TG2;024050944HH;;20;",
        "DA SILVA;Louise;TG2;294070403HD;;20;",
        "ROBIN;Jade;TG1;6743314192F;14,75;20;",
    ]
    made = results.make_results_file(term.app, ResultsFile(exam_id=term.exam_id, format="csv", by=term.admin))
    last = term.app.objects.get(made.file).decode().splitlines()[-1]
    assert last.startswith("ROBIN,Jade,TG1,6743314192F,2008-01-03,")
    assert last.endswith(",graded,14.75,20,6.25,8,0.5")
