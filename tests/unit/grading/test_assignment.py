"""One candidate a copy, one copy a candidate: the whole exam at once."""

import itertools

import numpy as np
import pytest

from services.grading.domain.assignment import NOBODY, cheapest, log_odds, solve


def brute_force(cost):
    rows, columns = cost.shape
    return min(
        (sum(cost[row, column] for row, column in enumerate(order)), order)
        for order in itertools.permutations(range(columns), rows)
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_cheapest_assignment_is_the_cheapest_of_all(seed):
    cost = np.random.default_rng(seed).normal(size=(4, 6))
    taken = cheapest(cost)
    assert len(set(taken.tolist())) == 4
    assert cost[range(4), taken].sum() == pytest.approx(brute_force(cost)[0])


@pytest.mark.parametrize("seed", range(10))
def test_odds_are_against_the_best_of_all_assignments_without_the_pair(seed):
    """Of each other choice of a row, the best whole assignment counts once: the bound that is added up."""
    cost = np.random.default_rng(seed).normal(size=(4, 6)) * 3
    taken = cheapest(cost)
    least, _ = brute_force(cost)
    odds = log_odds(cost, taken)
    for row in range(4):
        without = cost.copy()
        without[row, taken[row]] = 1e6
        best = brute_force(without)[0] - least
        assert best - np.log(6) <= odds[row] <= best + 1e-9


def test_who_fits_two_gets_the_one_nobody_else_fits():
    """Taken one by one, both copies are the first candidate's."""
    worth = np.array([[9.0, 8.0], [9.0, -9.0]])
    assert solve(worth, -4.0).chosen.tolist() == [1, 0]


def test_two_copies_that_fit_one_candidate_alike_are_even():
    solution = solve(np.array([[9.0], [9.0]]), -4.0)
    assert sorted(solution.chosen.tolist()) == [NOBODY, 0]
    assert abs(solution.margin).max() < 0.1


def test_two_copies_of_homonyms_are_even_whatever_else_is_certain():
    worth = np.array([[9.0, 9.0, -5.0], [9.0, 9.0, -5.0], [-5.0, -5.0, 9.0]])
    solution = solve(worth, -4.0)
    assert solution.margin[:2].max() < 0.1
    assert solution.margin[2] > 10


def test_who_fits_nobody_gets_nobody():
    assert solve(np.array([[-6.0, -7.0]]), -4.0).chosen.tolist() == [NOBODY]


def test_what_people_decided_is_kept_and_the_rest_follows():
    worth = np.array([[9.0, 3.0], [8.0, -9.0]])
    assert solve(worth, -4.0).chosen.tolist() == [1, 0]
    assert solve(worth, -4.0, {0: 0}).chosen.tolist() == [0, NOBODY]
    decided = solve(worth, -4.0, {1: 0})
    assert decided.chosen.tolist() == [1, 0]
    nobody = solve(worth, -4.0, {0: NOBODY})
    assert nobody.chosen.tolist() == [NOBODY, 0]


def exam(seed, copies=30, candidates=35):
    """Most copies fit one candidate well, some two alike, some nobody."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(-6, 3, (copies, candidates))
    for copy in range(copies):
        kind = rng.random()
        if kind < 0.9:
            worth[copy, copy] = rng.normal(10, 4)
        if kind > 0.7:
            worth[copy, rng.integers(candidates)] = rng.normal(8, 4)
    return worth


@pytest.mark.parametrize("seed", range(30))
def test_whatever_was_read_each_candidate_has_one_copy_at_most(seed):
    chosen = solve(exam(seed), -4.0).chosen
    given = [each for each in chosen.tolist() if each != NOBODY]
    assert len(given) == len(set(given))


@pytest.mark.parametrize("seed", range(15))
def test_the_order_of_copies_and_candidates_does_not_matter(seed):
    worth = exam(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(30), rng.permutation(35)
    plain, mixed = solve(worth, -4.0), solve(worth[np.ix_(rows, columns)], -4.0)
    for place, row in enumerate(rows):
        there = mixed.chosen[place]
        assert (columns[there] if there != NOBODY else NOBODY) == plain.chosen[row]
        assert mixed.margin[place] == pytest.approx(plain.margin[row], abs=1e-6)


@pytest.mark.parametrize("seed", range(15))
def test_a_decision_changes_nothing_for_copies_it_does_not_touch(seed):
    worth = exam(seed)
    free = solve(worth, -4.0)
    sure = [row for row in range(30) if free.margin[row] > 8 and free.chosen[row] != NOBODY]
    decided = solve(worth, -4.0, {sure[0]: int(free.chosen[sure[0]])})
    assert [decided.chosen[row] for row in sure] == [free.chosen[row] for row in sure]


@pytest.mark.parametrize("seed", range(15))
def test_one_more_candidate_whom_nobody_fits_changes_nobody(seed):
    worth = exam(seed)
    more = np.hstack([worth, np.full((30, 1), -12.0)])
    assert solve(more, -4.0).chosen.tolist() == solve(worth, -4.0).chosen.tolist()


def test_an_exam_without_candidates_or_copies_is_solved_too():
    assert solve(np.zeros((2, 0)), -4.0).chosen.tolist() == [NOBODY, NOBODY]
    assert solve(np.zeros((0, 3)), -4.0).chosen.tolist() == []
