"""The HTTP server of a service: its own routes beside liveness, readiness and metrics."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from common.observability.health import LIVE_PATH, METRICS_PATH, READY_PATH, Health
from common.observability.metrics import Metrics

GRACEFUL_SECONDS = 3
KEEP_ALIVE_SECONDS = 75
"""Longer than the idle time of common load balancers, so that the side that may retry closes first."""


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the service stops everything in its own order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the service."""
        yield


class HttpServer:
    """Serves until stopped."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._server = QuietServer(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="none",
                http="httptools",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACEFUL_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns once the port answers.

        Raises:
            OSError: the port cannot be had.
        """
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
                raise OSError("the HTTP server ended while starting")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Answers what is in flight, then closes."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving


def http_app(routes: Sequence[BaseRoute], health: Health, metrics: Metrics) -> Starlette:
    """The service's routes and those that every service has."""

    async def live(_: Request) -> Response:
        report = health.live()
        return JSONResponse(report.body(), report.status)

    async def ready(_: Request) -> Response:
        report = health.ready()
        return JSONResponse(report.body(), report.status)

    async def scrape(_: Request) -> Response:
        metrics.ready(health.ready().ok)
        content_type, text = metrics.exposition()
        return Response(text, media_type=content_type)

    own = [Route(LIVE_PATH, live), Route(READY_PATH, ready), Route(METRICS_PATH, scrape)]
    return Starlette(routes=[*own, *routes])
