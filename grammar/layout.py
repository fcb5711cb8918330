"""Expressions and types to lines: on one line where they fit, else broken by the rules of docs/format.md."""

from collections.abc import Callable, Sequence

from archc.grammar import flat
from archc.grammar import syntax as s
from archc.grammar.lines import (
    FILLED,
    WIDEST_KEY,
    WIDTH,
    Line,
    Lines,
    Part,
    Spot,
    close,
    documented,
    filled,
    filled_arms,
    glue,
    own_lines,
    remarked,
    right,
)
from archc.grammar.remarks import Remarks
from archc.grammar.source import Span


class Layout:
    """Writes nodes, and each comment of `remarks` beside what it is about."""

    def __init__(self, remarks: Remarks) -> None:
        self.remarks = remarks
        self._texts: dict[tuple[int, int], str] = {}

    # ------------------------------------------------------------ expressions
    def text(self, node: s.Expr | s.Spread, place: int = flat.ANY) -> str:
        """Return `node` on one line; nodes live as long as the layout, so their identity is a key."""
        found = self._texts.get((id(node), place))
        if found is None:
            found = self._texts[id(node), place] = flat.flat_expr(node, place)
        return found

    def fits(self, text: str, spot: Spot, span: Span) -> bool:
        """Return whether `text` can stand at `spot` as it is."""
        return spot.column + len(text) + spot.tail <= WIDTH and "\n" not in text and not self.remarks.within(span)

    def expr(self, node: s.Expr | s.Spread, spot: Spot, place: int = flat.ANY) -> Lines:
        """Return `node` at `spot`. The first line lacks its indentation; the others are whole."""
        text = self.text(node, place)
        if self.fits(text, spot, node.span):
            return [Line(text)]
        if flat.binding(node) < place:
            return self._in_parens(node, spot)
        match node:
            case s.Pipe():
                return self._pipe(node, spot)
            case s.Choice():
                return self.choice(node, spot)
            case s.If():
                return self._if(node, spot)
            case s.Tuple(items) if items:
                return self._tuple(node, spot)
            case s.List(items) if items:
                return self.bracketed("[", [self._part(item) for item in items], "]", spot, node.span)
            case s.Record(bindings):
                return self._record(bindings, spot, node.span)
            case s.Body():
                return self.body(node, spot)
            case s.Fold():
                return self._fold(node, spot)
            case s.Call(function, arguments):
                head = self.expr(function, spot, flat.POST)
                return self._after(head, spot, lambda at: self.arguments(arguments, at, node.span))
            case s.Attribute(value, name):
                return close(self.expr(value, spot, flat.POST), f".{name}")
            case s.Negative(value):
                return glue("-", self.expr(value, right(spot, 1), flat.UNARY))
            case s.Not(value):
                return glue("not ", self.expr(value, right(spot, 4), flat.NOT))
            case s.Spread(value):
                return glue("..", self.expr(value, right(spot, 2), flat.POST))
            case s.Binary() | s.Compare() | s.Logic():
                return self._operation(node, spot)
            case _:
                return [Line(text)]

    def _after(self, lines: Lines, spot: Spot, write: Callable[[Spot], Lines]) -> Lines:
        """Write what follows directly on the last of `lines`."""
        last = lines[-1]
        column = len(last.code) + (spot.column if len(lines) == 1 else 0)
        indent = spot.indent if len(lines) == 1 else len(last.code) - len(last.code.lstrip())
        more = write(Spot(column, indent, spot.tail))
        joined = Line(last.code + more[0].code, " ".join(filter(None, [last.remark, more[0].remark])))
        return [*lines[:-1], joined, *more[1:]]

    def _part(self, node: s.Expr | s.Spread, head: str = "") -> Part:
        return Part(node.span, head + self.text(node), lambda spot: glue(head, self.expr(node, right(spot, len(head)))))

    def arguments(self, arguments: Sequence[s.Argument], spot: Spot, span: Span, *, is_spaced: bool = False) -> Lines:
        """Return arguments between parentheses at `spot`."""
        parts = [self._part(one.value, flat.argument_head(one, is_spaced=is_spaced)) for one in arguments]
        return self.bracketed("(", parts, ")", spot, span)

    def bracketed(self, opening: str, parts: Sequence[Part], closing: str, spot: Spot, span: Span) -> Lines:
        """Return items between brackets: on one line, or as many on each line as fit, or a line each."""
        text = opening + ", ".join([part.text for part in parts]) + closing
        inside = Span(parts[0].span.start, span.end) if parts else span
        if not parts or self.fits(text, spot, inside):
            return [Line(text)]
        indent = spot.indent + 4
        has_remarks = self.remarks.within(inside)
        lines = [Line(opening)]
        if not has_remarks and len(parts) > 1 and all(len(p.text) <= FILLED and "\n" not in p.text for p in parts):
            lines += [Line(" " * indent + line) for line in filled([part.text for part in parts], WIDTH - indent)]
        else:
            lines += self._a_line_each(parts, indent, span, comma=",", last_comma="")
        return [*lines, Line(" " * spot.indent + closing)]

    def _a_line_each(self, parts: Sequence[Part], indent: int, span: Span, *, comma: str, last_comma: str) -> Lines:
        lines: Lines = []
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            start = self.remarks.first(part.span.start)
            lines += own_lines(self.remarks.take(start), indent, keep_gaps=bool(lines))
            if lines and self.remarks.gap(start):
                lines.append(Line(""))
            self.remarks.last = max(part.span.end, self.remarks.last)
            written = glue(" " * indent, part.write(Spot(indent, indent, 1)))
            lines += close(written, last_comma if is_last else comma)
            remark = self.remarks.trailing(part.span.end, span.end if is_last else parts[number + 1].span.start)
            self.remarks.last = max(part.span.end, self.remarks.last)
            lines = remarked(lines, remark)
        return lines + own_lines(self.remarks.take(span.end), indent)

    def _in_parens(self, node: s.Expr | s.Spread, spot: Spot) -> Lines:
        inner = self.expr(node, Spot(spot.column + 2, spot.column + 2))
        if len(inner) == 1 and not inner[0].remark:
            return close(glue("(", inner), ")")
        return [*glue("( ", inner), Line(" " * spot.column + ")")]

    def _tuple(self, node: s.Tuple, spot: Spot) -> Lines:
        column = spot.column
        lines: Lines = []
        for number, item in enumerate(node.items):
            taken = self.remarks.take(item.span.start)
            head = "( " if number == 0 else " " * column + ", "
            if number == 0 and taken:
                lines = [Line("(", taken[0][1]), *own_lines(taken[1:], column + 2, keep_gaps=False)]
                head = " " * (column + 2)
            else:
                lines += own_lines(taken, column + 2, keep_gaps=False)
            lines += glue(head, self.expr(item, Spot(column + 2, column + 2)))
            limit = node.items[number + 1].span.start if number + 1 < len(node.items) else node.span.end
            lines = remarked(lines, self.remarks.trailing(item.span.end, limit))
        lines += own_lines(self.remarks.take(node.span.end), column + 2, keep_gaps=False)
        return [*lines, Line(" " * column + ")")]

    def _pipe(self, node: s.Pipe, spot: Spot, hang: int = 0) -> Lines:
        column = max(spot.column, 3) + hang
        lines = self.expr(node.stages[0], Spot(spot.column, spot.column), flat.OR)
        is_full = not _is_light(node.stages[0])
        for number, stage in enumerate(node.stages[1:], 1):
            before, text = node.stages[number - 1], self.text(stage, flat.OR)
            lines = remarked(lines, self.remarks.trailing(before.span.end, stage.span.start))
            taken = self.remarks.take(stage.span.start)
            tail = spot.tail if number == len(node.stages) - 1 else 0
            reached = len(lines[-1].code) + (spot.column if len(lines) == 1 else 0)
            may_join = not taken and not lines[-1].remark and not (is_full and not _is_light(stage))
            may_join = may_join and not isinstance(before, s.Fold)
            if may_join and self.fits(text, Spot(reached + 4, 0, tail), stage.span):
                lines = close(lines, f" -> {text}")
                is_full = is_full or not _is_light(stage)
                continue
            lines += own_lines(taken, column, keep_gaps=False)
            lines += glue(" " * (column - 3) + "-> ", self.expr(stage, Spot(column, column, tail), flat.OR))
            is_full = not _is_light(stage)
        return lines

    def choice(self, node: s.Choice, spot: Spot) -> Lines:
        """Return a choice with an arm on each line, or with many on a line where all are short."""
        texts = [self.text(arm.value, flat.PIPE) for arm in node.arms if flat.is_short(arm)]
        if len(texts) == len(node.arms) and not self.remarks.within(node.span):
            return filled_arms(texts, spot)
        lines: Lines = []
        for number, arm in enumerate(node.arms):
            head = "| " + flat.arm_head(arm)
            if number:
                remarked(lines, self.remarks.trailing(node.arms[number - 1].span.end, arm.span.start))
                lines += own_lines(self.remarks.take(arm.span.start), spot.column, keep_gaps=False)
            column = spot.column + len(head)
            indent = head if number == 0 else " " * spot.column + head
            lines += glue(indent, self._arm(arm.value, Spot(column, column, spot.tail)))
        return lines

    def _arm(self, value: s.Expr, spot: Spot) -> Lines:
        if isinstance(value, s.Pipe) and not self.fits(self.text(value), spot, value.span):
            return self._pipe(value, spot, hang=3)
        return self.expr(value, spot, flat.PIPE)

    def _if(self, node: s.If, spot: Spot) -> Lines:
        """Return an `if` with each of its ways on a line; an `else if` goes on at the same column."""
        lines: Lines = []
        rest: s.Expr = node
        head = ""
        while isinstance(rest, s.If):
            head += "if "
            column = spot.column + len(head.lstrip())
            condition = glue(head, self.expr(rest.condition, Spot(column, column, 5), flat.OR))
            way = rest.then
            lines += self._way(condition, way, spot)
            rest, head = rest.otherwise, " " * spot.column + "else "
        column = spot.column + 5
        return [*lines, *glue(head, self.expr(rest, Spot(column, column, spot.tail)))]

    def _way(self, lines: Lines, way: s.Expr, spot: Spot) -> Lines:
        return self._after(lines, spot, lambda at: glue(" then ", self.expr(way, right(at, 6))))

    def _operation(self, node: s.Binary | s.Compare | s.Logic, spot: Spot) -> Lines:
        """Return operands with as many on a line as fit; an operator starts a line."""
        place = flat.binding(node)
        if isinstance(node, s.Logic):
            operands = [(item, place + 1) for item in node.items]
        else:
            after = place + 1 if isinstance(node, s.Binary) else flat.RANGE
            operands = [(node.left, place if isinstance(node, s.Binary) else after), (node.right, after)]
        is_tight = isinstance(node, s.Binary) and flat.is_tight(node)
        lines = self.expr(operands[0][0], Spot(spot.column, spot.indent), operands[0][1])
        for operand, level in operands[1:]:
            text = self.text(operand, level)
            sign = node.operator if is_tight else f" {node.operator} "
            reached = len(lines[-1].code) + (spot.column if len(lines) == 1 else 0)
            if self.fits(sign + text, Spot(reached, 0, spot.tail), operand.span) and not lines[-1].remark:
                lines = close(lines, sign + text)
                continue
            head = " " * spot.column + f"{node.operator} "
            lines += glue(head, self.expr(operand, Spot(len(head), len(head), spot.tail), level))
        return lines

    def _record(self, bindings: Sequence[s.Binding], spot: Spot, span: Span) -> Lines:
        keys = [flat.key(one.name) for one in bindings]
        wide = max((len(key) for key in keys if len(key) <= WIDEST_KEY), default=0)
        parts = [self._binding(one, key.ljust(wide) + " = ") for one, key in zip(bindings, keys, strict=True)]
        inner = self._a_line_each(parts, spot.indent + 2, span, comma=",", last_comma=",")
        return [Line("{"), *inner, Line(" " * spot.indent + "}")]

    def _binding(self, node: s.Binding, head: str) -> Part:
        def write(spot: Spot) -> Lines:
            lines = glue(head, self.expr(node.value, right(spot, len(head))))
            return documented(flat.docs(node.docs), lines, spot)

        return Part(node.span, flat.flat_binding(node), write)

    def body(self, node: s.Body, spot: Spot) -> Lines:
        """Return statements between braces, a line each."""
        indent = spot.indent + 4
        lines = [Line("{")]
        heads = [flat.statement_head(one) for one in node.statements]
        parts = [(one.span, head, one.value) for one, head in zip(node.statements, heads, strict=True)]
        for number, (span, head, value) in enumerate([*parts, (node.value.span, "return", node.value)]):
            lines += own_lines(self.remarks.take(value.span.start), indent, keep_gaps=number > 0)
            if number and self.remarks.gap(span.start):
                lines.append(Line(""))
            column = indent + len(head) + 1
            lines += glue(" " * indent + head + " ", self.expr(value, Spot(column, indent)))
            limit = node.statements[number + 1].span.start if number + 1 < len(node.statements) else node.span.end
            lines = remarked(lines, self.remarks.trailing(span.end, limit))
            self.remarks.last = max(span.end, self.remarks.last)
        lines += own_lines(self.remarks.take(node.span.end), indent)
        return [*lines, Line(" " * spot.indent + "}")]

    def _fold(self, node: s.Fold, spot: Spot) -> Lines:
        head = f"{flat.fold_head(node)} in "
        values = self.expr(node.values, Spot(spot.column + len(head), spot.indent, 2), flat.RANGE)
        indent = spot.indent + 4
        taken = self.remarks.take(node.body.span.start)
        lines = close(glue(head, values), " {") + own_lines(taken, indent, keep_gaps=False)
        lines += glue(" " * indent, self.expr(node.body, Spot(indent, indent)))
        lines = remarked(lines, self.remarks.trailing(node.body.span.end, node.span.end))
        lines += own_lines(self.remarks.take(node.span.end), indent)
        return [*lines, Line(" " * spot.indent + "}")]

    # ------------------------------------------------------------ types
    def type(self, node: s.TypeExpr, spot: Spot, place: int = flat.ANY_TYPE) -> Lines:
        """Return `node` at `spot`. The first line lacks its indentation; the others are whole."""
        text = flat.flat_type(node, place)
        if self.fits(text, spot, node.span):
            return [Line(text)]
        if flat.type_binding(node) < place:
            inner = self.type(node, Spot(spot.column + 2, spot.column + 2))
            return [*glue("( ", inner), Line(" " * spot.column + ")")]
        match node:
            case s.TypeUnion():
                return self.union(node, spot)
            case s.TypeArrow(source, target):
                column = max(spot.column, 3)
                lines = self.type(source, Spot(spot.column, spot.column), flat.POWER)
                more = self.type(target, Spot(column, column, spot.tail), flat.ARROW)
                return [*lines, *glue(" " * (column - 3) + "-> ", more)]
            case s.TypeRecord(members) if members:
                return self._type_record(members, spot, node.span)
            case s.TypeTuple(items) if items:
                parts = [self._type_part(one.type, f"{one.label}: " if one.label else "", one.span) for one in items]
                return self.bracketed("(", parts, ")", spot, node.span)
            case s.TypeName(_, _, arguments) if arguments:
                head = text[: text.index("(")]
                given = [self._type_part(one.value, f"{one.name}=" if one.name else "", one.span) for one in arguments]
                spot = Spot(spot.column + len(head), spot.indent, spot.tail)
                return glue(head, self.bracketed("(", given, ")", spot, node.span))
            case s.TypeList(element, dims):
                lines = self.type(element, spot, flat.LIST) if element is not None else [Line("")]
                parts = [self._dim(dim) for dim in dims]
                return self._after(lines, spot, lambda at: self.bracketed("[", parts, "]", at, node.span))
            case s.TypeQualified(qualifier, kind):
                head = f"{qualifier} "
                return glue(head, self.type(kind, right(spot, len(head)), flat.TENSOR))
            case s.TypePower(base, exponent):
                return close(self.type(base, spot, flat.POWER), "^" + flat.flat_expr(exponent))
            case _:
                return [Line(text)]

    def _type_part(self, node: s.TypeExpr, head: str, span: Span) -> Part:
        return Part(span, head + flat.flat_type(node), lambda spot: glue(head, self.type(node, right(spot, len(head)))))

    def _dim(self, node: s.Expr | s.DimRange | s.DimRest) -> Part:
        text = flat.flat_dim(node)
        return Part(node.span, text, lambda _: [Line(text)])

    def union(self, node: s.TypeUnion, spot: Spot) -> Lines:
        """Return a union with an arm on each line."""
        texts = [flat.flat_type(arm.type) for arm in node.arms if not arm.docs and flat.is_literal(arm.type)]
        if len(texts) == len(node.arms) and not self.remarks.within(node.span):
            return filled_arms(texts, spot)
        lines: Lines = []
        column = spot.column + 2
        for number, arm in enumerate(node.arms):
            if number:
                lines = remarked(lines, self.remarks.trailing(node.arms[number - 1].span.end, arm.span.start))
            start = arm.type.span.start if number else arm.span.start
            lines += own_lines(self.remarks.take(start), spot.column, keep_gaps=False)
            written = self.type(arm.type, Spot(column, column, spot.tail), flat.ARROW)
            written = documented(flat.docs(arm.docs), written, Spot(column, column))
            lines += glue("| " if number == 0 else " " * spot.column + "| ", written)
        return lines

    def _type_record(self, members: Sequence[s.Field | s.TypeSpread], spot: Spot, span: Span) -> Lines:
        heads = [flat.field_head(one) for one in members if isinstance(one, s.Field)]
        wide = max((len(head) for head in heads if len(head) <= WIDEST_KEY), default=0)
        parts = [self._field(one, wide) if isinstance(one, s.Field) else self._spread(one) for one in members]
        inner = self._a_line_each(parts, spot.indent + 2, span, comma=",", last_comma=",")
        return [Line("{"), *inner, Line(" " * spot.indent + "}")]

    def _spread(self, node: s.TypeSpread) -> Part:
        text = flat.flat_member(node)
        is_atom = text == ".." + flat.flat_type(node.type)
        return Part(
            node.span,
            text,
            lambda spot: glue("..", self.type(node.type, right(spot, 2))) if is_atom else [Line(text)],
        )

    def _field(self, node: s.Field, wide: int) -> Part:
        head = flat.field_head(node).ljust(wide) + " "
        tail = flat.field_tail(node)

        def write(spot: Spot) -> Lines:
            at = Spot(spot.column + len(head), spot.indent, len(tail) + 1)
            lines = close(glue(head, self.type(node.type, at)), tail)
            before = flat.docs(node.docs) + [flat.flat_annotation(one) for one in node.annotations]
            return documented(before, lines, spot)

        first = node.annotations[0].span.start if node.annotations else node.span.start
        return Part(Span(first, node.span.end), flat.flat_member(node), write)


def _is_light(node: s.Expr) -> bool:
    """Return whether a stage is a bare name, which may share the line of the stage before it."""
    return isinstance(node, s.Ref) or (isinstance(node, s.Attribute) and _is_light(node.value))
