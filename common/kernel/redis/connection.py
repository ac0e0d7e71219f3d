"""Opens Redis, one server or a cluster, and notices when the server behind a connection is another run."""

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

CLUSTER_SCHEME = "redis+cluster://"
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
        """Connection hook for redis-py: the usual handshake, then the server's run id."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        self.meet(run_id(await connection.read_response()))

    def meet(self, run: bytes) -> None:
        """A connection was opened to this run of a server."""
        if run not in self._met:
            self._met.add(run)
            self.generation += 1


def run_id(info: bytes | str) -> bytes:
    """The line of `INFO server` that names the server's process."""
    text = info if isinstance(info, bytes) else info.encode()
    return next((line for line in text.splitlines() if line.startswith(b"run_id:")), b"")


def is_cluster(url: str) -> bool:
    """Whether the URL means a Redis Cluster."""
    return url.startswith(CLUSTER_SCHEME)


def open_redis(url: str, watch: RunWatch) -> Redis | RedisCluster:
    """redis-py's client for `redis://…`, or for a cluster with `redis+cluster://host:port`, for all but the kernel.

    The client keeps answers as bytes and gives up on a silent server after five seconds.
    """
    if is_cluster(url):
        return open_cluster(url, watch)
    pool = ConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        retry=_retry(),
        redis_connect_func=watch.connect,
        protocol=2,
    )
    return Redis.from_pool(pool)


def open_cluster(url: str, watch: RunWatch) -> RedisCluster:
    """redis-py's cluster client; every connection it opens is shown to `watch`."""
    plain = url.replace(CLUSTER_SCHEME, "redis://", 1)
    cluster = RedisCluster.from_url(plain, socket_timeout=SOCKET_TIMEOUT_SECONDS, retry=_retry(), protocol=2)
    # the cluster client takes no connection hook in its constructor, but hands these arguments to each connection
    cluster.connection_kwargs["redis_connect_func"] = watch.connect
    for node in cluster.startup_nodes:
        node.connection_kwargs["redis_connect_func"] = watch.connect
    return cluster


def _retry() -> Retry:
    return Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.2), RETRIES, (RedisConnectionError, RedisTimeoutError))
