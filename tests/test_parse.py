"""Text to syntax: spans, docs, one message for one typo, recovery, and bounds on whatever comes in."""

import dataclasses
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.grammar import syntax as s
from archc.grammar import tables
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.limits import Limits
from archc.grammar.parse import parse
from archc.grammar.source import Source, Span, position

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("examples/**/*.arch"), *ROOT.glob("grammar/std/*.arch")])
DEEP = 10**5


def read(text: str) -> tuple[s.File, tuple[Diagnostic, ...]]:
    return parse(Source("net.arch", "arch 0.1\n" + text))


def body(text: str) -> s.Expr:
    file, found = read(f"block A = {text}")
    assert not found, found
    declaration = file.items[0]
    assert isinstance(declaration, s.Declaration) and declaration.value is not None
    return declaration.value


def kind(text: str) -> s.TypeExpr:
    file, found = read(f"type A = {text}")
    assert not found, found
    declaration = file.items[0]
    assert isinstance(declaration, s.Declaration) and declaration.type is not None
    return declaration.type


# ---------------------------------------------------------------- what comes out
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_ours_is_read_without_a_word(path: Path) -> None:
    file, found = parse(Source(path.name, path.read_text()))
    assert found == ()
    assert file.edition == "0.1" and file.items


def test_the_tables_are_those_of_the_grammar() -> None:
    assert tables.is_current()
    assert tables.generate() == (ROOT / "grammar" / "tables.json").read_text()


def test_reading_does_not_need_lark() -> None:
    code = "import sys; from archc.grammar.parse import parse; from archc.grammar.source import Source; "
    code += "parse(Source('x', 'arch 0.1')); print('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_sums_and_products_associate_to_the_left() -> None:
    one, two, three = (s.Number(text) for text in "123")
    assert body("1 - 2 - 3") == s.Binary("-", s.Binary("-", one, two), three)
    assert body("1 - 2 * 3") == s.Binary("-", one, s.Binary("*", two, three))
    assert body("-1 // 2") == s.Binary("//", s.Negative(one), two)


def test_pipes_and_logic_are_flat_and_one_arm_leaves_no_node() -> None:
    a, b, c = (s.Ref(name) for name in "abc")
    assert body("a -> b -> c") == s.Pipe((a, b, c))
    assert body("(a -> b) -> c") == s.Pipe((s.Pipe((a, b)), c))
    assert body("a and b and c or a") == s.Logic("or", (s.Logic("and", (a, b, c)), a))
    assert body("| a") == body("((a))") == a
    assert body("32%: a | b") == s.Choice((s.Arm(s.Percent("32%"), a), s.Arm(None, b)))
    assert body("3: a") == s.Choice((s.Arm(s.Number("3"), a),))


def test_a_weight_is_a_term_before_a_colon() -> None:
    a, b, c = (s.Ref(name) for name in "abc")
    two, percent = s.Number("2"), s.Percent("32%")
    assert body("a: b | c") == s.Choice((s.Arm(a, b), s.Arm(None, c)))
    assert body("a%: b | c % : a") == s.Choice((s.Arm(a, b, in_percent=True), s.Arm(c, a, in_percent=True)))
    assert body("2*a: b | (a + 2)%: c") == s.Choice(
        (s.Arm(s.Binary("*", two, a), b), s.Arm(s.Binary("+", a, two), c, in_percent=True))
    )
    assert body("a % b: c") == s.Choice((s.Arm(s.Binary("%", a, b), c),))
    assert body("32 %: a | b") == s.Choice((s.Arm(percent, a), s.Arm(None, b)))
    assert body("a % b") == s.Binary("%", a, b)


def test_types_nest_as_they_are_written() -> None:
    a, b = s.TypeVariable("a"), s.TypeVariable("b")
    assert kind("a -> b -> a") == s.TypeArrow(a, s.TypeArrow(b, a))
    assert kind("a[3][..2]") == s.TypeList(s.TypeList(a, (s.Number("3"),)), (s.DimRange(None, s.Number("2")),))
    assert kind("[..s, ..]") == s.TypeList(None, (s.DimRest(s.Ref("s")), s.DimRest(None)))
    assert kind("-1..1 by 2") == s.TypeRange(s.Number("-1"), s.Number("1"), s.Number("2"))
    assert kind("(a)^2") == s.TypePower(a, s.Number("2"))
    assert kind("(x: a)") == s.TypeTuple((s.TypeItem("x", a),))


