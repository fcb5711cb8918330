"""Types as pydantic modules: they stand alone, agree with archc, and hold nothing that a program smuggles in."""

import ast
import json
import subprocess
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from agreement import ROOTS, TYPES, mutated
from imported import imported

import archc
from archc.data.json_text import read
from archc.data.kinds import Json, Schema
from archc.data.schema import schema
from archc.data.validate import filled, validate
from archc.lower.pydantic_source import to_pydantic
from archc.runtime.documents import Documents
from archc.runtime.fits import compact

EXAMPLES = Path(__file__).parent.parent / "examples"
ROUNDS = 60


@cache
def types() -> archc.Program:
    return archc.loads(TYPES)


@cache
def lowered(name: str) -> tuple[Schema, ModuleType]:
    found = schema(types().checked, name)
    return found, imported(to_pydantic(found)[0])


def accepts(module: ModuleType, text: str) -> bool:
    try:
        module.parse(text)
    except ValueError:
        return False
    return True


def made(text: str, name: str = "T") -> ModuleType:
    return imported(to_pydantic(schema(archc.loads(f"arch 0.1\n{text}\n").checked, name))[0])


def same(one: Json, other: Json) -> bool:
    """Whether two documents are the same, fractions as far as floating point holds them."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case bool() | str() | None, _:
            return one == other
        case int() | Decimal(), int() | Decimal():
            return one == other or float(one) == float(other)
        case _:
            return False


# ---------------------------------------------------------------- agreement
@pytest.mark.parametrize("name", ROOTS)
def test_documents_are_read_and_written_as_they_are(name: str) -> None:
    found, module = lowered(name)
    documents, rng = Documents(found), Random(1)
    for _ in range(ROUNDS):
        value = documents.value(rng)
        text = compact(value)
        complete = filled(found, read(text))
        assert same(read(module.write(module.parse(text))), complete), text


@pytest.mark.parametrize("name", ROOTS)
def test_pydantic_and_archc_agree_on_documents_that_were_changed(name: str) -> None:
    found, module = lowered(name)
    documents, rng = Documents(found), Random(2)
    wrong = 0
    for _ in range(6 * ROUNDS):
        text = compact(mutated(documents.value(rng, filled=rng.random() < 0.5), rng))
        violations = validate(found, read(text))
        digits = [entry for entry in violations if "digits after the point" in entry.message]
        if digits:
            continue  # the account says so: 12.5 and 12.50 are one number to Python
        wrong += bool(violations)
        assert accepts(module, text) == (not violations), (text, violations)
    assert wrong > ROUNDS // 3


@pytest.mark.parametrize(
    ("file", "name"), [("invoice", "Invoice"), ("data", "Event"), ("data", "Headers"), ("data", "Json")]
)
def test_the_examples_agree(file: str, name: str) -> None:
    found = schema(archc.load(EXAMPLES / f"{file}.arch").checked, name)
    module = imported(to_pydantic(found)[0])
    documents, rng = Documents(found), Random(3)
    for _ in range(ROUNDS):
        value = documents.value(rng)
        assert accepts(module, compact(value)), compact(value)
        text = compact(mutated(value, rng))
        violations = validate(found, read(text))
        if not any("digits after the point" in entry.message for entry in violations):
            assert accepts(module, text) == (not violations), (text, violations)


# ---------------------------------------------------------------- what a user sees
def test_the_source_is_formatted_and_needs_pydantic_alone(tmp_path: Path) -> None:
    for name in ROOTS:
        file = tmp_path / f"{name.lower()}.py"
        file.write_text(to_pydantic(schema(types().checked, name))[0], encoding="utf-8")
        names = {
            module.partition(".")[0]
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        }
        assert names <= {"__future__", "datetime", "decimal", "fractions", "typing", "pydantic", "typing_extensions"}
    for command in (["format", "--check"], ["check", "--select", "E,F,I,W,B,UP,RUF"]):
        words = [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "120", str(tmp_path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_messages_say_what_was_expected() -> None:
    module = made("type T = { a: Decimal(2), b: Decimal(2) = a * 2 } where b <= 10")
    with pytest.raises(ValueError, match=r"expected b == a\*2"):
        module.parse('{"a":1.00,"b":3.00}')
    with pytest.raises(ValueError, match="expected b <= 10"):
        module.parse('{"a":6.00}')


def test_sums_are_exact_beyond_the_digits_of_the_default_context() -> None:
    module = made("type T = { a: Decimal(2), b: Decimal(2), c: Decimal(2) = a + b }")
    large = "9" * 60
    assert module.write(module.parse(f'{{"a":{large}.01,"b":0.02}}')).endswith(f'"c":{large}.03}}')
    assert not accepts(module, f'{{"a":{large}.01,"b":0.02,"c":{large}.04}}')


def test_names_that_python_does_not_have_are_aliases() -> None:
    module = made('type T = { "content-type": Int, in: Int, model_fields: Int, str?: String, Record?: Int, "": Int }')
    text = '{"content-type":1,"in":2,"model_fields":3,"Record":4,"":5}'
    value = module.parse(text)
    assert (value.content_type, value.in_) == (1, 2)
    assert module.write(value) == text
    assert not accepts(module, text.replace('"in"', '"in_"'))
    assert module.T(**{name: getattr(value, name) for name in value.model_fields_set}) == value


def test_an_absent_field_stays_absent_and_null_is_none() -> None:
    module = made("type T = { a?: Int, b?: Int | Null }")
    for text in ("{}", '{"a":1}', '{"b":null}', '{"a":1,"b":2}'):
        assert module.write(module.parse(text)) == text
        assert module.parse(text).model_dump_json() == text
    assert not accepts(module, '{"a":null}')


def test_a_pattern_runs_in_linear_time() -> None:
    module = made('type T = re"((a+)+b|(a|a)*c)"')
    assert accepts(module, json.dumps("a" * 20 + "c"))
    assert not accepts(module, json.dumps("a" * 50_000))
    assert not accepts(made('type T = re"a"'), json.dumps("a\n"))


def test_a_pattern_too_large_for_pydantic_is_a_diagnostic() -> None:
    wide = "".join(f"\\u{0x4E00 + 9 * at:04x}-\\u{0x4E03 + 9 * at:04x}" for at in range(100))
    program = archc.loads(f'arch 0.1\ntype T = {{ a: re"[{wide}]{{2000}}" }}\n')
    with pytest.raises(archc.CompileError) as caught:
        to_pydantic(schema(program.checked, "T"))
    assert [entry.code for entry in caught.value.diagnostics] == ["A0530"]


def test_what_python_does_not_check_is_in_the_account_and_in_the_docstring() -> None:
    text = "arch 0.1\ntype T = { a: Int | String, b: Int } where a == b\n"
    source, accounts = to_pydantic(schema(archc.loads(text).checked, "T"))
    assert [(entry.subject, entry.bound) for entry in accounts] == [("T", "a == b")]
    assert "a == b" in str(ast.get_docstring(ast.parse(source)))


HOSTILE = [
    '"""\nimport os\n"""',
    "\\",
    'a"; import os; "',
    "\r\nimport os",
    "'''",
    "{x}",
    "%s",
    "\u2028import os",
    "#\\",
]


@pytest.mark.parametrize("word", HOSTILE)
def test_no_text_breaks_out(word: str) -> None:
    escaped = json.dumps(word)
    line = " ".join(word.split())
    text = f"## {line}\ntype T = {{\n## {line}\n{escaped}: {escaped} | {{ k: {escaped} }} = {escaped}, b: String(..99) where b != {escaped} }}"
    program = archc.loads(f"arch 0.1\n{text}\n")
    source, _ = to_pydantic(schema(program.checked, "T"))
    tree = ast.parse(source)
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert modules == ["json"]
    module = imported(source)
    document = json.dumps({word: word, "b": "x"}, ensure_ascii=False)
    assert json.loads(module.write(module.parse(document))) == {word: word, "b": "x"}


def test_the_same_program_gives_the_same_bytes() -> None:
    script = f"import archc; from archc.data.schema import schema; from archc.lower.pydantic_source import to_pydantic; print(to_pydantic(schema(archc.loads({TYPES!r}).checked, 'Basket'))[0])"
    printed = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(printed) == 1 and "class Basket" in printed.pop()
