"""The Kubernetes manifests are valid, restricted, and agree with the services' settings, ports and probes."""

from pathlib import Path

import kubernetes_validate
import pytest
from pydantic import SecretStr

from common.observability.health import LIVE_PATH, READY_PATH
from common.service.http import GRACEFUL_SECONDS
from common.service.runtime import STOPPING
from common.settings import load_settings, variable_of
from common.settings import variables as variables_of
from tests.contract.deploy.manifests import (
    BASE,
    LOCAL,
    ROOT,
    Resource,
    container,
    module_of,
    named,
    of_kind,
    plain_variables,
    rendered,
    secret_variables,
    settings_class_of,
    variables,
)

OLDEST_KUBERNETES = "1.30"  # the first with a preStop sleep that is on by default
MAX_STOP_SECONDS = 10
SERVICES = ("notifier", "callback", "outbound-dialer")


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deployment(name: str) -> Resource:
    return named(LOCAL, "Deployment", name)


@pytest.mark.parametrize("directory", [BASE, LOCAL], ids=lambda path: path.name)
@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, kubernetes_validate.latest_version()])
def test_every_resource_fits_the_official_schema(directory: Path, version: str) -> None:
    for resource in rendered(directory):
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_wrong_manifest_would_be_noticed() -> None:
    wrong = {**named(LOCAL, "Deployment", "notifier"), "spec": {"replicas": "two"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, OLDEST_KUBERNETES, strict=True)


def test_every_service_is_deployed() -> None:
    modules = {f"services.{path.parent.name}" for path in (ROOT / "services").glob("*/__main__.py")}
    assert {module_of(deployment) for deployment in of_kind(BASE, "Deployment")} == modules


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ServiceAccount", "PodDisruptionBudget"])
def test_each_service_has_what_it_needs(kind: str) -> None:
    assert {resource["metadata"]["name"] for resource in of_kind(BASE, kind)} == set(SERVICES)


def test_the_base_holds_no_secret_and_the_example_enforces_restricted_pods() -> None:
    assert of_kind(BASE, "Secret") == []
    (namespace,) = of_kind(LOCAL, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_pods_are_restricted(deployment: Resource) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert [next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]] == ["emptyDir"]
    assert container(deployment)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_environment_of_the_example_is_what_the_service_accepts(
    deployment: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_class = settings_class_of(deployment)
    for variable, _ in variables_of(settings_class):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables(LOCAL, deployment).items():
        monkeypatch.setenv(variable, value)
    settings = load_settings(settings_class)
    ports = {port["name"]: port["containerPort"] for port in container(deployment)["ports"]}
    told = {"http": settings.http_port, "grpc": getattr(settings, "grpc_port", None)}
    assert ports == {protocol: port for protocol, port in told.items() if port is not None}
    assert settings.http_host == getattr(settings, "grpc_host", "0.0.0.0") == "0.0.0.0"


@pytest.mark.parametrize("directory", [BASE, LOCAL], ids=lambda path: path.name)
def test_no_variable_is_unknown_to_the_service(directory: Path, name: str) -> None:
    deployment = named(directory, "Deployment", name)
    known = {variable for variable, _ in variables_of(settings_class_of(deployment))}
    told = [*plain_variables(directory, deployment), *secret_variables(deployment)]
    assert set(told) <= known
    assert len(told) == len(set(told))


def test_every_secret_comes_by_reference(deployment: Resource) -> None:
    settings_class = settings_class_of(deployment)
    secret = {
        variable_of(settings_class, name)
        for name, field in settings_class.model_fields.items()
        if field.annotation is SecretStr
    }
    assert secret | {"REDIS_URL"} <= secret_variables(deployment).keys()
    assert not secret & plain_variables(LOCAL, deployment).keys()


def test_kubernetes_own_variables_stay_out(deployment: Resource) -> None:
    # a Service called `notifier` would become NOTIFIER_PORT in every pod, and be refused as an unknown setting
    assert deployment["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_probes_ask_the_paths_that_the_service_answers(deployment: Resource) -> None:
    asked = {
        probe: container(deployment)[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {
        "startupProbe": {"path": LIVE_PATH, "port": "http"},
        "livenessProbe": {"path": LIVE_PATH, "port": "http"},
        "readinessProbe": {"path": READY_PATH, "port": "http"},
    }


def test_a_pod_has_time_to_stop(deployment: Resource) -> None:
    assert max(GRACEFUL_SECONDS, STOPPING.total_seconds()) <= MAX_STOP_SECONDS
    waits = container(deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= waits + MAX_STOP_SECONDS


def test_services_lead_to_their_pods(name: str, deployment: Resource) -> None:
    service = named(LOCAL, "Service", name)
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["selector"].items() <= labels
    assert named(LOCAL, "PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"].items() <= labels
    offered = {(port["name"], port["targetPort"], port["port"]) for port in service["spec"]["ports"]}
    assert offered == {(port["name"], port["name"], port["containerPort"]) for port in container(deployment)["ports"]}


def test_replicas_are_spread_and_leave_the_number_to_the_autoscaler(name: str, deployment: Resource) -> None:
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {rule["topologyKey"] for rule in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert "replicas" not in deployment["spec"]
    assert named(BASE, "Deployment", name)["spec"]["replicas"] == 2
    assert named(LOCAL, "HorizontalPodAutoscaler", name)["spec"]["minReplicas"] == 2


def test_the_network_is_closed_and_only_the_callback_may_order_calls() -> None:
    nothing = named(BASE, "NetworkPolicy", "nothing-by-default")["spec"]
    assert sorted(nothing["policyTypes"]) == ["Egress", "Ingress"]
    assert not {"ingress", "egress"} & nothing.keys()
    (rule,) = named(BASE, "NetworkPolicy", "orders")["spec"]["ingress"]
    (caller,) = rule["from"]
    assert caller["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "callback"}
    for resource in of_kind(BASE, "Deployment"):
        labels = resource["spec"]["template"]["metadata"]["labels"].items()
        assert nothing["podSelector"]["matchLabels"].items() <= labels


@pytest.mark.parametrize("directory", [BASE, LOCAL], ids=lambda path: path.name)
def test_the_callback_asks_the_dialer_where_its_service_is(directory: Path) -> None:
    host, _, port = plain_variables(directory, named(directory, "Deployment", "callback"))[
        "CALLBACK_DIALER_TARGET"
    ].partition(":")
    offered = {entry["name"]: entry["port"] for entry in named(directory, "Service", host)["spec"]["ports"]}
    assert offered["grpc"] == int(port)
