"""One side of the upload as pixels: stored images are decoded, anything else is drawn. Runs only in the child.

A side whose picture is not all there is shown as far as it can be, white where it cannot, and is not ``sound``.
"""

from __future__ import annotations

import math

import numpy as np
import pymupdf
from PIL import Image

from services.ingest.pixels import checking, jpeg, stored
from services.ingest.pixels.document import Scan, as_scan
from services.ingest.pixels.jpeg import Pixels

# A4 is 297 mm high: 1754 pixels are 150 dpi. Sizes count in faces, not in points: some scanners write 72 dpi pages.
SCREEN_PX = 1754
GRID_PX = 877
READING_PX = 2339  # 200 dpi
DRAWN_PX = 3508  # "native" of a page that is drawn: 300 dpi
A3_FROM_PT = 750  # A3 is 842 pt wide, A4 595

# A stored A4 JPEG that is not much finer and heavier than a screen image is one: nothing is gained by coding it again.
SHOWN_PX = 2400  # 205 dpi
SHOWN_BYTES = 400 * 1024  # twice what a screen image weighs

_BAND = 128  # rows of a side, 300 KB: what a core's cache keeps

SPREAD_ASPECT = (1.2, 1.7)  # two A4 faces side by side: 1.41, cut edges and borders around it


class Side:
    """One PDF page, as a viewer displays it. ``spread``: it shows two A4 faces."""

    def __init__(self, document: pymupdf.Document, index: int, *, spreads: bool) -> None:
        self._document = document
        self._page = document[index]
        self._index = index
        self.sound = True
        self.scan: Scan | None = self._as_scan()
        paper = self._page.rect
        width, height = self._paper_pt = paper.width, paper.height
        aspect = max(width, height) / min(width, height)
        self.spread = spreads and SPREAD_ASPECT[0] <= aspect <= SPREAD_ASPECT[1] and not self._is_single(width, height)
        # A spread shows A4 pages side by side: its short edge is their height.
        self._face_pt = min(width, height) if self.spread else max(width, height)
        self.kind = "A3" if self.spread or min(width, height) > A3_FROM_PT else "A4"

    def _as_scan(self) -> Scan | None:
        pymupdf.TOOLS.reset_mupdf_warnings()
        try:
            scan = as_scan(self._document, self._index, self._page)
        except (RuntimeError, pymupdf.mupdf.FzErrorBase):  # its content is broken: drawing it shows what is left
            self.sound, scan = False, None
        if scan is None:  # of a scan, decoding tells
            self.sound = self.sound and not checking.grave_warnings() and stored.whole(self._document, self._index)
        return scan

    @staticmethod
    def _is_single(width_pt: float, height_pt: float) -> bool:
        """Portrait and clearly smaller than A3: a lone A4 page in a pile of A3. Landscape is always a spread."""
        return height_pt > width_pt and height_pt < 1000  # A3 is 1191 pt high, A4 842

    @property
    def shown_as_stored(self) -> bool:
        """Whether the stored image, upright as it is, will do on a screen."""
        scan = self.scan
        return (
            scan is not None
            and (scan.kind, scan.turn_deg, self.spread) == ("jpeg", 0, False)
            and scan.width_px <= scan.height_px <= SHOWN_PX
            and len(scan.stream) <= SHOWN_BYTES
            and self._keeps_proportions(scan.width_px, scan.height_px)
        )

    def pixels(self, face_px: int | None, *, grey: bool = False) -> Pixels:
        """The side as displayed; a face on it is at least ``face_px`` high if the scan has that many; None: native."""
        if self.scan is None:
            return self._drawn(face_px or DRAWN_PX, grey=grey)
        stored = self._decoded(self.scan, self._scale(self.scan, face_px), grey=grey or self.scan.grey)
        return self._proportioned(np.rot90(stored, -self.scan.turn_deg // 90))

    def reading(self, turn_deg: int, upper: float) -> Pixels:
        """The upper share of the side after ``turn_deg``, grey, for whoever reads its header."""
        if turn_deg == 0 and (part := self._upper_as_stored(upper)) is not None:
            return part
        whole = turned(self.pixels(READING_PX, grey=True), turn_deg)
        return whole[: round(upper * len(whole))]

    def _upper_as_stored(self, upper: float) -> Pixels | None:
        scan = self.scan
        if scan is None or scan.kind != "jpeg" or scan.turn_deg != 0 or not self.sound:
            return None
        head = jpeg.read_head(scan.stream)
        if head is None or not self._keeps_proportions(scan.width_px, scan.height_px):
            return None
        min_height_px = math.ceil(scan.height_px * self._scale(scan, READING_PX))
        return jpeg.decode_upper(scan.stream, head, min_height_px=min_height_px, share=upper)

    def _scale(self, scan: Scan, face_px: int | None) -> float:
        edges = (scan.width_px, scan.height_px)
        native_px = min(edges) if self.spread else max(edges)
        return min(1.0, face_px / native_px) if face_px else 1.0

    def _decoded(self, scan: Scan, share: float, *, grey: bool) -> Pixels:
        if scan.kind == "fax":
            return self._fax(scan, share)
        try:
            pixels, sound = jpeg.decode(scan.stream, grey=grey, min_height_px=math.ceil(scan.height_px * share))
        except ValueError:
            pixels, sound = self._white(math.ceil(max(scan.width_px, scan.height_px) * share), grey=grey), False
        self.sound = self.sound and sound
        return pixels

    def _fax(self, scan: Scan, share: float) -> Pixels:
        pymupdf.TOOLS.reset_mupdf_warnings()
        packed = np.frombuffer(self._document.xref_stream(scan.xref), np.uint8)
        self.sound = self.sound and not checking.grave_warnings()
        stride = (scan.width_px + 7) // 8
        missing = stride * scan.height_px - packed.size
        if missing > 0:
            self.sound = False
            packed = np.pad(packed, (0, missing), constant_values=255)
        bits = np.unpackbits(packed[: stride * scan.height_px].reshape(scan.height_px, stride), axis=1)
        image = Image.fromarray(bits[:, : scan.width_px] * np.uint8(255))
        factor = int(1 / share + 0.01)
        return np.asarray(image.reduce(factor) if factor > 1 else image)

    def _drawn(self, face_px: int, *, grey: bool) -> Pixels:
        space = pymupdf.csGRAY if grey else pymupdf.csRGB
        zoom = face_px / self._face_pt
        pymupdf.TOOLS.reset_mupdf_warnings()
        try:
            picture = self._page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=space, alpha=False)
        except pymupdf.mupdf.FzErrorSystem as error:  # no memory: the page is not to blame alone, nor to be shown white
            raise MemoryError from error
        except (RuntimeError, pymupdf.mupdf.FzErrorBase):
            self.sound = False
            return self._white(face_px, grey=grey)
        self.sound = self.sound and not checking.grave_warnings()
        pixels = np.frombuffer(bytes(picture.samples), np.uint8).reshape(picture.height, picture.width, -1)
        pymupdf.TOOLS.store_shrink(100)  # MuPDF keeps 256 MB of decoded images otherwise
        return pixels[..., 0] if grey else pixels

    def _white(self, longest_px: int, *, grey: bool) -> Pixels:
        """In place of a picture of which nothing can be shown: with the proportions of its page."""
        scale = longest_px / max(self._page.rect.width, self._page.rect.height)
        size = (round(self._page.rect.height * scale), round(self._page.rect.width * scale))
        return np.full(size if grey else (*size, 3), 255, np.uint8)

    def _proportioned(self, pixels: Pixels) -> Pixels:
        """Fax machines scan fewer lines than columns: give the page its proportions back."""
        height, width = pixels.shape[:2]
        if self._keeps_proportions(width, height):
            return pixels
        wanted = round(width * self._paper_pt[1] / self._paper_pt[0])
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((width, wanted)))

    def _keeps_proportions(self, width_px: int, height_px: int) -> bool:
        wanted = width_px * self._paper_pt[1] / self._paper_pt[0]
        return bool(abs(wanted - height_px) <= 0.02 * height_px)


