"""A mask is looked at again: it must be white, and no header may stand beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from contracts.records.pages import Box
from services.ingest.domain import upper_part
from services.ingest.pixels import cutting, masking, sides
from services.ingest.pixels.contrast import against_paper
from services.ingest.pixels.masking import masked_pixels
from tests.scans.paper import face, leaf, noisy
from tests.unit.ingest.test_pixels import cut

RULE = 60 / 297  # of the drawn header


def page(*, paper: int = 250) -> np.ndarray:
    yellowed = Image.new("L", (1240, 1754), paper)
    return np.asarray(ImageChops.multiply(face(9, header=True).resize((1240, 1754)), yellowed))


def hides(masked: np.ndarray, box: list[float], *, paper: int = 250) -> bool:
    return masking.hides(masked, box, against_paper(sides.grid(page(paper=paper))), 0.0)


@pytest.mark.parametrize("paper", [250, 190])
def test_a_mask_that_covers_the_header_holds(paper: int) -> None:
    box = [0.0, 0.0, 1.0, RULE]
    assert hides(masked_pixels(page(paper=paper), box), box, paper=paper)


@pytest.mark.parametrize("covered", [0.0, 20 / 297, 33 / 297])
def test_a_mask_that_leaves_boxes_below_it_does_not(covered: float) -> None:
    """Nothing covered; the title alone; the title and the name, with first name and number still to be read."""
    box = [0.0, 0.0, 1.0, covered]
    assert not hides(masked_pixels(page(), box), box)


def test_a_mask_with_ink_on_it_does_not() -> None:
    box = [0.0, 0.0, 1.0, RULE]
    inked = masked_pixels(page(), box)
    inked[100:104, 300:420] = 90
    assert not hides(inked, box)


def test_a_page_masked_as_a_whole_holds() -> None:
    box = [0.0, 0.0, 1.0, 1.0]
    assert hides(masked_pixels(page(), box), box)


def test_the_child_tells_whether_its_masks_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = leaf(noisy(face(9, header=True), 4))
    (good,), _ = cut(tmp_path, scan)
    assert good["mask_holds"]
    monkeypatch.setattr(cutting, "header_box", lambda *_: [0.0, 0.0, 1.0, 0.09])
    (bad,), _ = cut(tmp_path, scan)
    assert not bad["mask_holds"]


def test_an_unknown_header_hides_a_share_and_a_badly_hidden_one_no_less_than_before() -> None:
    assert upper_part(None, 0.3) == Box(x=0, y=0, w=1, h=0.3)
    assert upper_part(Box(x=0, y=0, w=1, h=0.2), 0.3).h == 0.3
    assert upper_part(Box(x=0, y=0, w=1, h=0.4), 0.3).h == 0.4
    assert upper_part(Box(x=0, y=0.8, w=1, h=0.2), 0.3).h == 1  # on its head: all of it
