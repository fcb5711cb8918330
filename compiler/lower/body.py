"""Graph to body: the submodules that a graph keeps, and the moves that its forward makes, in order."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from archc.grammar.diagnostics import CompileError
from archc.graph import CallNode, Graph, LoopNode, Node, OpNode, Static, Value
from archc.lower.names import Plain
from archc.lower.reading import arithmetic, read_size
from archc.lower.weights import direct, distinct, owned, unknown_size
from archc.ops import find
from archc.ops.base import Code
from archc.sizes.size import Size
from archc.tensor import Tensor

HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code whose holes are filled by `values`; holes without a value are filled by who writes the code."""

    text: str
    values: tuple[tuple[str, Plain], ...] = ()
    needs: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Plain], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Make:
    """A block's body kept as a submodule. `wanted` says what to call its class, `arguments` what its numbers mean."""

    graph: Graph
    wanted: str
    arguments: tuple[tuple[str, Plain], ...]


Entry = Snippet | Make


@dataclass(frozen=True, slots=True)
class Member:
    """What is kept under `key`: one entry, or (`steps`) a list with one for each step of a loop."""

    key: str
    entries: tuple[Entry, ...]
    steps: bool = False
    weight: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    """What a hole of a call stands for: the submodule `name` (step `step` of it), a borrowed module, or a size."""

    kind: str
    name: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One statement of forward. The holes `{r0}`, `{r1}` of `code` are `refs`, `{0}`, `{1}` are `inputs`.

    With `carried`, it is a loop: it runs once for each entry of `loop`, which is `Ref("step", ...)` among the refs, or
    `times` times where no step keeps anything; the first `carried` inputs flow from turn to turn.
    """

    code: Snippet
    refs: tuple[Ref, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    types: tuple[Tensor, ...]
    source: Tensor | None
    loop: Ref | None = None
    times: int = 1
    carried: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A graph, ready to be written: `sizes` are the symbolic sizes that its forward must be told."""

    graph: Graph
    members: tuple[Member, ...]
    moves: tuple[Move, ...]
    results: tuple[int, ...]
    sizes: tuple[str, ...]


@dataclass(slots=True)
class Reader:
    """Reads graphs into bodies, each object once."""

    bodies: dict[int, Body] = field(default_factory=dict)

    def read(self, graph: Graph) -> Body:
        """Return the body of `graph`; raises CompileError where a submodule needs a size that is not known."""
        found = self.bodies.get(id(graph))
        if found is None:
            found = self.bodies[id(graph)] = _Reading(self, graph).body()
        return found


