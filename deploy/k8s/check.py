"""Check the Kubernetes manifests without a cluster: they build, they are valid, they keep our promises.

Needs ``kubectl`` (1.30 or newer) for ``kubectl kustomize``; nothing is sent anywhere.
"""

from __future__ import annotations

import base64
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from chassis import settings

HERE = Path(__file__).resolve().parent
PACKAGES = {name: f"services.{name}" for name in ("gateway", "ingest", "ocr", "grading", "render")}
PACKAGES["oversight"] = "oversight"
"""Each deployment, and the package whose settings its process loads."""
KUBERNETES = "1.32"
VAULT = {
    "KORRIGO_DATABASE_URL": "postgresql://u:p@postgres/d",
    "KORRIGO_BUS_URL": "amqp://u:p@rabbitmq//",
    "KORRIGO_S3_ACCESS_KEY": "access",
    "KORRIGO_S3_SECRET_KEY": "secret",
    "KORRIGO_SECRET_KEY": "k" * 40,
    "KORRIGO_AUDIT_KEY": "a" * 40,
    **{f"KORRIGO_{name.upper()}_DATABASE_URL": "postgresql://u:p@postgres/d" for name in PACKAGES},
}
"""What production secrets hold: KORRIGO_SECRET_KEY the gateway's only, KORRIGO_AUDIT_KEY grading's and oversight's, the
databases by name oversight's only.
"""


def build(overlay: Path) -> list[dict[str, Any]]:
    """Every object of an overlay, as it would be applied."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(overlay)],  # noqa: S607  # wherever it is installed
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{overlay.name} does not build:\n{done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def problems(objects: list[dict[str, Any]]) -> Iterator[str]:
    """What is invalid, and what breaks a promise of ours."""
    for item in objects:
        name = f"{item['kind']}/{item['metadata']['name']}"
        try:
            kubernetes_validate.validate(item, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name}: {error.message}"
    deployments = {item["metadata"]["name"]: item for item in objects if item["kind"] == "Deployment"}
    if set(deployments) != set(PACKAGES):
        yield f"deployments are {sorted(deployments)}, they should be {sorted(PACKAGES)}"
    given = {
        (item["kind"], item["metadata"]["name"]): item for item in objects if item["kind"] in ("ConfigMap", "Secret")
    }
    for name, deployment in deployments.items():
        pod = deployment["spec"]["template"]["spec"]
        yield from (f"{name}: {text}" for text in _pod_problems(pod))
        if "initContainers" in pod:
            yield from (f"{name}: {text}" for text in _owner_problems(name, pod))
        yield from (f"{name}: {text}" for text in _settings_problems(name, pod["containers"][0], given))


def _pod_problems(pod: dict[str, Any]) -> Iterator[str]:
    if not pod.get("securityContext", {}).get("runAsNonRoot"):
        yield "may run as root"
    if pod.get("automountServiceAccountToken") is not False:
        yield "gets a token of the cluster it does not need"
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        who = container["name"]
        locked = container.get("securityContext", {})
        if locked.get("allowPrivilegeEscalation") is not False or not locked.get("readOnlyRootFilesystem"):
            yield f"{who} may gain rights or write its own image"
        if locked.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{who} keeps capabilities"
        if {"cpu", "memory"} - set(container.get("resources", {}).get("limits", {})):
            yield f"{who} has no limit for memory or processor"
        if container["image"].endswith(":latest") or ":" not in container["image"]:
            yield f"{who} runs an image of no fixed version"
    for container in pod["containers"]:
        for probe, path in (("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")):
            if container.get(probe, {}).get("httpGet", {}).get("path") != path:
                yield f"{container['name']} has no {probe} on {path}"


def _owner_problems(service: str, pod: dict[str, Any]) -> Iterator[str]:
    """The database's owner migrates and does nothing else."""
    for container in (*pod["containers"], *pod["initContainers"]):
        # A generated secret's name ends with a digest of what it holds.
        names = (source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source)
        secrets = {re.sub(r"-[0-9a-z]{10}$", "", name) for name in names}
        if secrets != {f"{service}-owner" if container["name"] == "migrate" else service}:
            yield f"{container['name']} has the secrets {sorted(secrets)}"
    (migrate,) = pod["initContainers"]
    if {"name": "KORRIGO_RUNTIME_ROLE", "value": service} not in migrate["env"]:
        yield "migrations do not give the service's role its rights"


def _settings_problems(service: str, container: dict[str, Any], given: dict[tuple[str, str], Any]) -> Iterator[str]:
    """What the process itself would refuse to start with. A secret that the overlay leaves to a vault is assumed."""
    environ: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            environ |= given["ConfigMap", source["configMapRef"]["name"]]["data"]
            continue
        secret = given.get(("Secret", source["secretRef"]["name"]))
        kept = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} if secret else VAULT
        environ |= kept
    environ |= {each["name"]: each["value"] for each in container["env"]}
    declared = importlib.import_module(f"{PACKAGES[service]}.settings").Settings
    try:
        settings.load(declared, environ)
    except settings.SettingsError as error:
        yield from error.problems


def main() -> int:
    if shutil.which("kubectl") is None:
        sys.exit("kubectl is missing: install it from your Kubernetes distribution, then run this again")
    found = [
        f"{overlay.name}: {text}"
        for overlay in sorted((HERE / "overlays").iterdir())
        for text in problems(build(overlay))
    ]
    print("\n".join(found) or "both overlays build, are valid and keep the promises")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
