"""A service that is told nonsense does not start: it names the variable and ends with the code of usage errors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forks.client import Forks

USAGE_ERROR = 2


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks(["services.notifier.bootstrap"], tmp_path_factory.mktemp("settings")) as nursery:
        yield nursery


WRONG = {
    "unknown": ("NOTIFIER_SENDER_NUMBRE", "+12025550143", "did you mean NOTIFIER_SENDER_NUMBER?"),
    "no number": ("NOTIFIER_HTTP_PORT", "eighty", "NOTIFIER_HTTP_PORT is wrong"),
    "out of range": ("NOTIFIER_HTTP_PORT", "70000", "NOTIFIER_HTTP_PORT is wrong"),
    "no address": ("REDIS_URL", "127.0.0.1:6379", "REDIS_URL is wrong"),
    "short secret": ("NOTIFIER_WEBHOOK_KEY", "hunter2", "NOTIFIER_WEBHOOK_KEY is wrong"),
    "negative": ("NOTIFIER_PROVIDER_SETTLE_SECONDS", "-1", "NOTIFIER_PROVIDER_SETTLE_SECONDS is wrong"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_refused_by_name_and_its_value_is_not_repeated(forks: Forks, name: str) -> None:
    variable, value, said = WRONG[name]
    process = forks.start("services.notifier", name=name, environment={variable: value})
    assert process.wait() == USAGE_ERROR
    words = Path(forks.log_path(name)).read_text()
    assert said in words
    assert variable in words
    assert value not in words


def test_a_pack_that_cannot_be_used_is_named(forks: Forks, tmp_path: Path) -> None:
    process = forks.start("services.notifier", name="pack", environment={"NOTIFIER_POLICIES_DIR": str(tmp_path)})
    assert process.wait() != 0
    assert str(tmp_path) in forks.log_path("pack").read_text()
