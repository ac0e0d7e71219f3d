"""How the services are started in chaos runs: everything quick, so that a crash costs seconds."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.packs import POLICIES
from tests.support.sandbox import ACCOUNT_SID, AUTH_TOKEN

NOTIFIER, CALLBACK, DIALER = "notifier", "callback", "dialer"
SERVICES = (NOTIFIER, CALLBACK, DIALER)
"""As they call themselves: names of consumer groups, of Redis prefixes, and the source of their ledger entries."""

MODULES: Mapping[str, str] = {
    NOTIFIER: "services.notifier",
    CALLBACK: "services.callback",
    DIALER: "services.outbound_dialer",
}

KILLED: Mapping[str, str] = {"SESSION_TIMEOUT_SECONDS": "1", "AUDIT_EVERY_SECONDS": "0.5"}
"""What dies must be back soon: its partitions are free again after the session's time-out."""

SPARED: Mapping[str, str] = {"SESSION_TIMEOUT_SECONDS": "6", "AUDIT_EVERY_SECONDS": "30"}
"""What does not die costs as little as it can: measured, half of a run's CPU went into heartbeats and audits."""

COMMON: Mapping[str, str] = {
    "LEASE_SECONDS": "1.5",
    # the embedded Redis loses nothing when its process dies
    "AUDIT_TRAIL_SECONDS": "0",
    "POLICIES_OVERLAY": "demo",
}

PROVIDER: Mapping[str, str] = {
    "ATTEMPT_START_SECONDS": "1",
    "PROVIDER_DEADLINE_SECONDS": "2",
    # proves that silence means "never sent": longer than any list lags here, and than a loaded machine holds a
    # request up between the service and the sandbox
    "PROVIDER_SETTLE_SECONDS": "3",
    "RECONCILE_EVERY_SECONDS": "0.5",
}

OWN: Mapping[str, Mapping[str, str]] = {
    NOTIFIER: {**PROVIDER, "RECEIPT_CHECK_SECONDS": "3"},
    CALLBACK: {"ATTEMPT_START_SECONDS": "1", "DIALER_DEADLINE_SECONDS": "2", "WATCH_SECONDS": "3"},
    DIALER: {
        **PROVIDER,
        "CALLS_PER_SECOND": "50",
        "RING_SECONDS": "5",
        "STATUS_GRACE_SECONDS": "2",
        "STATUS_CHECK_SECONDS": "2",
    },
}


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a replica finds what it talks to, and where it is found itself.

    Attributes:
        kafka: bootstrap servers.
        redis: URL of the store.
        carrier: base URL of the provider's API.
        public_url: base URL of its own webhooks, as the carrier is told.
        http_port: of its webhooks, health and metrics.
        grpc_port: of the dialer's API.
        dialer: `host:port` at which the callback service finds that API.
    """

    kafka: str
    redis: str
    carrier: str
    public_url: str
    http_port: int
    grpc_port: int
    dialer: str


def environment(service: str, at: Addresses, policies: Path, pace: Mapping[str, str]) -> dict[str, str]:
    """The environment of one replica, which is `KILLED` or `SPARED`."""
    prefix = service.upper()
    own = {**COMMON, **pace, **OWN[service], "HTTP_PORT": str(at.http_port), "POLICIES_DIR": str(policies)}
    match service:
        case "notifier":
            own["PUBLIC_URL"] = at.public_url
        case "callback":
            own["DIALER_TARGET"] = at.dialer
        case "dialer":
            own |= {"PUBLIC_URL": at.public_url, "GRPC_PORT": str(at.grpc_port)}
    return {
        **{f"{prefix}_{name}": value for name, value in own.items()},
        "KAFKA_BOOTSTRAP_SERVERS": at.kafka,
        "REDIS_URL": at.redis,
        "TWILIO_BASE_URL": at.carrier,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "LOG_FORMAT": "json",
    }


QUICK_N2 = """\
id: N2
first_call_after: PT1S
first_call_within: PT10S
"""


def quick_policies(directory: Path) -> Path:
    """The shipped rule packs, whose `demo` overlay calls a second after the fact; returns their directory."""
    policies = shutil.copytree(POLICIES, directory / "policies")
    (policies / "overlays" / "demo" / "nine-connect" / "n2.yaml").write_text(QUICK_N2)
    return policies


PRELOADED = (
    *(f"{module}.{part}" for module in MODULES.values() for part in ("__main__", "bootstrap")),
    # what the libraries import only when they are used
    "faust.app",
    "faust.app.base",
    "faust.assignor.partition_assignor",
    "faust.assignor.leader_assignor",
    "faust.fixups.django",
    "faust.tables.manager",
    "faust.tables.sets",
    "faust.transport.drivers.aiokafka",
    "faust.utils.cron",
    "faust.utils.tracing",
    "faust.web.cache.backends",
    "faust.web.views",
    "faust.web.drivers",
    "faust.windows",
    "faust.worker",
    "mode.worker",
    "mode.supervisors",
    "mode.debug",
    "phonenumbers.data.region_US",
    "twilio.rest.api",
    "twilio.rest.api.v2010.account",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    # last, because it maps the modules that are there
    "tests.chaos.warm",
)
