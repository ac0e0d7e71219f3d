"""What is wrong with a rule pack, in words a person can act on."""

from dataclasses import dataclass

from common.errors import AppError


@dataclass(frozen=True, order=True)
class PackProblem:
    """One thing to mend in a pack.

    Args:
        file: path inside the pack's directory.
        field: dotted path of the offending field; empty when the whole file is meant.
        reason: what is wrong, one sentence.
        remedy: what to do about it, one sentence.
    """

    file: str
    field: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}: {self.reason} {self.remedy}"


@dataclass(frozen=True)
class Place:
    """A record in a file, for naming problems found in it."""

    file: str
    field: str = ""

    def at(self, *path: object) -> "Place":
        """The place below, e.g. `closing_facts.0.match`."""
        return Place(self.file, ".".join(str(part) for part in (*([self.field] if self.field else []), *path)))

    def problem(self, reason: str, remedy: str) -> PackProblem:
        """A problem here."""
        return PackProblem(self.file, self.field, reason, remedy)


class InvalidPack(AppError):
    """The pack is refused as a whole; `problems` lists everything found, so that one reading mends all."""

    def __init__(self, problems: tuple[PackProblem, ...]) -> None:
        super().__init__("invalid_pack", problems="; ".join(str(problem) for problem in problems))
        self.problems = problems
