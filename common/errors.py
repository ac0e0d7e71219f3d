"""Errors named by what the caller does about them.

    AppError(code, **context)      gives log fields; no secrets, no full phone numbers
    ├─ InvalidEvent                malformed, unknown version        → dead letter
    ├─ Rejected                    business says no, with a rule id  → record the decision, go on
    ├─ TransientError(retry_after) network, 429, 5xx                 → retry later, bounded, then dead letter
    ├─ PermanentError              provider refused for good         → mark failed, tell the callback rules
    └─ OutcomeUnknown              timeout after a side effect left  → never retry blindly: reconcile

Anything else is a bug: logged once with its traceback at the boundary.
"""

from datetime import timedelta


class AppError(Exception):
    """An expected failure with a constant code and loggable context.

    Args:
        code: short constant name, e.g. `event_time_in_future`.
        context: log fields; never secrets, names, texts or full phone numbers.
    """

    def __init__(self, code: str, **context: object) -> None:
        super().__init__(code)
        self.code = code
        self.context = context

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value}" for name, value in self.context.items())
        return f"{self.code} ({details})" if details else self.code


class InvalidEvent(AppError):
    """The event can never be understood: dead-letter it.

    Args:
        code: what is wrong, e.g. `missing_field`.
        field: dotted path of the offending field, or `` when the whole event is meant.
        reason: one sentence for a person; holds no personal data.
        remedy: one sentence: what the sender should do.
    """

    def __init__(self, code: str, *, field: str = "", reason: str = "", remedy: str = "", **context: object) -> None:
        super().__init__(code, field=field, reason=reason, remedy=remedy, **context)
        self.field = field
        self.reason = reason
        self.remedy = remedy


class Rejected(AppError):
    """Business says no; `rule_id` names the rule that says it."""

    def __init__(self, code: str, *, rule_id: str, **context: object) -> None:
        super().__init__(code, rule_id=rule_id, **context)
        self.rule_id = rule_id


class TransientError(AppError):
    """Certainly not processed (429, refused connection, unavailable store); may be tried again after `retry_after`."""

    def __init__(self, code: str, *, retry_after: timedelta = timedelta(seconds=1), **context: object) -> None:
        super().__init__(code, retry_after_seconds=retry_after.total_seconds(), **context)
        self.retry_after = retry_after


class PermanentError(AppError):
    """The provider refused for good; trying again cannot help."""


class OutcomeUnknown(AppError):
    """A side effect may or may not have happened; find out before doing anything again."""
