"""Writes `kafka_jars.lock`: resolves Kafka's Maven coordinates and pins every jar by its hash (`make lock`)."""

import hashlib
from pathlib import Path

import jgo

from cli.stack.kafka_jars import PINNED

KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
# Without a binding Kafka's own errors are thrown away. It is resolved by itself, because together with Kafka
# its dependency management picks an older kafka-clients, which then fails with NoSuchMethodError.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"


def main() -> None:
    """Resolve and write; takes ~15 s."""
    jars = {jar.name: jar for jar in [*jgo.build(LOG_BINDING).all_jars, *jgo.build(KAFKA).all_jars]}
    lines = [f"{_sha256(path)}  {_coordinate(name)}" for name, path in sorted(jars.items())]
    PINNED.write_text("\n".join(lines) + "\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _coordinate(name: str) -> str:
    """Maven's local repository tells it: group/as/folders/artifact/version/artifact-version.jar."""
    repository = Path.home() / ".m2" / "repository"
    *group, artifact, version, _ = next(repository.rglob(name)).relative_to(repository).parts
    return f"{'.'.join(group)}:{artifact}:{version}"


if __name__ == "__main__":
    main()
