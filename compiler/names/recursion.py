"""Modules and their names -> the definitions that mention themselves without end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.source import Span
from archc.load import Loaded
from archc.names.cycles import components, cycle
from archc.names.productive import finite_networks, finite_types
from archc.names.resolve import mentions
from archc.names.scope import Scopes
from archc.values import Definition

MOST_NOTES = 8
MOST_COMPLAINTS = 20
BOUNDS = ("depth", "nodes")


@dataclass(frozen=True, slots=True)
class _Mentions:
    """Definitions by number; `edges` tell for each which others it mentions and where first, `places` what stands where."""

    definitions: Sequence[Definition]
    edges: Sequence[dict[int, Span]]
    places: Sequence[dict[int, int]]


def recursion(loaded: Loaded, names: Scopes) -> tuple[frozenset[Definition], tuple[Diagnostic, ...]]:
    """Return the definitions that cannot be walked, since they mention themselves without end, and a complaint on each cycle."""
    graph = _graph(loaded, names)
    cyclic: set[int] = set()
    found: list[Diagnostic] = []
    for members in components(graph.edges, range(len(graph.definitions))):
        if all(graph.definitions[number].declaration.kind == "type" for number in members):
            _types(graph, names, members, cyclic, found)
        else:
            _networks(graph, members, cyclic, found)
    return frozenset(graph.definitions[number] for number in cyclic), tuple(found)


def _graph(loaded: Loaded, names: Scopes) -> _Mentions:
    definitions = [
        definition
        for number, module in enumerate(names.modules)
        if number != 0 or loaded.main == 0
        for definition in module.own.values()
    ]
    numbers = {id(definition.declaration): number for number, definition in enumerate(definitions)}
    edges: list[dict[int, Span]] = []
    places: list[dict[int, int]] = []
    for definition in definitions:
        targets: dict[int, Span] = {}
        at: dict[int, int] = {}
        for mention in mentions(names, definition):
            target = numbers.get(id(mention.definition.declaration))
            if target is not None:
                targets.setdefault(target, mention.span)
                at[mention.span.start] = target
        edges.append(targets)
        places.append(at)
    return _Mentions(definitions, edges, places)


# ---------------------------------------------------------------- networks
def _networks(graph: _Mentions, members: list[int], cyclic: set[int], found: list[Diagnostic]) -> None:
    """Complain of cycles without a space, of spaces that never end, and of those without a type or a bound."""
    spaces = {number for number in members if graph.definitions[number].declaration.kind == "space"}
    bare = components(graph.edges, [number for number in members if number not in spaces])
    for component in bare:
        cyclic.update(component)
        found.append(_endless(graph, component))
    bodies = {number: graph.definitions[number].declaration for number in members}
    infinite = set(members) - finite_networks(bodies, graph.places) if not bare else set()
    for component in components(graph.edges, infinite):
        cyclic.update(component)
        found.append(_unproductive(graph, component, spaces))
    if bare or infinite:
        return
    typed = {number for number in spaces if _is_typed(bodies[number])}
    for number, component in _closing(graph, members, typed, spaces):
        cyclic.update(component)
        found.append(_untyped(graph, number, component))
    bounded = {number for number in spaces if any(map(_is_bound, bodies[number].where))}
    for number, component in _closing(graph, members, bounded, spaces):
        found.append(_unbounded(graph, number, component))


def _closing(
    graph: _Mentions, members: list[int], closed: set[int], spaces: set[int]
) -> Iterator[tuple[int, list[int]]]:
    """Yield a space, and the cycle it stands in, for every cycle that no space of `closed` is on."""
    closed = set(closed)
    for _ in range(MOST_COMPLAINTS):
        rest = components(graph.edges, [number for number in members if number not in closed])
        if not rest:
            return
        for component in rest:
            number = next(entry for entry in component if entry in spaces)
            closed.add(number)
            yield number, component


def _is_typed(declaration: s.Declaration) -> bool:
    """Return whether a mention of a space inside itself has a type; a recipe is a record and needs none."""
    value = declaration.value
    while isinstance(value, s.Body):
        value = value.value
    return declaration.type is not None or isinstance(value, s.Record)


def _is_bound(clause: s.Expr) -> bool:
    """Return whether a `where` clause keeps the derivations of a space finite."""
    match clause:
        case s.Compare("<=" | "<" | "==", s.Ref(name), _) | s.Compare(">=" | ">" | "==", _, s.Ref(name)):
            return name in BOUNDS
        case s.Compare("in", s.Ref(name), s.Range()):
            return name in BOUNDS
        case s.Logic("and", items):
            return any(map(_is_bound, items))
        case s.Logic("or", items):
            return all(map(_is_bound, items))
        case _:
            return False


# ---------------------------------------------------------------- messages
def _endless(graph: _Mentions, component: list[int]) -> Diagnostic:
    way = cycle(graph.edges, component[0], component)
    definition = graph.definitions[way[0]]
    kind = definition.declaration.kind
    if kind in ("const", "fn"):
        hint = "write it without itself: only a space may recurse, up to a bound"
    else:
        hint = f"space {definition.name} ... where depth <= 8: recursion belongs to spaces, up to a bound"
    text = f"`{definition.name}` mentions itself{_through(graph, way)}"
    return Diagnostic("A0308", text, _place(graph, way), "", _steps(graph, way), hint)


def _unproductive(graph: _Mentions, component: list[int], spaces: set[int]) -> Diagnostic:
    start = next(number for number in component if number in spaces)
    way = cycle(graph.edges, start, component)
    name = graph.definitions[start].name
    text = f"`{name}` never ends: every way to derive it needs another `{name}`{_through(graph, way)}"
    hint = f"an arm of `{name}` without `{graph.definitions[way[-1]].name if len(way) > 1 else name}`, such as id"
    return Diagnostic("A0403", text, graph.definitions[start].declaration.name_span, "", _notes(graph, way), hint)


def _untyped(graph: _Mentions, number: int, component: list[int]) -> Diagnostic:
    way = cycle(graph.edges, number, component)
    name = graph.definitions[number].name
    text = f"`{name}` mentions itself{_through(graph, way)}, so its type must be declared"
    return Diagnostic("A0402", text, _place(graph, way), "", _steps(graph, way), f"space {name} : a -> b = ...")


def _unbounded(graph: _Mentions, number: int, component: list[int]) -> Diagnostic:
    way = cycle(graph.edges, number, component)
    declaration = graph.definitions[number].declaration
    text = f"`{declaration.name}` mentions itself{_through(graph, way)} and says no end"
    label = "a bound on `depth` or on `nodes` is an end"
    return Diagnostic("A0401", text, declaration.name_span, label, _notes(graph, way), "where depth <= 8")


def _place(graph: _Mentions, way: list[int]) -> Span:
    return graph.edges[way[0]][way[1 % len(way)]]


def _through(graph: _Mentions, way: list[int]) -> str:
    return f" through `{graph.definitions[way[1]].name}`" if len(way) > 1 else ""


def _steps(graph: _Mentions, way: list[int]) -> tuple[Note, ...]:
    """Return the steps of a cycle whose first mention is the place of the complaint."""
    return _notes(graph, way) if len(way) > 1 else ()


def _notes(graph: _Mentions, way: list[int]) -> tuple[Note, ...]:
    """Return the steps of a cycle; a long one loses its middle."""
    notes: list[Note] = []
    for at, number in enumerate(way):
        target = way[(at + 1) % len(way)]
        if len(way) <= MOST_NOTES or at < MOST_NOTES - 1 or at == len(way) - 1:
            name = graph.definitions[number].name
            notes.append(Note(f"`{name}`", f"mentions `{graph.definitions[target].name}`", graph.edges[number][target]))
    return tuple(notes)


# ---------------------------------------------------------------- data
def _types(graph: _Mentions, names: Scopes, members: list[int], cyclic: set[int], found: list[Diagnostic]) -> None:
    """Complain of types that are themselves, and of those without a finite value."""
    definitions = {number: graph.definitions[number] for number in members}
    heads = [_heads(graph, number) if number in definitions else {} for number in range(len(graph.definitions))]
    themselves: set[int] = set()
    for component in components(heads, members):
        themselves.update(component)
        way = cycle(heads, component[0], component)
        name = definitions[way[0]].name
        text = f"`{name}` is defined as itself{_through(graph, way)}"
        hint = "put the mention into a record or a list, or leave it out"
        found.append(Diagnostic("A0503", text, heads[way[0]][way[1 % len(way)]], "", _steps(graph, way), hint))
    infinite = set(members) - finite_types(names, definitions) - themselves
    for component in components(graph.edges, infinite):
        way = cycle(graph.edges, component[0], component)
        name = definitions[way[0]].name
        text = f"no value of `{name}` is finite: each holds another `{name}`{_through(graph, way)}"
        hint = "make the field optional (`next?:`), a list that may be empty, or a union with an arm that ends"
        found.append(Diagnostic("A0503", text, _place(graph, way), "", _steps(graph, way), hint))
        cyclic.update(component)
    cyclic.update(themselves)


def _heads(graph: _Mentions, number: int) -> dict[int, Span]:
    """Return what the values of a type are without a record or list in between."""
    found: dict[int, Span] = {}
    declaration = graph.definitions[number].declaration
    stack: list[s.TypeExpr | None] = [declaration.type]
    while stack:
        match stack.pop():
            case s.TypeName(_, _, _, _, span):
                target = graph.places[number].get(span.start)
                if target is not None:
                    found[target] = span
            case s.TypeUnion(arms):
                stack.extend(arm.type for arm in reversed(arms))
            case s.TypeRecord(members):
                stack.extend(member.type for member in members if isinstance(member, s.TypeSpread))
            case _:
                pass
    return found
