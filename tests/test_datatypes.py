"""Which types contradict themselves, and which patterns .arch has."""

from pathlib import Path

import pytest

from archc.data.constants import exact
from archc.data.datatypes import datatypes
from archc.grammar.diagnostics import Diagnostic
from archc.load import Loaded, load_file, load_text
from archc.names.scope import scopes
from archc.regular.regex import mistake

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.arch"))


def said(loaded: Loaded) -> tuple[Diagnostic, ...]:
    return datatypes(loaded, scopes(loaded)[0])


def about(text: str) -> list[tuple[str, str]]:
    return [(entry.code, entry.span.text) for entry in said(load_text("arch 0.1\n" + text))]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_types_of_an_example_are_sound(file: Path) -> None:
    assert said(load_file(file)) == ()


RIGHT = {
    "built-in types": "type T = { a: String, b: String(5), c: String(1..80), d: Decimal(2), e: Id(9), f: Map(String, Int, 1..10) }",
    "keys of a map": 'type K = "a" | re"[b-z]"\ntype T = Map(K, Map(Uuid, Int))',
    "generic types": "type P(a, b) = { a: a, b: b[..3] }\ntype T = P(Int, P(Int, String))",
    "ranges": "type T = { a: 1..5, b: -5..5 by 5, c: 0.0..1.0 by 0.25, d: 1.., e: ..5, f: 1e-4..1e-1, g: 1..600M }",
    "lengths": "type T = { a: Int[3], b: Int[0..3], c: Int[..3], d: Int[1..], e: Int[1..n] }",
    "unions": 'type T = "a" | "b" | 1 | 2 | true | Int[3] | { a: 1 } | { a: 2 }',
    "spreads": "type A = { a: Int }\ntype B = A\ntype C(t) = { ..B, c: t }\ntype T = { ..C(Int), d: Int }",
    "defaults": (
        'type M = "x" | "y"\ntype T = { a: Int = -5, b: Float = 5, c: M = "y", d: 1..5 = 5, e: String(1..3) = "abc", '
        'f: Int[2] = [1, 2], g: Bool = true, h: Date = "2020-01-01", i: 0.0..1.0 = 1, j: Int = a + 1, k: re"a" = "b" }'
    ),
    "a parameter of a block": "block B(k: 1 | 3, s: 0..4 by 2 = 2) : [n] -> [n] = id",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_a_sound_type_is_left_alone(text: str) -> None:
    assert about(text) == []


WRONG = {
    "a name of the language": ("type Date = Int", "A0105", "Date"),
    "a generic without its type": ("type W(t) = { x: t }\ntype T = W", "A0501", "W"),
    "a generic with two": ("type W(t) = { x: t }\ntype T = W(Int, Int)", "A0501", "W(Int, Int)"),
    "arguments of a plain type": ("type W = Int\ntype T = W(3)", "A0501", "W(3)"),
    "arguments of a date": ("type T = Date(3)", "A0501", "Date(3)"),
    "a decimal without digits": ("type T = Decimal", "A0501", "Decimal"),
    "a decimal with a range": ("type T = Decimal(1..2)", "A0501", "1..2"),
    "a map without values": ("type T = Map(String)", "A0501", "Map(String)"),
    "a map with numbers for keys": ("type T = Map(Int, Int)", "A0501", "Int"),
    "a string of negative length": ("type T = String(-1..5)", "A0501", "-1..5"),
    "a string of a type": ("type T = String(Int)", "A0501", "Int"),
    "an argument by name": ("type T = String(most = 5)", "A0501", "most = 5"),
    "a wrong default": ("type T = { a: String = 5 }", "A0504", "5"),
    "a default beyond a range": ("type T = { a: 1..5 = 9 }", "A0504", "9"),
    "a default between steps": ("type T = { a: 0..10 by 5 = 7 }", "A0504", "7"),
    "a broken default": ("type T = { a: Int = 1.5 }", "A0504", "1.5"),
    "a default of no arm": ('type M = "x" | "y"\ntype T = { a: M = "z" }', "A0504", '"z"'),
    "a default too long": ('type T = { a: String(1..3) = "abcd" }', "A0504", '"abcd"'),
    "a default list too long": ("type T = { a: Int[..2] = [1, 2, 3] }", "A0504", "[1, 2, 3]"),
    "an item of a default": ("type T = { a: Bool[2] = [true, 3] }", "A0504", "[true, 3]"),
    "optional with a default": ("type T = { a?: Int = 5 }", "A0504", "a"),
    "a pattern": ('type T = re"a**"', "A0505", "*"),
    "a pattern with a quote before": ('type T = re"\\"(a"', "A0505", "("),
    "a range down": ("type T = 1..0", "A0506", "1..0"),
    "a range of negatives down": ("type T = -1..-5", "A0506", "-1..-5"),
    "steps of nothing": ("type T = 0..10 by 0", "A0506", "0"),
    "steps that miss the end": ("type T = 0..100 by 7", "A0506", "0..100 by 7"),
    "a range of mixed ends": ('type T = "a"..3', "A0506", '"a"..3'),
    "a string that shrinks": ("type T = String(5..1)", "A0506", "5..1"),
    "a list that shrinks": ("type T = Int[5..1]", "A0506", "5..1"),
    "a list of negative length": ("type T = Int[-1]", "A0506", "-1"),
    "a list of half a length": ("type T = Int[1.5..3]", "A0506", "1.5"),
    "an arm twice": ('type T = "a" | "b" | "a"', "A0507", '"a"'),
    "a number twice": ("type T = 1 | 1.0", "A0507", "1.0"),
    "a type twice": ("type A = Int\ntype T = A | Null | A", "A0507", "A"),
    "a field and a spread": ("type A = { a: Int }\ntype T = { ..A, a: Int }", "A0508", "a"),
    "two spreads": ("type A = { a: Int }\ntype B = { a: Int }\ntype T = { ..A, ..B }", "A0508", "..B"),
    "a spread of a number": ("type A = 1..5\ntype T = { ..A, b: Int }", "A0508", "..A"),
    "a spread of a choice": ("type A = { a: Int } | { b: Int }\ntype T = { ..A, c: Int }", "A0508", "..A"),
    "a type of a parameter": ("block B(k: 1 | 1) : [n] -> [n] = id", "A0507", "1"),
}


@pytest.mark.parametrize(("text", "code", "place"), WRONG.values(), ids=WRONG.keys())
def test_a_contradiction_is_one_complaint_at_its_place(text: str, code: str, place: str) -> None:
    assert about(text) == [(code, place)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("type T = 1..0", "0..1"),
        ("type T = 0..100 by 7", "0..98 by 7"),
        ("type T = Int[5..1]", "1..5"),
        ("type T = Decimal", "Decimal(2)"),
        ('type T = re"a{3,1}"', "{1,3}"),
    ],
)
def test_the_hint_is_a_type_that_would_do(text: str, hint: str) -> None:
    (found,) = said(load_text("arch 0.1\n" + text))
    assert found.hint == hint


