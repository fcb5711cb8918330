"""A model of a program, its arguments and its input type -> Graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import index
from typing import Protocol, SupportsIndex

from archc.builder import Again, Builder, Place
from archc.check import Program, check, text_of
from archc.cost import parameters
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError, Diagnostic, Note
from archc.grammar.format import format_type
from archc.grammar.limits import exceeded
from archc.grammar.parse import parse
from archc.grammar.source import NOWHERE, Source, Span
from archc.graph import CallNode, Condition, Graph, Input, LoopNode, OpNode
from archc.load import load_text
from archc.names.mentions import names_of, qualified, solvable
from archc.ops import find
from archc.rules.arguments import bind
from archc.rules.conditions import demand
from archc.rules.infer import apply, measures, signature
from archc.rules.instantiate import instantiate
from archc.rules.match import match
from archc.rules.output import require_output
from archc.rules.qualify import granted
from archc.rules.scripts import Script, Scripted
from archc.rules.session import Blame, Budget, Emitter, Exhausted, Fork, Known, PerUse, Refusal, Session, contained
from archc.rules.static import evaluate
from archc.rules.walk import labels
from archc.sizes.prove import Context, Fact
from archc.sizes.size import Size
from archc.tensor import Product, Tensor, Type, leaves, retagged, untagged
from archc.values import Applied, Definition, Env, Flow, Items, Obligation, Value, flow

Argument = int | float | bool | str | Sequence["Argument"]
At = str | Sequence[int] | Mapping[str, "At"]
"""The type of an input: as text or as sizes; of several inputs by label, of the networks of a record by field."""


def build(
    program: Program,
    name: str,
    *,
    arguments: Mapping[str, Argument] | None = None,
    at: At | None = None,
    script: Script | None = None,
) -> Graph:
    """Return the graph of the model (or block) `name` of the main file, or of the member of a space that `script` decides.

    `at` is the type of the input without its batch axis, as `.arch` text or as sizes, by label where there are several
    inputs; without it, sizes that the declaration leaves open stay symbolic. Raises CompileError where the arguments or
    the input do not fit, KeyError where there is no such declaration.
    """
    definition = program.definition(name)
    if script is None:
        _is_buildable(definition)
    try:
        with contained(program.limits, definition.declaration.name_span):
            return _with_sharing(program, definition, arguments or {}, at, script)
    except (Refusal, Exhausted) as refusal:
        raise CompileError([refusal.diagnostic]) from None
    except (Fork, PerUse):
        text = f"what `{name}` is depends on an input size that is not given"
        hint = f"give the input type: --at '{example_input(definition.declaration.type, {})}', or at= in Python"
        raise CompileError([Diagnostic("A0702", text, definition.declaration.name_span, hint=hint)]) from None


def network_in(text: str, name: str = "", at: At | None = None) -> Graph:
    """Return the network in a program: its model (or else its block) called `name`, or its last one.

    Sizes that its input leaves open are those of `at`. Raises CompileError.
    """
    program = check(load_text(text, "<text>", None))
    kinds = {key: found.kind for key, found in program.declarations.items()}
    networks = [key for key in kinds if kinds[key] == "model"] or [key for key in kinds if kinds[key] == "block"]
    if not networks:
        message = "a network is expected, and the text has no model and no block"
        raise CompileError([Diagnostic("A0703", message, NOWHERE, hint="model Net : [8] -> [2] = linear(2)")])
    chosen = name if name in networks else networks[-1]
    graph = build(program, chosen)
    return build(program, chosen, at=at) if graph.variables and at is not None else graph


def example_input(kind: s.TypeExpr | None, names: Mapping[str, Value]) -> str:
    """Return an input of a declaration as text, with 7 for each size that it leaves open."""
    match kind:
        case s.TypeArrow(source):
            return example_input(source, names)
        case s.TypeQualified(_, inner):
            return example_input(inner, names)
        case s.TypeTuple((item,)):
            return example_input(item.type, names)
        case s.TypeTuple(items):
            parts = (f"{item.label}: " * bool(item.label) + example_input(item.type, names) for item in items)
            return f"({', '.join(parts)})"
        case s.TypeList(s.TypeName(_, "Id", (s.TypeArgument(_, s.TypeVariable(name)),)), dims):
            return f"Id({_size_of(s.Ref(name), names)}){_axes(dims, names)}"
        case s.TypeList(element, dims):
            return (format_type(element) if element is not None else "") + _axes(dims, names)
        case _:
            return "[3, 224, 224]"


def _axes(dims: "Sequence[s.Expr | s.DimRange | s.DimRest]", names: Mapping[str, Value]) -> str:
    return f"[{', '.join(str(_size_of(dim, names)) for dim in dims)}]"


def _size_of(dim: "s.Expr | s.DimRange | s.DimRest", names: Mapping[str, Value]) -> int:
    """Return an axis as a number, where sizes without a value are 7."""
    match dim:
        case s.Number(text):
            return int(text) if text.isdigit() else 7
        case s.Ref(name):
            value = names.get(name)
            return value.constant or 7 if isinstance(value, Size) else 7
        case s.Binary("+" | "-" | "*" as operator, left, right):
            one, other = _size_of(left, names), _size_of(right, names)
            return max({"+": one + other, "-": one - other, "*": one * other}[operator], 1)
        case _:
            return 7


def _is_buildable(definition: Definition) -> None:
    declaration = definition.declaration
    if declaration.kind in ("model", "block") and declaration.type is not None:
        return
    texts = {
        "space": ("has many members; a module is built from one", "archc sample draws members of a space"),
        "block": ("has no declared type, so its input is not known", "declare its type, or use it in a model"),
    }
    text, hint = texts.get(declaration.kind, (f"is a {declaration.kind}, and a module is built from a model", ""))
    raise CompileError([Diagnostic("A0703", f"`{declaration.name}` {text}", declaration.name_span, hint=hint)])


def _with_sharing(
    program: Program, definition: Definition, arguments: Mapping[str, Argument], at: At | None, script: Script | None
) -> Graph:
    """Build, taking each `let` layer to be mentioned once until it turns out to be shared."""
    shared: frozenset[Place] = frozenset()
    budget = Budget()
    while True:
        session = Session(definition, program.scopes, program.checker, Context(), limits=program.limits, budget=budget)
        chooser = session.chooser = Scripted(script) if script is not None else None
        try:
            names = parameters_of(session, definition, arguments)
            graph = assemble(session, Builder(definition.name, shared), names, at, tuple(arguments))
            if chooser is not None:
                chooser.finish()
            return graph
        except Again as again:
            shared |= {again.place}


class Assembler(Emitter, Protocol):
    """An emitter that begins with the input of a network and ends with its output."""

    def enter(self, inputs: tuple[Input, ...], kind: Type) -> Flow:
        """Return the input."""
        ...

    def finish(self, result: Flow) -> Graph:
        """Return the network with this output."""
        ...


def assemble(
    session: Session, builder: Assembler, names: Mapping[str, Value], at: At | None, given: Sequence[str] = ()
) -> Graph:
    """Return the network that the declaration of `session` is with these parameters, of which `given` are no defaults.

    Raises Refusal where it does not type, Again where a layer turns out to be shared.
    """
    declaration = session.definition.declaration
    kind = signature(declaration)
    assert kind is not None and declaration.value is not None
    env = Env(session.definition.module, names)
    into, env, variables = _input(session, kind, env, at)
    conditions: list[Condition] = []
    for clause in declaration.where:
        if not measures(declaration, clause):
            _clause(session, clause, env, conditions, given)
    entered = _origins(builder.enter(_named(kind.source, into.type), into.type), into)
    env = Env(env.module, {**env.names, **labels(kind.source, entered)})
    session.emitter = builder
    result = apply(session, evaluate(session, declaration.value, env), entered, declaration.value.span)
    graph = _checked(session, _qualified(session, builder.finish(result), kind.target, result, env))
    conditions.extend(_condition(debt) for debt in session.obligations)
    return replace(graph, variables=variables, conditions=tuple(dict.fromkeys(conditions)), docs=declaration.docs)


def connect(session: Session, builder: Assembler, value: Value, kind: Type) -> Graph:
    """Return the network that an architecture is at an input type. Raises Refusal, Again as `assemble`."""
    source = s.TypeList(None, ())
    into = builder.enter(_named(source, kind), kind)
    session.emitter = builder
    return _checked(session, builder.finish(apply(session, value, into, session.definition.declaration.name_span)))


def _checked(session: Session, graph: Graph) -> Graph:
    _check_sharing(graph)
    _check_extent(session, graph)
    return graph


def _qualified(session: Session, graph: Graph, target: s.TypeExpr, result: Flow, env: Env) -> Graph:
    """Return `graph` with the declared qualifiers of its output. Raises Refusal where these arguments lose one."""
    tags = {entry.qualifier for entry in qualified(target)}
    if not tags:
        return graph
    require_output(session, target, result, env)
    return replace(graph, type=retagged(result.type, lambda part: replace(part, tags=part.tags & tags, lost=())))


def parameters_of(session: Session, definition: Definition, arguments: Mapping[str, Argument]) -> dict[str, Value]:
    """Return the parameters of a declaration, of which some are given from outside. Raises Refusal where they do not fit."""
    span = definition.declaration.name_span
    return bind(session, definition.declaration, _given(arguments), span, Env(definition.module, {}), evaluate)


def _given(arguments: Mapping[str, Argument]) -> tuple[tuple[str, Value, Span], ...]:
    given: list[tuple[str, Value, Span]] = []
    for name, argument in arguments.items():
        source = Source("arguments", f"{name}={argument}")
        given.append((name, _value(argument), Span(0, len(source.text), source)))
    return tuple(given)


def entered(
    session: Session, definition: Definition, arguments: Mapping[str, Argument], at: At | None
) -> tuple[Applied, Type]:
    """Return a declaration with its arguments, and the type of its input, all of whose sizes are known.

    Raises Refusal where the arguments or the input do not fit, or where a size is not given.
    """
    applied = applied_with(definition, arguments)
    kind = signature(definition.declaration)
    if kind is None:
        text = f"`{definition.name}` has no declared type, so its input is not known"
        raise Refusal(Diagnostic("A0703", text, definition.declaration.name_span, hint="declare its type"))
    names = parameters_of(session, definition, arguments)
    return applied, closed_input(session, kind, names, at)


def applied_with(definition: Definition, arguments: Mapping[str, Argument]) -> Applied:
    """Return a declaration with arguments that come from outside the program."""
    return Applied(definition, _given(arguments), definition.declaration.name_span)


def closed_input(session: Session, kind: s.TypeArrow | None, names: Mapping[str, Value], at: At | None) -> Type:
    """Return the type of an input, all of whose sizes are known, of the declaration of `session` or of a bare pipeline.

    Raises Refusal where `at` does not fit, or where a size is not given.
    """
    definition = session.definition
    env = Env(definition.module, names)
    if kind is None:
        if at is None:
            text = f"the input of a network in `{definition.name}` is not known"
            raise Refusal(
                Diagnostic("A0702", text, definition.declaration.name_span, hint="declare its type, or give at=")
            )
        return granted(session, _given_type(session, s.TypeList(None, ()), env, at))
    into, _, variables = _input(session, kind, env, at)
    if variables:
        text = f"the members of `{definition.name}` depend on {', '.join(variables)}, which the input gives"
        hint = f"give the input type: --at '{example_input(kind, names)}', or at= in Python"
        raise Refusal(Diagnostic("A0702", text, kind.source.span, hint=hint))
    return into.type


def _value(argument: Argument) -> Value:
    match argument:
        case bool() | float() | str():
            return argument
        case SupportsIndex():
            return Size.of(index(argument))
        case Sequence():
            return Items(tuple(_value(entry) for entry in argument))
    raise TypeError(f"expected as argument a number, flag, string or list of such, found {argument!r}")


# ---------------------------------------------------------------- inputs
def _input(session: Session, kind: s.TypeArrow, env: Env, at: At | None) -> tuple[Flow, Env, tuple[str, ...]]:
    """Return the input, the sizes it binds, and those that stay symbolic."""
    name = session.definition.name
    if at is None:
        open_names = {
            entry: sort
            for entry, sort in names_of(kind.source).items()
            if entry not in env.names and session.scopes.find(env.module, entry) is None
        }
        if any(sort != "size" for sort in open_names.values()):
            text = f"`{name}` takes inputs of any rank; a graph is built for one"
            raise Refusal(Diagnostic("A0702", text, kind.source.span, hint="--at '[3, 224, 224]'"))
        sizes = tuple(open_names)
        for entry in sizes:
            session.context = session.context.declare(entry)
            env = env.bind(**{entry: Size.var(entry)})
        blame = Blame(name, format_type(kind.source), None, kind.source.span)
        into = granted(session, instantiate(session, kind.source, env, blame))
        return flow(into, kind.source.span), env, sizes
    wanted = _given_type(session, kind.source, env, at)
    blame = Blame(name, format_type(kind.source), wanted, _place(at))
    names, _ = match(session, kind.source, flow(granted(session, wanted), _place(at)), env, blame)
    env = Env(env.module, names)
    return flow(granted(session, instantiate(session, kind.source, env, blame)), _place(at)), env, ()


def _place(at: At) -> Span:
    source = Source("input", at if isinstance(at, str) else str(at))
    return Span(0, len(source.text), source)


def _given_type(session: Session, source: s.TypeExpr, env: Env, at: At) -> Type:
    if isinstance(at, Mapping):
        return _by_label(session, source, env, at)
    if isinstance(at, str):
        return _typed(session, at, env)
    declared = source.items[0].type if isinstance(source, s.TypeTuple) and len(source.items) == 1 else source
    return _sized(session, declared, at, env)


def _by_label(session: Session, source: s.TypeExpr, env: Env, at: Mapping[str, At]) -> Type:
    items = source.items if isinstance(source, s.TypeTuple) else ()
    names = [item.label for item in items]
    if sorted(names) != sorted(at) or any(isinstance(entry, Mapping) for entry in at.values()):
        text = f"`{session.definition.name}` takes the inputs {', '.join(filter(None, names)) or 'without names'}"
        raise Refusal(Diagnostic("A0704", text, _place(str(dict(at))), f"given: {', '.join(at)}"))
    types = []
    for item in items:
        entry = at[item.label]
        assert not isinstance(entry, Mapping)
        types.append(_typed(session, entry, env) if isinstance(entry, str) else _sized(session, item.type, entry, env))
    return types[0] if len(types) == 1 else Product(tuple(types), tuple(names))


def _sized(session: Session, declared: s.TypeExpr, sizes: Sequence[int], env: Env) -> Type:
    """Return a tensor of `sizes` with the element type that is declared."""
    element = declared.element if isinstance(declared, s.TypeList) else None
    dims = tuple(s.Number(str(int(size))) for size in sizes)
    if isinstance(element, s.TypeName) and element.name == "Id":
        return Tensor(tuple(Size.of(int(size)) for size in sizes), "Id")
    blame = Blame(session.definition.name, format_type(declared), None, _place(str(tuple(sizes))))
    return instantiate(session, s.TypeList(element, dims), env, blame)


def _typed(session: Session, text: str, env: Env) -> Type:
    source = Source("input", f"arch 0.1\nop it : {text} -> [1]\n")
    file, found = parse(source)
    declaration = next((item for item in file.items if isinstance(item, s.Declaration)), None)
    if found or declaration is None or not isinstance(declaration.type, s.TypeArrow):
        beyond = [entry for entry in found if entry.code.startswith("A08")]
        raise Refusal(_no_type(text, f"{beyond[0].message}: {beyond[0].label}" if beyond else ""))
    blame = Blame(session.definition.name, "", None, _place(text))
    flexible, session.flexible = session.flexible, False  # a size that is not known is a slip, in a space as well
    try:
        return instantiate(session, declaration.type.source, env, blame)
    except Refusal as error:
        if error.diagnostic.span.source is not source:
            raise
        raise Refusal(_no_type(text, f"`{error.diagnostic.span.text}` is not known here")) from error
    finally:
        session.flexible = flexible


def _no_type(text: str, label: str = "") -> Diagnostic:
    hint = "[3, 224, 224], Id(50257)[1024], or (src: Id(32000)[7], tgt: Id(32000)[5])"
    return Diagnostic("A0704", f"`{text}` is no input type", _place(text), label, hint=hint)


def _named(source: s.TypeExpr, kind: Type) -> tuple[Input, ...]:
    types = leaves(untagged(kind))
    items = source.items if isinstance(source, s.TypeTuple) else ()
    names = [item.label for item in items]
    if len(names) != len(types) or not all(names):
        names = ["x"] if len(types) == 1 else [f"x{place + 1}" for place in range(len(types))]
    return tuple(Input(name, entry) for name, entry in zip(names, types, strict=True))


def _origins(entered: Flow, into: Flow) -> Flow:
    return Flow(entered.type, entered.parts, entered.handle, into.origins)


# ---------------------------------------------------------------- conditions
def _clause(session: Session, clause: s.Expr, env: Env, conditions: list[Condition], given: Sequence[str]) -> None:
    """Check a `where` of the model; what depends on an open size holds from here on and is checked at run time."""
    before = len(session.obligations)
    declaration = session.definition.declaration
    session.blame = Blame(f"`{declaration.name}`", "", None, clause.span, _sizes(clause, env, declaration, given))
    demand(session, clause, env, clause.span, evaluate)
    for debt in session.obligations[before:]:
        conditions.append(_condition(debt))
    del session.obligations[before:]
    session.blame = None


def _sizes(clause: s.Expr, env: Env, declaration: s.Declaration, given: Sequence[str]) -> tuple[Known, ...]:
    """Return the sizes that a clause mentions, each with where it came from."""
    defaults = {parameter.name for parameter in declaration.parameters or ()}
    found = []
    for name in solvable(clause):
        value = env.names.get(name)
        if isinstance(value, Size):
            source = "given" if name in given else "its default" if name in defaults else "from the input"
            found.append(Known(name, value, source))
    return tuple(found)


def _condition(debt: Obligation) -> Condition:
    condition = debt.formula
    message = f"{debt.need.subject} needs {debt.need.text}"
    if isinstance(condition, Fact) and condition.relation in ("==", "!=", ">=", "divides"):
        return Condition(condition.relation, condition.left, condition.right, message)
    text = f"{text_of(condition)} cannot be checked while the network runs"
    raise Refusal(Diagnostic("A0702", text, debt.need.span, hint="give the input type with at="))


# ---------------------------------------------------------------- extent
_COUNTED = (("nodes", "operations"), ("weights", "weights"), ("parameters", "parameters"))


def _check_extent(session: Session, graph: Graph) -> None:
    """Raise Exhausted where the network, with all repeats written out, is too large."""
    for (name, what), found in zip(_COUNTED, _extent(graph, {}), strict=True):
        if found > getattr(session.limits, name):
            text = f"`{graph.name}` has {found:,} {what}" if found < 10**24 else f"`{graph.name}` has too many {what}"
            span = session.definition.declaration.name_span
            raise Exhausted(exceeded(session.limits, name, message=text, span=span))


def _extent(graph: Graph, known: dict[int, tuple[int, int, int]]) -> tuple[int, int, int]:
    """Return how many operations, weights and parameters of known number `graph` has; each body is counted once."""
    if id(graph) in known:
        return known[id(graph)]
    nodes = weights = numbers = 0
    keys: set[str] = set()
    for node in graph.nodes:
        bodies = node.steps if isinstance(node, LoopNode) else (node.graph,) if isinstance(node, CallNode) else ()
        found = [_extent(body, known) for body in bodies]
        nodes += sum(entry[0] for entry in found) if bodies else 1
        if node.key not in keys:
            keys.add(node.key)
            weights += sum(entry[1] for entry in found)
            numbers += sum(entry[2] for entry in found)
            if isinstance(node, OpNode) and not node.borrowed:
                weights += len(find(node.op).weights(node))
                numbers += parameters(node).constant or 0
    known[id(graph)] = nodes, weights, numbers
    return nodes, weights, numbers


# ---------------------------------------------------------------- sharing
def _check_sharing(graph: Graph) -> None:
    """Raise Refusal where two mentions of one layer would need weights of different shapes."""
    waiting, seen = [graph], set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        first: dict[str, tuple[object, Span]] = {}
        for node in current.nodes:
            if isinstance(node, LoopNode):
                waiting.extend(node.steps)
                continue
            if isinstance(node, CallNode):
                waiting.append(node.graph)
            shape = find(node.op).weights(node) if isinstance(node, OpNode) else node.graph
            owned = first.setdefault(node.key, (shape, node.span))
            if isinstance(node, OpNode) and owned[0] != shape:
                text = "this layer is one set of weights, and its mentions need weights of different shapes"
                notes = (Note("first mention", "", owned[1]),)
                raise Refusal(Diagnostic("A0304", text, node.span, notes=notes, hint="mention it without `let`"))
