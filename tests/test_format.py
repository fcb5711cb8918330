"""Formatting keeps the syntax and the comments, and comes to rest at once."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError
from archc.grammar.format import format_expr, format_file, format_source, format_type
from archc.grammar.lex import lex
from archc.grammar.limits import DEFAULT, Limits
from archc.grammar.parse import parse
from archc.grammar.source import Source

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("examples/**/*.arch"), *ROOT.glob("grammar/std/*.arch")])
WIDE = Limits(nesting=200)
T = TypeVar("T")
Tuple = tuple


def of_network(kind: s.TypeExpr) -> s.TypeExpr:
    """Return one side of an arrow: a name before brackets is a qualifier there, not the type of what a list holds."""
    match kind:
        case s.TypeList(s.TypeVariable(name), dims):
            return s.TypeQualified(name, s.TypeList(None, dims))
        case s.TypePower(base, exponent):
            return s.TypePower(of_network(base), exponent)
        case s.TypeTuple(items):
            return s.TypeTuple(tuple(s.TypeItem(item.label, of_network(item.type)) for item in items))
        case _:
            return kind


class Growing:
    """Random syntax: every kind of node, with what the parser would never build left out."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def flag(self) -> bool:
        return self.rng.random() < 0.4

    def lower(self) -> str:
        return self.rng.choice(["a", "batch_norm", "k2", "heads", "returned", "e5", "x_", "in_channels"])

    def upper(self) -> str:
        return self.rng.choice(["Block", "A", "SelfAttention", "K", "X_9"])

    def words(self) -> str:
        letters = [
            "a",
            "B",
            " ",
            '"',
            "\\",
            "\n",
            "\t",
            "\x7f",
            "\u202e",
            "\u00e9",
            "\U000e0041",
            "\U0001f600",
            "#",
            "{",
            "/",
        ]
        return "".join(self.rng.choices(letters, k=self.rng.randrange(8)))

    def docs(self) -> tuple[str, ...]:
        return (
            tuple(self.rng.choices(["", "says so", " indented", "#", "! (x"], k=self.rng.randrange(3)))
            if self.flag()
            else ()
        )

    def many(self, make: Callable[[int], T], depth: int, least: int = 0, most: int = 4) -> tuple[T, ...]:
        return tuple(make(depth - 1) for _ in range(self.rng.randint(least, most)))

    def number(self, *, negative: bool = False) -> s.Number:
        texts = ["0", "1", "3", "64", "1e-5", "0.5", "600M", "1024"] + ["-1", "-0.5"] * negative
        return s.Number(self.rng.choice(texts))

    def literal(self) -> s.Number | s.String | s.Regex | s.Boolean:
        regex = self.rng.choice(["[A-Z]{2}", 'a"b', "\\\\d+", "", "\\."])
        return self.rng.choice(
            [self.number(negative=True), s.String(self.words()), s.Regex(regex), s.Boolean(self.flag())]
        )

    # ------------------------------------------------------------ expressions
    def expr(self, depth: int) -> s.Expr:
        if depth <= 0 or self.rng.random() < 0.15:
            return self.rng.choice(
                [
                    self.number(),
                    s.Ref(self.lower()),
                    s.Ref(self.upper()),
                    s.String(self.words()),
                    s.Boolean(self.flag()),
                    s.Hole(),
                ]
            )
        return self.rng.choice(self.shapes)(self, depth)

    def tuple(self, depth: int) -> s.Expr:
        return s.Tuple(self.many(self.expr, depth, 2) if self.rng.random() < 0.9 else ())

    def list(self, depth: int) -> s.Expr:
        return s.List(self.many(lambda d: s.Spread(self.expr(d)) if self.flag() else self.expr(d), depth))

    def record(self, depth: int) -> s.Expr:
        def binding(d: int) -> s.Binding:
            return s.Binding(
                self.docs(), self.rng.choice([self.lower(), self.upper(), self.words(), "return"]), self.expr(d)
            )

        return s.Record(self.many(binding, depth, 1))

    def body(self, depth: int) -> s.Expr:
        def statement(d: int) -> s.Statement:
            kind = self.rng.choice(["let", "choose"])
            if self.flag():
                return s.Statement(kind, (self.lower(), self.lower()), None, self.expr(d), is_tuple=True)
            return s.Statement(kind, (self.lower(),), self.type(d) if self.flag() else None, self.expr(d))

        return s.Body(self.many(statement, depth), self.expr(depth - 1))

    def fold(self, depth: int) -> s.Expr:
        is_tuple = self.flag()
        names = (self.lower(), self.lower()) if is_tuple else (self.lower(),)
        return s.Fold(names, self.expr(depth - 1), self.expr(depth - 1), is_tuple)

    def argument(self, depth: int) -> s.Argument:
        return s.Argument(self.lower() if self.flag() else "", self.expr(depth))

    def call(self, depth: int) -> s.Expr:
        return s.Call(self.expr(depth - 1), self.many(self.argument, depth))

    def binary(self, depth: int) -> s.Expr:
        return s.Binary(self.rng.choice(["+", "-", "*", "/", "//", "%"]), self.expr(depth - 1), self.expr(depth - 1))

    def compare(self, depth: int) -> s.Expr:
        operator = self.rng.choice(["==", "!=", "<=", ">=", "<", ">", "in"])
        return s.Compare(operator, self.expr(depth - 1), self.expr(depth - 1))

    def weighted_arm(self, depth: int) -> s.Arm:
        weight = self.expr(depth - 1)
        in_percent = not isinstance(weight, s.Number) and self.flag()
        return s.Arm(weight, self.expr(depth), in_percent)

    def choice(self, depth: int) -> s.Expr:
        def arm(d: int) -> s.Arm:
            if self.flag() and self.flag():
                return self.weighted_arm(d)
            return s.Arm(self.rng.choice([None, s.Number("3"), s.Percent("32%")]), self.expr(d))

        arms = self.many(arm, depth, 1)
        return s.Choice(arms) if len(arms) > 1 or arms[0].weight else arms[0].value

    shapes: ClassVar = (
        tuple, list, record, body, fold, call, binary, compare, choice, call, choice,
        lambda self, d: s.Pipe(self.many(self.expr, d, 2, 6)),
        lambda self, d: s.Attribute(self.expr(d - 1), self.rng.choice([self.lower(), self.upper()])),
        lambda self, d: s.Negative(self.expr(d - 1)),
        lambda self, d: s.Range(self.expr(d - 1), self.expr(d - 1), self.expr(d - 1) if self.flag() else None),
        lambda self, d: s.Not(self.expr(d - 1)),
        lambda self, d: s.Logic(self.rng.choice(["and", "or"]), self.many(self.expr, d, 2)),
        lambda self, d: s.If(self.expr(d - 1), self.expr(d - 1), self.expr(d - 1)),
    )  # fmt: skip

    # ------------------------------------------------------------ types
    def type(self, depth: int) -> s.TypeExpr:
        if depth <= 0 or self.rng.random() < 0.2:
            low, high = self.number(negative=True), s.String(self.words())
            ranges = [s.TypeRange(low, None), s.TypeRange(None, high), s.TypeRange(low, high, self.number())]
            names = [s.TypeVariable(self.lower()), s.TypeName("", self.upper()), s.TypeLiteral(self.literal())]
            return self.rng.choice([*ranges, *names, *names])
        return self.rng.choice(self.type_shapes)(self, depth)

    def name(self, depth: int) -> s.TypeExpr:
        def argument(d: int) -> s.TypeArgument:
            return (
                s.TypeArgument(self.lower(), s.TypeLiteral(self.literal()))
                if self.flag()
                else s.TypeArgument("", self.type(d))
            )

        arguments = self.many(argument, depth)
        return s.TypeName(self.lower() if self.flag() else "", self.upper(), arguments, bool(arguments))

    def type_tuple(self, depth: int) -> s.TypeExpr:
        items = self.many(lambda d: s.TypeItem(self.lower() if self.flag() else "", self.type(d)), depth)
        return items[0].type if len(items) == 1 and not items[0].label else s.TypeTuple(items)

    def type_record(self, depth: int) -> s.TypeExpr:
        def member(d: int) -> s.Field | s.TypeSpread:
            if self.rng.random() < 0.1:
                return s.TypeSpread(self.type(d))
            quoted = self.flag()
            name = self.words() if quoted else self.rng.choice([self.lower(), self.upper(), "type", "in"])
            notes = self.annotations(d) if self.flag() else ()
            where, default = (self.expr(d) if self.flag() else None for _ in range(2))
            return s.Field(self.docs(), notes, name, self.flag(), self.type(d), where, default, quoted)

        return s.TypeRecord(self.many(member, depth))

    def type_list(self, depth: int) -> s.TypeExpr:
        def dim(d: int) -> s.Expr | s.DimRange | s.DimRest:
            value = self.expr(d)
            rest = None if isinstance(value, s.Number) else s.DimRest(value)
            some = [value, s.DimRange(value, None), s.DimRange(value, self.expr(d)), s.DimRest(None)]
            return self.rng.choice([*some, s.DimRange(None, self.number()), rest or s.DimRest(None)])

        return s.TypeList(self.type(depth - 1) if self.flag() else None, self.many(dim, depth))

    def union(self, depth: int) -> s.TypeExpr:
        arms = self.many(lambda d: s.TypeArm(self.docs(), self.type(d)), depth, 1)
        return s.TypeUnion(arms) if len(arms) > 1 or arms[0].docs else arms[0].type

    type_shapes: ClassVar = (
        name, type_tuple, type_record, type_list, union, type_list,
        lambda self, d: s.TypePower(self.type(d - 1), s.Ref(self.lower()) if self.flag() else self.number()),
        lambda self, d: s.TypeArrow(of_network(self.type(d - 1)), of_network(self.type(d - 1))),
        lambda self, d: s.TypeQualified(self.lower(), self.name(d - 1)),
        lambda self, d: s.TypeQualified(self.lower(), s.TypeQualified(self.lower(), s.TypeVariable(self.lower()))),
    )  # fmt: skip

    # ------------------------------------------------------------ declarations
    def annotations(self, depth: int) -> Tuple[s.Annotation, ...]:
        def annotation(d: int) -> s.Annotation:
            given = self.flag()
            return s.Annotation(self.lower(), self.many(self.argument, d) if given else (), given)

        return self.many(annotation, depth, 0, 2)

    def declaration(self, depth: int) -> s.Import | s.Declaration:
        def parameter(d: int) -> s.Parameter:
            return s.Parameter(
                self.lower(), self.type(d) if self.flag() else None, self.expr(d) if self.flag() else None
            )

        kind = self.rng.choice(["const", "fn", "op", "block", "model", "space", "type", "import"])
        if kind == "import":
            is_file = self.flag()
            names = self.many(lambda _: self.upper(), 1)
            return s.Import(self.words() if is_file else "std.nn", is_file, self.lower() if self.flag() else "", names)
        is_upper = kind in ("block", "model", "space", "type")
        wants_type = kind in ("op", "type") or self.flag()
        parameters = None if kind == "const" or (kind != "fn" and self.flag()) else self.many(parameter, depth, 0, 9)
        return s.Declaration(
            kind,
            self.upper() if is_upper else self.lower(),
            parameters,
            self.type(depth) if wants_type else None,
            self.many(self.expr, depth, 0, 2) if kind != "const" else (),
            None if kind in ("op", "type") else self.expr(depth),
            self.docs(),
            self.annotations(depth) if self.flag() else (),
        )

    def file(self) -> s.File:
        return s.File("0.1", self.docs(), self.many(self.declaration, self.rng.randint(1, 5), 0, 4))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_reading_what_was_written_gives_the_same_syntax(seed: int) -> None:
    require_same(Growing(seed).file())


