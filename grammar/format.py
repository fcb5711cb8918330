"""Syntax to canonical text: one layout, which depends on the syntax, its comments and its blank lines alone."""

import re
from itertools import pairwise

from archc.grammar import flat
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError
from archc.grammar.layout import Layout
from archc.grammar.lex import lex
from archc.grammar.limits import DEFAULT, Limits
from archc.grammar.lines import WIDTH, Line, Lines, Part, Spot, close, glue, own_lines, remarked
from archc.grammar.parse import collection_paused, parse
from archc.grammar.remarks import Remarks
from archc.grammar.source import Source, Span

_FEW_ARMS = 3
_MOST_PASSES = 8


def format_source(source: Source, limits: Limits = DEFAULT) -> str:
    """Return `source` in the one layout, with all its comments. Raises CompileError when it has syntax errors."""
    file, found = parse(source, limits)
    if any(one.severity == "error" for one in found):
        raise CompileError(found)
    with collection_paused():
        text = _once(file, source, limits)
        # A comment inside what cannot be broken moves behind it, and what it had broken may then fit on one line.
        for _ in range(_MOST_PASSES if "#" in text else 0):
            before, source = text, Source(source.name, text)
            text = _once(parse(source, limits)[0], source, limits)
            if text == before:
                break
    return text


def _once(file: s.File, source: Source, limits: Limits) -> str:
    lexed = lex(source, limits)
    return _text(file, Remarks(source.text, lexed.tokens, lexed.comments))


def format_file(file: s.File) -> str:
    """Return `file` in the one layout, as if it had been read from a text without comments or blank lines."""
    return _text(file, Remarks())


def format_expr(expr: s.Expr, width: int | None = None) -> str:
    """Return `expr` on one line; with a `width`, shortened to it with an ellipsis."""
    text = _without_docs(flat.flat_expr(expr))
    if width is None or len(text) <= width:
        return text
    if isinstance(expr, s.Call):
        for kept in range(len(expr.arguments) - 1, 0, -1):
            fewer = flat.flat_expr(s.Call(expr.function, expr.arguments[:kept]))[:-1] + ", \u2026)"
            if len(fewer) <= width:
                return fewer
    return text[: max(width - 1, 0)] + "\u2026"


def format_type(kind: s.TypeExpr) -> str:
    """Return `kind` on one line."""
    return _without_docs(flat.flat_type(kind))


def _without_docs(text: str) -> str:
    return re.sub(r"##[^\n]*\n", "", text) if "\n" in text else text


def _text(file: s.File, remarks: Remarks) -> str:
    layout = Layout(remarks)
    lines: Lines = []
    header = next((token for token in remarks.tokens if token.kind == "NUMBER"), None) if file.edition else None
    if header is not None:
        lines += own_lines(remarks.take(header.start), 0)
    if file.edition:
        lines.append(Line(f"arch {file.edition}"))
        if header is not None:
            remarks.last = header.end
            remarked(lines, remarks.trailing(header.end, len(remarks.text)))
    lines += [Line(f"#! {line}".rstrip()) for line in file.docs]
    for token in remarks.tokens:
        remarks.last = token.end if token.kind == "MODULE_DOC" else remarks.last
    for item in file.items:
        _item(item, layout, lines)
    lines += own_lines(remarks.take(len(remarks.text) + 1), 0)
    return "".join(line + "\n" for line in _aligned(lines))


def _item(item: s.Import | s.Declaration, layout: Layout, lines: Lines) -> None:
    """Add one declaration to `lines`, with the comments and the blank line before it."""
    remarks = layout.remarks
    annotations = item.annotations if isinstance(item, s.Declaration) else ()
    start = annotations[0].span.start if annotations else item.span.start
    lines += own_lines(remarks.take(start), 0)
    has_gap = remarks.gap(remarks.first(start))
    above = [Line(line) for line in flat.docs(item.docs)] if isinstance(item, s.Declaration) else []
    for annotation in annotations:
        above += own_lines(remarks.take(annotation.span.start), 0, keep_gaps=False)
        above += _annotation(annotation, layout)
    above += own_lines(remarks.take(item.span.start), 0, keep_gaps=False)
    written = _import(item, layout) if isinstance(item, s.Import) else _declaration(item, layout)
    if lines and (has_gap if remarks.text else _wants_gap(lines, above + written)):
        lines.append(Line(""))
    lines += above + written
    remarked(lines, remarks.trailing(item.span.end, len(remarks.text)))
    remarks.last = max(item.span.end, remarks.last)


