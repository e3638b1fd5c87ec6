"""How well what a recogniser saw fits each word of a roster: likelihoods of many words at once, and of any word.

The recogniser gives, step by step from left to right, the probability of each letter and of "no new letter here"; many
ways of spreading a word over the steps give that word, and all are added up (connectionist temporal classification,
Graves et al. 2006, section 4.1). Spaces count as "no new letter": pupils leave them out, boxes put them in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from contracts.records.letters import ALPHABET, BLANK, COLUMNS, OTHER, PER_NAT, folded, unpack

Letters: TypeAlias = npt.NDArray[np.float64]
"""steps x (1 + 36): the probability of no new letter, then of A-Z and 0-9."""
Values: TypeAlias = npt.NDArray[np.float64]

_SIGNS = ALPHABET.replace(" ", "")
_SPACE = 1 + ALPHABET.index(" ")
IMPOSSIBLE = -1e4  # a word with more letters than there are steps, in nats

# Once in a hundred steps the pen or the recogniser did something else altogether: no single letter rules a name out.
_SLIP = 0.01
# What recognisers take for one another by its shape. A third of what was seen as the one is also held for the other.
_SHAPES = (*product("OQD", "0"), *product("IL", "1"), *product("G", "69"), *zip("ZSBAT", "25847", strict=True))
_SHAPE_SHARE = 0.3
_RESCALED_EVERY = 8  # steps; 8 times the log of the least probability is far from float64's limit


def _confusion() -> Values:
    """(COLUMNS x 37): where what was seen in one column counts; rows add up to 1, or more for look-alikes."""
    table = np.zeros((COLUMNS, 1 + len(_SIGNS)))
    table[BLANK, 0] = table[_SPACE, 0] = 1
    for sign in _SIGNS:
        table[1 + ALPHABET.index(sign), 1 + _SIGNS.index(sign)] = 1
    for one, other in _SHAPES:
        for seen, meant in ((one, other), (other, one)):
            table[1 + ALPHABET.index(seen), 1 + _SIGNS.index(meant)] = _SHAPE_SHARE
    table[OTHER, 0] = 0.5  # a leftover of the box as often as a letter nobody could tell
    table[OTHER, 1:] = 0.5 / len(_SIGNS)
    return table


_CONFUSION = _confusion()


def spelt(text: str) -> str:
    """Letters and digits alone, folded: how words are compared."""
    return folded(text).replace(" ", "")


def letters_of(packed: str, steps: int) -> Letters:
    """What a reading's packed ``letters`` say. Raises: ValueError: they are damaged."""
    kept = np.frombuffer(unpack(packed, steps), np.uint8).reshape(steps, COLUMNS)
    seen = np.exp(kept / -PER_NAT)
    seen /= seen.sum(axis=1, keepdims=True)
    meant: Letters = seen @ _CONFUSION
    slipped: Letters = (1 - _SLIP) * meant + _SLIP / meant.shape[1]
    return slipped


def likelihoods(letters: Letters, words: Sequence[str], *, cut: int | None = None) -> Values:
    """Log of the probability of each word, which is ``spelt``; 0 at most. Time grows with steps x letters of all words.

    With ``cut``, of the likeliest beginning of each longer word that has at least so many letters, instead.

    ``quiet[k]`` is the probability of k letters so far and none at this step, ``inked[k]`` of being at letter k.
    """
    lengths = np.array([len(word) for word in words])
    longest = int(lengths.max(initial=0))
    if longest == 0:
        return np.full(len(words), IMPOSSIBLE)
    signs = np.zeros((len(words), longest), np.intp)
    for row, word in enumerate(words):
        signs[row, : len(word)] = [1 + _SIGNS.index(sign) for sign in word]
    differs = np.ones((len(words), longest))
    differs[:, 1:] = signs[:, 1:] != signs[:, :-1]  # the same letter twice needs a step between
    quiet, inked = np.zeros((len(words), longest + 1)), np.zeros((len(words), longest))
    quiet[:, 0] = 1
    scale = np.zeros(len(words))
    for step, seen in enumerate(letters):
        here = inked + quiet[:, :-1]
        here[:, 1:] += inked[:, :-1] * differs[:, 1:]
        quiet[:, 1:] += inked
        quiet *= seen[0]
        inked = here * seen[signs]
        if step % _RESCALED_EVERY == 0:
            most = np.maximum(quiet.max(axis=1), inked.max(axis=1))
            quiet /= most[:, None]
            inked /= most[:, None]
            scale += np.log(most)
    every = np.arange(len(words))
    beginnings = quiet
    beginnings[:, 1:] += inked
    if cut is None:
        ends = beginnings[every, lengths]
    else:
        places = np.arange(longest + 1)
        ends = np.where((places >= cut) & (places < lengths[:, None]), beginnings, 0).max(axis=1)
    with np.errstate(divide="ignore"):
        found: Values = np.maximum(np.log(ends) + scale, IMPOSSIBLE)
    return np.where(lengths > 0, found, IMPOSSIBLE)


def background(letters: Letters, nats_per_letter: float) -> float:
    """Log of the probability under "some word": every word, a word of n letters weighing exp(-n nats_per_letter)."""
    weight = math.exp(-nats_per_letter)
    quiet, inked = 1.0, np.zeros(len(_SIGNS))
    scale = 0.0
    for seen in letters:
        both = quiet + inked.sum()
        inked = (inked + weight * (both - inked)) * seen[1:]
        quiet = both * seen[0]
        most = quiet + float(inked.sum())
        quiet, inked, scale = quiet / most, inked / most, scale + math.log(most)
    return scale
