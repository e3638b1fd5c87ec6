"""A picture coded in bands is the picture, also when some of its bands were replaced."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from services.ingest.pixels import jpeg
from services.ingest.pixels.bands import Bands


def drawn(height_px: int, width_px: int, *, colour: bool) -> np.ndarray:
    rng = np.random.default_rng(5)
    waves = np.sin(np.arange(height_px)[:, None] / 9) * np.cos(np.arange(width_px)[None] / 7) * 90 + 128
    grey = np.clip(waves + rng.integers(-20, 20, (height_px, width_px)), 0, 255).astype(np.uint8)
    return np.stack([grey, grey[::-1], 255 - grey], axis=2) if colour else grey


def shown(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("height_px", "width_px", "rows"), [(400, 301, 100), (397, 64, 16), (90, 90, 500)])
def test_bands_joined_show_what_the_whole_would(height_px: int, width_px: int, rows: int, colour: bool) -> None:
    pixels = drawn(height_px, width_px, colour=colour)
    whole = shown(jpeg.encode(pixels, 80)).astype(int)
    banded = shown(Bands.of(pixels, 80, rows).joined()).astype(int)
    assert np.abs(whole - banded).max() <= (0 if not colour else 60)  # colour is smoothed across rows, not across bands
    assert np.abs(whole - banded).mean() < 1


def test_replaced_rows_change_and_the_others_do_not() -> None:
    pixels = drawn(400, 301, colour=False)
    bands = Bands.of(pixels, 80, 50)
    assert (bands.rows, bands.filled(50), bands.filled(399)) == (64, 64, 400)
    white = np.full((128, 301), 255, np.uint8)
    result = shown(bands.over(white).joined())
    assert result[:128].min() >= 254
    np.testing.assert_array_equal(result[128:], shown(bands.joined())[128:])


def test_more_bands_than_there_are_restart_markers_are_one_picture() -> None:
    pixels = drawn(16 * 21, 40, colour=False)
    bands = Bands.of(pixels, 80, 16)
    assert len(bands.streams) == 21
    np.testing.assert_array_equal(shown(bands.joined()), shown(jpeg.encode(pixels, 80)))


def test_a_band_never_holds_more_blocks_than_a_marker_can_count() -> None:
    bands = Bands.of(np.full((4000, 9000), 200, np.uint8), 80, 4000)
    assert bands.blocks <= 0xFFFF
    assert shown(bands.joined()).shape == (4000, 9000)
