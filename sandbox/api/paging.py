"""Lists as the carrier gives them: filtered, newest first, in pages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from sandbox.api.errors import ApiError
from sandbox.records import API_VERSION, Call, Message
from sandbox.shelf import RecordT, Shelf

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
TOKEN_PREFIX: Final = "PA"  # noqa: S105 - a page token, no secret
PAGING: Final = frozenset({"Page", "PageSize", "PageToken"})
Query = Mapping[str, str]
Filter = Callable[[Message | Call], bool]


def list_page(
    shelf: Shelf[RecordT], *, noun: str, account_sid: str, query: Query, date_field: str, lag: timedelta
) -> dict[str, object]:
    """One page of a list.

    Args:
        shelf: the records.
        noun: `messages` or `calls`.
        account_sid: stands in the addresses.
        query: the request's parameters.
        date_field: the filter on the date, `DateSent` or `StartTime`; `>` behind it: at or after, `<`: at or before.
        lag: what was created more recently than this does not show yet.

    Raises:
        ApiError: a parameter makes no sense.
    """
    size, page, token = _paging(query)
    filters = _filters(query, date_field)
    newest = datetime.now(UTC) - lag
    found = (
        record
        for record in shelf.newest_first(to=query.get("To"), before=token)
        if (not lag or record.created <= newest) and all(fits(record) for fits in filters)
    )
    records = list(islice(found, size + 1))
    more, records = len(records) > size, records[:size]
    base = f"/{API_VERSION}/Accounts/{account_sid}/{noun.capitalize()}.json"
    kept = {name: value for name, value in query.items() if name not in PAGING}
    uri = _uri(base, kept, size, page, token)
    return {
        noun: [record.as_json() for record in records],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(records) - 1, 0),
        "uri": uri,
        "first_page_uri": _uri(base, kept, size, 0, None),
        "next_page_uri": _uri(base, kept, size, page + 1, records[-1].sid) if more else None,
        "previous_page_uri": None if page == 0 else _uri(base, kept, size, 0, None),
    }


def _paging(query: Query) -> tuple[int, int, str | None]:
    try:
        size, page = int(query.get("PageSize", DEFAULT_PAGE_SIZE)), int(query.get("Page", 0))
    except ValueError as error:
        raise ApiError(20001, "PageSize") from error
    if size < 1 or page < 0:
        raise ApiError(20001, "PageSize")
    token = query.get("PageToken")
    if page > 0 and not token:
        raise ApiError(20001, "PageToken")
    return min(size, MAX_PAGE_SIZE), page, token.removeprefix(TOKEN_PREFIX) if token else None


def _uri(base: str, kept: Query, size: int, page: int, last_sid: str | None) -> str:
    paging = {"PageSize": str(size), "Page": str(page)}
    if last_sid is not None:
        paging["PageToken"] = TOKEN_PREFIX + last_sid
    return f"{base}?{urlencode({**kept, **paging})}"


def _filters(query: Query, date_field: str) -> list[Filter]:
    filters: list[Filter] = []
    if sender := query.get("From"):
        filters.append(lambda record: record.from_ == sender)
    if status := query.get("Status"):
        filters.append(lambda record: record.status == status)
    if parent := query.get("ParentCallSid"):
        filters.append(lambda record: isinstance(record, Call) and record.parent_call_sid == parent)
    for name, value in query.items():
        if name.rstrip("<>") == date_field:
            filters.append(_date_filter(name[len(date_field) :], value))
    return filters


def _date_filter(sign: str, text: str) -> Filter:
    try:
        start = datetime.fromisoformat(text)  # a mere date is its midnight
    except ValueError as error:
        raise ApiError(20001, "date") from error
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    match sign:
        case ">":
            return lambda record: record.listed_at >= start
        case "<":
            # Dates are told in whole seconds, so everything within the named second counts as at it.
            return lambda record: record.listed_at < start + timedelta(seconds=1)
        case _:
            day = start.astimezone(UTC).date()  # without a sign the whole day is meant
            return lambda record: record.listed_at.date() == day
