"""How an exception is written into a log line: its whole chain with frames, but no values it may carry."""

import traceback
from collections.abc import Iterator

from pydantic import ValidationError

MAX_MESSAGE = 300
"""Longer messages quote data."""


def described_failure(error: BaseException) -> str:
    """The chain of exceptions, first cause first, each with its frames and a message free of input values."""
    return "\n".join(line for link in reversed(list(_chain(error))) for line in _described(link))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _described(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_message(error)}"


def _message(error: BaseException) -> str:
    if isinstance(error, ValidationError):  # its own words repeat the input, which may be anybody's name
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['type']}" for problem in problems)[
            :MAX_MESSAGE
        ]
    return str(error)[:MAX_MESSAGE]
