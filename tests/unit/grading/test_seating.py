"""What the place of a copy in its pile says, and what it must not say."""

import random

import pytest

from services.grading.domain.identity import Candidate
from services.grading.domain.seating import MOST, Place, Seating, reranked
from services.grading.domain.verdict import Header, judge

LETTERS = "BCDFGHKLMN"
# Sixty names in the order of the list, in families of three.
LIST = [Candidate(f"c{at:02}", f"{LETTERS[at // 6]}OVEN{at // 3}", f"{LETTERS[at % 3]}ELIE") for at in range(60)]
IDS = [each.id for each in LIST]
BUDGET = 0.001


def pile(written_by, name="scan"):
    """The copy of c07 is p07; copies in the order in which they lie."""
    return {f"p{which[1:]}": Place(name, 2 * at + 1) for at, which in enumerate(written_by)}


def certain(written_by, *but):
    return {f"p{which[1:]}": which for which in written_by if which not in but}


def hints(written_by, *unsure, candidates=LIST, claimed=IDS):
    return Seating(pile(written_by), candidates).hints(certain(written_by, *unsure), claimed)


def test_a_copy_between_two_others_is_of_somebody_between_them_on_the_list():
    (found,) = hints(IDS, "c07").values()
    assert found.candidates == ("c07",)
    assert found.nats == MOST


def test_a_pile_that_begins_with_the_end_of_the_list_says_as_much():
    assert hints(IDS[::-1], "c07", "c08")["p08"].candidates == ("c08", "c07")
    assert hints(IDS[::-1], "c07") == hints(IDS, "c07")


def test_a_pile_by_class_follows_the_list_by_class_and_one_by_name_that_by_name():
    classes = [
        Candidate(each.id, each.last_name, each.first_name, class_name=f"TG{at % 2}") for at, each in enumerate(LIST)
    ]
    by_class = IDS[::2] + IDS[1::2]
    assert hints(by_class, "c08", candidates=classes)["p08"].candidates == ("c08",)
    assert hints(IDS, "c08", candidates=classes)["p08"].candidates == ("c08",)


def test_a_pile_in_no_order_says_nothing():
    for seed in range(200):
        mixed = random.Random(seed).sample(IDS, len(IDS))
        assert hints(mixed, *mixed[10:20]) == {}, seed


@pytest.mark.parametrize("sure", [2, 3, 4])
def test_few_certain_copies_say_nothing(sure):
    assert hints(IDS[:9], *IDS[1 : 9 - sure + 1]) == {}


def test_a_copy_alone_in_its_file_has_no_neighbours():
    alone = {f"p{which[1:]}": Place(which, 1) for which in IDS}
    assert Seating(alone, LIST).hints(certain(IDS, "c07"), IDS) == {}


def test_each_pile_speaks_for_itself():
    mixed = random.Random(3).sample(IDS[30:], 30)
    places = pile(IDS[:30], "one") | pile(mixed, "two")
    assert set(Seating(places, LIST).hints(certain(IDS, "c07", mixed[5]), IDS)) == {"p07"}


def test_between_neighbours_on_the_list_there_is_nobody():
    """Somebody who is on no list lies where the name belongs."""
    order = [*IDS[:8], "x", *IDS[8:]]
    assert hints(order, "x") == {}


def test_homonyms_are_not_told_apart_by_their_place():
    twins = [*LIST, Candidate("t", LIST[7].last_name, LIST[7].first_name)]
    assert set(hints(IDS, "c07", candidates=twins)["p07"].candidates) == {"c07", "t"}


def test_the_more_copies_are_out_of_place_the_less_a_place_says():
    """Every fifth candidate wrote nothing: without them a copy out of place would not be noticed."""
    written = [each for at, each in enumerate(IDS) if at % 5]
    moved = list(written)
    for at in range(4, 48, 6):
        moved.insert(random.Random(at).randrange(40), moved.pop(at))
    assert Seating(pile(written), LIST).hints(certain(written, "c56"), IDS)["p56"].nats == MOST
    assert 0 < Seating(pile(moved), LIST).hints(certain(moved, "c56"), IDS)["p56"].nats < MOST


def test_the_more_candidates_wrote_nothing_the_less_a_place_says():
    few = [each for at, each in enumerate(IDS) if at % 3 or at == 21]
    assert 0 < Seating(pile(few), LIST).hints(certain(few, "c21"), few)["p21"].nats < MOST
    assert Seating(pile(few), LIST).hints(certain(few, "c21"), IDS)["p21"].nats == MOST


def test_a_person_is_offered_those_of_the_place_when_nothing_was_read():
    found = hints(IDS, "c07", "c08")["p07"]
    assert [which for which, _ in reranked([], found)] == ["c07", "c08"]
    assert reranked([("c30", 9.0)], found)[0] == ("c30", 9.0)
    assert reranked([("c30", 9.0)], None) == [("c30", 9.0)]


# The whole exam: strangers, absentees, and headers of which one in six is hard to read.


