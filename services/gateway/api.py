"""How a route is declared: once, with what it takes and gives, so that the OpenAPI document cannot differ from it.

Flask with pydantic and this page, rather than APIFlask: its pydantic support flattens errors to text and repeats
nested models under each parent in the document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar, get_args

import pydantic
from flask import Blueprint, Response, request

from contracts.model import Model
from contracts.rpc import Once
from services.gateway import idempotency, reading

PREFIX = "/api/v1"
JSON = "application/json"
VERSION_MAX = 2**31 - 1  # of a PostgreSQL integer


@dataclass(frozen=True)
class Answer:
    """A handler's answer when it is not simply the reply model with the declared status."""

    body: pydantic.BaseModel | None
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


Result: TypeAlias = pydantic.BaseModel | Answer | Response | None
Handler: TypeAlias = Callable[..., Result]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    ``versioned``: refused with 428 without ``version`` (in the body; in the query on DELETE). ``creates``: honours
    Idempotency-Key; ``shown_once`` names the secret that a replay leaves out. ``takes`` are request media types.
    """

    endpoint: str
    method: str
    path: str
    summary: str
    body: type[pydantic.BaseModel] | None
    query: type[pydantic.BaseModel] | None
    reply: type[pydantic.BaseModel] | None
    statuses: tuple[int, ...]
    versioned: bool
    creates: bool
    shown_once: str | None
    takes: tuple[str, ...]
    gives: tuple[str, ...]


OPERATIONS: dict[str, Operation] = {}
"""By endpoint. Filled when the route modules are imported."""


class Resource:
    """A blueprint under /api/v1 whose routes are declared as operations."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blueprint = Blueprint(name, __name__, url_prefix=PREFIX)

    def operation(
        self,
        method: str,
        path: str,
        *,
        body: type[pydantic.BaseModel] | None = None,
        query: type[pydantic.BaseModel] | None = None,
        reply: type[pydantic.BaseModel] | None = None,
        statuses: tuple[int, ...] = (200,),
        versioned: bool = False,
        creates: bool = False,
        shown_once: str | None = None,
        takes: tuple[str, ...] = (JSON,),
        gives: tuple[str, ...] = (JSON,),
    ) -> Callable[[H], H]:
        """Declare the decorated function as the operation's handler; it stays what it is, for the pages to call."""

        def declare(handler: H) -> H:
            operation = Operation(
                endpoint=f"{self.name}.{handler.__name__}",
                method=method,
                path=path,
                summary=(handler.__doc__ or handler.__name__).strip().splitlines()[0],
                body=body,
                query=query,
                reply=reply,
                statuses=statuses,
                versioned=versioned,
                creates=creates,
                shown_once=shown_once,
                takes=takes,
                gives=gives,
            )
            OPERATIONS[operation.endpoint] = operation
            view = _view(operation, handler)
            self.blueprint.add_url_rule(path, handler.__name__, view, methods=[method])
            return handler

        return declare


def _view(operation: Operation, handler: Handler) -> Callable[..., Response]:
    own_idempotency = operation.creates and JSON not in operation.takes  # a file is digested by its own handler

    def view(**path: Any) -> Response:
        if operation.body is not None:
            path["body"] = reading.json_body(operation.body, versioned=operation.versioned)
        if operation.query is not None:
            versioned = operation.versioned and operation.body is None
            path["query"] = reading.query(operation.query, versioned=versioned)
        if not operation.creates or own_idempotency:
            return respond(handler(**path), operation.statuses[0])
        digest = hashlib.sha256(request.get_data()).digest()
        return idempotency.once(
            digest, lambda: respond(handler(**path), operation.statuses[0]), shown_once=operation.shown_once
        )

    view.__name__ = handler.__name__
    view.__doc__ = handler.__doc__
    return view


def respond(result: Result, status: int) -> Response:
    if isinstance(result, Response):
        return result
    answer = result if isinstance(result, Answer) else Answer(result, 204 if result is None else status)
    if answer.body is None:
        return Response(status=answer.status, headers=dict(answer.headers))
    text = answer.body.model_dump_json(by_alias=True)
    return Response(text, answer.status, dict(answer.headers), content_type=JSON)


def shape(
    name: str,
    model: type[pydantic.BaseModel],
    *,
    without: tuple[str, ...] = ("by",),
    replace: Mapping[str, Any] | None = None,
) -> type[Model]:
    """What a client sends or sees of a contract model: some fields are the gateway's to fill or to keep.

    ``once`` always is: clients send an Idempotency-Key instead.

    The rest keeps its type, bounds and defaults, so HTTP can never promise what the service refuses to parse.
    """
    fields: dict[str, Any] = {
        each: (info.annotation, info)
        for each, info in model.model_fields.items()
        if each not in {*without, *Once.model_fields}
    }
    if "version" in fields:
        annotation, _ = fields["version"]
        may_miss = type(None) in get_args(annotation)
        bounded = pydantic.Field(ge=0, le=VERSION_MAX, default=None if may_miss else ...)
        fields["version"] = (annotation, bounded)
    fields.update(replace or {})
    built: type[Model] = pydantic.create_model(name, __base__=Model, __doc__=model.__doc__, **fields)
    return built


class Page(Model):
    """Which part of a list."""

    limit: int = pydantic.Field(default=50, ge=1, le=200)
    cursor: str | None = pydantic.Field(default=None, max_length=500)


class Version(Model):
    """The version that was read."""

    version: int = pydantic.Field(ge=0, le=VERSION_MAX)
