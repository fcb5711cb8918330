"""Which names mean something where they stand, and what is said of those that do not."""

from pathlib import Path

import pytest

from archc.grammar.diagnostics import Diagnostic
from archc.load import Loaded, load_file, load_text
from archc.names.resolve import resolve
from archc.names.scope import scopes

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.arch"))


def said(loaded: Loaded) -> list[Diagnostic]:
    names, found = scopes(loaded)
    return [*found, *resolve(loaded, names)]


def about(text: str) -> list[tuple[str, str]]:
    return [(entry.code, entry.span.text) for entry in said(load_text("arch 0.1\n" + text))]


def only(text: str) -> Diagnostic:
    (found,) = said(load_text("arch 0.1\n" + text))
    return found


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_name_of_an_example_means_something(file: Path) -> None:
    assert said(load_file(file)) == []


RIGHT = {
    "sizes of the input": "block B(c) : [a, h, ..s] -> [c, a*h, ..s] where a % 2 == 0 = linear(a) -> linear(h + c)",
    "earlier parameters in a default": "block B(k, j = k) : [k] -> [j] = linear(j)",
    "a label and a size": "block B : (x: [n, d], y: [n, d]) -> [n, d] = (x, y -> linear(d)) -> add",
    "what an arrow gives": "block B(f: [..s, d] -> [..s, e]) : [..s, d] -> [..s, e] = f -> linear(e)",
    "an axis of a pattern": "block B : [c, h] -> [h, c] = rearrange([c, h] -> [h, c]) -> einsum([x, y] -> [x, y])",
    "an axis of a named pattern": 'block B : [c, h] -> [h] = reduce(how = "sum", p = [c, q] -> [q])',
    "let, choose, for": "space S : a -> a = { choose k = 1 | 2 let f = linear(k) return f -> for j in [k] { linear(j) } }",
    "two bodies, one name": "block B : a -> a = ({ let f = relu return f }, { let f = relu return f }) -> add",
    "a constant as an axis": "const w = 64\nblock B : [w] -> [w, w] = linear(w)",
    "a function of sizes": "fn f(x) where x > 1 = max(x, 2)\nblock B : [n] -> [f(n)] = linear(f(n))",
    "measures": "space S : a -> b where depth <= 8, count(conv) <= 2, nodes < 50 = relu | S -> relu",
    "fields of a joint space": "space J where net.macs <= 600M = { net = relu | gelu, lr = 0.1 }",
    "output only, in a space": "space S : [a] -> [b] = linear(1) | linear(2)",
    "output only, in an op": "op f(n) : [n, m] -> [n, q]",
    "an alias": "import std.nn as nn\nblock B : a -> a = nn.Residual(relu)",
    "an alias of types": "import std.nn as nn\ntype T = nn.Dim",
    "a hole": "space S : a -> a = dropout(_) -> dropout(p = _)",
    "weights": "space S : a -> a = 32%: relu | 2: gelu | silu",
    "generic types": "type Page(t) = { items: t[..100], next?: Uri }",
    "fields of a record": "type T = { a: Int, b: Int = a + 1, c: Int where c > a and it < 3 } where a == len(b)",
    "paths": "type L = { v: Float }\ntype T = { ls: L[1..3], s: Float where s == sum(ls.v) } where unique(ls.v)",
    "fields of a spread": "type B = { a: Int }\ntype T = { ..B, b: Int where b > a }",
    "fields of any arm": "type A = { a: Int } | { b: Int } where a > 1 or b > 1",
    "annotations": '@objective(maximize = accuracy)\n@deprecated("no")\nspace S : a -> a = relu | id',
    "a parameter named like an op": "block B(pad) : [n] -> [pad] = linear(pad)",
    "a whole import": "import std.nn\nblock B : a -> a = Residual(relu)",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_a_right_program_is_left_alone(text: str) -> None:
    assert about(text) == []


WRONG = {
    "an op": ("block B : a -> a = reluu", "A0101", "reluu"),
    "an axis": ("block B : [n] -> [n] = linear(m)", "A0101", "m"),
    "a later parameter in a default": ("block B(k = j, j = 1) : [n] -> [k, j] = id", "A0101", "j"),
    "an axis of a pattern elsewhere": ("block B : [c] -> [c] = rearrange([c, q] -> [q, c]) -> linear(q)", "A0101", "q"),
    "a capital in a pattern": ("block B : [c] -> [c] = rearrange([c] -> [Foo])", "A0101", "Foo"),
    "a let of another body": ("block B : a -> a = ({ let f = relu return f }, f) -> add", "A0101", "f"),
    "the output of a space": ("space S : [a] -> [b] = linear(b) | id", "A0101", "b"),
    "a measure in a body": ("space S : a -> a = linear(depth) | id", "A0101", "depth"),
    "a parameter twice": ("block B(c, c) : [c] -> [c] = id", "A0105", "c"),
    "a let twice": ("block B : a -> a = { let f = relu let f = gelu return f }", "A0105", "f"),
    "a let over a parameter": ("block B(f) : [n] -> [f] = { let f = relu return f }", "A0105", "f"),
    "a let over a size": ("block B : [n] -> [n] = { let n = relu return n }", "A0105", "n"),
    "a for over a let": ("block B : a -> a = { let f = relu return f -> for f in [1] { linear(f) } }", "A0105", "f"),
    "a field twice": ("type T = { a: Int, a: Int }", "A0105", "a"),
    "a binding twice": ("space S = { a = 1, a = 2 }", "A0105", "a = 2"),
    "a label twice": ("block B : (x: [n], x: [n]) -> [n] = x", "A0105", "x"),
    "an import over a declaration": (
        "import std.nn (Mlp)\nblock Mlp : a -> a = id\nblock B : a -> a = Mlp",
        "A0105",
        "Mlp",
    ),
    "a type as a value": ("block B : a -> a = Dim", "A0107", "Dim"),
    "a module as a value": ("import std.nn as nn\nblock B : a -> a = nn", "A0107", "nn"),
    "a type of a module as a value": ("import std.nn as nn\nblock B : a -> a = nn.Dim", "A0107", "nn.Dim"),
    "a block as a type": ("block B : a -> a = id\ntype T = B", "A0107", "B"),
    "an op as an axis": ("block B : [relu] -> [relu] = id", "A0107", "relu"),
    "a function as an axis": ("block B : [..size] -> [..size] = id", "A0107", "size"),
    "a type": ("type T = Strng(3)", "A0109", "Strng"),
    "a type of a parameter": ("block B(k: Boool) : a -> a = id", "A0109", "Boool"),
    "a type of a let": ("block B : a -> a = { let x: Flot = relu return x }", "A0109", "Flot"),
    "a type variable": ("type T = { a: item }", "A0109", "item"),
    "a size and a run": ("block B : [n, ..n] -> [n] = id", "A0110", "n"),
    "a size and a type": ("block B : (x: a, y: [a]) -> a = x", "A0110", "a"),
    "a size and an input": ("block B : (n: [n]) -> [n] = n", "A0110", "n"),
    "a size and an architecture": ("block B(f: b -> b) : [f] -> [f] = id", "A0110", "f"),
    "a parameter as a run": ("block B(n) : [..n] -> [1] = id", "A0110", "n"),
    "an annotation": ("@deprecatd\nblock B : a -> a = id", "A0111", "@deprecatd"),
    "an import without use": ("import std.nn (Mlp)", "A0112", "Mlp"),
    "an alias without use": ("import std.nn as nn", "A0112", "import std.nn as nn"),
    "a let without use": ("block B : a -> a = { let f = relu return gelu }", "A0113", "f"),
    "weights in a block": ("block B : a -> a = 2: relu | gelu", "A0302", "2"),
    "output only": ("block B : [a] -> [b] = id", "A0306", "b"),
    "output only, an arrow's input": ("block B(f: [k] -> [m]) : [n] -> [k] = id", "A0306", "k"),
    "a hole alone": ("space S : a -> a = { choose k = _ return dropout(k) }", "A0405", "_"),
    "a hole in a sum": ("space S : a -> a = dropout(_ + 1)", "A0405", "_"),
    "too many per cent": ("space S : a -> a = 60%: relu | 50%: gelu", "A0406", "50%"),
    "too few per cent": ("space S : a -> a = 60%: relu | 30%: gelu", "A0406", "30%"),
    "no per cent left": ("space S : a -> a = 100%: relu | gelu", "A0406", "gelu"),
    "no weight": ("space S : a -> a = 0: relu | 0.0: gelu", "A0406", "0"),
    "a field": ("type T = { due: Int where it > isued, issued: Int }", "A0502", "isued"),
    "a field of a default": ("type T = { a: Int, b: Int = c }", "A0502", "c"),
    "a field on a path": ("type L = { v: Int }\ntype T = { ls: L[3] } where sum(ls.w) == 1", "A0502", "w"),
    "a field where there is none": ("type T = Int where value > 1", "A0502", "value"),
    "a name of a module": ("import std.nn as nn\nblock B : a -> a = nn.Mpl(3)", "A0604", "Mpl"),
    "a type of a module": ("import std.nn as nn\ntype T = nn.Dimm", "A0604", "Dimm"),
    "a module": ("type T = nn.Dim", "A0604", "nn"),
}


@pytest.mark.parametrize(("text", "code", "place"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_name_is_one_complaint_at_its_place(text: str, code: str, place: str) -> None:
    assert about(text) == [(code, place)]


def test_an_unknown_op_is_named_with_the_nearest_and_the_mended_call() -> None:
    found = only("model Bad : [4] -> [2] = flatten -> liner(10)")
    assert found.message == "no op is called `liner`"
    assert found.label.startswith("nearest: linear")
    assert found.hint == "linear(10)"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("block B : a -> a = Relu", "relu"),
        ("block B : a -> a = residual(relu)", "import std.nn (Residual)"),
        ("block B : a -> a = Residual(relu)", "import std.nn (Residual)"),
        ("block B(hidden) : [n] -> [n] = linear(hiden) -> linear(n)", "hidden"),
        ("block B : [n] -> [n] = { let table = linear(n) return tabel }", "table"),
        ("type Money = Decimal(2)\ntype T = Mony", "Money"),
        ("space S : a -> a = 60%: relu | 50%: gelu", "40%"),
        ("block B(c) : [a] -> [b] = linear(c)", "B(c, b), or take it from the input"),
    ],
)
def test_the_hint_is_what_was_meant(text: str, hint: str) -> None:
    assert hint in [entry.hint for entry in said(load_text("arch 0.1\n" + text))]


def test_one_typo_at_five_places_is_five_messages() -> None:
    text = "arch 0.1\nblock B : a -> a = rlu -> rlu -> rlu -> rlu -> rlu"
    found = said(load_text(text))
    assert [entry.code for entry in found] == ["A0101"] * 5
    assert len({entry.span.start for entry in found}) == 5


def test_what_nothing_uses_is_a_warning() -> None:
    assert only("import std.nn (Mlp)").severity == "warning"
    assert only("block B : a -> a = { let f = relu return gelu }").severity == "warning"
    assert only("@deprecatd\nblock B : a -> a = id").severity == "warning"


def test_a_second_declaration_shows_the_first() -> None:
    found = only("block B(c, c) : [c] -> [c] = id")
    assert [note.span.text for note in found.notes] == ["c"]
    assert found.notes[0].span.start < found.span.start


def test_a_missing_field_is_not_guessed_where_a_spread_is_unknown() -> None:
    assert about("type T(t) = { ..t, a: Int where a > b }") == []


def test_names_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "cells.arch").write_text("arch 0.1\nblock Cell : a -> a = rlu\n")
    text = 'arch 0.1\nimport "./cells.arch" as cells\nblock B : a -> a = cells.Cell -> cells.Cel'
    found = said(load_text(text, root=tmp_path))
    assert {(entry.code, entry.span.text) for entry in found} == {("A0101", "rlu"), ("A0604", "Cel")}


def test_ten_thousand_unknown_names_are_cheap() -> None:
    text = "arch 0.1\n" + "".join(f"block B{n} : a -> a = relux{n}\n" for n in range(10_000))
    assert len(said(load_text(text))) == 10_000
