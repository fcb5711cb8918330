"""Documents drawn at random: they fulfil every bound and condition of their type, and look like what people write."""

import json
import time
from collections.abc import Callable
from random import Random

import pytest
from documents import ROOT

import archc
from archc.cli import main
from archc.data.kinds import Schema
from archc.data.schema import schema
from archc.data.validate import parse
from archc.runtime.documents import Documents

TYPES = {
    "an equation": "type T = { a: 1..50, b: 1..50, c: Int } where c == a + b",
    "an equation the other way": "type T = { a: 1..50, c: Int } where a * 2 == c",
    "equations in a row": "type T = { d: Int, c: Int, a: 1..9 } where d == c + 1, c == a * 2",
    "two dates": "type T = { from_: Date, to: Date where to >= from_ }",
    "three dates": "type T = { a: Date, b: Date, c: Date } where a <= b, b <= c",
    "strictly after": "type T = { a: DateTime, b: DateTime } where b > a",
    "less than": "type T = { a: 0..1000, b: 0..1000, c: 0..1000 } where a < b, b < c",
    "not the same": 'type T = { a: "x" | "y", b: "x" | "y" } where a != b',
    "a sum over lines": """type Line = { n: 1..9, price: Decimal(2) in_, total: Decimal(2) where total == n*price }
        type T = { lines: Line[1..5], sum_: Decimal(2) } where sum_ == sum(lines.total)""".replace(
        " in_", " where it >= 0"
    ),
    "computed": "type T = { a: 1..9, b: Int = a*a, c: Int = b + a }",
    "computed, and a condition on it": "type T = { a: 1..9, b: Int = a*a } where b > 20",
    "computed inside": "type P = { x: 1..9, y: Int = x + 1 }\ntype T = { ps: P[1..4], total: Int = sum(ps.y) }",
    "unique": "type T = { ids: (1..6)[2..4] } where unique(ids)",
    "unique fields": 'type L = { sku: re"[A-C]", n: Int }\ntype T = { lines: L[2..3] } where unique(lines.sku)',
    "lengths": "type T = { names: String(1..9)[0..9], n: Int } where n == len(names)",
    "a condition on a name": "type Even = 0..1000 where it % 2 == 0\ntype T = { a: Even, b: Even[3] }",
    "a condition on a list": "type Short = Int[0..9] where len(it) < 3\ntype T = { a: Short }",
    "in a list": 'type T = { a: String(1) where it in ["x", "y"] }',
    "either": "type T = { a: 0..100, b: 0..100 } where a == b or a > 90",
    "both": "type T = { a: 0..100, b: 0..100 } where a > 50 and b < 50",
    "if": 'type T = { kind: "a" | "b", n: 0..9 } where (if kind == "a" then n == 3 else n > 5)',
    "not": "type T = { a: 0..3, b: 0..3 } where not a == b",
    "optional": "type T = { a?: 1..9, b?: 1..9 } where b >= a",
    "rounded": "type T = { net: 1..1000, tax: Decimal(2) } where tax == round(net * 0.19, 2)",
    "a map with keys": 'type T = Map(re"[a-d]", Bool, 3..4)',
    "a union of records": 'type A = { kind: "a", x: 0..9, y: 0..9 where y >= x }\ntype T = (A | { kind: "b", z: Bool })[1..4]',
    "recursion": "type T = { low: 0..99, high: 0..99 where high >= low, inner?: T }",
    "steps": "type T = { a: 0..90 by 3, b: 5..505 by 25, c: -100..100 by 20 }",
    "formats": "type T = (Date, DateTime, Time, Uuid, Uri, Email)",
    "patterns": 'type T = { a: re"[^a-z]{2,5}|x+", b: re"\\\\d{3}-\\\\w+", c: String(3..5) }',
    "numbers": "type T = { a: Float, b: 0.25..0.75, c: Int, d: Decimal(4), e: -3..3, f: Decimal(0) }",
    "lists too long to count": "type T = { a: Bool[300], b: Bool[..4000], m: Map(String, Bool, 300..400) }",
    "steps that digits do not show": "type T = { s: 5..699999999998 by 9 }",
    "a default": 'type T = { a: "x" | "y" = "y", b: 1..9 = 3 } where b <= 5',
    "spread": "type A = { x: 0..9, y: 0..9 } where y >= x\ntype T = { z: Bool, ..A }",
    "generic": "type Page(t) = { items: t[1..3], n: Int } where n == len(items)\ntype T = Page(Date)",
}


def typed(text: str) -> Schema:
    return schema(archc.loads(f"arch 0.1\n{text}\n").checked, "T")


@pytest.mark.parametrize("text", TYPES.values(), ids=TYPES)
def test_what_is_drawn_is_of_the_type(text: str) -> None:
    kind = typed(text)
    documents, rng = Documents(kind), Random(5)
    for number in range(40):
        written = documents.text(rng, filled=number % 2 == 1)
        parse(kind, written)


