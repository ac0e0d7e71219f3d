"""Starts a local stack step by step; whatever cannot start says why and what to do."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError

from cli.stack.errors import StackError
from cli.stack.kafka_jars import fetch
from cli.stack.plan import StackPlan
from cli.stack.ports import require_free
from cli.stack.server import EmbeddedServer
from cli.stack.steps import Step, Steps
from cli.stack.supervisor import Part, PartState, SupervisedPart, Supervisor
from common.errors import TransientError
from common.kafka.admin import WrongTopics, admin_client, ensure_topics

T = TypeVar("T")

POLL_SECONDS = 0.05
SERVER_TIMEOUT = timedelta(seconds=120)
SERVICE_TIMEOUT = timedelta(seconds=120)
CHECK_TIMEOUT_SECONDS = 5.0


class Boot:
    """Brings the parts of a plan up under a supervisor.

    Args:
        plan: what to start.
        supervisor: keeps it running.
        steps: told what happens.
        refresh: called at least ten times a second while it waits, to draw the view.
    """

    def __init__(
        self, *, plan: StackPlan, supervisor: Supervisor, steps: Steps, refresh: Callable[[], None] = lambda: None
    ) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._steps = steps
        self._refresh = refresh

    def everything(self) -> None:
        """All steps in order.

        Raises:
            StackError: the first thing that could not be started.
        """
        with self._steps.step("ports", f"from {self._plan.ports.base}"):
            require_free(
                self._plan.wanted_ports(),
                remedy="stop what listens there, or choose other ports: PORT_BASE=29000 make run",
            )
        sandbox = self._add([self._plan.sandbox()])
        self._redis()
        self._kafka()
        with self._steps.step("topics"):
            self.in_background(self._ensure_topics)
        with self._steps.step("carrier", self._plan.sandbox_url or "TWILIO_BASE_URL is set"):
            self._wait_ready(sandbox, SERVICE_TIMEOUT)
        with self._steps.step("services", "notifier, callback, outbound_dialer"):
            self._wait_ready(self._add(self._plan.services()), SERVICE_TIMEOUT)

    def in_background(self, work: Callable[[], T]) -> T:
        """Run blocking work in a thread while the view goes on; a daemon, so that Ctrl-C need not wait for it.

        Raises:
            StackError: what the work raised.
        """
        outcome: list[T | StackError] = []

        def run() -> None:
            try:
                outcome.append(work())
            except StackError as error:
                outcome.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            self.tick()
        if not outcome:
            raise StackError("A step of the start failed unexpectedly.", remedy="report the traceback above.")
        if isinstance(outcome[0], StackError):
            raise outcome[0]
        return outcome[0]

    def tick(self) -> None:
        """One round of waiting: supervise, draw, sleep a moment."""
        self._supervisor.tick()
        self._refresh()
        time.sleep(POLL_SECONDS)

    def _redis(self) -> None:
        server = self._plan.redis()
        with self._steps.step("redis", "starting" if server else "REDIS_URL is set"):
            if server:
                self._start_server(server)
            else:
                self.in_background(self._check_redis)

    def _kafka(self) -> None:
        broker = self._plan.kafka()
        if broker:
            with self._steps.step("kafka's jars") as step:
                self.in_background(lambda: fetch(partial(_count_megabytes, step)))
        with self._steps.step("kafka", "starting" if broker else "KAFKA_BOOTSTRAP_SERVERS is set"):
            if broker:
                self._start_server(broker)

    def _start_server(self, server: EmbeddedServer) -> None:
        self.in_background(server.prepare)
        self._wait_ready(self._add([Part(program=server.program(), unready=server.unready)]), SERVER_TIMEOUT)

    def _add(self, parts: Iterable[Part | None]) -> list[SupervisedPart]:
        return [self._supervisor.add(part) for part in parts if part]

    def _wait_ready(self, parts: list[SupervisedPart], timeout: timedelta) -> None:
        deadline = time.monotonic() + timeout.total_seconds()
        while any(part.state is not PartState.READY for part in parts):
            for part in parts:
                self._refuse_hopeless(part, late=time.monotonic() > deadline, timeout=timeout)
            self.tick()

    def _refuse_hopeless(self, part: SupervisedPart, *, late: bool, timeout: timedelta) -> None:
        if part.state is PartState.GIVEN_UP:
            why = (
                f"{part.name} {part.why}, and not for the first time."
                if part.deaths > 1
                else f"{part.name} {part.why}."
            )
        elif late and part.state is not PartState.READY:
            why = f"{part.name} is not ready after {timeout.total_seconds():g} s: {part.why or part.state.value}."
        else:
            return
        raise StackError(why, remedy=f"see {part.log_path}; its last words are:", details=part.last_words())

    def _ensure_topics(self) -> None:
        try:
            with admin_client(self._plan.bootstrap) as admin:
                ensure_topics(admin)
        except TransientError as error:
            raise StackError(
                f"Kafka at {self._plan.bootstrap} does not answer.",
                remedy="check KAFKA_BOOTSTRAP_SERVERS and that Kafka runs, or unset it to have one started.",
            ) from error
        except WrongTopics as error:
            raise StackError(
                " ".join(error.problems), remedy="use another Kafka, or move the wrong topics out of the way."
            ) from error

    def _check_redis(self) -> None:
        try:
            with Redis.from_url(self._plan.redis_url, socket_timeout=CHECK_TIMEOUT_SECONDS) as client:
                client.ping()
        except (RedisError, OSError, ValueError) as error:
            raise StackError(
                f"The Redis of REDIS_URL does not answer: {type(error).__name__}.",
                remedy="check REDIS_URL and that Redis runs, or unset it to have one started.",
            ) from error


def _count_megabytes(step: Step, count: int) -> None:
    step.amount += count
    step.detail = f"{step.amount / 1_000_000:.1f} of 44 MB from Maven Central, once"
