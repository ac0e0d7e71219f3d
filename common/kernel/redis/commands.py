"""Redis commands for the kernel, in the same words for one server and for a cluster."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any, Protocol

import hiredis
from redis.asyncio import RedisCluster
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection, parse_url
from redis.exceptions import RedisError, ResponseError

from common.errors import TransientError
from common.kernel.redis.connection import RunWatch, is_cluster, open_cluster, run_id
from common.kernel.redis.line import Line, LineLost
from common.kernel.redis.script import Script

TRIES = 3
"""Repeating a command after a lost answer is safe: each script recognises its own earlier run."""

FIRST_PAUSE_SECONDS = 0.02
CONNECT_SECONDS = 3.0

Part = bytes | str | float


class Commands(Protocol):
    """Raw Redis: answers are bytes, ints, lists or None.

    Every method raises `TransientError("store_unavailable")` when Redis does not answer or refuses.
    """

    async def call(self, *parts: Part) -> Any:
        """One command whose first argument after the name is its key."""

    async def calls(self, commands: Sequence[Sequence[Part]]) -> list[Any]:
        """Several at once, answers in order."""

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """A script; all keys live in one slot."""

    async def close(self) -> None:
        """Disconnects."""


def open_commands(url: str, watch: RunWatch) -> Commands:
    """One server for `redis://`, `rediss://` and `unix://`, a cluster for `redis+cluster://`; connects when used."""
    return Cluster(open_cluster(url, watch)) if is_cluster(url) else SingleServer(url, watch)


def unavailable(kind: str) -> TransientError:
    """Redis cannot be used now."""
    return TransientError("store_unavailable", kind=kind)


class SingleServer:
    """Commands over one pipelined line, opened again when it is lost."""

    def __init__(self, url: str, watch: RunWatch) -> None:
        self._target = parse_url(url)
        self._watch = watch
        self._line: Line | None = None
        self._opening = asyncio.Lock()

    async def call(self, *parts: Part) -> Any:
        """See `Commands`."""
        return _answer((await self._ask([parts]))[0])

    async def calls(self, commands: Sequence[Sequence[Part]]) -> list[Any]:
        """See `Commands`."""
        return [_answer(answer) for answer in await self._ask(commands)] if commands else []

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """See `Commands`."""
        (answer,) = await self._ask([("EVALSHA", script.sha, len(keys), *keys, *arguments)])
        if isinstance(answer, hiredis.ReplyError) and str(answer).startswith("NOSCRIPT"):
            (answer,) = await self._ask([("EVAL", script.source, len(keys), *keys, *arguments)])
        return _answer(answer)

    async def close(self) -> None:
        """See `Commands`."""
        if self._line is not None:
            self._line.close()

    async def _ask(self, commands: Sequence[Sequence[Part]]) -> list[Any]:
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, TRIES + 1):
            try:
                line = self._line
                if line is None or line.lost:
                    line = await self._opened()
                answers = [line.ask(*parts) for parts in commands]
                if len(answers) == 1:
                    return [await answers[0]]
                return list(await asyncio.gather(*answers))
            except (OSError, TimeoutError) as error:
                if attempt == TRIES:
                    raise unavailable(type(error).__name__) from error
            await asyncio.sleep(pause)
            pause *= 2
        raise unavailable("unreachable")

    async def _opened(self) -> Line:
        async with self._opening:
            if self._line is None or self._line.lost:
                async with asyncio.timeout(CONNECT_SECONDS):
                    line = await self._connected()
                    await self._greet(line)
                self._line = line
            return self._line

    async def _connected(self) -> Line:
        loop, target = asyncio.get_running_loop(), self._target
        if target.get("connection_class") is UnixDomainSocketConnection:
            _, line = await loop.create_unix_connection(Line, target["path"])
        else:
            secure = ssl.create_default_context() if target.get("connection_class") is SSLConnection else None
            _, line = await loop.create_connection(
                Line, target.get("host", "localhost"), target.get("port", 6379), ssl=secure
            )
        return line

    async def _greet(self, line: Line) -> None:
        """Authenticates, chooses the database and learns which run of the server this is, before anything else."""
        target = self._target
        greeting: list[tuple[Part, ...]] = [("INFO", "server")]
        if target.get("db"):
            greeting.insert(0, ("SELECT", target["db"]))
        if target.get("password"):
            user = (target["username"],) if target.get("username") else ()
            greeting.insert(0, ("AUTH", *user, target["password"]))
        answers = [await answer for answer in [line.ask(*parts) for parts in greeting]]
        refusal = next((answer for answer in answers if isinstance(answer, hiredis.ReplyError)), None)
        if refusal is not None:
            line.close()
            raise LineLost(str(refusal).split(" ", 1)[0])
        self._watch.meet(run_id(answers[-1]))


class Cluster:
    """Commands through redis-py's cluster client, which knows slots, redirections and resharding."""

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster = cluster
        # answers as Redis gives them, so that both kinds of server look alike
        unchanged: Any = _as_it_is
        for name in ("XRANGE", "SET"):
            cluster.set_response_callback(name, unchanged)

    async def call(self, *parts: Part) -> Any:
        """See `Commands`."""
        try:
            return await self._cluster.execute_command(*parts)
        except ResponseError as error:
            raise unavailable(str(error).split(" ", 1)[0]) from error
        except (RedisError, OSError) as error:
            raise unavailable(type(error).__name__) from error

    async def calls(self, commands: Sequence[Sequence[Part]]) -> list[Any]:
        """See `Commands`."""
        return list(await asyncio.gather(*(self.call(*parts) for parts in commands)))

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Part]) -> Any:
        """See `Commands`."""
        try:
            return await self._cluster.execute_command("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except RedisError as error:
            if not str(error).startswith(("NOSCRIPT", "No matching script")):
                raise unavailable(type(error).__name__) from error
        except OSError as error:
            raise unavailable(type(error).__name__) from error
        return await self.call("EVAL", script.source, len(keys), *keys, *arguments)

    async def close(self) -> None:
        """See `Commands`."""
        await self._cluster.aclose()


def _answer(answer: Any) -> Any:
    if isinstance(answer, hiredis.ReplyError):
        raise unavailable(str(answer).split(" ", 1)[0])
    return answer


def _as_it_is(answer: Any, **_: Any) -> Any:
    return answer
