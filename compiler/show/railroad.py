"""A space of a program -> SVG: a railroad diagram of it, and one of each space that it mentions."""

from dataclasses import dataclass, field

from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.flat import arm_head, flat_expr, flat_parameter, flat_type, fold_head, is_tight
from archc.names.resolve import mentions
from archc.names.shares import is_written, portions, written
from archc.show import tracks as t
from archc.values import Definition

WIDEST = 900
MARGIN = 24
HEAD = 44

STYLE = """
svg { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.paper { fill: #ffffff; }
text { fill: #1b1f24; font-size: 14px; text-anchor: middle; }
text.remark, text.title, text.note { text-anchor: start; }
text.remark { font-size: 11.5px; fill: #57606a; }
text.title { font-size: 15px; font-weight: 600; }
text.note { font-size: 12px; fill: #57606a; }
path { fill: none; stroke: #57606a; stroke-width: 1.75; }
path.back { stroke-dasharray: 4 3; }
path.bar { stroke: #1b1f24; stroke-width: 4; }
circle { fill: #57606a; }
rect.op { fill: #e6f4ea; stroke: #2da44e; stroke-width: 1.5; }
rect.space { fill: #ddf0ff; stroke: #0969da; stroke-width: 1.5; }
rect.value { fill: #fff4d6; stroke: #bf8700; stroke-width: 1.5; }
rect.local { fill: #f3e8ff; stroke: #8250df; stroke-width: 1.5; }
rect.frame { fill: none; stroke: #8c959f; stroke-dasharray: 3 3; }
"""

DARK = """
.paper { fill: #0d1117; }
text { fill: #e6edf3; }
text.remark, text.note { fill: #9da7b3; }
path { stroke: #9da7b3; }
path.bar { stroke: #e6edf3; }
circle { fill: #9da7b3; }
rect.op { fill: #12261e; stroke: #3fb950; }
rect.space { fill: #0c2d4a; stroke: #58a6ff; }
rect.value { fill: #2e2412; stroke: #d29922; }
rect.local { fill: #271a3d; stroke: #a371f7; }
rect.frame { stroke: #6e7681; }
"""


def railroad(program: Program, name: str) -> str:
    """Return the space `name` of the main file as SVG, followed by the spaces that it mentions, nearest first.

    Raises KeyError where there is no such declaration.
    """
    parts: list[str] = []
    y, width = float(MARGIN), 0.0
    for definition in _reached(program, program.definition(name)):
        track = _drawn(program, definition)
        title = _title(definition.declaration)
        notes = definition.declaration.docs[:3]
        top = y + HEAD + 16 * len(notes) + track.up
        parts.append(f'<g id="{definition.name}">')
        parts.append(t.remark(title, MARGIN, y + 14, "title"))
        parts += [t.remark(line, MARGIN, y + 34 + 16 * at, "note") for at, line in enumerate(notes)]
        parts.append(t.dot(MARGIN, top) + t.path(MARGIN, top, "h16"))
        parts.append(t.placed(track, MARGIN + 16, top))
        end = MARGIN + 16 + track.width
        parts.append(t.path(end, top, "h16") + t.dot(end + 16, top) + "</g>")
        words = max([len(title) * 9.1, *(len(line) * 7.3 for line in notes)])
        width = max(width, end + 16 + MARGIN, 2 * MARGIN + words)
        y = top + track.down + MARGIN
    size = f'width="{width:.0f}" height="{y:.0f}" viewBox="0 0 {width:.0f} {y:.0f}"'
    dark = "@media (prefers-color-scheme: dark) {" + DARK + "}"
    paper = '<rect class="paper" width="100%" height="100%"/>'
    style = f"<style>{STYLE}{dark}\n</style>"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', style, paper, *parts, "</svg>"]) + "\n"


def _reached(program: Program, first: Definition) -> list[Definition]:
    """Return a space and those that it mentions, or that blocks mention which it is made of."""
    found, order = {id(first.declaration)}, [first]
    for definition in order:
        for mention in mentions(program.scopes, definition):
            inner = mention.definition
            if id(inner.declaration) not in found and inner.declaration.kind in ("space", "block"):
                found.add(id(inner.declaration))
                order.append(inner)
    return [definition for definition in order if definition.declaration.kind == "space"]


def _title(declaration: s.Declaration) -> str:
    given = declaration.parameters
    parameters = f"({', '.join(map(flat_parameter, given))})" if given is not None else ""
    kind = f" : {flat_type(declaration.type)}" if declaration.type is not None else ""
    where = f" where {', '.join(map(flat_expr, declaration.where))}" if declaration.where else ""
    return f"{declaration.name}{parameters}{kind}{where}"


def _drawn(program: Program, definition: Definition) -> t.Track:
    declaration = definition.declaration
    assert declaration.value is not None
    local = {entry.name for entry in declaration.parameters or ()}
    if isinstance(declaration.type, s.TypeArrow) and isinstance(declaration.type.source, s.TypeTuple):
        local |= {item.label for item in declaration.type.source.items if item.label}
    return _Drawing(program, definition.module, local).track(declaration.value)


