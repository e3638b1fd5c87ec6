"""What is taken without a person, what waits for one, and which decisions are doubted."""

import pytest

from services.grading.domain.evidence import Roster
from services.grading.domain.identity import Candidate
from services.grading.domain.verdict import Header, confidences, judge, ranking
from tests.unit.grading.seen import header

NAMES = [("ROBIN", "Jade"), ("DA SILVA", "Ethan"), ("DA SILVA", "Louise"), ("GIRARD", "Nina"), ("PARIS", "Yasmine")]
NUMBERS = ["024050944HH", "6743314192F", "294070403HD", "839507488DB", "158825741BC"]
CANDIDATES = [Candidate(f"c{at}", *NAMES[at], NUMBERS[at]) for at in range(5)]
CANDIDATES += [Candidate(f"x{at}", f"{a}{b}OVEN", f"{b}{a}ELIE", f"9{at:02d}765432CD")
               for at, (a, b) in enumerate((a, b) for a in "BCDFGHKLMN" for b in "AEIOU")]  # fmt: skip
BUDGET = 0.001


def exam(*fields, candidates=CANDIDATES, **given):
    """Copies p0, p1, … with these fields, and what people decided about them."""
    roster = Roster(candidates)
    ids = [each.id for each in candidates]
    headers = {}
    for at, each in enumerate(fields):
        nats = roster.weigh(each)
        headers[f"p{at}"] = Header(None if nats is None else ranking(ids, nats), given.get(f"p{at}"))
    return headers


def judged(*fields, candidates=CANDIDATES, budget=BUDGET, **given):
    return judge(exam(*fields, candidates=candidates, **given), len(candidates), budget)


def accepted(verdicts):
    return {which: each.candidate for which, each in verdicts.items() if each.accepted}


def test_clean_names_are_enough():
    assert accepted(judged(header("ROBIN", "Jade"), header("DA SILVA", "Louise"))) == {"p0": "c0", "p1": "c2"}


def test_somebody_who_is_not_on_the_roster_is_left_to_a_person():
    for stranger in (
        header("MARCHAND", "Cyril"),
        header("DA SILVA", "Marc"),
        header("ROBIN", "Louise"),
        header("ROBIN"),
    ):
        assert accepted(judged(stranger)) == {}


def test_a_strangers_number_does_not_make_a_sibling_of_them():
    assert accepted(judged(header("DA SILVA", "Marc", "555666777AB"))) == {}


def test_homonyms_are_never_taken_for_each_other():
    twins = [
        *CANDIDATES,
        Candidate("t1", "MOREL", "Léa", "111111111AA"),
        Candidate("t2", "MOREL", "Léa", "222222222BB"),
    ]
    assert accepted(judged(header("MOREL", "LEA"), candidates=twins)) == {}
    assert accepted(judged(header("MOREL", "LEA"), header("MOREL", "LEA"), candidates=twins)) == {}
    assert accepted(judged(header("MOREL", "LEA", "222222222BB"), candidates=twins)) == {"p0": "t2"}


def test_two_copies_of_one_name_are_both_left_to_a_person():
    assert accepted(judged(header("ROBIN", "Jade"), header("ROBIN", "Jade"))) == {}


def test_a_number_that_names_somebody_else_is_left_to_a_person():
    assert accepted(judged(header("ROBIN", "Jade", CANDIDATES[3].ine))) == {}


def test_a_wrong_digit_does_not_matter_when_the_names_agree():
    assert accepted(judged(header("ROBIN", "Jade", "024050744HH"))) == {"p0": "c0"}


def test_no_budget_accepts_nobody():
    assert accepted(judged(header("ROBIN", "Jade", CANDIDATES[0].ine), budget=0.0)) == {}


def test_people_win_and_the_rest_follows():
    """The copy that reads ROBIN was decided to be somebody else's: another one may be ROBIN's then."""
    verdicts = judged(header("ROBIN", "Jade"), header("ROBIN", "Jade"), p0="c3")
    assert verdicts["p0"].candidate == "c3"
    assert not verdicts["p0"].accepted
    assert accepted(verdicts) == {"p1": "c0"}


def test_a_candidate_whom_a_person_gave_away_is_nobody_elses():
    assert accepted(judged(header("ROBIN", "Jade"), [], p1="c0")) == {}


def test_a_copy_left_to_a_person_is_not_taken():
    headers = exam(header("ROBIN", "Jade"))
    assert accepted(judge({"p0": Header(headers["p0"].ranked, left=True)}, len(CANDIDATES), BUDGET)) == {}


def test_decisions_that_read_exchanged_are_doubted():
    verdicts = judged(
        header("ROBIN", "Jade"), header("GIRARD", "Nina"), header("PARIS", "Yasmine"), p0="c3", p1="c0", p2="c4"
    )
    assert [verdicts[f"p{at}"].doubt for at in range(3)] == ["exchanged", "exchanged", None]


def test_a_decision_beside_a_much_better_candidate_is_doubted():
    assert judged(header("ROBIN", "Jade"), p0="c3")["p0"].doubt == "unlikely"
    assert judged(header("ROBIN", "Jade"), p0="c0")["p0"].doubt is None


def test_a_copy_of_which_nothing_was_read_is_nobodys_and_in_nobodys_way():
    verdicts = judged([], header("ROBIN", "Jade"))
    assert (verdicts["p0"].candidate, verdicts["p0"].probability) == (None, 0.0)
    assert accepted(verdicts) == {"p1": "c0"}


def test_when_most_copies_are_strangers_the_others_are_taken_less_easily():
    """The wrong roster was imported: a likeness by chance is no proof there."""
    typo = header("ROBUN", "Jade")
    alone = judged(typo)["p0"].probability
    among = judged(typo, *(header(f"Z{a}CHTOR", f"W{a}LDO") for a in "AEIOUBCDFG"))["p0"].probability
    assert among < alone


def test_confidences_leave_a_share_for_nobody():
    shares = confidences([("a", 12.0), ("b", 5.0)], 100)
    assert 0.99 < shares["a"] < 1
    assert sum(shares.values()) < 1
    assert confidences([("a", -7.0)], 100)["a"] < 0.01
    assert confidences([], 100) == {}


def test_the_ranking_keeps_the_rosters_order_between_equals():
    nats = Roster([Candidate(1, "MOREL", "Léa"), Candidate(2, "MOREL", "Léa")]).weigh(header("MOREL", "LEA"))
    assert [which for which, _ in ranking([1, 2], nats)] == [1, 2]
    assert ranking([1, 2], nats)[0][1] == pytest.approx(ranking([1, 2], nats)[1][1])
