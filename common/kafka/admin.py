"""Creates missing topics and checks those that exist: shards equal partitions, so a wrong count is fatal."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from common.errors import AppError, TransientError
from common.events.topics import DLQ_HEADROOM_BYTES, DLQ_SUFFIX, TOPICS, Topic
from common.kafka.brokers import require_reachable

BROKER_DEFAULT = -1
CONNECT_TIMEOUT_MS = 10_000


class WrongTopics(AppError):
    """The cluster's topics do not fit the product; nothing may be started on them. `problems` are sentences."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("wrong_topics", problems=" ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualTopic:
    """A topic as the cluster has it."""

    name: str
    partitions: int
    compacted: bool
    max_message_bytes: int


@contextmanager
def admin_client(bootstrap_servers: str, *, timeout_ms: int = CONNECT_TIMEOUT_MS) -> Iterator[KafkaAdminClient]:
    """An admin connection for the length of a `with` block.

    Raises:
        TransientError: `kafka_unavailable`, no broker answered within `timeout_ms`, or one failed inside the block.
    """
    require_reachable(bootstrap_servers)
    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers, bootstrap_timeout_ms=timeout_ms, client_id="nineconnect-admin"
        )
        try:
            yield client
        finally:
            client.close()
    except KafkaError as error:
        raise TransientError("kafka_unavailable", bootstrap=bootstrap_servers, cause=type(error).__name__) from error


def ensure_topics(
    admin: KafkaAdminClient, topics: Iterable[Topic] = TOPICS.values(), *, replication_factor: int = BROKER_DEFAULT
) -> list[str]:
    """Creates the missing ones of `topics`, then checks all of them; any number of replicas may do so at once.

    Args:
        admin: an open admin connection.
        topics: what must be there afterwards.
        replication_factor: of new topics; -1 = the broker's default.

    Returns:
        The names of the topics that this call created.

    Raises:
        WrongTopics: one of them exists with another partition count or clean-up policy.
    """
    wanted = list(topics)
    present = set(admin.list_topics())
    missing = [topic for topic in wanted if topic.name not in present]
    created = _create(admin, missing, replication_factor) if missing else []
    problems = topic_problems(admin, wanted)
    if problems:
        raise WrongTopics(problems)
    return created


def topic_problems(admin: KafkaAdminClient, topics: Iterable[Topic] = TOPICS.values()) -> list[str]:
    """One sentence for each way in which the cluster's topics do not fit, with the remedy; empty when all is well."""
    wanted = list(topics)
    actual = actual_topics(admin, wanted)
    return [problem for topic in wanted for problem in _problems_of(topic, actual)]


def actual_topics(admin: KafkaAdminClient, topics: Iterable[Topic] = TOPICS.values()) -> dict[str, ActualTopic]:
    """Those of `topics` that exist, as the cluster has them."""
    present = set(admin.list_topics())
    names = [topic.name for topic in topics if topic.name in present]
    if not names:
        return {}
    partitions = {described["name"]: len(described["partitions"]) for described in admin.describe_topics(names)}
    settings = _settings(admin, names)
    return {
        name: ActualTopic(
            name=name,
            partitions=partitions[name],
            compacted="compact" in settings[name]["cleanup.policy"],
            max_message_bytes=int(settings[name]["max.message.bytes"]),
        )
        for name in names
    }


def _settings(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    wanted = ["cleanup.policy", "max.message.bytes"]
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted) for name in names]
    described = admin.describe_configs(resources, config_filter="all")
    return {name: {key: entry["value"] for key, entry in described["topic"][name].items()} for name in names}


def _create(admin: KafkaAdminClient, missing: list[Topic], replication_factor: int) -> list[str]:
    wanted = {topic.name: _creation(topic, replication_factor) for topic in missing}
    answer = admin.create_topics(wanted, raise_errors=False)
    created, problems = [], []
    for said in answer["topics"]:
        error = for_code(said["error_code"])
        if not said["error_code"]:
            created.append(said["name"])
        elif error is not TopicAlreadyExistsError:  # another replica was faster
            problems.append(f"{said['name']} could not be created: {error.__name__}.")
    if problems:
        raise WrongTopics(problems)
    admin.wait_for_topics(list(wanted))
    return created


def _creation(topic: Topic, replication_factor: int) -> dict[str, object]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": replication_factor,
        "configs": {
            "cleanup.policy": topic.cleanup_policy,
            "retention.ms": str(topic.retention_ms),
            "max.message.bytes": str(topic.max_message_bytes),
        },
    }


def _problems_of(topic: Topic, actual: Mapping[str, ActualTopic]) -> Iterator[str]:
    found = actual.get(topic.name)
    if found is None:
        yield f"{topic.name} is missing: run `nineconnect topics ensure`."
        return
    if found.partitions != topic.partitions:
        yield (
            f"{topic.name} has {found.partitions} partitions, {topic.partitions} are needed: shards depend on it, "
            "so create it anew under this count (never add partitions to a topic in use)."
        )
    if found.compacted != topic.compacted:
        yield f"{topic.name} must have cleanup.policy={topic.cleanup_policy}: change it with kafka-configs."
    source = actual.get(topic.name.removesuffix(DLQ_SUFFIX))
    if topic.name.endswith(DLQ_SUFFIX) and source is not None:
        needed = source.max_message_bytes + DLQ_HEADROOM_BYTES
        if found.max_message_bytes < needed:
            yield f"{topic.name} must have max.message.bytes of at least {needed}: letters are larger than originals."
