"""The two kinds of failure that have a name; whatever else is raised is a defect and propagates.

A *refusal* is a rule saying no: it has a stable code, a text in both languages, is never retried and never
reported as an error. *Unavailable* is a dependency that failed: retried by the bus, 503 over HTTP.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

REGISTRY: dict[str, type[Refusal]] = {}


class Refusal(Exception):
    """A rule says no. ``details`` are JSON values and may appear as ``{name}`` in the texts.

    Subclasses declare ``code`` (``<service>.<reason>``), ``http_status`` and the texts ``en`` and ``fr``, which say
    what to do next.
    """

    code: ClassVar[str]
    http_status: ClassVar[int]
    en: ClassVar[str]
    fr: ClassVar[str]

    def __init__(self, **details: Any) -> None:
        super().__init__(self.code)
        self.details = details

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        code = cls.__dict__.get("code")
        if code is None:
            return
        if code in REGISTRY:
            raise TypeError(f"two refusals share the code {code}")
        REGISTRY[code] = cls

    def text(self, language: str) -> str:
        """Sentence for a person, in ``fr`` or ``en`` (anything else reads English)."""
        french = language == "fr"
        return (self.fr if french else self.en).format_map(_Shown(self.details, french=french))

    def to_wire(self) -> dict[str, Any]:
        """``{"code", "details"}``, JSON values only."""
        return {"code": self.code, "details": self.details}


_POINTS = re.compile(r"-?\d+\.\d+")  # as they travel; a French reader expects a comma
_LISTED = 12
_LONGEST = 200


class _Shown(dict[str, Any]):
    """A text never fails for want of a detail, and shows the first few of a list as words; all are in the details."""

    def __init__(self, details: dict[str, Any], *, french: bool) -> None:
        super().__init__(details)
        self._french = french

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, list | tuple):
            return ", ".join(map(self._word, value[:_LISTED])) + (", …" if len(value) > _LISTED else "")
        return self._word(value) if isinstance(value, str) else value

    def __missing__(self, key: str) -> str:
        return "?"

    def _word(self, value: Any) -> str:
        text = str(value)
        if self._french and _POINTS.fullmatch(text):
            return text.replace(".", ",")
        return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def from_wire(wire: dict[str, Any]) -> Refusal:
    """The refusal another process raised. An unknown code (a newer peer) stays a refusal, status 422."""
    known = REGISTRY.get(wire["code"])
    if known is not None:
        refusal = known.__new__(known)
        Refusal.__init__(refusal, **wire["details"])
        return refusal
    stranger = Refusal.__new__(UnknownRefusal)
    stranger.code = wire["code"]  # type: ignore[misc]  # the instance shadows the class: the peer's code is the truth
    Refusal.__init__(stranger, **wire["details"])
    return stranger


class UnknownRefusal(Refusal):
    """A refusal whose code this process does not know yet."""

    code, http_status = "contracts.unknown_refusal", 422
    en = "The request was refused."
    fr = "La demande a été refusée."


class Unavailable(Exception):
    """A dependency failed: ``database``, ``bus``, ``object_store``, ``sandbox`` or a service's name.

    The bus retries; HTTP answers 503 with ``Retry-After: retry_after_s``.
    """

    def __init__(self, dependency: str, reason: str = "", *, retry_after_s: int = 5) -> None:
        super().__init__(f"{dependency}: {reason}" if reason else dependency)
        self.dependency = dependency
        self.reason = reason
        self.retry_after_s = retry_after_s


class RemoteDefect(Exception):
    """The called service met a defect; its own log has the trace under the same correlation id."""
