"""Sizes in normal form agree with arithmetic, print what reads back, and stay bounded."""

from copy import deepcopy
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from size_text import Undefined, size, value

from archc.sizes.size import Size, SizeLimit, exact, floordiv, maximum, minimum, modulo, power

NAMES = "abc"
GRID = [dict(zip(NAMES, numbers, strict=True)) for numbers in product((1, 2, 3, 4, 7, 12), repeat=3)]

positive = st.recursive(
    st.sampled_from(["a", "b", "c", "1", "2", "3", "4", "6"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"max({p[0]}, {p[1]})"),
    ),
    max_leaves=3,
)
texts = st.recursive(
    st.one_of(st.sampled_from(["a", "b", "c"]), st.integers(-9, 9).map(lambda number: f"({number})")),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, st.sampled_from(["//", "%", "/"]), positive).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
    ),
    max_leaves=7,
)
assignments = st.fixed_dictionaries({name: st.integers(1, 40) for name in NAMES})


def expected(text: str, values: dict[str, int]) -> int | None:
    try:
        return value(text, values)
    except Undefined:
        return None


@settings(max_examples=800, deadline=None)
@given(texts, st.lists(assignments, min_size=4, max_size=4))
def test_the_normal_form_has_the_value_of_what_was_written(text: str, every: list[dict[str, int]]) -> None:
    normal = size(text)
    for values in every:
        number = expected(text, values)
        assert number is None or normal.evaluate(values) == number, (text, str(normal), values)


@settings(max_examples=400, deadline=None)
@given(texts, assignments, st.sets(st.sampled_from(NAMES)))
def test_substitution_keeps_the_value(text: str, values: dict[str, int], some: set[str]) -> None:
    number = expected(text, values)
    if number is not None:
        part = size(text).substitute({name: Size.of(values[name]) for name in some})
        assert part.variables <= set(NAMES) - some
        assert part.evaluate(values) == number, (text, str(part), values)


@settings(max_examples=400, deadline=None)
@given(texts, assignments)
def test_what_a_size_prints_reads_back_as_the_same_value(text: str, values: dict[str, int]) -> None:
    number = expected(text, values)
    normal = size(text)
    again = size(str(normal))
    if number is not None:
        assert again.evaluate(values) == number, (text, str(normal), str(again))


@settings(max_examples=400, deadline=None)
@given(texts, texts)
def test_equal_normal_forms_have_equal_values(left: str, right: str) -> None:
    one, two = size(left), size(right)
    if one == two:
        assert hash(one) == hash(two) and str(one) == str(two)
        for values in GRID:
            numbers = expected(left, values), expected(right, values)
            assert None in numbers or numbers[0] == numbers[1], (left, right, values)


@settings(max_examples=200, deadline=None)
@given(texts, texts, texts)
def test_sums_and_products_keep_the_laws_of_arithmetic(one: str, two: str, three: str) -> None:
    a, b, c = size(one), size(two), size(three)
    assert a + b == b + a and a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a + b) * c == a * c + b * c
    assert a - a == Size.of(0) and a + (-b) == a - b
    assert minimum(a, b) + maximum(a, b) == a + b
    assert maximum(a + c, b + c) == maximum(a, b) + c


@settings(max_examples=200, deadline=None)
@given(texts, st.integers(1, 9), texts)
def test_a_whole_multiple_leaves_a_floor_quotient(text: str, divisor: int, whole: str) -> None:
    if "/" not in text.replace("//", "") and "/" not in whole.replace("//", ""):
        left, times = size(text), size(whole)
        assert floordiv(left + divisor * times, Size.of(divisor)) == floordiv(left, Size.of(divisor)) + times


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("h*2 - 1", "2*h - 1"),
        ("1 - h", "1 - h"),
        ("0 - h", "-h"),
        ("d/heads", "d/heads"),
        ("heads*(d/heads)", "d"),
        ("4*(d/heads)", "4*d/heads"),
        ("(h + w)/2", "(h + w)/2"),
        ("3*h/2 + 1", "3*h/2 + 1"),
        ("h/(h + 1)", "h/(h + 1)"),
        ("h/(h + 1) + 1/(h + 1)", "1"),
        ("(h*h - 1)/(h + 1)", "h - 1"),
        ("(s*h - 1)//s", "h - 1"),
        ("(2*h + 1)//2", "h"),
        ("(x//3)//4", "x//12"),
        ("(32*h + 6 - 7)//2 + 1", "16*h"),
        ("(h + 2 - 3)//2 + 1", "(h + 1)//2"),
        ("2*((h + 1)//2)", "2*((h + 1)//2)"),
        ("0 - c//4", "-(c//4)"),
        ("max(1, a//4)", "max(1, a//4)"),
        ("max(b, max(a, 1))", "max(1, a, b)"),
        ("max(a + 1, a)", "a + 1"),
        ("max(2*a, 2*b)", "2*max(a, b)"),
        ("(4*h + 2)//(2*s)", "(2*h + 1)//s"),
        ("(n + 1)//(k - 1)", "(n + 1)//(k - 1)"),
        ("win(win(win(h, 3, 2, 1), 3, 2, 1), 3, 2, 1)", "(h + 7)//8"),
        ("win(win(win(win(win(32*h, 7, 2, 3), 3, 2, 1), 3, 2, 1), 3, 2, 1), 3, 2, 1)", "h"),
        ("c*p*p", "c*p*p"),
        ("7 % 4 + 7//4", "4"),
        ("(-7)//2", "-4"),
    ],
)
def test_a_size_prints_in_one_form(text: str, printed: str) -> None:
    assert str(size(text)) == printed