def test_a_twin_shows_the_first() -> None:
    (found,) = said(load_text('arch 0.1\ntype T = "a" | "b" | "a"'))
    assert [note.span.start for note in found.notes] == [18]


def test_spreads_that_double_are_cheap() -> None:
    links = "".join(f"type B{n} = {{ ..B{n + 1}, ..B{n + 1}, f{n}: Int }}\n" for n in range(2_000))
    found = said(load_text(f"arch 0.1\n{links}type B2000 = {{ z: Int }}\n"))
    assert {entry.code for entry in found} == {"A0508"}


# ---------------------------------------------------------------- patterns
PATTERNS = [
    "", "abc", "[A-Z]{2}", "[A-Za-z0-9 -]{3,10}", "INV-[0-9]{6}", "a(b|c)*d?", "(?:a|b){2,}", r"\d+\.\d\D\w\s", r"[\d_.\]-]",
    "[^a-z]", "[-a]", r"\u00e9\x41\n", "a|", "()", r"\(\)\{\}\[\]\^\$", "(a{300}){300}", "[(|)*+?{}^$.]", "é+",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_of_the_subset_is_taken(pattern: str) -> None:
    assert mistake(pattern, 10**5) is None


MISTAKES = [
    ("(a", 0, "never closed"), ("a)", 1, "closes nothing"), ("[a", 0, "never closed"), ("a]", 1, "closes nothing"),
    ("a}", 1, "closes nothing"), ("*a", 0, "repeats nothing"), ("a|+", 2, "repeats nothing"), ("(?:*)", 3, "repeats nothing"),
    ("a+?", 2, "not repeated"), ("a**", 2, "not repeated"), ("a{2}{3}", 4, "not repeated"), ("^a", 0, "whole string"),
    ("a$", 1, "whole string"), (r"(a)\1", 3, "back reference"), ("a(?=b)", 1, "look to the side"), ("(?<!b)", 0, "look to the side"),
    ("(?<n>b)", 0, "named group"), ("(?i)b", 0, "flag"), (r"\ba", 0, "no `\\b`"), (r"\p{L}", 0, "no `\\p`"), ("a\\", 1, "no `\\`"),
    ("[z-a]", 1, "goes from z down to a"), ("[]", 0, "no character"), ("[^]", 0, "no character"), (r"[\d-z]", 1, "one character"),
    ("[[:alpha:]]", 1, "`[:`"), ("a{3,1}", 1, "down to 1"), ("a{,3}", 1, "a count is"), ("a{x}", 1, "a count is"),
    ("a{1", 1, "a count is"), (r"\u12", 0, "hexadecimal"), ("(a{1000}){1000}", 9, "limit `repeats`"), ("[a-", 1, "one character"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "start", "words"), MISTAKES)
def test_a_pattern_beyond_the_subset_is_told_where(pattern: str, start: int, words: str) -> None:
    found = mistake(pattern, 10**5)
    assert found is not None
    assert found.start == start
    assert words in found.message


def test_a_deep_pattern_is_read_without_recursion() -> None:
    assert mistake("(" * 1000 + ")" * 1000, 10**5) is None
    assert mistake("(" * 1000, 10**5) is not None


def test_numbers_are_exact_and_huge_ones_are_left_alone() -> None:
    assert exact("600M") == 600_000_000
    assert exact("0.1") == exact("1e-1")
    assert exact("1e999999999") is None
    assert exact("-5") == -5
