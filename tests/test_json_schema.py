"""Types as JSON Schema: what it accepts archc accepts, up to the account; the strict subset, and the way back from it."""

import json
from decimal import Decimal
from functools import cache
from random import Random

import jsonschema
import pytest
from agreement import ROOTS, TYPES, mutated

import archc
from archc.data.json_text import read
from archc.data.kinds import Json
from archc.data.schema import schema
from archc.data.validate import validate
from archc.data.violations import Violation
from archc.grammar.source import position
from archc.lower.ecma import anchored
from archc.lower.json_schema import Keywords, Lowered, to_json_schema
from archc.lower.strict_schema import restored, to_strict_schema
from archc.regular.language import matches, regular
from archc.runtime.documents import Documents
from archc.runtime.fits import compact

ROUNDS = 60
CONDITIONS = ("A0528", "A0529")


@cache
def types() -> archc.Program:
    return archc.loads(TYPES)


@cache
def checker(name: str) -> tuple[Lowered, jsonschema.Draft202012Validator]:
    lowered = to_json_schema(schema(types().checked, name))
    jsonschema.Draft202012Validator.check_schema(lowered.document)
    again = json.loads(json.dumps(lowered.document))
    return lowered, jsonschema.Draft202012Validator(again, format_checker=jsonschema.FormatChecker())


def made(text: str, name: str = "T") -> Keywords:
    return to_json_schema(schema(archc.loads(f"arch 0.1\n{text}\n").checked, name)).document


def strict(text: str, name: str = "T") -> Lowered:
    return to_strict_schema(schema(archc.loads(f"arch 0.1\n{text}\n").checked, name))


# ---------------------------------------------------------------- agreement
def left_to_validation(violation: Violation) -> bool:
    """Whether the account names this as what JSON Schema does not say."""
    words = ("digits after the point", "without a fraction or an exponent")
    return violation.code in CONDITIONS or any(word in violation.message for word in words)


@pytest.mark.parametrize("name", ROOTS)
def test_documents_are_accepted(name: str) -> None:
    _, validator = checker(name)
    documents, rng = Documents(schema(types().checked, name)), Random(1)
    for number in range(ROUNDS):
        text = compact(documents.value(rng, filled=number % 2 == 0))
        assert validator.is_valid(json.loads(text)), text


@pytest.mark.parametrize("name", ROOTS)
def test_what_json_schema_accepts_wrongly_is_in_the_account(name: str) -> None:
    lowered, validator = checker(name)
    found = schema(types().checked, name)
    documents, rng = Documents(found), Random(2)
    refused = 0
    for _ in range(6 * ROUNDS):
        text = compact(mutated(documents.value(rng, filled=rng.random() < 0.5), rng))
        violations = validate(found, read(text))
        accepted = validator.is_valid(json.loads(text))
        refused += not accepted
        if not violations:
            assert accepted, text
        elif accepted:
            assert any(left_to_validation(entry) for entry in violations), (text, violations)
            assert lowered.accounts or "exponent" in violations[0].message
    assert refused > ROUNDS // 3


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{2}-\\d+",
        "a|b|",
        "(ab|c)*d?",
        "[^a-c]",
        ".",
        "\\W\\s?",
        "[\\]\\-^]",
        "\\^\\$\\.",
        "[&~|]{2,}",
        "\\x00\\u2028é😀",
        "/",
    ],
)
def test_a_pattern_means_the_same_to_others(pattern: str) -> None:
    import re

    from pydantic import Field, TypeAdapter, ValidationError

    language, rng = regular(pattern), Random(3)
    theirs = re.compile(anchored(language))
    adapter = TypeAdapter(__import__("typing").Annotated[str, Field(pattern=anchored(language))])
    letters = "aAbcdzZ09-_ ^$.[]&~|/\\\n\té😀\x00\u2028"
    for _ in range(2_000):
        text = "".join(rng.choices(letters, k=rng.randrange(6)))
        expected = matches(language, text)
        try:
            rust = bool(adapter.validate_python(text) == text)
        except ValidationError:
            rust = False
        assert rust == expected, text
        assert bool(theirs.search(text)) == expected or text.endswith("\n"), text


# ---------------------------------------------------------------- what it says
def test_documentation_defaults_and_order_are_kept() -> None:
    found = made(
        '## A thing.\ntype T = {\n## Its name.\nb: String(1..9),\n@deprecated("use b")\na?: Int,\nc: Int = 3,\nd: Int = c + 1,\n}'
    )
    assert found == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "T",
        "description": "A thing.",
        "type": "object",
        "properties": {
            "b": {"description": "Its name.", "type": "string", "minLength": 1, "maxLength": 9},
            "a": {"description": "Deprecated: use b", "type": "integer", "deprecated": True},
            "c": {"type": "integer", "default": 3},
            "d": {"type": "integer", "$comment": "d == c + 1", "readOnly": True},
        },
        "required": ["b"],
        "additionalProperties": False,
    }
    assert list(found["properties"]) == ["b", "a", "c", "d"]  # type: ignore[call-overload, arg-type] # a dict, as above