def test_strings_have_their_escapes_resolved_and_patterns_do_not() -> None:
    assert body(r'"a\"\\\n\u00e9\ud83d\ude00"') == s.String('a"\\\n\u00e9\U0001f600')
    assert body(r're"\d\"\\"') == s.Regex('\\d"\\\\')


def test_docs_go_to_the_declaration_field_arm_and_binding_after_them() -> None:
    file, found = parse(
        Source(
            "x",
            "arch 0.1\n#! A module.\n#!  two\n## The type.\n##\n@old\ntype T = {\n ## a field\n x: | ## an arm\n 1 | 2 }\n"
            "space S = { ## a binding\n lr = 1 }",
        )
    )
    assert not found
    assert file.docs == ("A module.", " two")
    kind_, space = file.items
    assert isinstance(kind_, s.Declaration) and isinstance(space, s.Declaration)
    assert kind_.docs == ("The type.", "") and kind_.annotations == (s.Annotation("old", ()),)
    assert isinstance(kind_.type, s.TypeRecord) and isinstance(space.value, s.Record)
    field = kind_.type.members[0]
    assert isinstance(field, s.Field) and field.docs == ("a field",)
    assert isinstance(field.type, s.TypeUnion) and field.type.arms[0].docs == ("an arm",)
    assert space.value.bindings[0].docs == ("a binding",)


def test_keywords_and_strings_may_be_keys() -> None:
    record = kind('{ in: "query", "$ref"?: Uri, Name: Int }')
    assert isinstance(record, s.TypeRecord)
    assert [(f.name, f.quoted, f.optional) for f in record.members if isinstance(f, s.Field)] == [
        ("in", False, False), ("$ref", True, True), ("Name", False, False),
    ]  # fmt: skip
    made = body('{ type = 1, "x y" = 2 }')
    assert isinstance(made, s.Record) and [one.name for one in made.bindings] == ["type", "x y"]


