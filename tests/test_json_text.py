"""JSON text is read exactly, in bounds, and with the place of each mistake."""

import json
from decimal import Decimal
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archc.data.json_places import keys, places
from archc.data.json_text import LENGTH, NESTING, JsonError, Scientific, read
from archc.grammar.source import Source

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_what_json_writes_is_read_as_it_was(document: object) -> None:
    assert read(json.dumps(document)) == document
    assert read(json.dumps(document, ensure_ascii=False, indent=1)) == document


def test_numbers_keep_their_digits_and_say_whether_they_had_an_exponent() -> None:
    found = read("[1.50, 1, 15e-1, -0.0]")
    assert isinstance(found, list)
    assert [str(number) for number in found] == ["1.50", "1", "1.5", "-0.0"]
    assert [type(number) for number in found] == [Decimal, int, Scientific, Decimal]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('{"a" 1}', 5), ("[1,]", 3), ('{"a":1,}', 7), ("{a:1}", 1), ('"\\x"', 1), ('"a\nb"', 2), ("", 0), ("[1 2]", 3), ("1 2", 2), ('"abc', 0),
        ('{"a":1,"a":2}', 1), ("NaN", 0), ("[Infinity]", 1), ("01", 1), ("1.", 1), ('["\\ud800"]', 1), ("'a'", 0), ("\ufeff1", 0),
    ],
)  # fmt: skip
def test_what_is_no_json_is_told_with_its_place(text: str, position: int) -> None:
    with pytest.raises(JsonError) as caught:
        read(text)
    assert caught.value.position == position
    assert "nvalid" not in caught.value.message and caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "[" * (NESTING + 1) + "]" * (NESTING + 1),
        "[" * 10**5,
        '{"a":' * 10**5,
        "9" * 5000,
        "1e999999999",
        "0." + "1" * 5000,
        "1" * (LENGTH + 1),
        '"' + "\\" * 10**6,
        '["' * 10**5,
    ],
)
def test_hostile_text_is_refused_soon(text: str) -> None:
    start = perf_counter()
    with pytest.raises(JsonError):
        read(text)
    assert perf_counter() - start < 5


def test_paths_are_found_in_the_text() -> None:
    source = Source("t", '{"a": [1, {"b\\u0041": "x]"}], "c": {}, "a,": [[], 2]}')
    found = places(source, [("a", 0), ("a", 1, "bA"), ("c",), ("a,", 1), ("a", 1, "gone"), ("gone",)])
    texts = {path: span.text for path, span in found.items()}
    assert texts == {
        ("a", 0): "1",
        ("a", 1, "bA"): '"x]"',
        ("c",): "{",
        ("a,", 1): "2",
        ("a", 1, "gone"): "{",
        ("gone",): "{",
    }
    assert keys(source, [("a", 1, "bA")])["a", 1, "bA"].text == '"b\\u0041"'


@given(documents)
def test_every_path_of_a_document_is_found(document: object) -> None:
    paths: list[tuple[tuple[str | int, ...], object]] = []
    stack: list[tuple[tuple[str | int, ...], object]] = [((), document)]
    while stack:
        path, value = stack.pop()
        paths.append((path, value))
        if isinstance(value, dict):
            stack.extend(((*path, key), part) for key, part in value.items())
        elif isinstance(value, list):
            stack.extend(((*path, at), part) for at, part in enumerate(value))
    source = Source("t", json.dumps(document))
    found = places(source, [path for path, _ in paths])
    for path, value in paths:
        start = json.dumps(value)
        assert source.text.startswith(start, found[path].start)
