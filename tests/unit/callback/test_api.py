"""The task API as a client sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.types import ASGIApp

from common.errors import TransientError
from common.observability.metrics import Metrics
from services.callback.entrypoints.http import PROBLEM, routes
from services.callback.handlers import Handlers
from tests.unit.callback.served import Served
from tests.unit.callback.world import CUSTOMER, failed, minutes, profile


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


async def get(app: ASGIApp, path: str, query: str = "") -> Answer:
    """One GET without a socket; an exception of the application is the server's business."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except ZeroDivisionError:
        assert sent
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers, json.loads(body))


def app_of(handlers: Handlers) -> Starlette:
    return Starlette(routes=routes(handlers, Metrics("callback")))


@pytest.fixture
async def served() -> Served:
    """A task whose call is ordered."""
    served = await Served().start()
    await served.take(profile())
    await served.take(failed())
    await served.move(minutes(8))
    return served


async def test_tasks_of_a_customer(served: Served) -> None:
    answer = await get(app_of(served.handlers), "/v1/tasks", f"customer_id={CUSTOMER}")
    (task,) = answer.body["tasks"]
    assert (answer.status, task["status"], task["scenario_id"]) == (200, "calling", "N2")
    assert task["source_sentence"].startswith("客户线上自助缴费失败")
    assert task["fields"]["policy_id"] == "P-1"
    assert task["call_orders"][0]["order_id"] == f"{task['task_id']}/1"
    assert "+1202" not in json.dumps(answer.body)
    one = await get(app_of(served.handlers), f"/v1/tasks/{CUSTOMER}/{task['task_id']}")
    assert one.body == task


async def test_a_customer_nobody_knows_has_no_tasks(served: Served) -> None:
    answer = await get(app_of(served.handlers), "/v1/tasks", "customer_id=c-nobody")
    assert (answer.status, answer.body) == (200, {"tasks": []})


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/v1/tasks", "", 400, "invalid_request"),
        ("/v1/tasks", "customer_id=no%20spaces", 400, "invalid_request"),
        ("/v1/tasks/c-1/not-a-task", "", 400, "invalid_request"),
        ("/v1/tasks/c-1/t-000000000000", "", 404, "not_found"),
        ("/v1/elsewhere", "", 404, "not_found"),
    ],
)
async def test_refusals_are_problems(served: Served, path: str, query: str, status: int, code: str) -> None:
    answer = await get(app_of(served.handlers), path, query)
    assert (answer.status, answer.body["code"], answer.body["status"]) == (status, code, status)
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (TransientError("store_unavailable", retry_after=timedelta(seconds=2)), 503, "store_unavailable"),
        (ZeroDivisionError("a secret"), 500, "internal"),
    ],
)
async def test_failures_are_problems_too(error: Exception, status: int, code: str) -> None:
    class Failing:
        async def list_tasks(self, customer_id: str) -> Any:
            raise error

    answer = await get(app_of(Failing()), "/v1/tasks", "customer_id=c-1")  # type: ignore[arg-type]  # only asked for this
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("2" if status == 503 else None)
    assert "secret" not in json.dumps(answer.body)


async def test_the_api_describes_itself_and_answers_as_described(served: Served) -> None:
    app = app_of(served.handlers)
    description = (await get(app, "/v1/openapi.json")).body
    assert set(description["paths"]) == {"/tasks", "/tasks/{customer_id}/{task_id}"}
    schema = {**description["components"]["schemas"]["TaskList"], "components": description["components"]}
    tasks = (await get(app, "/v1/tasks", f"customer_id={CUSTOMER}")).body
    Draft202012Validator(schema).validate(tasks)
    problem = description["paths"]["/tasks"]["get"]["responses"]["503"]["content"]
    assert PROBLEM in problem