def _nodes(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for part in value:
            yield from _nodes(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, Span | Source):
        yield value
        for field in dataclasses.fields(value):
            yield from _nodes(getattr(value, field.name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_span_covers_the_text_of_its_node(path: Path) -> None:
    """A part lies inside its whole, and the text of an expression alone is that expression again."""
    source = Source(path.name, path.read_text())
    file, _ = parse(source)
    for node in _nodes(file.items):
        span = getattr(node, "span", None)
        assert isinstance(span, Span) and span.source is source and span.start < span.end, node
        assert span.text == span.text.strip()
        for field in dataclasses.fields(node) if dataclasses.is_dataclass(node) else ():
            if field.name not in ("docs", "annotations"):
                for part in _nodes(getattr(node, field.name)):
                    inner = getattr(part, "span", span)
                    assert span.start <= inner.start and inner.end <= span.end, (node, part)
        if isinstance(node, s.Declaration):
            assert node.name_span.text == node.name
        if isinstance(node, s.Call | s.Pipe | s.Binary | s.Ref | s.Choice | s.If | s.Body | s.Tuple | s.Attribute):
            assert body(span.text) == node


# ---------------------------------------------------------------- messages
MISTAKES = [
    ("block A = (a -> b\n\nblock B = c", "A0002", "`(` is never closed", "("),
    ("block A = f(a, b", "A0002", "`(` is never closed", "("),
    ("block A = a )", "A0003", "`)` closes nothing", ")"),
    ("block A = (a, b]", "A0003", "expected `)` to close `(` on line 2, found `]`", "]"),
    ("block A = {\n let a = (b\n return a\n}", "A0003", "expected `)` to close `(` on line 3, found `return`", "return"),
    ("block type = a", "A0006", "`type` is a keyword and cannot be a name", "type"),
    ("block A = f(in=3)", "A0006", "`in` is a keyword and cannot be a name", "in"),
    ("block mlp_mixer = a", "A0007", "the name of a block starts with a capital, unlike `mlp_mixer`", "mlp_mixer"),
    ("op Conv : a -> a", "A0007", "the name of an op starts with a lower-case letter, unlike `Conv`", "Conv"),
    ("block A(C) = a", "A0007", "the name of a parameter starts with a lower-case letter, unlike `C`", "C"),
    ("block A = { let X = a return X }", "A0007", "this name starts with a lower-case letter, unlike `X`", "X"),
    ("block A = _x", "A0007", "a name starts with a letter, and `_x` does not", "_x"),
    ("block A = 'x'", "A0008", "a string stands between double quotes", "'x'"),
    ('const a = "abc\nconst b = 2', "A0008", "this string has no closing quote on its line", '"abc'),
    ('type A = "b | "c" | "d"', "A0008", "the quotes on this line do not pair", '"b | "'),
    (r'const a = "\q"', "A0009", r"there is no escape `\q` in a string", r"\q"),
    ("block A = a => b", "A0010", "expected `->`, found `=>`", "=>"),
    ("block A = a \u2192 b", "A0010", "expected `->`, found `\u2192`", "\u2192"),
    ("block A = a |> b", "A0010", "expected `->`, found `|>`", "|>"),
    ("block A = a;\nblock B = b;", "A0010", "nothing ends in `;` here", ";"),
    ("// a comment\nblock A = a", "A0010", "a comment starts with `#`", "//"),
    ("/* a comment */\nblock A = a", "A0010", "a comment starts with `#` and ends with its line", "/* a comment */"),
    ("const a = 2**3", "A0010", "there is no operator `**`", "*"),
    ("const a = b^2", "A0010", "`^` repeats a type, as in [n, d]^2", "^"),
    ("block A = a $ b", "A0010", "`$` means nothing in the language", "$"),
    ("block \u0410 = a", "A0011", "`\u0410` is U+0410 CYRILLIC CAPITAL LETTER A, and code is written in ASCII", "\u0410"),
    ("block A\u200b = a", "A0012", "a hidden character stands here: U+200B ZERO WIDTH SPACE", "\u200b"),
    ('const a = "\u202e"', "A0012", "a hidden character stands in this string: U+202E RIGHT-TO-LEFT OVERRIDE", "\u202e"),
    ("block A = a # \0", "A0012", "a hidden character stands in this comment: U+0000", "\0"),
    ("const a = 1 # x\rconst b = 2", "A0012", "a carriage return stands here without a line feed", "\r"),
    ("## doc\nimport std.nn", "A0013", "a doc comment describes the declaration, field or type arm after it, and none comes here", "## doc"),
    ("block A = a #! x", "A0013", "`#!` describes the module and stands right after its first line", "#! x"),
    ("block A = f(a b)", "A0001", "expected `->`, `,` or `)`, found `b`", "b"),
    ("block A : [c h] -> [c] = a", "A0001", "expected `,` or `]`, found `h`", "h"),
    ("type A = { a: Int b: Int }", "A0001", "expected `,` or `}`, found `b`", "b"),
    ("block A = a b", "A0001", "expected `->`, found `b`", "b"),
    ("block A : [c] -> [c] a", "A0001", "expected `=`, found `a`", "a"),
    ("op glu [..s] -> [..s]", "A0001", "expected `:`, found `[`", "["),
    ("const x == 3", "A0001", "expected `=`, found `==`", "=="),
    ("block A = if a = c then a else b", "A0001", "expected `==`, found `=`", "="),
    ("block A where d % h = 0 = a", "A0001", "expected `==`, found `=`", "="),
    ("block A = a < b < c", "A0001", "comparisons do not chain", "<"),
    ("type A = { a = Int }", "A0001", "expected `:`, found `=`", "="),
    ("block A = a -> if b then c else d", "A0001", "an `if` inside another expression stands in parentheses", "if"),
    ("block A = if a then b\nblock B = c", "A0001", "expected `else`, found `block`", "block"),
    ("block A = { let a = b }", "A0001", "expected `return`, found `}`", "}"),
    ("block A = { a -> b }", "A0001", "expected `=`, found `->`", "->"),
    ("block A = a[0]", "A0001", "an expression has no `[ ]` after it", "["),
    ("const a = 32%2", "A0001", "`32%` is a percentage; a remainder has spaces around its sign", "32%"),
    ("blok A = a", "A0001", "expected a declaration, found `blok`", "blok"),
    ("def f(x) = x", "A0001", "expected a declaration, found `def`", "def"),
    ("choose x = 3", "A0001", "`choose` stands between braces, and none are open here", "choose"),
    ("block A = a ->\n\nblock B = c", "A0001", "expected an expression after `->`, found `block`", "->"),
    ("type A =", "A0001", "expected a type after `=`, found the end of the file", "="),
    ("arch 0.1", "A0004", "`arch` stands once, at the top", "arch"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "message", "place"), MISTAKES, ids=[case[0] for case in MISTAKES])
def test_one_typo_is_one_message_at_the_smallest_place(text: str, code: str, message: str, place: str) -> None:
    _, found = read(text)
    assert [(one.code, one.message) for one in found] == [(code, message)]
    assert found[0].span.text == place
    assert found[0].severity == "error"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", "A0004", "the first line says which edition of the language a file is written in"),
        ("block A = a", "A0004", "the first line says which edition of the language a file is written in"),
        ("arhc 0.1\nblock A = a", "A0004", "expected `arch`, found `arhc`"),
        ("#! docs\narch 0.1\nblock A = a", "A0004", "`arch` stands once, at the top"),
        ("arch 0.2\nblock A = a", "A0005", "there is no edition 0.2 of the language"),
    ],
)
def test_the_first_line_names_the_edition(text: str, code: str, message: str) -> None:
    assert [(one.code, one.message) for one in parse(Source("x", text))[1]] == [(code, message)]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse(Source("x", "\ufeffarch 0.1\r\nconst a = 1\r\n"))[1] == ()


def test_odd_characters_in_comments_are_warnings() -> None:
    _, found = read(
        "# 3\u00d73, na\u00efve, \u65e5\u672c\u8a9e, \u0441\u043b\u043e\u0432\u043e\nconst a = 1 # \u202e\n# p\u0430ge\nconst b = 2"
    )
    assert [(one.code, one.severity, position(one.span)[0]) for one in found] == [
        ("A0012", "warning", 3), ("A0011", "warning", 4),
    ]  # fmt: skip


def test_reading_goes_on_at_the_next_declaration() -> None:
    file, found = read(
        "block A = a\nblock B = (a -> \n\n## C\nblock C = c\nblock D = d d\nfn f(n) = n\n@x\nblock E = e )\ntype T = Int\n"
    )
    assert [item.name for item in file.items if isinstance(item, s.Declaration)] == ["A", "C", "D", "f", "E", "T"]
    assert [(one.code, position(one.span)[0]) for one in found] == [("A0002", 3), ("A0001", 7), ("A0003", 10)]


def test_a_declaration_before_a_misspelt_one_is_kept() -> None:
    file, found = read("block A = a -> b\nblok B = c\nblock C = c")
    assert [item.name for item in file.items if isinstance(item, s.Declaration)] == ["A", "C"]
    assert [one.hint for one in found] == ["write `block`"]


# ---------------------------------------------------------------- limits
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("const a = 1234567890123456789", "A0804"),
        (f'const a = "{"x" * 70_000}"', "A0803"),
        (f'type A = re"{"x" * 3000}"', "A0805"),
        ("const a = " + "(" * 101 + "1" + ")" * 101, "A0802"),
        ("#" * (1 << 20), "A0801"),
    ],
)
def test_a_limit_is_named_with_its_value_and_how_to_raise_it(text: str, code: str) -> None:
    _, found = read(text)
    assert [one.code for one in found] == [code]
    assert "the limit is" in found[0].label and "Limits(" in found[0].hint