def _wants_gap(before: Lines, written: Lines) -> bool:
    """Return whether syntax without a text gets a blank line: around what takes more than one line."""
    return len(written) > 1 or before[-1].code[:1] in (" ", "}")


def _import(node: s.Import, layout: Layout) -> Lines:
    path = flat.quoted(node.path) if node.is_file else node.path
    head = f"import {path}" + (f" as {node.alias}" if node.alias else "")
    if not node.names:
        return [Line(head)]
    spans = node.name_spans or (node.span,) * len(node.names)
    parts = [_fixed(name, span) for name, span in zip(node.names, spans, strict=True)]
    return glue(f"{head} ", layout.bracketed("(", parts, ")", Spot(len(head) + 1, 0), node.span))


def _fixed(text: str, span: Span) -> Part:
    return Part(span, text, lambda _: [Line(text)])


def _annotation(node: s.Annotation, layout: Layout) -> Lines:
    head = f"@{node.name}"
    if not node.has_parens:
        return [Line(head)]
    return glue(head, layout.arguments(node.arguments, Spot(len(head), 0), node.span, is_spaced=True))


# ---------------------------------------------------------------- declarations
def _declaration(node: s.Declaration, layout: Layout) -> Lines:
    lines = [Line(f"{node.kind} {node.name}")]
    if node.parameters is not None:
        parts = [_parameter(one, layout) for one in node.parameters]
        last = node.parameters[-1].span.end if node.parameters else node.name_span.end
        span = Span(node.name_span.end, layout.remarks.next("RPAR", last))
        lines = glue(lines[0].code, layout.bracketed("(", parts, ")", Spot(len(lines[0].code), 0), span))
    if node.kind == "type":
        return _facts(node, _type_body(node, layout, lines), layout, ending="")
    lines = _signature(node, layout, lines)
    return lines if node.value is None else _value(node, node.value, layout, lines)


def _parameter(node: s.Parameter, layout: Layout) -> Part:
    text = flat.flat_parameter(node)

    def write(spot: Spot) -> Lines:
        head, default = f"{node.name}: ", f" = {flat.flat_expr(node.default)}" if node.default is not None else ""
        if node.type is None:
            return [Line(text)]
        at = Spot(spot.column + len(head), spot.indent, len(default) + 1)
        return close(glue(head, layout.type(node.type, at)), default)

    return Part(node.span, text, write)


def _signature(node: s.Declaration, layout: Layout, lines: Lines) -> Lines:
    """Add the type and the facts of a declaration: on the line of its name, or below it with two columns of indent."""
    ending = " =" if node.value is not None else ""
    room = len(ending) + (2 if isinstance(node.value, s.Body) else 0)
    kind = f" : {flat.flat_type(node.type)}" if node.type is not None else ""
    facts = _flat_facts(node)
    end = node.where[-1].span.end if node.where else node.type.span.end if node.type is not None else 0
    if layout.fits(kind + facts, Spot(len(lines[-1].code), 0, room), Span(node.name_span.end, end)):
        return close(lines, kind + facts + ending)
    if node.type is None:
        return _facts(node, lines, layout, ending=ending)
    taken = layout.remarks.take(node.type.span.start)
    if lines[-1].code == ")" and not taken and layout.fits(kind, Spot(1, 0, room), node.type.span):
        return _facts(node, close(lines, kind), layout, ending=ending)
    lines += own_lines(taken, 2, keep_gaps=False)
    joined = layout.fits(kind + facts, Spot(1, 0, room), Span(node.type.span.start, end))
    if joined:
        return [*lines, Line(" " + kind + facts + ending)]
    tail = room if not node.where else 0
    lines += glue("  : ", layout.type(node.type, Spot(4, 2, tail)))
    return _facts(node, lines, layout, ending=ending)


def _flat_facts(node: s.Declaration) -> str:
    return f" where {', '.join([flat.flat_expr(fact, flat.OR) for fact in node.where])}" if node.where else ""