@pytest.mark.soak
@settings(max_examples=5000, deadline=None)
@given(st.integers(0, 10**9))
def test_reading_much_that_was_written_gives_the_same_syntax(seed: int) -> None:
    require_same(Growing(seed).file())


def require_same(file: s.File) -> None:
    """Write a file, read it again, and write that again."""
    text = format_file(file)
    read, found = parse(Source("written", text), WIDE)
    assert not [one for one in found if one.severity == "error"], text
    assert read == file, text
    again = format_source(Source("written", text), WIDE)
    assert parse(Source("again", again), WIDE)[0] == file
    assert format_source(Source("again", again), WIDE) == again


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_ours_keeps_its_syntax_and_its_comments(path: Path) -> None:
    source = Source(path.name, path.read_text())
    text = format_source(source)
    assert parse(Source("x", text))[0] == parse(source)[0]
    assert _comments(text) == _comments(source.text)
    assert format_source(Source("x", text)) == text
    code = [line.partition("#")[0].rstrip() for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert max(map(len, code)) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())


def _comments(text: str) -> list[str]:
    return sorted(token.text.rstrip() for token in lex(Source("x", text), DEFAULT).comments)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_comments_anywhere_are_kept_once(path: Path) -> None:
    rng = random.Random(path.name)
    source = Source(path.name, path.read_text())
    tokens = lex(source, DEFAULT).tokens[2:-1]
    for rate in (0.01, 0.05, 0.3, 1.0):
        places = [token.start for token in tokens if rng.random() < rate]
        text = source.text
        for number, place in enumerate(reversed(places)):
            text = text[:place] + f"# {number}" + rng.choice(["\n", "\n\n"]) + text[place:]
        written = format_source(Source("x", text))
        assert _comments(written) == _comments(text)
        assert parse(Source("x", written))[0] == parse(source)[0]
        assert format_source(Source("x", written)) == written


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_layout_does_not_depend_on_line_breaks(path: Path) -> None:
    """Without comments and blank lines, only the tokens count."""
    tokens = lex(Source("x", path.read_text()), DEFAULT).tokens
    ends = {"DOC": "\n", "MODULE_DOC": "\n"}
    squeezed = "".join(token.text + ends.get(token.kind, " ") for token in tokens)
    spread = "".join(token.text + "\n" for token in tokens)
    assert format_source(Source("x", squeezed)) == format_source(Source("x", spread))


