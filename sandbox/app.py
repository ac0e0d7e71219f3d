"""Puts the sandbox together and runs it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import web

from sandbox.api.control import Controls, add_controls
from sandbox.api.gate import Gate
from sandbox.api.phones import Phones, add_phones
from sandbox.api.resources import CallsResource, MessagesResource, add_api
from sandbox.book import Book
from sandbox.calling import Calling
from sandbox.carrier import Carrier, replay
from sandbox.customers import Customers, load_scenario
from sandbox.http_client import HttpClient
from sandbox.messaging import Messaging
from sandbox.modes import Faults
from sandbox.settings import Settings
from sandbox.webhooks import Webhooks

BACKLOG = 1024


@asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[web.Application]:
    """The application, its state rebuilt from the book and what was under way taken up again."""
    book, faults, carrier = Book(settings.book), Faults(settings.modes), Carrier(settings.account_sid)
    customers = Customers(load_scenario(settings.scenario))
    for entry in book.open():
        replay(carrier, entry)
    token = settings.auth_token.get_secret_value()
    client = HttpClient(settings.webhook_timeout_seconds)
    webhooks = Webhooks(client=client, auth_token=token, book=book, faults=faults, attempts=settings.webhook_attempts)
    messaging = Messaging(
        carrier=carrier,
        customers=customers,
        book=book,
        webhooks=webhooks,
        speed=settings.speed,
        inbound_url=str(settings.inbound_url) if settings.inbound_url else None,
    )
    calling = Calling(carrier=carrier, customers=customers, book=book, webhooks=webhooks, speed=settings.speed)
    app = web.Application()
    add_api(
        app,
        gate=Gate(account_sid=settings.account_sid, auth_token=token, book=book, faults=faults),
        messages=MessagesResource(carrier=carrier, customers=customers, messaging=messaging, faults=faults),
        calls=CallsResource(carrier=carrier, customers=customers, calling=calling, faults=faults),
    )
    controls = Controls(
        book=book, carrier=carrier, faults=faults, messaging=messaging, calling=calling, webhooks=webhooks
    )
    add_controls(app, controls)
    add_phones(app, Phones(book=book, carrier=carrier, messaging=messaging, calling=calling))
    messaging.resume()
    calling.resume()
    try:
        yield app
    finally:
        calling.close()
        await webhooks.close()
        client.close()
        book.close()


async def serve(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM; prints one JSON line with the address once requests are answered.

    Raises:
        OSError: the port is taken or the book cannot be written.
        ScenarioError: the scenario file cannot be used.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with assembled(settings) as app:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
            await site.start()
            host, port = runner.addresses[0][:2]
            print(orjson.dumps({"event": "sandbox_ready", "url": f"http://{host}:{port}"}).decode(), flush=True)
            await stop.wait()
        finally:
            await runner.cleanup()
