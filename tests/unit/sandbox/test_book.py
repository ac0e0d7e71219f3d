"""The book: what is written is read back, also after a crash, and can be searched."""

import json
from pathlib import Path

import pytest

from sandbox.book import Book

ANN, BEN = "+12025550141", "+12025550142"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "book.jsonl"


def opened(path: Path) -> tuple[Book, list[dict[str, object]]]:
    book = Book(path)
    return book, list(book.open())


async def found(book: Book, *kinds: str, to: str | None = None, since: int = 0, limit: int = 100) -> list[int]:
    answer = json.loads(await book.search(kinds=kinds, to=to, since=since, limit=limit))
    return [entry["seq"] for entry in answer["entries"]]


def test_entries_survive_and_numbers_go_on(path: Path) -> None:
    book, _ = opened(path)
    book.write("message", sid="SM1", to=ANN)
    book.close()
    again, entries = opened(path)
    again.write("message", sid="SM2", to=ANN)
    again.close()
    assert [(entry["seq"], entry["sid"]) for entry in entries] == [(1, "SM1")]
    assert (again.last_seq, again.counts["message"]) == (2, 2)


def test_an_entry_is_in_the_file_before_write_returns(path: Path) -> None:
    book, _ = opened(path)
    book.write("message", sid="SM1")
    assert '"sid":"SM1"' in path.read_text()
    book.close()


def test_a_line_that_was_cut_off_by_a_crash_is_forgotten(path: Path) -> None:
    book, _ = opened(path)
    book.write("message", sid="SM1")
    book.close()
    with path.open("a") as file:
        file.write('{"seq":2,"kind":"mess')
    again, entries = opened(path)
    again.write("message", sid="SM2")
    again.close()
    assert [entry["sid"] for entry in entries] == ["SM1"]
    assert [json.loads(line)["sid"] for line in path.read_text().splitlines()] == ["SM1", "SM2"]


async def test_search_filters_by_kind_number_and_place(path: Path) -> None:
    book, _ = opened(path)
    book.write("message", to=ANN, body='"kind":"call"')
    book.write("call", to=ANN)
    book.write("message", to=BEN, body=f'"to":"{ANN}"')
    book.write("inbound", to=BEN, **{"from": ANN})
    assert await found(book) == [1, 2, 3, 4]
    assert await found(book, "call") == [2]
    assert await found(book, "message", "call") == [1, 2, 3]
    assert await found(book, to=ANN) == [1, 2, 4]
    assert await found(book, since=2) == [3, 4]
    assert await found(book, limit=2) == [1, 2]
    book.close()


async def test_a_limited_search_tells_where_to_go_on(path: Path) -> None:
    book, _ = opened(path)
    for _ in range(5):
        book.write("message")
    first = json.loads(await book.search(kinds=(), to=None, since=0, limit=3))
    rest = json.loads(await book.search(kinds=(), to=None, since=first["last_seq"], limit=3))
    assert [entry["seq"] for entry in rest["entries"]] == [4, 5]
    assert rest["last_seq"] == 5
    book.close()


def test_listeners_hear_new_entries_until_they_leave(path: Path) -> None:
    book, _ = opened(path)
    heard: list[bytes] = []
    leave = book.listen(heard.append)
    book.write("message")
    leave()
    book.write("message")
    book.close()
    assert [json.loads(line)["seq"] for line in heard] == [1]