def exam(rng, order):
    """Headers of copies in this order, and whose they are. Five of the roster wrote nothing; five of those who wrote
    are not on it, one in five of these of a family that is, and lie where their name belongs.
    """
    absent = set(rng.sample(order, 5))
    written = [each for each in order if each not in absent]
    for no in range(5):
        written.insert(rng.randrange(len(written)), f"x{no}")
    headers, truth = {}, {}
    for at, who in enumerate(written):
        beside = next(each for each in [*written[at::-1], *written[at:]] if each in IDS)
        family = IDS.index(who if who in IDS else beside) // 3 * 3
        nats = {other: rng.uniform(-9, -5) for other in rng.sample(IDS, 10)}
        if who in IDS or rng.random() < 1 / 5:
            nats |= _read(rng, IDS[family : family + 3], who)
        ranked = sorted(nats.items(), key=lambda each: -each[1])
        headers[f"p{who[1:] if who in IDS else who}"] = Header(ranked, named=True)
        truth[f"p{who[1:] if who in IDS else who}"] = who if who in IDS else None
    lying = {which: Place("scan", at) for at, which in enumerate(headers)}
    return headers, truth, lying


def _read(rng, family, who):
    """Five of six headers are clear; the rest has a letter wrong."""
    kind = rng.random()
    own = 12.0 if kind > 1 / 6 else rng.uniform(2.5, 6)
    return {each: own if each == who else own / 6 - rng.uniform(3, 6) for each in family}


def outcome(lay, seeds=range(30)):
    """(accepted without places, accepted with places, wrong with places) over many exams that lie as ``lay`` says."""
    without = given = wrong = 0
    for seed in seeds:
        rng = random.Random(seed)
        headers, truth, places = exam(rng, lay(rng))
        without += sum(each.accepted for each in judge(headers, len(LIST), BUDGET).values())
        verdicts = judge(headers, len(LIST), BUDGET, Seating(places, LIST))
        given += sum(each.accepted for each in verdicts.values())
        wrong += sum(each.accepted and each.candidate != truth[which] for which, each in verdicts.items())
    return without, given, wrong


def exchanged(rng):
    order = list(IDS)
    for at in range(0, 59, 2):
        if rng.random() < 0.2:
            order[at], order[at + 1] = order[at + 1], order[at]
    return order


def moved(rng):
    away = rng.sample(IDS, 6)
    order = [each for each in IDS if each not in away]
    for each in away:
        order.insert(rng.randrange(len(order) + 1), each)
    return order


@pytest.mark.parametrize("lay", [lambda rng: IDS, lambda rng: IDS[::-1]], ids=["straight", "reversed"])
def test_more_copies_of_an_orderly_pile_need_no_person_and_none_is_wrong(lay):
    without, given, wrong = outcome(lay)
    assert given > without + 20
    assert wrong == 0


@pytest.mark.parametrize("lay", [exchanged, moved])
def test_copies_out_of_place_are_not_given_to_whoever_stands_there(lay):
    without, given, wrong = outcome(lay)
    assert given >= without
    assert wrong == 0


def test_in_a_pile_without_order_the_same_copies_are_accepted():
    without, given, wrong = outcome(lambda rng: rng.sample(IDS, 60))
    assert (given, wrong) == (without, 0)


def test_a_header_that_says_nothing_is_nobodys_whatever_its_place():
    headers = {f"p{which[1:]}": Header([(which, 12.0)]) for which in IDS} | {"p07": Header(None)}
    verdict = judge(headers, len(LIST), 0.05, Seating(pile(IDS), LIST))["p07"]
    assert (verdict.candidate, verdict.accepted) == (None, False)


def test_a_place_never_makes_the_machine_take_another_candidate_than_the_header():
    """Even under an error budget of one in twenty, and when the header all but left the choice open."""
    headers = {f"p{which[1:]}": Header([(which, 12.0)]) for which in IDS}
    headers["p07"] = Header([("c50", 6.1), ("c07", 6.0)], named=True)
    headers["p50"] = Header(None)
    verdict = judge(headers, len(LIST), 0.05, Seating(pile(IDS), LIST))["p07"]
    assert verdict.candidate == "c07"
    assert not verdict.accepted


def test_a_last_name_alone_is_not_made_sure_by_its_place():
    """The first name was not read: a brother who is on no list would lie there as well."""
    headers = {f"p{which[1:]}": Header([(which, 12.0)]) for which in IDS}
    for named, accepted in ((False, False), (True, True)):
        headers["p07"] = Header([("c07", 3.5), ("c30", 0.0)], named=named)
        assert judge(headers, len(LIST), BUDGET, Seating(pile(IDS), LIST))["p07"].accepted == accepted


def test_the_place_of_a_copy_whose_header_names_its_candidate_changes_nothing():
    order = [*IDS[:20], "c50", *IDS[20:50], *IDS[51:]]
    headers = {f"p{which[1:]}": Header([(which, 12.0)]) for which in IDS}
    assert judge(headers, len(LIST), BUDGET, Seating(pile(order), LIST))["p50"].accepted


def test_a_copy_that_comes_in_while_the_others_are_matched_waits_for_the_next_time():
    headers = {f"p{which[1:]}": Header([(which, 12.0)]) for which in IDS if which != "c07"}
    assert "p07" not in judge(headers, len(LIST), BUDGET, Seating(pile(IDS), LIST))