@pytest.mark.parametrize("text", TYPES.values(), ids=TYPES)
def test_the_same_seed_draws_the_same(text: str) -> None:
    kind = typed(text)
    one, other = ([Documents(kind).text(Random(seed)) for seed in range(5)] for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("file", "names"),
    [("invoice", ("Invoice", "Line", "Party")), ("data", ("Json", "Event", "Headers", "Shape"))],
)
def test_examples_are_drawn(file: str, names: tuple[str, ...]) -> None:
    program = archc.load(ROOT / f"examples/{file}.arch")
    for name in names:
        kind = schema(program.checked, name)
        found = program[name].sample(Random(1), 100)
        assert len(set(found)) > 15
        for text in found:
            assert parse(kind, text) is not None or text == "null"


def test_computed_fields_are_written_when_asked_for() -> None:
    kind = archc.loads("arch 0.1\ntype T = { a: 3..3, b: Int = a*a, c: Bool }\n")["T"]
    assert kind.sample(Random(0))[0].startswith('{"a":3,"c":')
    assert kind.sample(Random(0), filled=True)[0].startswith('{"a":3,"b":9,"c":')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("type T = { a: 1..9, b: 1..9 } where a*b == 11", "a*b == 11"),
        ("type T = { a: 1..9, b: Int = a*a } where b > 100", "b > 100"),
        ("type U = { a: 1..9 } where a*a == 2\ntype T = { u: U[1..3] }", "a*a == 2"),
        ("type U = 1..9 where it*it == 2\ntype T = { u: U[1..3] }", "it*it == 2"),
        ("type T = { a: 1..3, b: 1..3, c: 1..3 } where a < b, b < c, c < a", "<"),
        ("type T = { a: 0..9, b: Int = 1 // a } where b == 5", "b == 5"),
        ('type T = Map(re"[ab]", Bool, 3..4)', "3 keys"),
        ("type T = Bool[100000]", "longer than the 10,000 items"),
    ],
)
def test_what_cannot_be_met_is_said_soon(text: str, says: str) -> None:
    start = time.perf_counter()
    with pytest.raises(archc.CompileError) as found:
        archc.loads(f"arch 0.1\n{text}\n")["T"].sample(Random(0))
    assert says in str(found.value)
    assert time.perf_counter() - start < 5


def test_text_is_short_and_mostly_words() -> None:
    texts = [json.loads(t) for t in archc.loads("arch 0.1\ntype T = String(1..500)\n")["T"].sample(Random(0), 300)]
    assert sum(map(len, texts)) / len(texts) < 40
    assert sum(text.isprintable() for text in texts) > 200
    assert any('"' in text or "\\" in text for text in texts)
    assert any(not text.isascii() for text in texts)


def test_a_network_has_no_documents() -> None:
    program = archc.loads("arch 0.1\nmodel Net : [4] -> [2] = linear(2)\n")
    for ask in (program["Net"].forest, program["Net"].count, lambda: program["Net"].sample(Random(0))):
        with pytest.raises(TypeError, match="`Net` is a model"):
            ask()


# ---------------------------------------------------------------- the command line
Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: object) -> Written:
    from pathlib import Path

    def write(text: str) -> str:
        path = Path(str(tmp_path)) / "case.arch"
        path.write_text(f"arch 0.1\n{text}\n", encoding="utf-8")
        return str(path)

    return write


def test_sample_prints_a_document_on_each_line(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    path = written("type T = { a: 1..9, b: Int = a + 1 }")
    assert main(["sample", f"{path}:T", "-n", "7", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert len(lines) == 7 and all(list(json.loads(line)) == ["a"] for line in lines)
    assert main(["sample", f"{path}:T", "-n", "7", "--seed", "3"]) == 0
    assert capsys.readouterr().out == first
    assert main(["sample", f"{path}:T", "--filled"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["a", "b"]


def test_count_prints_a_number(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    path = written('type T = (Bool, "a" | "b")\ntype U = { a: Bool, b: Bool } where a == b\ntype V = Int')
    assert main(["count", f"{path}:T"]) == 0
    assert capsys.readouterr().out == "4\n"
    assert main(["count", f"{path}:T", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == "4"
    assert main(["count", f"{path}:U"]) == 0
    assert capsys.readouterr().out == "at most 4\n  not counted: U: a == b\n"
    assert main(["count", f"{path}:U", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["exact"], said["left_out"]) == (False, ["U: a == b"])
    assert main(["count", f"{path}:V"]) == 0
    assert capsys.readouterr().out == "without end\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["sample", "{}:Net"], 2, "A0912"),
        (["count", "{}:Net"], 2, "A0912"),
        (["count", "{}:Tt"], 2, "A0904"),
        (["count", "{}"], 2, "A0903"),
        (["sample", "{}:T", "-n", "many"], 2, "A0901"),
        (["sample", "{}:T", "--seed", "-1"], 2, "A0901"),
        (["sample", "{}:Bad"], 1, "A0708"),
    ],
)
def test_wrong_calls_are_explained(
    written: Written, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    path = written("model Net : [4] -> [2] = linear(2)\ntype T = Bool\ntype Bad = { a: 1..9 } where a*a == 2")
    assert main([word.format(path) for word in arguments]) == code
    assert says in capsys.readouterr().err
