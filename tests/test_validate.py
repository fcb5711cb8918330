"""Documents against types: what is right passes, what is wrong has its place, its code and its words; in linear time."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from time import perf_counter

import pytest

import archc
from archc.check import check
from archc.data.arms import kinds_by_name
from archc.data.common import Commons
from archc.data.disjoint import overlaps
from archc.data.kinds import Arm as UnionArm
from archc.data.kinds import Constant, Defined, Field, Json, Many, Named, Object, OneOf, Schema, Whole
from archc.data.schema import schema
from archc.data.validate import parse, plain, validate
from archc.data.violations import DocumentError, Violation
from archc.grammar.diagnostics import CompileError
from archc.load import load_file, load_text

INVOICE = """\
{"number": "INV-000001", "issued": "2026-01-01", "due": "2026-02-01",
 "seller": {"kind": "company", "name": "A", "address": {"street": "a", "city": "b", "country": "DE"}},
 "buyer": {"kind": "person", "given": "a", "family": "b", "address": {"street": "a", "city": "b", "country": "DE"}},
 "lines": [{"description": "x", "quantity": 2, "unit_price": 1.50, "amount": 3.00}],
 "notes": [], "subtotal": 3.00, "tax": 0.60, "total": 3.60}"""


def of(text: str, name: str = "T") -> Schema:
    """Return what the type `name` of a program admits."""
    return schema(check(load_text(f"arch 0.1\n{text}\n", "t", None)), name)


def wrong(kind: str, document: str) -> list[str]:
    """Return what is wrong with a document of `type T = kind`, as text."""
    try:
        parse(of(f"type T = {kind}"), document)
    except DocumentError as error:
        return [str(violation) for violation in error.violations]
    return []


RIGHT = [
    ("Int", "3"), ("Int", "-3"), ("Int", "9" * 300), ("Float", "3"), ("Float", "1e-3"), ("Decimal(2)", "3.10"), ("Decimal(0)", "3"), ("Bool", "true"),
    ("Null", "null"), ("0..100 by 5", "35"), ("-1.5", "-1.5"), ('"a"', '"\\u0061"'), ("String(1)", '"\\ud83d\\ude00"'), ('re"[a-z]+"', '"abc"'),
    ("Date", '"2024-02-29"'), ("DateTime", '"2026-01-31T23:59:59.123-05:30"'), ("Time", '"00:00:00Z"'), ("Uuid", '"123e4567-e89b-12d3-a456-426614174000"'),
    ("Uri", '"https://example.org/a?b=c#d"'), ("Uri", '"urn:x"'), ("Email", '"ada.l@example.co.uk"'), ("Int[..2]", "[]"), ("(Int, String)", '[1, "a"]'),
    ('Map(re"[a-z]", Int, 1..2)', '{"a": 1}'), ("{ a?: Int }", "{}"), ("Null | T[..3]", "[null, [null]]"), ("1 | 2 | \"x\"", "2"),
]  # fmt: skip

WRONG = [
    ("Int", "3.0", 'A0526  expected a whole number, without a fraction or an exponent, found 3.0'),
    ("Int", '"3"', 'A0522  expected Int, found "3"'),
    ("Int", "true", "A0522  expected Int, found true"),
    ("Bool", "1", "A0522  expected true or false, found 1"),
    ("Decimal(2)", "3.1", "A0526  expected 2 digits after the point and no exponent, such as 0.01, found 3.1"),
    ("Decimal(2)", "310e-2", "A0526  expected 2 digits after the point and no exponent, such as 0.01, found 3.10"),
    ("Decimal(2)", "3", "A0526  expected 2 digits after the point and no exponent, such as 0.01, found 3"),
    ("1..5", "6", "A0525  expected 1..5, found 6"),
    ("0..100 by 5", "36", "A0525  expected 0..100 by 5, found 36"),
    ("String(1..2)", '"abc"', 'A0525  expected 1 to 2 characters, found 3: "abc"'),
    ('re"[a-z]+"', '"abC"', 'A0526  expected a match of re"[a-z]+", found "abC"'),
    ("Date", '"2025-02-29"', 'A0526  expected Date, such as 2026-01-31, found "2025-02-29"'),
    ("Date", '"0000-01-01"', 'A0526  expected Date, such as 2026-01-31, found "0000-01-01"'),
    ("DateTime", '"2026-01-31 09:30:00Z"', 'A0526  expected DateTime, such as 2026-01-31T09:30:00Z, found "2026-01-31 09:30:00Z"'),
    ("Time", '"24:00:00Z"', 'A0526  expected Time, such as 09:30:00Z, found "24:00:00Z"'),
    ("Email", '"ada"', 'A0526  expected Email, such as ada@example.org, found "ada"'),
    ("Uri", '"a b"', 'A0526  expected Uri, such as https://example.org/page, found "a b"'),
    ("Int[2..]", "[1]", "A0525  expected at least 2 items, found 1"),
    ("Int[..2]", "[1, true, null]", "A0525  expected at most 2 items, found 3"),
    ("Int[3]", '[1, true, null]', "A0522  [1]: expected Int, found true\nA0522  [2]: expected Int, found null"),
    ("(Int, String)", "[1]", "A0525  expected 2 items, found 1"),
    ('Map(re"[a-z]", Int)', '{"A": 1.5}', 'A0526  A: of this key, expected a match of re"[a-z]", found "A"\nA0526  A: expected a whole number, without a fraction or an exponent, found 1.5'),
    ("Map(String, Int, 1..)", "{}", "A0525  expected at least 1 entry, found 0"),
    ("{ count: Int }", '{"cuont": 3}', "A0524  cuont: expected no field of this name; nearest: count\nA0523  count: expected this field, Int, and it is missing"),
    ('{ "a b": Int[..1] }', '{"a b": ["x"]}', 'A0522  ["a b"][0]: expected Int, found "x"'),
    ('"USD" | "EUR"', '"EUX"', 'A0527  expected "USD" or "EUR", found "EUX"; nearest: "EUR"'),
    ("1 | 2 | 3", "4", "A0527  expected 1 | 2 | 3, found 4"),
    ("Int | String", "[]", "A0522  expected Int | String, found an empty list"),
    ("1..3 | 7..9", "5", "A0527  expected 1..3 | 7..9, found 5"),
    ('{ k: "a", x: Int } | { k: "b", y: Int }', '{"k": "b", "y": "1"}', 'A0522  y: expected Int, found "1"'),
    ('{ k: "a", x: Int } | { k: "b", y: Int }', '{"k": "c"}', 'A0527  k: expected "a" or "b", found "c"'),
    ('{ k: "a", x: Int } | { k: "b", y: Int }', '{"x": 1}', 'A0523  k: expected this field, "a" or "b", which tells the arms apart'),
    ("{ x: Int, y: Int } | { z: Int } | Int", '{"x": 1, "y": "2"}', 'A0522  y: expected Int, found "2"'),
    ("Int where it % 2 == 0", "3", "A0528  expected it % 2 == 0, found 1 and 0"),
    ("{ a: Int, b: Int where b > a }", '{"a": 2, "b": 1}', "A0528  b: expected b > a, found 1 and 2"),
    ("{ a: Int, b: Int } where a < 5 and a / b > 2", '{"a": 2, "b": 0}', "A0528  expected a / b > 2, and that cannot be said here: it divides by zero"),
    ("{ a: Int, b: Int = a * a }", '{"a": 2, "b": 5}', "A0529  b: expected 4, which is a*a, found 5"),
    ("{ a: Decimal(2), b: Decimal(2) = a * a }", '{"a": 0.01}', "A0529  b: a*a is 0.0001: expected 2 digits after the point and no exponent, such as 0.01, found 0.0001"),
    ("{ a: Int, b: Int[..2] = [a, a + 1] }", '{"a": 2, "b": [2, 4]}', "A0529  b: expected a list of 2, which is [a, a + 1], found a list of 2"),
    ("Int", "[1", "A0521  expected `,` or the closing bracket"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "document"), RIGHT)
def test_what_is_of_the_type_passes(kind: str, document: str) -> None:
    assert wrong(kind, document) == []


@pytest.mark.parametrize(("kind", "document", "expected"), WRONG)
def test_what_is_wrong_is_told(kind: str, document: str, expected: str) -> None:
    assert "\n".join(wrong(kind, document)) == expected


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("{ a?: Int, b: Int where b > a }", '{"b": 1}'),
        ("{ a: Int | Null, b: Int where b > a }", '{"a": null, "b": 1}'),
        ("{ a?: Int where it > 5 }", "{}"),
        ("{ l: { x?: Int }[..5] } where sum(l.x) == 3", '{"l": [{"x": 1}, {}, {"x": 2}]}'),
    ],
)
def test_a_condition_on_what_is_absent_holds(kind: str, document: str) -> None:
    assert wrong(kind, document) == []


def test_what_is_left_out_is_filled_in() -> None:
    kind = 'type T = { lines: L[1..3], total: Decimal(2) = sum(lines.amount), at: Date = "2026-01-31", more?: Int }\n'
    kind += "type L = { n: Int = 1, price: Decimal(2) = 2, amount: Decimal(2) = n * price }"
    found = parse(of(kind), '{"at": "2026-02-01", "lines": [{}, {"n": 3, "price": 0.50}]}')
    assert repr(found) == repr(
        {
            "lines": [
                {"n": 1, "price": Decimal("2.00"), "amount": Decimal("2.00")},
                {"n": 3, "price": Decimal("0.50"), "amount": Decimal("1.50")},
            ],
            "total": Decimal("3.50"),
            "at": "2026-02-01",
        }
    )


def test_computed_fields_may_build_on_each_other_in_any_order() -> None:
    found = parse(of("type T = { c: Int = b + 1, b: Int = a + 1, a: Int }"), '{"a": 1}')
    assert found == {"c": 3, "b": 2, "a": 1}


def test_the_invoice_of_the_examples() -> None:
    found = schema(check(load_file(__import__("pathlib").Path("examples/invoice.arch"))), "Invoice")
    value = parse(found, INVOICE)
    assert isinstance(value, dict) and value["currency"] == "EUR"
    for before, after, path in (
        ('"due": "2026', '"due": "2025', ("due",)),
        ("3.60", "3.61", ()),
        ('"amount": 3.00', '"amount": 3.01', ("lines", 0, "amount")),
        ('"person"', '"company"', ("buyer", "given")),
        ("INV-", "INV_", ("number",)),
    ):
        with pytest.raises(DocumentError) as caught:
            parse(found, INVOICE.replace(before, after))
        assert caught.value.violations[0].path == path


# ---------------------------------------------------------------- time
def seconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes."""
    start = perf_counter()
    action()
    return perf_counter() - start


