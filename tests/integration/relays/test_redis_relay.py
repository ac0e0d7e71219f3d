"""A relay before a real Redis: every command counted, and the client ended before or after each took effect."""

from urllib.parse import urlsplit

import pytest
import redis

from tests.integration.relays.conftest import KILLED, Victims
from tests.support.relays.host import RelayHost
from tests.support.relays.ordered import OrderedConversation
from tests.support.relays.resp import RespWire
from tests.support.relays.tap import Moment, Request, Tap
from tests.support.relays.tcp import Relay

PROTOCOLS = ["2", "3"]


def steps_only(request: Request) -> bool:
    return request.label == "INCRBY steps"


@pytest.fixture
def store(redis_server: str) -> "redis.Redis":
    client = redis.Redis.from_url(redis_server)
    client.delete("steps")
    return client


def relay(host: RelayHost, url: str, tap: Tap) -> int:
    return host.add(Relay(("127.0.0.1", urlsplit(url).port or 0), lambda: OrderedConversation(RespWire(), tap)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_untouched_run_counts_every_command(
    host: RelayHost, victims: Victims, redis_server: str, store: "redis.Redis", protocol: str
) -> None:
    tap = Tap()
    port = relay(host, redis_server, tap)
    assert victims.run("redis_client", "single", port, tap, arg=protocol) == 0
    labels = [request.label for request in tap.seen]
    assert labels.count("INCRBY steps") == 12
    assert [label for label in labels if not label.startswith(("HELLO", "CLIENT"))] == ["INCRBY steps"] * 12
    assert tap.struck is None


@pytest.mark.parametrize("at", [1, 5, 12])
@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, -1), (Moment.AFTER, 0)])
def test_kill_at_a_command(
    host: RelayHost, victims: Victims, redis_server: str, store: "redis.Redis", at: int, moment: Moment, done: int
) -> None:
    tap = Tap(steps_only)
    port = relay(host, redis_server, tap)
    assert victims.run("redis_client", "single", port, tap, at=at, moment=moment, arg="3") == KILLED
    assert int(store.get("steps") or 0) == at + done
    assert tap.struck is not None
    assert len(tap.seen) == at


@pytest.mark.parametrize("at", [2, 4, 6])
@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, -1), (Moment.AFTER, 0)])
def test_nothing_pipelined_behind_the_chosen_command_takes_effect(
    host: RelayHost, victims: Victims, redis_server: str, store: "redis.Redis", at: int, moment: Moment, done: int
) -> None:
    tap = Tap(steps_only)
    port = relay(host, redis_server, tap)
    assert victims.run("redis_client", "pipelined", port, tap, at=at, moment=moment, arg="2") == KILLED
    assert int(store.get("steps") or 0) == at + done


def test_after_the_crash_everything_passes(
    host: RelayHost, victims: Victims, redis_server: str, store: "redis.Redis"
) -> None:
    tap = Tap(steps_only)
    port = relay(host, redis_server, tap)
    assert victims.run("redis_client", "single", port, tap, at=3, moment=Moment.AFTER, arg="3") == KILLED
    second = victims.start("redis_client", "single", port, "3")
    assert second.wait(30) == 0
    assert int(store.get("steps") or 0) == 3 + 12


@pytest.mark.parametrize("protocol", [2, 3])
def test_nested_replies_nulls_scripts_and_messages_pass_whole(
    host: RelayHost, redis_server: str, protocol: int
) -> None:
    tap = Tap()
    port = relay(host, redis_server, tap)
    client = redis.Redis(port=port, protocol=protocol)
    big = b"x\r\n$5\r\n" * 100_000
    client.hset("hash", mapping={"a": big, "b": b""})
    assert client.hgetall("hash") == {b"a": big, b"b": b""}
    assert client.get("absent") is None
    assert client.eval("return {1, {2, {KEYS[1], false}}, {}}", 1, "key") == [1, [2, [b"key", None]], []]
    with client.pubsub() as listener:  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        listener.subscribe("news")
        assert listener.get_message(timeout=5)
        client.publish("news", "first")
        told = listener.get_message(timeout=5)
        assert told
        assert told["data"] == b"first"
    client.delete("hash")
    client.close()