def test_wrong_syntax_is_raised_and_not_formatted() -> None:
    with pytest.raises(CompileError) as caught:
        format_source(Source("x", "arch 0.1\nblock A = (relu"))
    assert [found.code for found in caught.value.diagnostics] == ["A0002"]


def _formatted(text: str) -> str:
    return format_source(Source("x", "arch 0.1\n" + text)).removeprefix("arch 0.1\n")


def test_pipelines_break_before_what_is_built_and_keep_bare_names() -> None:
    stages = " -> ".join(["conv(64, 3, pad=1, bias=false) -> batch_norm -> relu"] * 3)
    assert _formatted(f"block A = {stages}") == (
        "block A =\n"
        "    conv(64, 3, pad=1, bias=false) -> batch_norm -> relu\n"
        " -> conv(64, 3, pad=1, bias=false) -> batch_norm -> relu\n"
        " -> conv(64, 3, pad=1, bias=false) -> batch_norm -> relu\n"
    )


def test_trailing_comments_of_neighbouring_lines_stand_in_one_column() -> None:
    text = "block A = { let a = relu # one\n let longer = gelu # two\n return a -> longer }"
    assert _formatted(text) == (
        "block A = {\n    let a = relu       # one\n    let longer = gelu  # two\n    return a -> longer\n}\n"
    )