def turned(pixels: Pixels, turn_deg: int) -> Pixels:
    """Clockwise, by a multiple of 90."""
    return np.rot90(pixels, -(turn_deg // 90))


def grid(level: Pixels) -> Pixels:
    """A side whose faces stand upright or upside down on the measuring grid: a face 297 mm at 75 dpi high."""
    height, width = level.shape[:2]
    if abs(height - GRID_PX) <= 0.02 * GRID_PX:
        return level
    if abs(height - SCREEN_PX) <= 0.02 * SCREEN_PX:
        return halved(level) if level.ndim == 2 else np.asarray(Image.fromarray(level).reduce(2))
    image = Image.fromarray(np.ascontiguousarray(level))
    size = (round(width * GRID_PX / height), GRID_PX)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5))


def halved(grey: Pixels) -> Pixels:
    """Half the size, each pixel the mean of four; in bands that stay in the cache, a third of Pillow's time."""
    height, width = (edge // 2 * 2 for edge in grey.shape)
    pairs = np.ascontiguousarray(grey[:height, :width]).view(np.uint16)  # neighbours, as one number
    result = np.empty((height // 2, width // 2), np.uint8)
    for top in range(0, height, _BAND):
        band = pairs[top : top + _BAND]
        sums = band >> 8
        sums += band & 0xFF
        means = sums[0::2] + sums[1::2]
        means += 2
        means >>= 2
        result[top // 2 : top // 2 + len(means)] = means
    return result


def thumb(look: Pixels) -> Pixels:
    """A third of the measuring grid: 25 dpi."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(look)).reduce(3))
