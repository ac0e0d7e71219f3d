"""Pack files as records: YAML without surprises, and overlays by id."""

from pathlib import Path

import pytest

from common.packs.documents import Document, content_hash, merged, parse, read_texts


def read(text: str, file: str = "journeys/a.yaml") -> dict[str, object]:
    documents, problems = parse({file: text})
    assert not problems
    return dict(documents[0].data)


def test_plain_words_stay_text() -> None:
    data = read(
        "id: a\non: no\nat: 21:00\nday: 2026-03-01\nyes: off\ncount: 12\nshare: 0.5\nopen: true\nnone: null\nvoid:"
    )
    assert data == {
        "id": "a",
        "on": "no",
        "at": "21:00",
        "day": "2026-03-01",
        "yes": "off",
        "count": 12,
        "share": 0.5,
        "open": True,
        "none": None,
        "void": None,
    }


def test_number_keys_are_text_and_leading_zeros_survive() -> None:
    assert read("id: a\ncodes: {51: x, 05: y}")["codes"] == {"51": "x", "05": "y"}


@pytest.mark.parametrize(
    ("file", "text", "field", "reason"),
    [
        ("journeys/a.yaml", "id: a\nid: b", "", "the key id stands twice"),
        ("journeys/a.yaml", "id: [a", "", "not readable as YAML"),
        ("journeys/a.yaml", "id: a\n? [b]\n: c", "", "not readable as YAML"),
        ("journeys/a.yaml", "on: x", "id", "a record has no id"),
        ("journeys/a.yaml", "- id: a", "", "no mapping"),
        ("journeys/a.yaml", "id: a\ntext: !!python/name:os.system", "", "not readable as YAML"),
        ("elsewhere/a.yaml", "id: a", "", "lies in no known folder"),
        ("overlays/demo/elsewhere/a.yaml", "id: a", "", "lies in no known folder"),
    ],
)
def test_what_is_no_record_is_named(file: str, text: str, field: str, reason: str) -> None:
    documents, problems = parse({file: text})
    assert not documents
    assert [(problem.file, problem.field) for problem in problems] == [(file, field)]
    assert reason in problems[0].reason
    assert problems[0].remedy


def test_files_are_read_below_their_folder_without_overlays(tmp_path: Path) -> None:
    for name in ("pack.yaml", "journeys/a.yaml", "overlays/demo/journeys/a.yaml", "journeys/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert sorted(read_texts(tmp_path)) == ["journeys/a.yaml", "pack.yaml"]
    assert read_texts(tmp_path, "demo") == {"overlays/demo/journeys/a.yaml": "overlays/demo/journeys/a.yaml"}


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_bytes("id: a\nname: é".encode("latin-1"))
    _, problems = parse(read_texts(tmp_path))
    assert [problem.reason for problem in problems] == ["is not UTF-8."]


def document(data: dict[str, object], file: str = "journeys/a.yaml") -> Document:
    return Document(file, "journeys", str(data["id"]), data)


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [{"id": "p", "n": 1}, {"id": "q", "n": 2}]}, {"a": [{"id": "q", "n": 3}]},
         {"a": [{"id": "p", "n": 1}, {"id": "q", "n": 3}]}),
        ({"a": [{"id": "p", "n": 1}]}, {"a": [{"id": "q", "n": 3}]},
         {"a": [{"id": "p", "n": 1}, {"id": "q", "n": 3}]}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
    ],
)  # fmt: skip
def test_overlays_merge_by_field_and_by_id(
    below: dict[str, object], above: dict[str, object], expected: dict[str, object]
) -> None:
    (result,) = merged([document({"id": "r", **below})], [document({"id": "r", **above}, "overlays/t/journeys/a.yaml")])
    assert result.data == {"id": "r", **expected}
    assert result.file == "journeys/a.yaml with overlays/t/journeys/a.yaml"


def test_overlays_add_what_is_new() -> None:
    assert [found.id for found in merged([document({"id": "a"})], [document({"id": "b"})])] == ["a", "b"]


def test_the_hash_follows_content_not_files_or_order() -> None:
    first, second = document({"id": "a", "n": 1, "m": 2}), document({"id": "b"}, "journeys/b.yaml")
    moved = document({"m": 2, "n": 1, "id": "a"}, "journeys/z.yaml")
    assert content_hash([first, second]) == content_hash([second, moved])
    assert content_hash([first, second]) != content_hash([document({"id": "a", "n": 1, "m": 3}), second])