@dataclass(slots=True)
class _Drawing:
    """Draws one body; `local` are the names that stand for something only there."""

    program: Program
    module: int
    local: set[str] = field(default_factory=set)

    def track(self, expr: s.Expr) -> t.Track:
        """Return an expression as a track."""
        match expr:
            case s.Pipe(stages):
                return t.sequence([self.track(stage) for stage in stages], WIDEST)
            case s.Choice(arms) if any(arm.weight for arm in arms) or not _is_plain(expr):
                return self._choice(arms)
            case s.Tuple(items) if items and not _is_plain(expr):
                return t.both([self.track(item) for item in items])
            case s.Binary("*", left, right) if not is_tight(expr) and not _is_plain(left):
                return t.loop(self.track(left), _times(right))
            case s.Fold(values=values, body=body):
                return t.loop(self.track(body), f"{fold_head(expr)} in {flat_expr(values)}")
            case s.If(condition, then, otherwise):
                return t.choice([(f"if {flat_expr(condition)}", self.track(then)), ("else", self.track(otherwise))])
            case s.Body(statements, value):
                return self._body(statements, value)
            case s.Record(bindings):
                return t.fields([(f"{entry.name} =", self.track(entry.value)) for entry in bindings])
            case s.Call(function, arguments):
                return self._call(expr, function, arguments)
            case s.Ref(name) | s.Attribute(s.Ref(name)):
                return self._mention(expr, name)
            case _:
                return t.station(flat_expr(expr), "value")

    def _choice(self, arms: tuple[s.Arm, ...]) -> t.Track:
        weighted = any(arm.weight for arm in arms)
        labels = _labels(arms) if weighted else [""] * len(arms)
        return t.choice([(label, self.track(arm.value)) for label, arm in zip(labels, arms, strict=True)])

    def _body(self, statements: tuple[s.Statement, ...], value: s.Expr) -> t.Track:
        rows: list[tuple[str, t.Track]] = []
        for statement in statements:
            names = ", ".join(statement.names)
            rows.append((f"{statement.kind} {names} =", self.track(statement.value)))
            self.local.update(statement.names)
        track = self.track(value)
        return t.defined(rows, track) if rows else track

    def _call(self, expr: s.Expr, function: s.Expr, arguments: tuple[s.Argument, ...]) -> t.Track:
        """Return a mention with arguments; those that are more than a name are drawn inside of it."""
        name = function.name if isinstance(function, (s.Ref, s.Attribute)) else ""
        drawn = [entry for entry in arguments if self._is_built(entry.value)]
        if not drawn:
            return self._mention(expr, name)
        shown = ", ".join("…" if entry in drawn else _argument(entry) for entry in arguments)
        label = f"{flat_expr(function)}({shown})"
        if len(drawn) == 1:
            return t.group(self.track(drawn[0].value), label)
        names = self._parameters(name, arguments)
        rows = [
            (f"{names[place]} =", self.track(entry.value)) for place, entry in enumerate(arguments) if entry in drawn
        ]
        return t.group(t.fields(rows), label)

    def _is_built(self, expr: s.Expr) -> bool:
        """Whether an argument is an architecture that is more than one name."""
        match expr:
            case s.Pipe() | s.Fold() | s.Body():
                return True
            case s.Binary("*", left):
                return not is_tight(expr) and not _is_plain(left)
            case s.Choice(arms):
                return any(self._is_built(arm.value) or self._is_network(arm.value) for arm in arms)
            case s.Call(arguments=arguments):
                return any(self._is_built(entry.value) for entry in arguments)
            case _:
                return False

    def _is_network(self, expr: s.Expr) -> bool:
        """Whether an expression mentions an op, a block or a space."""
        named = expr.function if isinstance(expr, s.Call) else expr
        found = self.program.scopes.find(self.module, named.name) if isinstance(named, s.Ref) else None
        return found is not None and found.declaration.kind in ("op", "block", "model", "space")

    def _parameters(self, name: str, arguments: tuple[s.Argument, ...]) -> list[str]:
        """Return the name of the parameter that each argument is for."""
        found = self.program.scopes.find(self.module, name)
        declared = [entry.name for entry in (found.declaration.parameters or ())] if found else []
        places = [*declared, *(str(place + 1) for place in range(len(declared), len(arguments)))]
        return [entry.name or places[place] for place, entry in enumerate(arguments)]

    def _mention(self, expr: s.Expr, name: str) -> t.Track:
        text = flat_expr(expr)
        if name in self.local:
            return t.station(text, "local")
        found = self.program.scopes.find(self.module, name)
        if found is None:
            return t.station(text, "value")
        is_space = found.declaration.kind == "space"
        return t.station(text, "space", link=name) if is_space else t.station(text, "op")


def _argument(entry: s.Argument) -> str:
    return f"{entry.name} = {flat_expr(entry.value)}" if entry.name else flat_expr(entry.value)


def _labels(arms: tuple[s.Arm, ...]) -> list[str]:
    """Return the share of each arm, or where a name tells some, the weights as they are written."""
    if not is_written(arms):
        return [arm_head(arm).rstrip(": ") for arm in arms]
    return [f"{float(100 * share):.3g} %" for share in portions([(arm, written(arm)) for arm in arms])]


def _is_plain(expr: s.Expr) -> bool:
    """Whether an expression is written with literals and sizes only, so that its text says it best."""
    match expr:
        case s.Choice(arms):
            return all(_is_plain(arm.value) for arm in arms)
        case s.Tuple(items):
            return all(_is_plain(item) for item in items)
        case s.Ref() | s.Call() | s.Attribute() | s.Pipe() | s.Fold() | s.Body() | s.If() | s.Record():
            return False
        case s.Binary("*"):
            return is_tight(expr)
        case _:
            return True


def _times(count: s.Expr) -> str:
    match count:
        case s.Range(low, high, None) if high is not None:
            return f"{flat_expr(low)} to {flat_expr(high)} times"
        case _:
            return f"{flat_expr(count)} times"