@pytest.mark.parametrize("size", [100_000])
def test_long_documents_take_linear_time(size: int) -> None:
    kind = of('type T = { a: E, b: Int = 1 }[..] where unique(a)\ntype E = Int | "x" | { v: Int } | { w: Int }')
    items: list[Json] = [{"a": number} for number in range(size)]
    assert not validate(kind, items)
    assert seconds(lambda: validate(kind, items)) < 20
    assert len(validate(kind, [{"a": True} for _ in range(size)])) <= 100


def test_arms_that_share_much_are_not_tried_again_and_again() -> None:
    def arm(*names: str) -> UnionArm:
        return UnionArm(Object(tuple(Field(name, Named("T"), optional=name != "a") for name in names)))

    union = OneOf((arm("a"), arm("a", "b"), arm("a", "c"), UnionArm(Constant(1))))
    kind = Schema("T", {"T": Defined("T", union)})
    value: Json = 2
    for _ in range(60):
        value = {"a": value}
    assert seconds(lambda: validate(kind, value)) < 2
    assert validate(kind, value)


def test_what_nests_too_deep_is_told() -> None:
    kind = of("type T = Int | T[..3]")
    value: Json = 1
    for _ in range(10**5):
        value = [value]
    assert [found.code for found in validate(kind, value)] == ["A0521"]


