"""What a type admits, as data: whichever type is asked for, however it is written."""

from collections.abc import Sequence
from decimal import Decimal
from time import perf_counter

import pytest

from archc.check import check
from archc.data.kinds import Constant, Data, Field, Fixed, Many, Named, Object, OneOf, Row, Schema, Table, Text, Whole
from archc.data.schema import schema
from archc.grammar.diagnostics import CompileError
from archc.load import load_text


def of(text: str, name: str = "T") -> Schema:
    """Return what the type `name` of a program admits."""
    return schema(check(load_text(f"arch 0.1\n{text}\n", "t", None)), name)


def body(text: str, name: str = "T") -> Data:
    """Return what the type `name` of a program is made of."""
    found = of(text, name)
    return found.definitions[found.root].type


def fields(data: Data) -> Sequence[Field]:
    """Return the fields of a record."""
    assert isinstance(data, Object), data
    return data.fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("String(..5)", Text(0, 5)),
        ("String(3)", Text(3, 3)),
        ("String where len(it) >= 2 and len(it) < 5", Text(2, 4)),
        ("Int where it > 0", Whole(1)),
        ("Int where it in 1..6", Whole(1, 6)),
        ("0..100 by 5 where it > 7", Whole(10, 100, 5)),
        ("Decimal(2) where it > 0 and it <= 1.005", Fixed(2, Decimal("0.01"), Decimal("1.00"))),
        ("Id(10)", Whole(0, 9)),
        ("Int^3", Many(Whole(), 3, 3)),
        ("Int[2..4][..3]", Many(Many(Whole(), 2, 4), 0, 3)),
        ("(Int, String)", Row((Whole(), Text()))),
        ('Map("a-b" | re"[0-9]+", Int, 1..)', Table(Text(pattern="a\\-b|([0-9]+)"), Whole(), 1)),
        ("1K", Constant(1000)),
        ("-1.5", Constant(Decimal("-1.5"))),
    ],
)
def test_a_type_is_what_it_says(text: str, expected: Data) -> None:
    found = body(f"type T = {text}")
    assert found == expected or repr(found) == repr(expected)


def test_steps_of_a_fraction_are_written_out() -> None:
    found = body("type T = 0.0..1.0 by 0.25")
    assert isinstance(found, OneOf)
    assert [str(arm.type.value) for arm in found.arms if isinstance(arm.type, Constant)] == [
        "0.00",
        "0.25",
        "0.50",
        "0.75",
        "1.00",
    ]


@pytest.mark.parametrize("name", ["T", "Leaf", "Node"])
def test_a_tag_is_found_whichever_type_is_asked_for(name: str) -> None:
    text = 'type T = Leaf | Node\ntype Leaf = { kind: "leaf" }\ntype Node = { kind: "node", of: T[1..2] }'
    found = of(text, name).definitions
    assert "T" not in found or found["T"].type == OneOf(found["T"].type.arms, "kind")  # type: ignore[union-attr]  # a union


def test_types_that_mention_and_spread_each_other_are_found_from_both() -> None:
    text = "type A = { next?: B }\ntype B = { ..A, x: Int }"
    for name in ("A", "B"):
        assert [entry.name for entry in fields(of(text, name).definitions["B"].type)] == ["next", "x"]


def test_conditions_come_along_with_what_is_spread_or_renamed() -> None:
    text = "type A = { x: Int, y: Int } where x < y\ntype B = A where x > 0\ntype T = { ..B, z: Int }\ntype S = Money where it <= 5\ntype Money = Decimal(2) where it >= 0"
    record = body(text)
    assert isinstance(record, Object) and len(record.where) == 2
    assert body(text, "S") == Fixed(2, Decimal(0), Decimal(5))


def test_constants_and_parameters_are_put_in() -> None:
    text = "const most = 2 * 50\ntype V(k: Nat) = String(k)[k]\ntype T = { a: Int where it <= most, b: V(4), c: Int = most }"
    found = of(text)
    first, second, third = fields(found.definitions["T"].type)
    assert first.type == Whole(None, 100) and second.type == Named("V_Constant")
    assert third.default is not None and third.default.text == "100"  # type: ignore[union-attr]  # a number
    assert found.definitions["V_Constant"].type == Many(Text(4, 4), 4, 4)


def test_fields_that_others_compute_are_marked() -> None:
    found = fields(body("type T = { a: Int, b: Int = a + 1, c: Int = 1 + 1, d: Int[..] = [a] }"))
    assert [entry.computed for entry in found] == [False, True, False, True]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("type T(t) = t[..3]", "A0515"),
        ('type K = String where it > "a"\ntype T = Map(K, Int)', "A0515"),
        ("type T = Int[n]", "A0101"),
        ("type G(t) = { x?: G({ a: t, b: t }) }\ntype T = G(Int)", "A0516"),
        ("type T = 0.0..1000000.0 by 0.5", "A0506"),
        ("block B = relu", "A0515"),
    ],
)
def test_what_no_document_has_is_refused(text: str, code: str) -> None:
    with pytest.raises((CompileError, KeyError)) as caught:
        of(text, "B" if text.startswith("block") else "T")
    assert isinstance(caught.value, CompileError) and caught.value.diagnostics[0].code == code


LARGE = {
    "shared": "\n".join(f"type T{n} = {{ a?: T{n + 1}, b?: T{n + 1} }}" for n in range(1500))
    + "\ntype T1500 = Int\ntype T = T0",
    "renamed": "type T0 = Int\n" + "\n".join(f"type T{n} = T{n - 1}" for n in range(1, 9999)) + "\ntype T = T9998",
    "conditions on conditions": "type T0 = Int\n"
    + "\n".join(f"type T{n} = T{n - 1} where it % {n} == 0" for n in range(1, 4000))
    + "\ntype T = T3999",
    "nested": "type P(a, b) = { x: a, y: b }\ntype T = " + "P(" * 12 + "Int" + ", Int)" * 12,
    "growing": "type G(t) = { x?: G(t[1]) }\ntype T = G(Int)",
    "long": "type T = Int^1000000000",
    "doubling": "\n".join(f"const c{n} = c{n + 1} + c{n + 1}" for n in range(60))
    + "\nconst c60 = 1\ntype T = { a: Int where it < c0 }",
    "spread": "type T0 = { a: Int }\n"
    + "\n".join(f"type T{n} = {{ ..T{n - 1}, f{n}: Int }}" for n in range(1, 4000))
    + "\ntype T = T3999",
    "unions of unions": "type T0 = Int\n"
    + "\n".join(f'type T{n} = T{n - 1} | "x{n}"' for n in range(1, 4000))
    + "\ntype T = T3999",
    "computed": "type T = { f0: Int, " + ", ".join(f"f{n}: Int = f{n - 1} + 1" for n in range(1, 4000)) + " }",
    "records of a union": "type T = " + " | ".join(f"{{ a: Int, f{n}: Int }}" for n in range(1500)),
    "literals": "type T = " + " | ".join(f'"w{n}"' for n in range(20_000)),
    "patterns": "\n".join(f'type T{n} = re"([a-z]{{1,{90 + n % 10}}}{n}?){{1,{90 - n % 7}}}"' for n in range(2000))
    + "\ntype T = Int",
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_large_types_take_little_time(text: str) -> None:
    start = perf_counter()
    try:
        of(text)
    except CompileError as error:
        assert error.diagnostics[0].code in ("A0505", "A0516", "A0807", "A0809")
    assert perf_counter() - start < 20
