"""Failures of the local stack, each with what a person can do about it."""


class StackError(Exception):
    """A part could not be started or kept running.

    Args:
        reason: one sentence: what is wrong.
        remedy: one sentence: what to do about it.
        details: last words of the part, shown below the reason; may be empty.
    """

    def __init__(self, reason: str, *, remedy: str, details: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.details = details

    def __str__(self) -> str:
        shown = [self.reason, f"What to do: {self.remedy}"]
        return "\n".join([*shown, self.details] if self.details else shown)
