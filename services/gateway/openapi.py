"""The API described by itself: OpenAPI 3.1 from the declared operations, the pydantic models and the policy."""

from __future__ import annotations

import re
from typing import Any

import pydantic
from pydantic.json_schema import models_json_schema

from services.gateway.api import JSON, OPERATIONS, PREFIX, Operation
from services.gateway.auth import CSRF_HEADER, Means
from services.gateway.idempotency import HEADER as IDEMPOTENCY_HEADER
from services.gateway.policy import CANDIDATE, RULES
from services.gateway.problems import MEDIA_TYPE
from services.gateway.routes.marking import LOCK_HEADER

_PARAMETER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
_SCHEMAS = "#/components/schemas/"
_MARKING_WRITES = {"put_draft", "put_scores", "annotate", "change_annotation", "remove_annotation", "finalise",
                   "heartbeat", "unlock"}  # fmt: skip


class FieldError(pydantic.BaseModel):
    field: str
    code: str
    message: str


class RowError(pydantic.BaseModel):
    """A row of a roster; ``value`` is what stands there."""

    row: int
    field: str
    value: str
    reason: str


class NodeError(pydantic.BaseModel):
    """A node of a marking scheme; ``""`` is the whole tree."""

    node: str
    reason: str


class Problem(pydantic.BaseModel):
    """RFC 9457. ``code`` is stable; the texts are in the caller's language. Some codes carry more members."""

    model_config = pydantic.ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    errors: list[FieldError | RowError | NodeError] = []


def openapi_document() -> dict[str, Any]:
    """The whole document; needs no server, no settings and no application."""
    from services.gateway.routes import every  # noqa: F401  # importing declares the operations

    operations = sorted(OPERATIONS.values(), key=lambda each: (each.path, each.method))
    references, schemas = _schemas(operations)
    paths: dict[str, Any] = {}
    for operation in operations:
        path = PREFIX + _PARAMETER.sub(r"{\2}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Korrigo",
            "version": "1",
            "description": "From a pile of scanned exam sheets to marked copies that candidates can read.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({each.endpoint.split(".")[0] for each in operations})],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-korrigo"},
                "candidate": {"type": "apiKey", "in": "cookie", "name": "__Host-korrigo_candidate"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


References = dict[tuple[type[pydantic.BaseModel], str], dict[str, Any]]


def _schemas(operations: list[Operation]) -> tuple[References, dict[str, Any]]:
    wanted: list[Any] = [(Problem, "serialization")]
    for each in operations:
        wanted += [(each.body, "validation")] if each.body else []
        wanted += [(each.reply, "serialization")] if each.reply else []
    unique = list(dict.fromkeys(wanted))
    references, definitions = models_json_schema(unique, ref_template=_SCHEMAS + "{model}")
    return references, dict(sorted(definitions["$defs"].items()))  # type: ignore[return-value]


def _described(operation: Operation, references: References) -> dict[str, Any]:
    rule = RULES[operation.endpoint]
    described: dict[str, Any] = {
        "operationId": operation.endpoint,
        "tags": [operation.endpoint.split(".")[0]],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation, references),
        "security": _security(operation),
        "x-roles": sorted(rule.roles),
    }
    body = _request_body(operation, references)
    return described | ({"requestBody": body} if body else {})


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = []
    for kind, name in _PARAMETER.findall(operation.path):
        schema = {
            "uuid": {"type": "string", "format": "uuid"},
            "int": {"type": "integer", "minimum": 1, "maximum": 100_000},
        }.get(kind, {"type": "string"})
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if operation.query is not None:
        schema = operation.query.model_json_schema(ref_template=_SCHEMAS + "{model}")
        inline = schema.pop("$defs", {})
        for name, field in schema["properties"].items():
            required = name in schema.get("required", ())
            found.append({"name": name, "in": "query", "required": required, "schema": _inlined(field, inline)})
    if operation.creates:
        found.append(_header(IDEMPOTENCY_HEADER, "the same key and the same request: the same answer"))
    if operation.endpoint.partition(".")[2] in _MARKING_WRITES:
        found.append(_header(LOCK_HEADER, "the lock's token"))
    if operation.method != "GET" and not RULES[operation.endpoint].public:
        found.append(_header(CSRF_HEADER, "with a cookie session only: csrf_token of the session"))
    return found


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Query parameters have no component of their own."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].removeprefix(_SCHEMAS)], definitions)
        return {name: _inlined(value, definitions) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    return schema


def _request_body(operation: Operation, references: References) -> dict[str, Any] | None:
    if operation.body is not None:
        required = any(field.is_required() for field in operation.body.model_fields.values())
        return {"required": required, "content": {JSON: {"schema": references[operation.body, "validation"]}}}
    if operation.takes == (JSON,):
        return None
    file = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    text = {"type": "string"}
    content = {media: {"schema": file if media.startswith("multipart/") else text} for media in operation.takes}
    return {"required": True, "content": content}


def _responses(operation: Operation, references: References) -> dict[str, Any]:
    problem = {"schema": references[Problem, "serialization"]}
    responses: dict[str, Any] = {}
    for status in operation.statuses:
        answer: dict[str, Any] = {"description": "done"}
        if operation.reply is not None:
            answer["content"] = {JSON: {"schema": references[operation.reply, "serialization"]}}
        elif status in (200, 206):
            answer["content"] = {media: {"schema": {"type": "string", "format": "binary"}} for media in operation.gives}
        responses[str(status)] = answer
    responses["default"] = {"description": "a problem document", "content": {MEDIA_TYPE: problem}}
    return responses


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    rule = RULES[operation.endpoint]
    if rule.public:
        return []
    if rule.roles == {CANDIDATE}:
        return [{Means.CANDIDATE.value: []}]
    return [{Means.SESSION.value: []}, {Means.TOKEN.value: []}]
