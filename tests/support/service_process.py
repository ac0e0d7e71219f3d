"""A service as a process of its own: started from a nursery, asked over HTTP, stopped or killed."""

import time
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import orjson

from common.observability.health import METRICS_PATH, READY_PATH
from tests.support.forks.client import ForkedProcess, Forks
from tests.support.polling import eventually

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
ANSWER_SECONDS = 10.0
LOOK_SECONDS = 0.1

Answer = tuple[int, bytes]


class ServiceProcess:
    """One replica; its port and log stay the same over restarts.

    Args:
        forks: where it is started.
        module: what is run, e.g. `services.notifier`.
        environment: its settings.
        http_port: of its webhooks, health and metrics.
    """

    def __init__(self, forks: Forks, module: str, environment: Mapping[str, str], http_port: int) -> None:
        self._forks = forks
        self._module = module
        self._environment = dict(environment)
        self._name = f"{module}-{http_port}"
        self._process: ForkedProcess | None = None
        self.url = f"http://127.0.0.1:{http_port}"
        self.starts = 0

    def begin(self, **settings: str) -> None:
        """Starts it; does not wait. Settings given here count from now on."""
        self._environment |= settings
        self._process = self._forks.start(self._module, name=self._name, environment=self._environment)
        self.starts += 1

    def start(self, **settings: str) -> None:
        """Starts it and returns when it says that it is ready."""
        self.begin(**settings)
        eventually(self.is_ready, READY_SECONDS, interval=LOOK_SECONDS)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: by that signal."""
        return self._process.poll() if self._process else None

    def stop(self) -> tuple[int, float]:
        """SIGTERM; returns the exit code and the seconds it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        return self._process.wait(STOP_SECONDS), time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()

    def is_ready(self) -> bool:
        """What its readiness probe says; fails when it has ended."""
        if self.exit_code is not None:
            raise RuntimeError(f"it ended with {self.exit_code}:\n{self.log()[-3000:]}")
        try:
            return self.get(READY_PATH)[0] == 200
        except URLError:
            return False

    def complaints(self) -> dict[str, dict[str, str]]:
        """What readiness complains of: condition → its reason and remedy; empty when it is ready."""
        status, body = self.get(READY_PATH)
        failing = {check["name"]: check for check in orjson.loads(body)["checks"] if not check["ok"]}
        assert (status == 503) == bool(failing)
        return failing

    def get(self, path: str) -> Answer:
        """The answer to a GET, whatever its status."""
        return self._ask(Request(self.url + path))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a POST, whatever its status."""
        return self._ask(Request(self.url + path, data=body, headers=dict(headers or {})))

    def metrics(self) -> str:
        """The exposition."""
        return self.get(METRICS_PATH)[1].decode()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series of this name that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in self.metrics().splitlines()
            if line.startswith((name + "{", name + " ")) and all(pair in line for pair in wanted)
        )

    def log(self) -> str:
        """Everything it has written so far, over all its starts."""
        path = self._forks.log_path(self._name)
        return path.read_text(errors="replace") if path.exists() else ""

    def events(self, name: str) -> list[dict[str, object]]:
        """Its log lines of one event name."""
        lines = (orjson.loads(line) for line in self.log().splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == name]

    @staticmethod
    def _ask(request: Request) -> Answer:
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, answer.read()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()
