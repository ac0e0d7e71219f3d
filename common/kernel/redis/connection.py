"""Opens Redis, one server or a cluster, and notices when the server behind a connection is another run."""

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

SOCKET_TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 64
RETRIES = 2
"""Repeating a script after a lost answer is safe: each recognises its own earlier run."""


class RunWatch:
    """Counts how often a connection met a server process not met before."""

    def __init__(self) -> None:
        self.generation = 0
        self._met: set[bytes] = set()

    async def connect(self, connection: AbstractConnection) -> None:
        """Connection hook: the usual handshake, then the server's run id."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        run = _run_id(await connection.read_response())
        if run not in self._met:
            self._met.add(run)
            self.generation += 1


def open_redis(url: str, watch: RunWatch) -> Redis | RedisCluster:
    """A client for `redis://…`, or for a cluster with `redis+cluster://host:port`.

    The client keeps answers as bytes and gives up on a silent server after five seconds.
    """
    retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.2), RETRIES, (RedisConnectionError, RedisTimeoutError))
    if url.startswith("redis+cluster://"):
        return _open_cluster(url.replace("redis+cluster", "redis", 1), watch, retry)
    pool = ConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        retry=retry,
        redis_connect_func=watch.connect,
        protocol=2,
    )
    return Redis.from_pool(pool)


def _open_cluster(url: str, watch: RunWatch, retry: Retry) -> RedisCluster:
    cluster = RedisCluster.from_url(url, socket_timeout=SOCKET_TIMEOUT_SECONDS, retry=retry, protocol=2)
    # the cluster client takes no connection hook in its constructor, but hands these arguments to each connection
    cluster.connection_kwargs["redis_connect_func"] = watch.connect
    for node in cluster.startup_nodes:
        node.connection_kwargs["redis_connect_func"] = watch.connect
    return cluster


def _run_id(info: bytes | str) -> bytes:
    text = info if isinstance(info, bytes) else info.encode()
    return next((line for line in text.splitlines() if line.startswith(b"run_id:")), b"")
