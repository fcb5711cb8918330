"""Conditions and computed fields: exact, chronological, and unknown where something is absent."""

from decimal import Decimal
from fractions import Fraction
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archc.data.kinds import Json
from archc.data.predicates import UNKNOWN, Impossible, evaluate, fields_of, holds, rounded
from archc.grammar import syntax as s
from archc.load import load_text

RECORD: dict[str, Json] = {
    "count": 3,
    "lines": [{"amount": Decimal("1.10")}, {"amount": Decimal("2.25"), "tags": ["a", "b"]}, {}],
    "pages": [{"lines": [{"n": 1}, {"n": 2}]}, {"lines": [{"n": 3}]}],
    "net": Decimal("3.35"),
    "from": "2026-01-31",
    "till": "2026-02-01",
    "here": "2026-01-31T09:30:00Z",
    "there": "2026-01-31T10:30:00.0+01:00",
    "none": None,
    "name": "Zoe\u0301",
    "flag": True,
    "map": {"x": 1, "y": 2},
}


def expression(text: str) -> s.Expr:
    """Return the condition `text` as the parser reads it."""
    loaded = load_text(f"arch 0.1\ntype T = {{ a: Int }} where {text}", "t", None)
    item = loaded.modules[loaded.main].file.items[0]
    assert isinstance(item, s.Declaration)
    return item.where[0]


def value(text: str, it: Json = None) -> object:
    """Return what `text` is worth in RECORD."""
    return evaluate(expression(text), RECORD, it)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("net * 3", Decimal("10.05")),
        ("0.1 + 0.2 == 0.3", True),
        ("7 // 2 * 2 + 7 % 2", 7),
        ("-7 // 2", -4),
        ("1 / 4", Decimal("0.25")),
        ("round(1 / 3, 2)", Decimal("0.33")),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(0.125, 2)", Decimal("0.13")),
        ("round(1250, 0 - 2)", 1300),
        ("sum(lines.amount)", Decimal("3.35")),
        ("len(lines)", 3),
        ("len(name)", 4),
        ("len(map)", 2),
        ("max(lines.amount)", Decimal("2.25")),
        ("min(count, 2, net)", 2),
        ("sum(pages.lines.n)", 6),
        ("unique(pages.lines.n)", True),
        ("unique([1, 1.0])", False),
        ('unique(["a", "b"])', True),
        ("count in 1..5 by 2", True),
        ("count in 2..5 by 2", False),
        ('"a" in ["a", "b"]', True),
        ('"x" in map', True),
        ("(if flag then count else 0)", 3),
        ("flag == (count > 2)", True),
        ("flag == 1", False),
        ("1M", 1_000_000),
    ],
)
def test_an_expression_has_its_exact_value(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "till > from",
        "here == there",
        "here <= there",
        "here in [there]",
        'from >= "2025-12-31"',
        "not unique([here, there])",
    ],
)
def test_dates_and_times_compare_by_the_clock(text: str) -> None:
    assert value(text) is True


@pytest.mark.parametrize(
    "text",
    ["gone > 3", "none > 3", "not gone", "gone + 1", "max([])", "sum(gone)", "gone.deep.path", "gone or count == 4"],
)
def test_what_speaks_of_what_is_absent_is_unknown(text: str) -> None:
    assert value(text) is UNKNOWN
    assert holds(expression(text), RECORD)


@pytest.mark.parametrize(
    ("text", "expected"), [("gone > 3 and count == 4", False), ("gone > 3 or count == 3", True), ("none == 3", False)]
)
def test_what_is_known_decides(text: str, expected: bool) -> None:
    assert value(text) is expected


@pytest.mark.parametrize(
    "text",
    ["1 / 0", "count // 0", "count % 0", "1 / 3", 'count < "3"', "sum(count)", "len(count)", "name + 1", "3 in 3"],
)
def test_what_has_no_value_says_why(text: str) -> None:
    with pytest.raises(Impossible, match=" "):
        value(text)


def test_it_is_the_value_that_a_condition_stands_on() -> None:
    assert value("it > 2 and it < 4", 3) is True
    assert value("sum(it)", [1, 2]) == 3


def test_the_names_in_a_condition_on_a_list_are_lists() -> None:
    assert evaluate(expression("sum(a)"), fields_of([{"a": 1}, {"a": 2}, {}])) == 3


def test_numbers_that_grow_without_end_are_refused_soon() -> None:
    start = perf_counter()
    with pytest.raises(Impossible, match="digits"):
        evaluate(expression(" * ".join(["net"] * 90)), {"net": Decimal("9" * 400)})
    assert perf_counter() - start < 1


decimals = st.decimals(-(10**9), 10**9, allow_nan=False, places=4)


@given(decimals, decimals, decimals)
def test_arithmetic_is_that_of_fractions(a: Decimal, b: Decimal, c: Decimal) -> None:
    found = evaluate(expression("a * b - c"), {"a": a, "b": b, "c": c})
    assert isinstance(found, (int, Decimal))
    assert Fraction(found) == Fraction(a) * Fraction(b) - Fraction(c)


@given(st.fractions(), st.integers(0, 6))
def test_rounding_is_to_the_nearest_and_halves_go_away_from_zero(number: Fraction, places: int) -> None:
    power = 10**places
    gap = Fraction(rounded(number, places)) - number
    assert abs(gap) * 2 * power <= 1
    if abs(gap) * 2 * power == 1:
        assert (gap > 0) == (number > 0)
