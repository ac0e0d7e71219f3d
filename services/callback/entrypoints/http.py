"""The task API: read-only JSON with OpenAPI, errors as problem+json (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount

from common.errors import TransientError
from common.events.vocabulary import CUSTOMER_ID_PATTERN
from common.observability.metrics import Metrics
from services.callback.domain.views import TaskView
from services.callback.handlers import Handlers

PROBLEM = "application/problem+json"
PREFIX = "/v1"

CustomerId = Annotated[str, Query(pattern=CUSTOMER_ID_PATTERN, description="Pseudonymous id of the customer.")]
CustomerIdInPath = Annotated[str, Path(pattern=CUSTOMER_ID_PATTERN, description="Pseudonymous id of the customer.")]
TaskId = Annotated[str, Path(pattern=r"^t-[0-9a-f]{12}$", description="Id of the task, unique for the customer.")]


class Problem(BaseModel):
    """What went wrong, in words for a person and a constant `code` for a program."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    fields: tuple[str, ...] = ()


class TaskList(BaseModel):
    """The customer's open and lately closed tasks, the newest first."""

    tasks: list[TaskView]


def routes(handlers: Handlers, metrics: Metrics) -> Sequence[BaseRoute]:
    """The API under `/v1`, its description at `/v1/openapi.json`."""
    refusals = {HTTPStatus.BAD_REQUEST: Problem, HTTPStatus.NOT_FOUND: Problem, HTTPStatus.SERVICE_UNAVAILABLE: Problem}
    api = FastAPI(
        title="Callback tasks",
        version="1",
        description="What became of broken customer journeys. No phone numbers, no names.",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        responses={status: {"model": model, "content": {PROBLEM: {}}} for status, model in refusals.items()},
    )

    @api.get("/tasks", summary="Tasks of one customer")
    async def list_tasks(customer_id: CustomerId) -> TaskList:
        """An unknown customer has no tasks."""
        return TaskList(tasks=list(await handlers.list_tasks(customer_id)))

    @api.get("/tasks/{customer_id}/{task_id}", summary="One task")
    async def get_task(customer_id: CustomerIdInPath, task_id: TaskId) -> TaskView:
        """Closed tasks are kept for 30 days, the newest 20 of a customer."""
        task = await handlers.get_task(customer_id, task_id)
        if task is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such task, or it was closed too long ago")
        return task

    _answer_with_problems(api, metrics)
    return [Mount(PREFIX, api)]


def _answer_with_problems(api: FastAPI, metrics: Metrics) -> None:
    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        fields = tuple(".".join(map(str, problem["loc"])) for problem in error.errors())
        return _problem(HTTPStatus.BAD_REQUEST, "invalid_request", "some fields are missing or wrong", fields)

    @api.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        response = _problem(status, status.name.lower(), error.detail)
        response.headers.update(error.headers or {})
        return response

    @api.exception_handler(TransientError)
    async def unavailable(_: Request, error: TransientError) -> Response:
        response = _problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, "try again soon")
        response.headers["Retry-After"] = str(max(1, round(error.retry_after.total_seconds())))
        return response

    @api.exception_handler(Exception)  # the server logs it with its traceback; the caller learns nothing of it
    async def bug(_: Request, __: Exception) -> Response:
        metrics.bug("http")
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the service failed; its log says why")


def _problem(status: HTTPStatus, code: str, detail: str, fields: tuple[str, ...] = ()) -> JSONResponse:
    problem = Problem(title=status.phrase, status=status, code=code, detail=detail, fields=fields)
    return JSONResponse(problem.model_dump(), status, media_type=PROBLEM)
