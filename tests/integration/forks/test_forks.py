"""Forked processes end as real ones do, and none outlives the test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forks.client import ForkedProcess, Forks

SLEEPER = "http.server"


@pytest.fixture
def forks(tmp_path: Path) -> Iterator[Forks]:
    with Forks(["json", SLEEPER], tmp_path) as running:
        yield running


def lives(process: ForkedProcess) -> bool:
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_gets_its_arguments_its_environment_and_its_log(forks: Forks) -> None:
    process = forks.start(
        "timeit", "-n1", "-r1", "import os; print(os.environ['ROLE'])", name="job", environment={"ROLE": "x1"}
    )
    assert process.wait() == 0
    assert "x1" in forks.log_path("job").read_text()


def test_a_failing_job_ends_with_its_code_and_its_last_words(forks: Forks) -> None:
    process = forks.start("json.tool", "/absent", name="failing")
    assert process.wait() not in {0, None}
    assert "/absent" in forks.log_path("failing").read_text()


def test_kill_returns_when_the_process_is_gone(forks: Forks) -> None:
    process = forks.start(SLEEPER, "0", name="killed")
    assert process.poll() is None
    process.kill()
    assert not lives(process)
    assert process.poll() == -9
    process.kill()


def test_nothing_outlives_the_nursery(tmp_path: Path) -> None:
    with Forks([SLEEPER], tmp_path) as forks:
        processes = [forks.start(SLEEPER, "0", name=f"left-{number}") for number in range(3)]
        assert all(lives(process) for process in processes)
    assert [process.poll() for process in processes] == [-9] * 3
