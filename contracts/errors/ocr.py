"""What ocr refuses."""

from __future__ import annotations

from contracts.errors import Refusal


class UnreadableImage(Refusal):
    """The bytes of a header image cannot be read; ``reason`` is ``not_an_image`` or ``too_large``.

    Never shown as such: it becomes the outcome ``refused_input`` of a reading, and a person identifies the copy.
    """

    code, http_status = "ocr.unreadable_image", 422
    en = "The header image cannot be read ({reason}). Identify the copy by hand."
    fr = "L'image de l'en-tête est illisible ({reason}). Identifiez la copie à la main."
