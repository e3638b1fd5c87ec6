"""Objects of the store as HTTP answers: streamed, with ETag and one range. Nobody gets an address of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from flask import Response, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import ETags

from contracts.errors.gateway import NotFound, RangeNotSatisfiable
from contracts.model import Model
from contracts.objects import ImageRef, ObjectRef
from services.gateway.context import gateway

NEVER = "no-store"
BRIEFLY = "private, max-age=300, immutable"
LONG = "private, max-age=604800, immutable"


def send(ref: ObjectRef, *, caching: str, filename: str | None = None) -> Response:
    """The object, or 304, or the one range asked for. Call it only when the caller may see the object.

    Args:
        ref: what to send.
        caching: Cache-Control. What may be kept is kept per cookie, so that a shared computer shows nobody
            what somebody with more rights looked at before.
        filename: offered when it is saved; never holds a name of a person.
    """
    response = Response(content_type=ref.media_type)
    response.set_etag(ref.sha256)
    response.headers["Cache-Control"] = caching
    response.headers["Accept-Ranges"] = "bytes"
    response.vary.update(["Cookie", "Authorization"])
    if filename is not None:
        response.headers.set("Content-Disposition", "inline", filename=filename)
    if _known(request.if_none_match, ref):
        response.status_code = 304
        return response
    start, stop = _wanted(ref)
    if (start, stop) != (0, ref.size):
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{ref.size}"
    response.content_length = stop - start
    if request.method != "HEAD":
        response.response = _chunks(ref, start, stop - start)
    return response


def _known(etags: ETags, ref: ObjectRef) -> bool:
    return etags.contains_weak(ref.sha256)


def _wanted(ref: ObjectRef) -> tuple[int, int]:
    """First byte and one past the last; the whole object when there is no single range to honour."""
    asked = request.range
    unchanged = (request.if_range.etag is None and request.if_range.date is None) or request.if_range.etag == ref.sha256
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not unchanged:
        return 0, ref.size
    found = asked.range_for_length(ref.size)
    if found is None:
        raise RangeNotSatisfiable(size=ref.size)
    return found


def _chunks(ref: ObjectRef, start: int, length: int) -> Iterator[bytes]:
    """Opened before the first byte is sent, so that an absent store is still a 503 and not a broken answer."""
    stack = ExitStack()
    chunks = stack.enter_context(gateway().objects.open(ref, start, length))
    try:
        first = next(chunks, b"")
    except BaseException:
        stack.close()
        raise

    def rest() -> Iterator[bytes]:
        with stack:
            yield first
            yield from chunks

    return rest()


class Image(Model):
    """Where to read an image; the address is only good together with a session of the right role."""

    href: str
    width_px: int
    height_px: int


def image(ref: ImageRef) -> Image:
    """An image that has no address of its own in the API: its reference, signed, so that nobody can ask for another."""
    signed = _signer().dumps(ref.object.model_dump(mode="json"))
    return Image(href=f"/api/v1/images/{signed!s}", width_px=ref.width_px, height_px=ref.height_px)


def signed_image(text: str) -> ObjectRef:
    """Undo ``image``; what we did not sign does not exist."""
    try:
        return ObjectRef.model_validate(_signer().loads(text))
    except BadSignature:
        raise NotFound() from None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(gateway().settings.secret_key, salt="image")