def _facts(node: s.Declaration, lines: Lines, layout: Layout, *, ending: str) -> Lines:
    """Add the `where` of a declaration: behind what is written, or below it, with a line for each fact if need be."""
    if not node.where:
        return close(lines, ending)
    text, span = _flat_facts(node), Span(node.where[0].span.start, node.where[-1].span.end)
    is_behind = lines[-1].code in ("}", ")") or (node.kind == "type" and len(lines) == 1)
    if is_behind and layout.fits(text, Spot(len(lines[-1].code), 0, len(ending)), span):
        return close(lines, text + ending)
    lines += own_lines(layout.remarks.take(span.start), 2, keep_gaps=False)
    if layout.fits(text, Spot(1, 0, len(ending)), span):
        return [*lines, Line(" " + text + ending)]
    for number, fact in enumerate(node.where):
        head = "  where " if number == 0 else " " * 8
        lines += own_lines(layout.remarks.take(fact.span.start), 8, keep_gaps=False)
        lines += glue(head, layout.expr(fact, Spot(8, 8, 1), flat.OR))
        is_last = number == len(node.where) - 1
        close(lines, ending if is_last else ",")
        if not is_last:
            remarked(lines, layout.remarks.trailing(fact.span.end, node.where[number + 1].span.start))
    return lines


def _value(node: s.Declaration, value: s.Expr, layout: Layout, lines: Lines) -> Lines:
    """Add the body of a declaration: on the line of its `=`, or below it."""
    reached = len(lines[-1].code) + 1
    since = node.where[-1].span.end if node.where else node.type.span.end if node.type else node.name_span.end
    is_clear = not layout.remarks.within(Span(since, value.span.start))
    is_long = isinstance(value, s.Choice) and len(value.arms) > _FEW_ARMS
    if isinstance(value, s.Body):
        return _joined(lines, layout.body(value, Spot(reached, 0)))
    if is_clear and not is_long and layout.fits(layout.text(value), Spot(reached, 0), value.span):
        return close(lines, f" {layout.text(value)}")
    if is_clear and isinstance(value, s.Record):
        return _joined(lines, layout.expr(value, Spot(WIDTH, 0)))
    indent = 2 if isinstance(value, s.Choice) else 4
    lines += own_lines(layout.remarks.take(value.span.start), indent, keep_gaps=False)
    spot = Spot(indent, indent)
    written = layout.choice(value, spot) if isinstance(value, s.Choice) else layout.expr(value, spot)
    return [*lines, *glue(" " * indent, written)]


def _joined(lines: Lines, more: Lines) -> Lines:
    """Return `lines` with `more` going on behind the last."""
    return [*lines[:-1], *glue(f"{lines[-1].code} ", more)]


def _type_body(node: s.Declaration, layout: Layout, lines: Lines) -> Lines:
    """Add the right-hand side of a `type`."""
    assert node.type is not None, node
    close(lines, " =")
    is_clear = not layout.remarks.within(Span(node.name_span.end, node.type.span.start))
    tail = len(_flat_facts(node)) if not isinstance(node.type, s.TypeRecord) else 0
    text, spot = flat.flat_type(node.type), Spot(len(lines[-1].code) + 1, 0, tail)
    if is_clear and (layout.fits(text, spot, node.type.span) or isinstance(node.type, s.TypeRecord)):
        return _joined(lines, layout.type(node.type, spot))
    indent = 2 if isinstance(node.type, s.TypeUnion) else 4
    lines += own_lines(layout.remarks.take(node.type.span.start), indent, keep_gaps=False)
    at = Spot(indent, indent)
    broken = layout.union(node.type, at) if isinstance(node.type, s.TypeUnion) else layout.type(node.type, at)
    return [*lines, *glue(" " * indent, broken)]


def _aligned(lines: Lines) -> list[str]:
    """Return lines as text, the comments of neighbouring lines in one column."""
    wide = [len(line.code) if line.remark else 0 for line in lines]
    for order in (pairwise(range(len(lines))), pairwise(reversed(range(len(lines))))):
        for one, other in order:
            if wide[one] and wide[other]:
                wide[other] = max(wide[one], wide[other])
    return [
        f"{line.code.ljust(column)}  {line.remark}" if line.remark else line.code
        for line, column in zip(lines, wide, strict=True)
    ]
