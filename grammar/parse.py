"""Text to syntax, with every complaint about the text and all that could be read besides."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.lex import Lexed, Token, lex
from archc.grammar.limits import DEFAULT, Limits, exceeded
from archc.grammar.mistakes import explain
from archc.grammar.naming import odd_names
from archc.grammar.source import Source, Span
from archc.grammar.syntax import Declaration, File, Import
from archc.grammar.tables import END, Tables, load
from archc.grammar.tree import builders

EDITIONS = ("0.1",)

_STARTERS = frozenset({"IMPORT", "CONST", "FN", "OP", "BLOCK", "SPACE", "MODEL", "TYPE"})
_BEFORE_STARTERS = frozenset({"DOC", "AT"})
_NAMES = frozenset({"NAME", "TYPENAME", "STRING"})
# Productions whose node, or pair of parentheses, a later pass goes one level down for.
_LEVELS = frozenset(
    {
        "union", "arrow", "power", "tensor", "type_list", "dim_range", "dim_rest", "type_name", "type_range", "type_tuple",
        "type_record", "qualified", "tuple_", "list_", "spread", "record", "body", "fold", "call", "attribute", "negative", "binary",
        "range_", "compare", "not_", "conjunction", "disjunction", "pipe", "choice", "if_",
    }
)  # fmt: skip
_MOST_ERRORS = 40
_OPEN = 20
"""More than the symbols that stand open for any one level of nesting."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where a run of the parser ended: at the end of the text with a `file`, before, or `too_deep`."""

    at: int
    states: list[int]
    values: list[object]
    file: File | None = None
    too_deep: Span | None = None


def parse(source: Source, limits: Limits = DEFAULT) -> tuple[File, tuple[Diagnostic, ...]]:
    """Return the file and what is wrong with its text, in the order of the text.

    A declaration with a mistake in it is kept as far as it was whole before the mistake, or left out. Nothing is raised,
    whatever the text is.
    """
    if len(source.text) > limits.file_size:
        message = f"this file has {len(source.text):,} characters"
        found = exceeded(limits, "file_size", code="A0801", message=message, span=Span(0, 0, source))
        return File("", (), (), source, Span(0, len(source.text), source)), (found,)
    with collection_paused():
        lexed = lex(source, limits)
        file, found_later = _parse(source, lexed, limits)
    said = [*lexed.diagnostics, *found_later, *_edition(file, lexed), *odd_names(file)]
    most = sorted(said, key=lambda d: (d.severity, d.span.start))[:_MOST_ERRORS]
    return file, tuple(sorted(most, key=lambda d: d.span.start))


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through a tree that only grows."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _parse(source: Source, lexed: Lexed, limits: Limits) -> tuple[File, list[Diagnostic]]:
    tables, tokens = load(), lexed.tokens
    found: list[Diagnostic] = []
    pieces: list[File] = []
    begin = 2 if _is_misspelt(tokens) else 0
    while True:
        stop = _run(tables, tokens, begin, source=source, nesting=limits.nesting)
        if stop.file is not None:
            pieces.append(stop.file)
            break
        if stop.too_deep is not None:
            message = f"this is nested more than {limits.nesting} levels deep"
            found.append(exceeded(limits, "nesting", code="A0802", message=message, span=stop.too_deep))
        else:
            # Reducing on the wrong token has dropped what else could have stood here: stop just before it.
            bad = Token("BAD", "", tokens[stop.at].start, tokens[stop.at].start)
            known = _run(tables, [*tokens[begin : stop.at], bad], 0, source=source, nesting=limits.nesting)
            stop = replace(known, at=stop.at)
            fault = lexed.faults.get(tokens[stop.at].start)
            found.append(fault or explain(tables, stop.states, lexed, stop.at, begin=begin, source=source))
        pieces.append(_salvaged(tables, tokens, begin, stop, source=source, nesting=limits.nesting))
        after = _next_start(tokens, max(stop.at, begin + 1), source.text)
        if after is None or len(found) >= _MOST_ERRORS:
            break
        begin = after
    items = tuple(item for piece in pieces for item in piece.items)
    return replace(pieces[0], items=items, source=source, span=Span(0, len(source.text), source)), found


