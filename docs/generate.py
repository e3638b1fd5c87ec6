"""Write every document that is derived from code, or say which one has drifted.

    python -m docs.generate            writes contracts/generated/* and docs/{messages,errors,configuration}.md
    python -m docs.generate --check    exits 1 and names each file that differs

The code is the reference; these files are how people and other systems read it.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from chassis import migrations, run, settings
from chassis.settings import Variable
from contracts import catalogue, errors
from contracts.catalogue import Message

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "contracts" / "generated"
SERVICES = (*catalogue.SERVICES, "gateway")


def documents() -> dict[Path, str]:
    """Every derived file and what it must hold."""
    from services.gateway.openapi import openapi_document

    return {
        GENERATED / "openapi.json": _json(openapi_document()),
        GENERATED / "asyncapi.json": _json(asyncapi()),
        GENERATED / "topology.json": _json(_topology()),
        ROOT / "docs" / "messages.md": messages_page(),
        ROOT / "docs" / "errors.md": errors_page(),
        ROOT / "docs" / "configuration.md": configuration_page(),
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 of every message between processes; other systems may rely on the ``public`` ones only."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for message in catalogue.MESSAGES:
        key = message.type.replace(".", "_")
        schemas[key] = _schema(message)
        messages[key] = {
            "name": message.type,
            "title": message.name,
            "summary": _first_line(message.model),
            "contentType": "application/cloudevents+json",
            "payload": _cloudevent(message, key),
            "examples": [{"payload": _example(message)}],
        }
        channels[key] = {
            "address": message.type,
            "description": _doc(message.model),
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
            "tags": [{"name": message.audience.value}, {"name": message.kind.value}],
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": message.exchange, "type": "topic", "durable": True, "autoDelete": False},
                }
            },
        }
        for sender in message.senders:
            operations[f"{sender}_sends_{key}"] = _operation("send", key)
        for consumer in message.consumers:
            operations[f"{consumer}_receives_{key}"] = _operation("receive", key)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Korrigo messages",
            "version": "1",
            "description": "CloudEvents 1.0 in structured JSON on durable AMQP topic exchanges. "
            "Channels tagged `public` are a promise to other school systems; the others may change.",
            "license": {"name": "AGPL-3.0-or-later"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def messages_page() -> str:
    rows = [
        f"| `{m.type}` | {m.kind.value} | {m.audience.value} | {', '.join(m.senders)} | "
        f"{', '.join(m.consumers) or '–'} | {_first_line(m.model)} |"
        for m in catalogue.MESSAGES
    ]
    return "\n".join(
        [
            "# Messages",
            "",
            "Written by `python -m docs.generate` from `contracts/catalogue.py`.",
            "",
            "| message | kind | audience | from | to | meaning |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def errors_page() -> str:
    _import_refusals()
    rows = [
        f"| `{code}` | {refusal.http_status} | {refusal.en} | {refusal.fr} |"
        for code, refusal in sorted(errors.REGISTRY.items())
    ]
    return "\n".join(
        [
            "# Refusals",
            "",
            "Written by `python -m docs.generate`. A rule saying no: its code is stable, it is never retried.",
            "",
            "| code | HTTP | English | French |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def configuration_page() -> str:
    lines = [
        "# Configuration",
        "",
        "Written by `python -m docs.generate`. Every process reads its settings from the environment and reports",
        "all missing and invalid values at once before it starts.",
        "",
    ]
    for package in (*(f"services.{service}" for service in SERVICES), "oversight"):
        module = importlib.import_module(f"{package}.settings")
        service = package.rpartition(".")[2]
        parts = (module.Settings, *([run.Web] if service == "gateway" else []))
        lines += [f"## {service}", "", *_settings_table(*parts), ""]
    lines += ["## Migrations (`python -m chassis.migrations`)", "", *_settings_table(migrations.Settings), ""]
    return "\n".join(lines)


def _settings_table(*parts: type[Any]) -> list[str]:
    return ["| variable | default | takes | meaning |", "|---|---|---|---|"] + [
        f"| `{item.name}` | {_default(item)} | {item.expects} | {item.doc} |"
        for part in parts
        for item in settings.variables(part)
    ]


def _default(item: Variable) -> str:
    return "*required*" if item.required else f"`{item.default}`"


def _import_refusals() -> None:
    for path in sorted((ROOT / "contracts" / "errors").glob("*.py")):
        if path.stem != "__init__":
            importlib.import_module(f"contracts.errors.{path.stem}")


def _topology() -> dict[str, Any]:
    from chassis.bus import topology

    return topology.plain()


def _schema(message: Message) -> dict[str, Any]:
    return message.model.model_json_schema(mode="serialization")


def _cloudevent(message: Message, key: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid", "description": "Remember it: a message may come twice."},
            "source": {"type": "string", "examples": [f"/korrigo/{message.senders[0]}"]},
            "type": {"const": message.type},
            "subject": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "correlationid": {"type": "string"},
            "data": {"$ref": f"#/components/schemas/{key}"},
        },
    }


def _example(message: Message) -> Any:
    return json.loads((ROOT / "contracts" / "examples" / f"{message.type}.json").read_text())


def _operation(action: str, key: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{key}"},
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
    }


def _doc(model: type) -> str:
    return " ".join((model.__doc__ or "").split())


def _first_line(model: type) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    drifted = []
    for path, text in documents().items():
        if path.exists() and path.read_text() == text:
            continue
        drifted.append(str(path.relative_to(ROOT)))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    verb = "differs from the code" if "--check" in sys.argv else "written"
    for name in drifted:
        print(f"{name}: {verb}")
    return 1 if drifted and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
