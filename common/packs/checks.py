"""Checks across the records of a pack: references that lead somewhere, dates without gaps, texts that render."""

from collections.abc import Iterator, Mapping

from common.packs.pack import PackContent
from common.packs.problems import PackProblem

Files = Mapping[tuple[str, str], str]
"""(kind, id) -> file."""


def check_references(content: PackContent, files: Files) -> Iterator[PackProblem]:
    """Names that lead nowhere."""
    yield from ()


def check_texts(content: PackContent, files: Files) -> Iterator[PackProblem]:
    """Texts that cannot be rendered with their samples."""
    yield from ()