def test_at_most_one_blank_line_is_kept() -> None:
    assert _formatted("\n\n\nconst a = 1\nconst b = 2\n\n\n\nconst c = 3") == (
        "\nconst a = 1\nconst b = 2\n\nconst c = 3\n"
    )


def test_an_expression_is_shortened_where_a_message_has_little_room() -> None:
    file, _ = parse(Source("x", "arch 0.1\nblock A = conv(d, patch, stride=patch, bias=false)"))
    declaration = file.items[0]
    assert isinstance(declaration, s.Declaration) and declaration.value is not None
    assert format_expr(declaration.value) == "conv(d, patch, stride=patch, bias=false)"
    assert format_expr(declaration.value, 20) == "conv(d, patch, \u2026)"
    assert format_expr(declaration.value, 8) == "conv(d,\u2026"


def test_a_type_is_printed_with_the_parentheses_it_needs() -> None:
    file, _ = parse(Source("x", "arch 0.1\ntype T = (a -> b) -> ((c | d)[3], {## doc\n x: ..5})^2"))
    declaration = file.items[0]
    assert isinstance(declaration, s.Declaration) and declaration.type is not None
    assert format_type(declaration.type) == "(a -> b) -> ((c | d)[3], { x: ..5 })^2"
    assert not re.search("[\n#]", format_type(declaration.type))
