"""What chaos tests share."""

from collections.abc import Callable

import pytest


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints figures at once, also when the test passes."""

    def print_now(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)

    return print_now