class _Reading:
    """The state of reading one graph: which values are other names of earlier ones, and what was seen so far."""

    def __init__(self, reader: Reader, graph: Graph) -> None:
        self.reader = reader
        self.graph = graph
        self.alias: dict[int, int] = {}
        self.moves: list[Move] = []
        self.count = len(graph.inputs)
        self.spare = len(graph.types())

    def body(self) -> Body:
        for node in self.graph.nodes:
            outputs = tuple(range(self.count, self.count + len(node.outputs)))
            self.count += len(node.outputs)
            self._node(node, tuple(self._of(value) for value in node.inputs), outputs)
        members = tuple(member for key, node in owned(self.graph).items() for member in self._members(key, node))
        results = tuple(self._of(value) for value in self.graph.results)
        sizes = sorted({ref.name for move in self.moves for ref in move.refs if ref.kind == "size"})
        return Body(self.graph, members, tuple(self.moves), results, tuple(sizes))

    def _of(self, value: Value) -> int:
        return self.alias.get(value.index, value.index)

    # ------------------------------------------------------------ forward
    def _node(self, node: Node, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        if isinstance(node, LoopNode):
            self._loop(node, inputs, outputs)
            return
        code, refs = self._step(node)
        same = _same(code, inputs, len(outputs))
        if same is not None:
            self.alias.update(zip(outputs, same, strict=True))
            return
        source = node.input_types[0] if node.input_types else None
        self.moves.append(Move(code, refs, inputs, outputs, node.outputs, source))

    def _step(self, node: OpNode | CallNode) -> tuple[Snippet, tuple[Ref, ...]]:
        """Return the code that applies a node, with what its holes stand for."""
        own = self._ref(node.key, lent=node.borrowed or node.key in self.graph.borrowed)
        if isinstance(node, CallNode):
            lends = [self._ref(dict(node.lends)[name]) for name in node.graph.borrowed]
            sizes = [Ref("size", name) for name in self.reader.read(node.graph).sizes]
            return _applied(len(node.inputs), [own, *lends, *sizes])
        code, refs = _resolved(find(node.op).torch(node).call, node)
        if "{self}" not in code.text:
            return code, refs
        text = code.text.replace("{self}", f"{{r{len(refs)}}}")
        return Snippet(text, code.values, code.needs, code.defaults), (*refs, own)

    def _ref(self, key: str, *, lent: bool = False) -> Ref:
        return Ref("lent" if lent or key in self.graph.borrowed else "own", key)

    def _loop(self, node: LoopNode, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        if not node.steps:
            self.alias.update(zip(outputs, inputs, strict=False))
            return
        form = _form(node)
        known = {id(step): self._turn(node, step, form) for step in distinct(node)}
        turns = [known[id(step)] for step in node.steps]
        first = turns[0]
        if all(turn == first for turn in turns):
            code, refs, kept = first
            refs = tuple(Ref("step", ref.name) if ref.step == 0 else ref for ref in refs)
            loop = self._ref(node.key) if kept else None
            move = Move(code, refs, inputs, outputs, node.outputs, node.input_types[0], loop, len(turns), node.carried)
            self.moves.append(move)
            return
        self._unrolled(node, turns, inputs, outputs)

    def _turn(self, node: LoopNode, step: Graph, form: str) -> tuple[Snippet, tuple[Ref, ...], bool]:
        """Return the code of one step, its holes in terms of the loop's inputs, and whether it keeps a submodule."""
        inner = _Reading(self.reader, step)
        only = step.nodes[0] if form != "class" else None
        if only is None:
            lends = [Ref("lent", name) for name in step.borrowed]
            sizes = [Ref("size", name) for name in self.reader.read(step).sizes]
            code, refs = _applied(len(step.inputs), [Ref("own", node.key), *lends, *sizes])
            kept = True
        else:
            assert isinstance(only, OpNode | CallNode), only
            code, refs = inner._step(only)
            code = _rewired(code, [value.index for value in only.inputs])
            kept = bool(owned(step))
        lent = dict(node.lends)
        outer = []
        for ref in refs:
            if ref.kind == "own":
                outer.append(replace(self._ref(node.key), step=0))
            elif ref.kind == "lent":
                outer.append(self._ref(lent[ref.name]))
            else:
                outer.append(ref)
        return code, tuple(outer), kept

    def _unrolled(
        self,
        node: LoopNode,
        turns: list[tuple[Snippet, tuple[Ref, ...], bool]],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
    ) -> None:
        """One move for each step: their calls differ, so that no one statement serves them all."""
        carried, fixed = inputs[: node.carried], inputs[node.carried :]
        for index, (code, refs, _) in enumerate(turns):
            last = index == len(turns) - 1
            given = outputs if last else tuple(range(self.spare, self.spare + node.carried))
            self.spare += 0 if last else node.carried
            at = tuple(replace(ref, step=index) if ref.step == 0 else ref for ref in refs)
            types = tuple(node.steps[index].types()[value.index] for value in node.steps[index].results)
            source = node.steps[index].inputs[0].type
            self.moves.append(Move(code, at, (*carried, *fixed), given, types, source))
            carried = given

    # ------------------------------------------------------------ submodules
    def _members(self, key: str, node: Node) -> Iterator[Member]:
        if isinstance(node, LoopNode):
            form = _form(node)
            if form == "free":
                return
            entries = tuple(_step_entry(node, index, form) for index in range(len(node.steps)))
            yield Member(key, entries, steps=True, weight=form == "direct" and _is_weight(node.steps[0].nodes[0]))
        else:
            yield Member(key, (_entry(node),), weight=_is_weight(node))


def _form(node: LoopNode) -> str:
    """Return how the steps of a loop are kept: each as the one thing it is, each as a class, or not at all.

    One op without weights that is told something else at each turn becomes a class too.
    """
    if not direct(node):
        return "class"
    if any(owned(step) for step in distinct(node)):
        return "direct"
    return "class" if _varies(node) else "free"


def _step_entry(node: LoopNode, index: int, form: str) -> Entry:
    step = node.steps[index]
    bindings = _plain_arguments(node.bindings[index]) if node.bindings else ()
    if form == "class":
        return Make(step, "Stage" if node.kind == "for" else "Repeat", bindings)
    only = step.nodes[0]
    assert not isinstance(only, LoopNode), only
    return _entry(only) if owned(step) else Snippet("nn.Identity()")


def _entry(node: Node) -> Entry:
    assert not isinstance(node, LoopNode), node
    if isinstance(node, CallNode):
        return Make(node.graph, node.block, _plain_arguments(node.arguments))
    init = find(node.op).torch(node).init
    assert init is not None, node
    return _snippet(init, init.text, {name: _known(value, node) for name, value in init.values.items()})


def _is_weight(node: Node) -> bool:
    return isinstance(node, OpNode) and any(not weight.name for weight in find(node.op).weights(node))


def _varies(node: LoopNode) -> bool:
    only = [step.nodes[0] for step in distinct(node)]
    codes = [find(each.op).torch(each).call for each in only if isinstance(each, OpNode)]
    return any(code.text != codes[0].text or code.values != codes[0].values for code in codes)


def _applied(inputs: int, refs: list[Ref]) -> tuple[Snippet, tuple[Ref, ...]]:
    """Return the call of the first of `refs` on the inputs and the other refs."""
    arguments = [*(f"{{{index}}}" for index in range(inputs)), *(f"{{r{index}}}" for index in range(1, len(refs)))]
    return Snippet(f"{{r0}}({', '.join(arguments)})"), tuple(refs)


def _rewired(code: Snippet, inputs: list[int]) -> Snippet:
    text = HOLE.sub(lambda hole: f"{{{inputs[int(hole[1])]}}}" if hole[1].isdigit() else hole[0], code.text)
    return Snippet(text, code.values, code.needs, code.defaults)


def _same(code: Snippet, inputs: tuple[int, ...], outputs: int) -> tuple[int, ...] | None:
    """Return the inputs that a node hands on as they are, if that is all that it does."""
    found = re.fullmatch(r"\(?((?:\{\d+\}(?:, |,)?)+)\)?", code.text)
    places = [int(place) for place in re.findall(r"\d+", code.text)] if found else []
    return tuple(inputs[place] for place in places) if found and len(places) == outputs else None


# ---------------------------------------------------------------- values
def _plain_arguments(arguments: tuple[tuple[str, Static], ...]) -> tuple[tuple[str, Plain], ...]:
    found = ((name, plain(value)) for name, value in arguments)
    return tuple((name, value) for name, value in found if value is not None)


def plain(value: Static) -> Plain:
    """Return a static value as Python writes it; a size that is not known, as its text."""
    if isinstance(value, Size):
        return value.constant if value.constant is not None else str(value)
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value if isinstance(value, int | float | bool | str) else None


def _known(value: Static, node: OpNode) -> Plain:
    """Return a value that shapes weights; raises CompileError where it waits for the input."""
    if isinstance(value, tuple):
        return tuple(_known(item, node) for item in value)
    if isinstance(value, Size) and value.constant is None:
        raise CompileError([unknown_size(node, value)])
    return plain(value)


def _snippet(code: Code, text: str, values: Mapping[str, Plain]) -> Snippet:
    """Return the code with every option written out, also those that the text leaves at torch's default."""
    defaults = {name: plain(value) for name, value in code.defaults.items()}
    given = "".join(f", {name}={{{name}}}" for name in defaults if name in code.values)
    if not text.endswith(f"{given})"):
        return Snippet(text, tuple(values.items()), code.needs)
    options = "".join(f", {name}={{{name}}}" for name in defaults)
    whole = f"{text.removesuffix(f'{given})')}{options})"
    return Snippet(whole, tuple({**defaults, **values}.items()), code.needs, tuple(defaults.items()))


def _resolved(code: Code, node: OpNode) -> tuple[Snippet, tuple[Ref, ...]]:
    """Return a call in which every symbolic size is read from a shape, or computed from sizes that are handed down."""
    refs: list[Ref] = []
    values: dict[str, Plain] = {}
    texts: dict[str, str] = {}
    for name, value in code.values.items():
        if not _symbolic(value):
            values[name] = plain(value)
        else:
            texts[name] = _written(value, node, refs)
    text = HOLE.sub(lambda hole: texts.get(hole[1], hole[0]), code.text)
    return _snippet(code, text, values), tuple(refs)


def _symbolic(value: Static) -> bool:
    if isinstance(value, tuple):
        return any(_symbolic(item) for item in value)
    return isinstance(value, Size) and value.constant is None


def _written(value: Static, node: OpNode, refs: list[Ref]) -> str:
    if isinstance(value, tuple):
        items = ", ".join(_written(item, node, refs) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    assert isinstance(value, Size), value
    if value.constant is not None:
        return str(value.constant)
    read = read_size(value, node.input_types)
    if read is not None:
        return read
    holes = {}
    for name in sorted(value.variables):
        if Ref("size", name) not in refs:
            refs.append(Ref("size", name))
        holes[name] = f"{{r{refs.index(Ref('size', name))}}}"
    return arithmetic(value, holes)
