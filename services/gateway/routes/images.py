"""Images that are parts of other resources: a staged page, a header. Their address is signed by us."""

from __future__ import annotations

from flask import Response

from services.gateway import streams
from services.gateway.api import Resource

images = Resource("images")


@images.operation("GET", "/images/<signed>", statuses=(200, 206, 304), gives=("image/jpeg", "image/png"))
def show(signed: str) -> Response:
    """An image whose address another answer gave."""
    return streams.send(streams.signed_image(signed), caching=streams.LONG)