def _run(tables: Tables, tokens: list[Token], at: int, *, source: Source, nesting: int) -> _Stop:
    """Parse from token `at` on, as far as it goes. The stacks are lists, so depth costs no Python recursion."""
    build, actions, rules, hops = _BUILD, tables.actions, tables.rules, tables.hops
    states, starts, depths = [tables.start], [0], [0]
    values: list[object] = []
    end, most = 0, _OPEN * (nesting + 10)
    for place, token in enumerate(islice(tokens, at, None), at):
        kind = token.kind
        while (action := actions[states[-1]].get(kind)) is not None and action < 0:
            rule = rules[-1 - action]
            base = len(values) - rule.length
            children = values[base:]
            begin, depth = (starts[base + 1], max(depths[base + 1 :])) if children else (token.start, 0)
            if rule.is_pass:
                value: object = rule.children(children)[0]
            elif rule.is_list:
                value = rule.children(children)
            else:
                value = build[rule.action](Span(begin, end, source), *rule.children(children))
                depth += rule.action in _LEVELS
                if depth > nesting:
                    return _Stop(place, states, values, too_deep=Span(begin, begin + 1, source))
                if isinstance(value, File):
                    return _Stop(place, states, values, file=value)
            del values[base:], states[base + 1 :], starts[base + 1 :], depths[base + 1 :]
            values.append(value)
            starts.append(begin)
            depths.append(depth)
            key = states[-1], rule.origin, kind
            states.append(hops[key] if key in hops else tables.hop(*key))
        if action is None:
            return _Stop(place, states, values)
        if len(states) > most:
            return _Stop(place, states, values, too_deep=Span(token.start, token.end, source))
        values.append(token)
        states.append(action)
        starts.append(token.start)
        depths.append(0)
        end = token.end
    raise AssertionError(tokens[-1])


_BUILD = builders()


def _salvaged(tables: Tables, tokens: list[Token], begin: int, stop: _Stop, *, source: Source, nesting: int) -> File:
    """Return what was whole before the parser stopped."""
    if stop.too_deep is None and tables.accepts(stop.states, END):
        last = tokens[stop.at]
        whole = [*tokens[begin : stop.at], Token(END, "", last.start, last.start)]
        again = _run(tables, whole, 0, source=source, nesting=nesting)
        if again.file is not None:
            return again.file
    items: list[Import | Declaration] = []
    docs: list[Token] = []
    edition: Token | None = None
    for value in stop.values[:4]:
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Import | Declaration):
                items.append(part)
            elif isinstance(part, Token) and part.kind == "MODULE_DOC":
                docs.append(part)
            elif isinstance(part, Token) and part.kind == "NUMBER":
                edition = part
    made = _BUILD["start"](Span(0, 0, source), edition, *docs, *items)
    assert isinstance(made, File), made
    return made


def _next_start(tokens: list[Token], at: int, text: str) -> int | None:
    """Return the number of the next token that starts a declaration at the first column, or None."""
    for place in range(at, len(tokens) - 1):
        token = tokens[place]
        if token.start and text[token.start - 1] != "\n":
            continue
        if token.kind in _BEFORE_STARTERS or (token.kind in _STARTERS and tokens[place + 1].kind in _NAMES):
            return place
    return None


def _is_misspelt(tokens: list[Token]) -> bool:
    """Return whether the text starts as a header does but for the word `arch`."""
    return tokens[0].kind in ("NAME", "TYPENAME") and tokens[1].kind == "NUMBER"


def _edition(file: File, lexed: Lexed) -> Iterator[Diagnostic]:
    first = next(token for token in lexed.tokens if token.kind not in ("DOC", "MODULE_DOC"))
    if first.kind != "ARCH":
        misspelt = _is_misspelt(lexed.tokens)
        where = Span(first.start, first.end if misspelt else first.start, file.source)
        message = "the first line says which edition of the language a file is written in"
        message = f"expected `arch`, found `{first.text}`" if misspelt else message
        yield Diagnostic("A0004", message, where, hint=f"put `arch {EDITIONS[-1]}` before everything else")
    elif file.edition and file.edition not in EDITIONS:
        token = lexed.tokens[1]
        where = Span(token.start, token.end, file.source)
        message = f"there is no edition {token.text} of the language"
        yield Diagnostic("A0005", message, where, hint=f"arch {EDITIONS[-1]}")
