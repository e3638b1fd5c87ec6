"""The scheme: a tree whose leaves get scores and add up to the exam's total."""

from decimal import Decimal
from typing import get_args

from contracts.errors.grading_exams import SchemeInvalid
from services.grading.domain.scheme import (
    Node,
    Problem,
    Reason,
    as_json,
    counted_points,
    from_json,
    impact,
    leaves,
    problems,
    step_fits,
)

QUARTER = Decimal("0.25")
TREE = (
    Node(
        "ex1", "Exercice 1", children=(Node("1a", "Question 1", Decimal(4)), Node("1b", "Question 2", Decimal("2.5")))
    ),
    Node("ex2", "Exercice 2", Decimal("13.5")),
    Node("soin", "Soin", bonus=True, children=(Node("copie", "Présentation", Decimal(1)),)),
)


def test_leaves_come_in_the_order_of_the_paper_with_their_path():
    found = leaves(TREE)
    assert [leaf.item_id for leaf in found] == ["1a", "1b", "ex2", "copie"]
    assert found[1].path == ("Exercice 1", "Question 2")


def test_a_leaf_below_a_bonus_branch_does_not_count():
    assert leaves(TREE)[3].bonus
    assert counted_points(TREE) == Decimal(20)  # 21 if the branch's bonus stayed with the branch


def test_all_problems_are_told_at_once():
    wrong = (
        Node("a", "A", Decimal(1), children=(Node("b", "B", Decimal("0.3")),)),
        Node("a", "  ", None),
        Node("c", "C", Decimal(0)),
    )
    assert problems(wrong, QUARTER) == (
        Problem("a", "points_and_children"),
        Problem("b", "not_a_multiple_of_step"),
        Problem("a", "duplicate_id"),
        Problem("a", "no_label"),
        Problem("a", "no_points"),
        Problem("c", "not_positive"),
    )


def test_the_seventh_level_is_too_deep_and_the_sixth_is_not():
    def nested(depth: int) -> Node:
        node = Node(str(depth), "x", Decimal(1))
        for level in range(depth - 1, 0, -1):
            node = Node(str(level), "x", children=(node,))
        return node

    assert problems((nested(6),), QUARTER) == ()
    assert problems((nested(7),), QUARTER) == (Problem("7", "too_deep"),)


def test_an_empty_tree_has_no_items():
    assert problems((), QUARTER) == (Problem("", "no_items"),)


def test_steps_divide_a_point_and_the_total():
    assert step_fits(Decimal("0.25"), Decimal("20.5"))
    assert not step_fits(Decimal("0.3"), Decimal(21))  # 0.3 divides 21, but no mark of 1 point exists
    assert not step_fits(Decimal(1), Decimal("20.5"))


def test_impact_counts_copies_with_a_score_on_an_item_gone_or_above_its_maximum():
    marked = [{"1a": Decimal(4)}, {"1a": Decimal("4.25")}, {"gone": Decimal(0)}]
    assert (impact(TREE, marked).marked, impact(TREE, marked).affected) == (3, 2)


def test_stored_points_are_exact():
    tree = (Node("a", "A", Decimal("0.10")), Node("b", "B", Decimal("0.20")))
    assert counted_points(from_json(as_json(tree))) == Decimal("0.3")  # floats give 0.30000000000000004


def test_every_problem_has_words_in_both_languages():
    assert set(SchemeInvalid.REASONS) == set(get_args(Reason))