def test_a_pattern_never_backtracks() -> None:
    kind = of('type T = re"(a+)+b"')
    assert seconds(lambda: validate(kind, "a" * 50_000)) < 2


# ---------------------------------------------------------------- unions
SCALARS = ["Int", "Float", "1..5", "4..9 by 5", "Decimal(1)", "Decimal(2) where it > 3", '"a"', "String(1..2)", 're"[a-c]+"', "Date", "Bool", "true", "Null", "7", "2.5"]  # fmt: skip
LARGER = [*SCALARS, "Int[1..2]", "String[..1]", "(Int, Int)", "{ x: Int }", "{ x?: Float, y?: Int }", "{ x: Int, z: Bool }", 'Map(re"[w-x]", Int)', "{ x: Int where it > 9 }"]  # fmt: skip
VALUES: list[Json] = [
    *(1, 4, 5, 7, 9, 12, Decimal("2.5"), Decimal("2.50"), Decimal("3.50"), "a", "ab", "abc", "z", "2026-01-31", True, False, None),
    *([], [1], [1, 2], ["a"], {"x": 1}, {"x": 10}, {}, {"y": 3}, {"x": 1, "z": True}, {"x": Decimal("0.5")}),
]  # fmt: skip


@pytest.mark.parametrize("first", LARGER)
def test_a_union_is_refused_when_a_document_is_of_two_arms_and_only_then(first: str) -> None:
    for second in LARGER:
        if first == second:
            continue
        one, other = of(f"type T = {first}"), of(f"type T = {second}")
        both = [value for value in VALUES if not validate(one, value) and not validate(other, value)]
        pair = Schema("", {"A": one.definitions["T"], "B": other.definitions["T"]})
        found = Commons(pair).common(Named("A"), Named("B"))
        if both:
            assert found is not None, f"{first} and {second} share {both[0]}"
        if found is not None:
            assert not validate(one, found[0]) and not validate(other, found[0])


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Null | Bool | Float | String(..1000) | T[..100] | Map(String, T)", False),
        ("{ v: T } | { v: Int } | Null", False),
        ("{ v: T } | { v: T, w?: Int } | Null", True),
        ('{ k: "a", v: T } | { k: "b", v: T } | Null', False),
        ("T[1..2] | Int[1..] | Int", True),
        ("{ a: Int } where a > 5", False),
    ],
)
def test_recursive_unions_are_decided(text: str, refused: bool) -> None:
    try:
        of(f"type T = {text}")
        found = []
    except CompileError as error:
        found = [entry.code for entry in error.diagnostics]
    assert found == (["A0507"] if refused else [])