def test_limits_can_be_raised() -> None:
    text = "arch 0.1\nconst a = " + "(" * 150 + "1" + ")" * 150
    assert [one.code for one in parse(Source("x", text))[1]] == ["A0802"]
    assert parse(Source("x", text), Limits(nesting=150))[1] == ()


NESTED = {
    "parentheses": "block A = " + "(" * DEEP + "a" + ")" * DEEP,
    "open": "block A = " + "(" * DEEP,
    "brackets": "block A = " + "[" * DEEP + "]" * DEEP,
    "minus": "block A = " + "-" * DEEP + "a",
    "not": "block A = " + "not " * DEEP + "a",
    "else if": "block A = " + "if a then b else " * (DEEP // 2) + "c",
    "then if": "block A = " + "if a then " * (DEEP // 2) + "c" + " else b" * (DEEP // 2),
    "names": "block A = a" + ".b" * DEEP,
    "calls": "block A = f" + "()" * DEEP,
    "arguments": "block A = " + "f(" * DEEP + ")" * DEEP,
    "sum": "block A = " + "a + " * DEEP + "a",
    "product": "block A = " + "a * " * DEEP + "a",
    "records": "block A = " + "{a=" * DEEP + "a" + "}" * DEEP,
    "bodies": "block A = " + "{return " * DEEP + "a" + "}" * DEEP,
    "loops": "block A = " + "for a in b{" * (DEEP // 2) + "a" + "}" * (DEEP // 2),
    "arrows": "type A = " + "a -> " * DEEP + "a",
    "powers": "type A = a" + "^2" * DEEP,
    "lists": "type A = a" + "[n]" * DEEP,
    "type records": "type A = " + "{a:" * DEEP + "a" + "}" * DEEP,
    "type tuples": "type A = " + "(" * DEEP + "a" + ")" * DEEP,
}


@pytest.mark.parametrize("name", NESTED)
def test_whatever_is_nested_too_deep_is_one_message(name: str) -> None:
    start = time.process_time()
    file, found = read(NESTED[name])
    assert [one.code for one in found] == ["A0802"]
    assert not file.items
    assert time.process_time() - start < 5


def test_wide_is_not_deep() -> None:
    assert len(getattr(body("a -> " * 10_000 + "a"), "stages", ())) == 10_001
    assert len(getattr(body("a | " * 10_000 + "a"), "arms", ())) == 10_001


def test_time_grows_with_the_text_and_no_faster() -> None:
    unit = "block B(c) : [a, h, w] -> [c, h, w] = conv(c, 3, pad = k // 2) -> batch_norm -> (id, relu) -> add\n"

    def seconds(lines: int) -> float:
        source = Source("x", "arch 0.1\n" + unit * lines)
        start = time.process_time()
        assert parse(source)[1] == ()
        return time.process_time() - start

    seconds(10)
    assert seconds(8000) < 16 * max(seconds(1000), 0.02)


# ---------------------------------------------------------------- anything
def _bounded(text: str) -> None:
    start = time.process_time()
    source = Source("x", text)
    file, found = parse(source)
    assert isinstance(file, s.File)
    assert len(found) <= 40
    for one in found:
        assert one.code.startswith("A0") and one.message and one.span.source is source
        assert 0 <= one.span.start <= one.span.end <= len(text)
    assert time.process_time() - start < 2


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_only_diagnostics(text: str) -> None:
    _bounded(text)


SCRAPS = [
    "(", ")", "[", "]", "{", "}", "->", "|", ",", "=", ":", "..", "#", "##", "#!", '"', "'", "\n", "\r", "\0", "\u202e", "if",
    "then", "let", "return", "block", "type", "not", "-", "@", "1e9", "32%", "re", "\\", "/*", "*/", "\ud800", "arch 0.1", "^",
]  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_broken_files_give_only_diagnostics(path: Path) -> None:
    rng = random.Random(path.name)
    whole = path.read_text()
    for _ in range(60):
        text = whole
        for _ in range(rng.choice([1, 1, 1, 2, 5, 30])):
            at = rng.randrange(len(text) + 1)
            cut = rng.choice([0, 0, 1, 2, 10, 200])
            text = text[:at] + rng.choice([*SCRAPS, ""]) + text[at + cut :]
        _bounded(text)