def test_numbers_are_bounded_and_stepped_where_that_is_exact() -> None:
    assert made("type T = 0..100 by 5")["multipleOf"] == 5
    assert made("type T = 1..9 by 2")["enum"] == [1, 3, 5, 7, 9]
    found = to_json_schema(schema(archc.loads("arch 0.1\ntype T = 1..999 by 2\n").checked, "T"))
    assert [entry.bound for entry in found.accounts if entry.subject == "T"] == ["steps of 2 from 1"]
    cents = made("type T = Decimal(2) where it >= 0.01")
    assert (cents["type"], cents["minimum"], "multipleOf" in cents) == ("number", 0.01, False)


def test_lists_rows_maps_and_unions() -> None:
    found = made(
        'type T = { a: Int[2..3], b: (Int, Bool), c: Map(String(1..2), Int, 1..4), d: { k: "x" } | { k: "y" }, e: 1 | "a" }'
    )
    properties = found["properties"]
    assert isinstance(properties, dict)
    assert properties["a"] == {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3}
    row = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": False, "minItems": 2}
    assert properties["b"] == row
    assert properties["c"] == {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": 2},
        "additionalProperties": {"type": "integer"},
        "minProperties": 1,
        "maxProperties": 4,
    }
    assert isinstance(properties["d"], dict) and list(properties["d"]) == ["oneOf"]
    assert properties["e"] == {"type": ["integer", "string"], "enum": [1, "a"]}


def test_recursion_refers_to_the_root() -> None:
    found = made("type T = { next?: T, other: U }\ntype U = { back?: T }")
    assert json.dumps(found).count('{"$ref": "#"}') == 2
    assert list(found["$defs"]) == ["U"]  # type: ignore[call-overload, arg-type] # a dict


# ---------------------------------------------------------------- the strict subset
ANSWER = """type T = {
    name: String(1..80),
    note?: String,
    either?: Int | Null,
    lines: L[1..3],
    rate: Float = 0.5,
    total: Int = len(lines),
    kind: A | B,
    size: (Int, Int),
    self?: T,
}
type L = { text: String, price: Decimal(2), more?: L[..2] }
type A = { k: "a", x?: Int }
type B = { k: "b" }"""


def test_strict_needs_every_field_and_closes_every_record() -> None:
    found = strict(ANSWER).document
    waiting, records = [found], 0
    while waiting:
        node = waiting.pop()
        assert not {"allOf", "oneOf", "not", "if", "prefixItems", "default", "minLength", "propertyNames"} & node.keys()
        if "properties" in node:
            records += 1
            assert list(node["properties"]) == node["required"] and node["additionalProperties"] is False  # type: ignore[call-overload, arg-type] # a dict
        if "$ref" in node:
            assert list(node) == ["$ref"]
        for part in node.values():
            inner = part if isinstance(part, list) else [part]
            waiting += [item for item in inner if isinstance(item, dict)]
    assert records == 4
    assert "total" not in found["properties"]  # type: ignore[operator] # a dict


def test_what_strict_drops_is_in_the_account() -> None:
    bounds = {(entry.subject, entry.bound) for entry in strict(ANSWER).accounts}
    assert {("T.name", "1 to 80 characters"), ("T.note", "may be absent"), ("T.total", "is computed")} <= bounds


def test_a_strict_document_is_read_back() -> None:
    found = schema(archc.loads(f"arch 0.1\n{ANSWER}\n").checked, "T")
    document: Json = {
        "name": "a", "note": None, "either": None, "rate": Decimal("0.5"), "kind": {"k": "a", "x": None}, "size": [1, 2], "self": None,
        "lines": [{"text": "x", "price": Decimal("1.00"), "more": [{"text": "y", "price": Decimal("2.00"), "more": None}]}],
    }  # fmt: skip
    assert jsonschema.Draft202012Validator(to_strict_schema(found).document).is_valid(json.loads(compact(document)))
    back = restored(found, document)
    assert not validate(found, back)
    assert isinstance(back, dict) and list(back) == ["name", "rate", "kind", "size", "lines"]
    assert back["kind"] == {"k": "a"}
    loose = json.dumps(json.loads(compact(document)))  # floats: 1.0 for 1.00
    parsed = archc.loads(f"arch 0.1\n{ANSWER}\n")["T"].parse(loose, strict=True)
    assert isinstance(parsed, dict) and parsed["total"] == 1 and "1.00" in compact(parsed)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("type T = {\n  a: Map(String, Int),\n}", "A0530", 3),
        ("type T = {\n  a: (Int, Bool),\n}", "A0530", 3),
        ("type T = Int[..3]", "A0530", 2),
        ("type T = {\n  a: " + "{ a: " * 11 + "Int" + " }" * 11 + ",\n}", "A0531", 2),
        ("type T = { " + ", ".join(f"a{at}: Int" for at in range(5_001)) + " }", "A0531", 2),
        ("type T = { a: " + " | ".join(f'"{at}"' for at in range(1_001)) + " }", "A0531", 2),
    ],
)
def test_what_strict_does_not_have_is_a_diagnostic_with_its_place(text: str, code: str, line: int) -> None:
    with pytest.raises(archc.CompileError) as caught:
        strict(text)
    (found,) = caught.value.diagnostics
    assert (found.code, position(found.span)[0], bool(found.hint)) == (code, line, True)