def test_arms_with_conditions_that_exclude_each_other_pass() -> None:
    of("type T = A | B\ntype A = { a: Int where it % 2 == 0 }\ntype B = { a: Int where it % 2 == 1 }")


def test_large_unions_take_little_time() -> None:
    literals = " | ".join(f'"w{number}"' for number in range(2000))
    assert seconds(lambda: of(f'type T = {literals} | Int | re"[A-Z]+"')) < 15
    records = OneOf(
        tuple(UnionArm(Object((Field(f"f{n}", Whole()), Field("l", Many(Named("T")))))) for n in range(100))
    )
    kind = Schema("T", {"T": Defined("T", records)})
    assert seconds(lambda: list(overlaps(Commons(kind), kinds_by_name(kind), records, kind.definitions["T"].span))) < 10


# ---------------------------------------------------------------- what a user holds
def test_a_type_validates_what_python_holds() -> None:
    line = archc.loads("arch 0.1\ntype Line = { price: Decimal(2), ratio: Float, size: (Int, Int) }")["Line"]
    assert line.validate({"price": Decimal("1.50"), "ratio": 0.1, "size": (1, 2)}) == ()
    assert line.validate({"price": 1.5, "ratio": 1, "size": [1, 2]}) == (
        Violation(("price",), "A0526", "expected 2 digits after the point and no exponent, such as 0.01, found 1.5"),
    )
    assert line.schema.root == "Line"
    with pytest.raises(DocumentError, match="A0523  ratio"):
        line.parse('{"price": 1.50, "size": [1, 2]}')


def test_only_types_have_documents() -> None:
    model = archc.loads("arch 0.1\nmodel Net : [2] -> [2] = linear(2)")["Net"]
    with pytest.raises(TypeError):
        model.validate(3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, {"a": {3}}, b"x", Decimal("NaN")])
def test_what_is_no_document_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        plain(value)


def test_a_list_that_holds_itself_is_refused() -> None:
    found: list[object] = []
    found.append(found)
    with pytest.raises(ValueError, match="nests"):
        plain(found)


def test_what_is_drawn_is_valid_and_what_is_changed_is_judged_alike_twice() -> None:
    found = archc.load("examples/invoice.arch")["Invoice"]
    rng = Random(7)
    for text in found.sample(rng, 20):
        value = found.parse(text)
        assert found.validate(value) == ()
        at = rng.randrange(len(text))
        changed = text[:at] + rng.choice('0a"{}[],:- ') + text[at + 1 :]
        try:
            assert found.validate(found.parse(changed)) == ()
        except DocumentError as error:
            assert error.violations