def test_a_constant_knows_its_value() -> None:
    assert Size.of(5).constant == 5
    assert (Size.var("a") - Size.var("a") + 3).constant == 3
    assert Size.var("a").constant is None
    assert exact(Size.of(1), Size.of(2)).constant is None
    assert 3 + Size.of(4) * 2 - 1 == Size.of(10) and 2 - Size.of(3) == Size.of(-1)


def test_a_variable_is_told_from_other_sizes() -> None:
    assert Size.var("a").is_variable
    assert not any(size(text).is_variable for text in ("2*a", "a*a", "a + b", "a//2", "3", "1/a"))


def test_variables_are_found_inside_quotients() -> None:
    assert size("max(1, a//b)*c + 2/d").variables == {"a", "b", "c", "d"}


def test_a_size_splits_into_slope_and_rest() -> None:
    assert size("2*s*h + w - 1").linear_in("h") == (size("2*s"), size("w - 1"))
    assert size("w").linear_in("h") == (Size.of(0), size("w"))
    assert size("h*h").linear_in("h") is None
    assert size("h//2").linear_in("h") is None
    assert size("h*(h//s)").linear_in("h") is None
    assert size("w/h").linear_in("h") is None


def test_a_value_may_be_a_fraction() -> None:
    assert size("a/2").evaluate({"a": 3}) == Fraction(3, 2)


@pytest.mark.parametrize("text", ["a//b", "a/b", "a/(b + c)", "max(1, 1/b)"])
def test_nothing_divides_by_less_than_one(text: str) -> None:
    with pytest.raises(ZeroDivisionError):
        size(text).evaluate({"a": 1, "b": 0, "c": 0})
    with pytest.raises(ZeroDivisionError):
        size(text).substitute({"b": Size.of(0), "c": Size.of(0)})


def test_a_missing_variable_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        size("a + b").evaluate({"a": 1})


def test_powers_multiply() -> None:
    assert power(size("a + 1"), 3) == size("(a + 1)*(a + 1)*(a + 1)")
    assert power(Size.of(2), 10) == Size.of(1024)
    assert power(Size.var("a"), 0) == Size.of(1)


def test_growth_is_limited() -> None:
    wide = sum((Size.var(f"x{index}") for index in range(60)), Size.of(1))
    with pytest.raises(SizeLimit):
        power(wide, 3)
    with pytest.raises(SizeLimit):
        power(Size.of(10), 10**18)
    with pytest.raises(SizeLimit):
        power(Size.var("x"), 101)
    with pytest.raises(SizeLimit):
        maximum(*(Size.var(f"x{index}") for index in range(100)))
    deep = Size.var("x")
    with pytest.raises(SizeLimit):
        for _ in range(100):
            deep = floordiv(deep * deep + 1, maximum(Size.of(2), deep))
    large = Size.var("x")
    with pytest.raises(SizeLimit):
        for _ in range(20):
            large = large + large * large


def test_a_size_survives_copying() -> None:
    for text in ("3", "a//2 + max(a, b)", "a/(b + 1)"):
        again = deepcopy(size(text))
        assert again == size(text) and hash(again) == hash(size(text))


def test_division_by_zero_raises() -> None:
    for divide in (exact, floordiv, modulo):
        with pytest.raises(ZeroDivisionError):
            divide(Size.var("a"), Size.of(0))
