"""Grammar text of data types: what engines accept of it is what the types admit, whatever names and texts are in them."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random

import agreement
import gbnf
import llguidance
import pytest

import archc
from archc.data.validate import parse
from archc.data.violations import DocumentError
from archc.grammar.diagnostics import CompileError
from archc.grammar.limits import Limits
from archc.grammars.forest import Account, Call, Edge, Forest, Lexeme, Literal, State
from archc.lower.dialect import DIALECTS, account_lines, fitted
from archc.lower.ebnf import to_ebnf
from archc.lower.gbnf import to_gbnf
from archc.lower.grammar_text import grammar_text
from archc.lower.lark_text import to_lark
from archc.lower.regex_text import to_regex
from archc.regular.language import ANY, regular, repeat
from archc.runtime.fits import compact

EXAMPLES = Path(__file__).parent.parent / "examples"
INLINE = r"""arch 0.1
type Flag = Bool | Null
type Pair = (Int, String(..3), -5..5)
type Code = re"[A-Z]{2}-\\d{3}(x|y|)*\\.?"
type Mixed = "yes" | "no" | String(4..6) | 1..12 | Decimal(1) | Null
type Some = { a?: Int, b?: "x", c?: Float }
type More = { a?: Int, b: String(1..3), c?: Uuid, d?: Time }
type Node = { name: re"[a-c]+", left?: Node, right?: Node, tags: String(..2)[..3] }
type Endless = { all: Int[], some?: Map(re"[a-c]", Bool[1..]) }
type Letters = Map(re"[a-z]", 0..9, 1..3)
type Wild = { "q\"uote": String, "back\\slash": Int, "new\nline": "\"]}\\\n", "/": "#", "é🙂": "’" }
type Steps = { five: 0..100 by 5, low: -20..-3, real: 0.25..0.75, any: Float }
"""
ROOTS = [
    *(("invoice", name) for name in ("Invoice", "Address", "Line", "Party")),
    *(("data", name) for name in ("Json", "Event", "Headers")),
    *(("json_document", "JsonDocument"), ("request", "Request"), ("resume", "Resume"), ("tool_call", "Answer")),
    *(("inline", name) for name in re.findall(r"type (\w+)", INLINE)),
    *(("agreement", name) for name in agreement.ROOTS),
]
RECURSIVE = ("Json", "JsonDocument", "Answer", "Node", "Tree")


@cache
def program(file: str) -> archc.Program:
    if file in ("inline", "agreement"):
        return archc.loads(INLINE if file == "inline" else agreement.TYPES)
    return archc.load(EXAMPLES / f"{file}.arch")


@cache
def drawn(file: str, name: str, number: int = 40) -> tuple[str, ...]:
    return tuple(program(file)[name].sample(Random(name), number))


def mutants(texts: tuple[str, ...], rng: Random, number: int) -> list[str]:
    found: list[str] = []
    alphabet = sorted(set("".join(texts)) | set('"\\{}[],:0129.-eaZ \né\0'))
    while len(found) < number:
        text = rng.choice(texts)
        at, to = rng.randrange(len(text)), rng.randrange(len(text))
        piece = text[at : at + rng.randint(1, 12)]
        match rng.randrange(6):
            case 0:
                text = text[:at] + text[at + 1 :]
            case 1:
                text = text[:at] + rng.choice(alphabet) + text[at:]
            case 2:
                text = text[:at] + rng.choice(alphabet) + text[at + 1 :]
            case 3:
                text = text[:to] + piece + text[to:]
            case 4:
                text = text[:at]
            case _:
                text = compact(agreement.mutated(json.loads(text, parse_float=Decimal), rng))
        found.append(text)
    return found


# ---------------------------------------------------------------- engines
class Xgrammar:
    """What xgrammar accepts of an EBNF text."""

    def __init__(self, text: str) -> None:
        import xgrammar

        self._matcher = xgrammar.GrammarMatcher
        vocabulary = [bytes([code]) for code in range(256)] + [b"</s>"]
        info = xgrammar.TokenizerInfo(vocabulary, stop_token_ids=[256])
        self._compiled = xgrammar.GrammarCompiler(info, max_threads=1).compile_grammar(text)

    def accepts(self, text: str) -> bool:
        matcher = self._matcher(self._compiled, terminate_without_stop_token=False)
        return (not text or matcher.accept_string(text)) and matcher.accept_token(256)


class Llguidance:
    """What llguidance accepts of a Lark text."""

    def __init__(self, text: str) -> None:
        self._tokenizer = llguidance.LLTokenizer("byte")
        self._matcher = llguidance.LLMatcher(self._tokenizer, text, log_level=0)
        assert not self._matcher.is_error(), self._matcher.get_error()

    def accepts(self, text: str) -> bool:
        matcher = self._matcher.deep_copy()
        tokens = list(text.encode())
        return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@cache
def engines(file: str, name: str) -> tuple[Xgrammar, Llguidance, gbnf.Grammar]:
    found = program(file)[name]
    return Xgrammar(found.grammar("ebnf")), Llguidance(found.grammar("lark")), gbnf.Grammar(found.grammar("gbnf"))


@pytest.mark.parametrize(("file", "name"), ROOTS)
def test_every_document_is_accepted_by_every_grammar(file: str, name: str) -> None:
    for text in drawn(file, name):
        assert [engine.accepts(text) for engine in engines(file, name)] == [True, True, True], text


def left_to_validation(file: str, name: str, dialect: str) -> list[Account]:
    accounts = fitted(program(file)[name].forest(), DIALECTS[dialect]).accounts
    return [account for account in accounts if not account.decoding]


@pytest.mark.parametrize(("file", "name"), ROOTS)
def test_engines_agree_on_wrong_documents_up_to_the_account(file: str, name: str) -> None:
    xgrammar, lark, own = engines(file, name)
    loose = left_to_validation(file, name, "ebnf")
    for text in mutants(drawn(file, name), Random(1), 120):
        wanted = own.accepts(text)
        assert lark.accepts(text) == wanted, text
        if xgrammar.accepts(text) != wanted:
            assert loose and not wanted, text


@pytest.mark.parametrize(("file", "name"), ROOTS)
def test_what_a_grammar_accepts_is_wrong_only_where_the_account_says(file: str, name: str) -> None:
    schema = program(file)[name].schema
    for dialect, engine in zip(("ebnf", "lark"), engines(file, name)[:2], strict=True):
        loose = left_to_validation(file, name, dialect)
        for text in mutants(drawn(file, name), Random(2), 120):
            if engine.accepts(text):
                try:
                    parse(schema, text)
                except DocumentError as error:
                    assert loose, f"{text}: {error}"


# ---------------------------------------------------------------- accounts
def test_a_header_says_where_each_bound_is_enforced() -> None:
    found = program("invoice")["Invoice"].forest()
    for name, text in (("ebnf", to_ebnf(found)), ("gbnf", to_gbnf(found)), ("lark", to_lark(found))):
        lines = account_lines(fitted(found, DIALECTS[name]).accounts)
        head = [line.lstrip("#/")[1:] for line in text.splitlines() if line[:1] in "#/"]
        assert head[1:] == lines
        assert "  Invoice: total == subtotal + tax (a grammar does not compare values)" in lines


def test_long_strings_are_counted_by_llguidance_and_left_to_validation_by_xgrammar() -> None:
    for name, decoding in (("ebnf", False), ("lark", True), ("gbnf", True)):
        accounts = {a.subject: a for a in fitted(program("invoice")["Line"].forest(), DIALECTS[name]).accounts}
        assert accounts["String(1..200)"].decoding is decoding
        assert accounts["1..100000"].decoding
    xgrammar, lark, own = engines("invoice", "Line")
    text = drawn("invoice", "Line")[0]
    empty = re.sub('"description":"[^"]*"', '"description":""', text)
    long = re.sub('"description":"[^"]*"', f'"description":"{"x" * 201}"', text)
    assert [engine.accepts(long) for engine in (xgrammar, lark, own)] == [True, False, False]
    assert [engine.accepts(empty) for engine in (xgrammar, lark, own)] == [False, False, False]


def test_gbnf_repeats_nothing_more_often_than_llama_cpp_does() -> None:
    found = archc.loads("arch 0.1\ntype T = String(..5000)\n")["T"]
    assert gbnf.Grammar(found.grammar("gbnf")).accepts(f'"{"x" * 3000}"')
    assert "left to validation:\n#   String(..5000): at most 5000 characters" in found.grammar("gbnf")
    inner = repeat(repeat(ANY, 1, 100), 1, 100)
    text = to_gbnf(Forest((State("T", "", (Edge((Lexeme("a", inner),)),)),), 0))
    assert "{" not in text
    assert gbnf.Grammar(text).accepts("x" * 10_001)


def test_the_account_is_printed_on_demand(capfd: pytest.CaptureFixture[str]) -> None:
    from archc.cli import main

    assert main(["compile", f"{EXAMPLES}/invoice.arch:Address", "--to", "ebnf", "-v"]) == 0
    said = capfd.readouterr()
    assert said.out == program("invoice")["Address"].grammar("ebnf")
    assert 'left to validation:\n  re"[A-Za-z0-9 -]{3,10}"' in said.err


# ---------------------------------------------------------------- names and texts
HOSTILE = (
    "root",
    "start",
    "",
    "_",
    "9",
    "a b",
    'x" | "y',
    "x\n# y",
    "\r",
    "é",
    "\u202e",
    "]",
    "ROOT",
    "a" * 500,
    "a_b",
    "a-b",
)


@pytest.mark.parametrize("dialect", ["ebnf", "gbnf", "lark"])
def test_hostile_names_and_texts_stay_names_and_texts(dialect: str) -> None:
    count = len(HOSTILE)
    states = [
        State(
            name, name, (Edge((Literal(f'"{number}"'), Lexeme(name, regular(str(number))), Literal(json.dumps(name)))),)
        )
        for number, name in enumerate(HOSTILE)
    ]
    root = State('root\n"x" ::= ', "", (Edge((Literal("["), *(Call(at + 1) for at in range(count)), Literal("]"))),))
    hostile = tuple(Account(name, name, decoding, name) for name in HOSTILE for decoding in (True, False))
    found = Forest((root, *states), 0, accounts=hostile)
    text = grammar_text(found, dialect)
    assert all(" " <= char <= "~" for char in text.replace("\n", ""))
    kind = {"ebnf": Xgrammar, "gbnf": gbnf.Grammar, "lark": Llguidance}[dialect]
    whole = "".join(f'"{number}"{number}{json.dumps(name)}' for number, name in enumerate(HOSTILE))
    assert kind(text).accepts(f"[{whole}]")
    assert not kind(text).accepts(f"[{whole}y]")


def test_grammars_are_the_same_bytes_in_every_process() -> None:
    script = (
        "import archc, sys; t = archc.load(sys.argv[1])['Invoice'];"
        "print([t.grammar(to) for to in ('ebnf', 'gbnf', 'lark', 'regex')])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script, str(EXAMPLES / "invoice.arch")],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(seen) == 1


# ---------------------------------------------------------------- limits and regular expressions
def test_too_many_rules_and_alternatives_are_refused() -> None:
    one = Edge((Literal("x"),))
    chain = Forest(tuple(State(f"s{n}", "", (Edge((Literal("x"), Call(n + 1))), one)) for n in range(20_001)), 0)
    with pytest.raises(archc.CompileError, match="A0541"):
        to_ebnf(chain)
    wide = Forest((State("wide", "", tuple(Edge((Literal(str(n)),)) for n in range(5001))),), 0)
    with pytest.raises(archc.CompileError, match="A0542"):
        to_lark(wide)
    assert "5000" in to_lark(wide, Limits(alternatives=6000))


@pytest.mark.parametrize(("file", "name"), [root for root in ROOTS if root[1] not in (*RECURSIVE, "Basket")])
def test_a_regular_expression_accepts_what_the_grammar_does(file: str, name: str) -> None:
    pattern = re.compile(program(file)[name].grammar("regex"))
    for text in (*drawn(file, name), *mutants(drawn(file, name), Random(3), 100)):
        assert bool(pattern.fullmatch(text)) == engines(file, name)[2].accepts(text), text


def test_what_is_inside_itself_has_no_regular_expression() -> None:
    with pytest.raises(archc.CompileError, match="A0544 .*`Node` is inside itself"):
        program("inline")["Node"].grammar("regex")


def test_a_long_regular_expression_is_refused_before_it_is_written() -> None:
    levels = [State(f"t{n}", "", (Edge((Call(n + 1), Call(n + 1))),)) for n in range(60)]
    with pytest.raises(archc.CompileError, match="A0545"):
        to_regex(Forest((*levels, State("leaf", "", (Edge((Literal("x"),)),))), 0))


def test_an_unknown_dialect_is_told() -> None:
    with pytest.raises(ValueError, match="'peg' is no grammar that archc writes"):
        program("inline")["Flag"].grammar("peg")


def test_a_rule_that_begins_with_itself_is_no_grammar_for_llama() -> None:
    grown = State("Letters", "", (Edge((Call(0), Literal("a"))), Edge((Literal("a"),))))
    with pytest.raises(CompileError, match="A0543"):
        to_gbnf(Forest((grown,), 0))


def test_numbers_come_to_an_end_and_strings_of_digits_do_not() -> None:
    found = archc.loads('arch 0.1\ntype T = { a: Int, b: re"[0-9]+", c: Float }\n')["T"]
    assert "Int: at most 60 digits in a row" in found.grammar("ebnf")
    engines = Xgrammar(found.grammar("ebnf")), Llguidance(found.grammar("lark")), gbnf.Grammar(found.grammar("gbnf"))
    for digits, accepted in ((60, True), (61, False)):
        text = f'{{"a":-{"7" * digits},"b":"{"7" * 100}","c":0.{"7" * 50}}}'
        assert [engine.accepts(text) for engine in engines] == [accepted] * 3


def test_the_account_speaks_of_nesting_where_a_type_is_inside_itself() -> None:
    bounds = {
        name: [a.bound for a in fitted(program("inline")[name].forest(), DIALECTS["lark"]).accounts]
        for name in ("Node", "Pair")
    }
    assert "nests at most 64 deep" in bounds["Node"]
    assert "nests at most 64 deep" not in bounds["Pair"]
