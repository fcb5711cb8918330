"""Operations as a walk comes by them -> a Graph: values numbered, weights named, blocks and loops kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from archc.grammar import syntax as s
from archc.graph import CallNode, Graph, Input, LoopNode, Node, OpNode, Static
from archc.graph import Value as Number
from archc.ops import find
from archc.rules.emission import static
from archc.rules.session import Site, Step
from archc.shapes import Undetermined
from archc.tensor import Product, Tensor, Type, leaves, tagged, untagged
from archc.values import ARCHITECTURES, Applied, Flow, Layer, Value, formed

Place = tuple[str, int, int]
"""The text of a `let`: its file, start and end."""

Slot = tuple[str, int, int]
"""Where a value of a frame comes from: ("in", position, 0), ("capture", position, 0) or ("node", number, output)."""


@dataclass(slots=True, eq=False)
class _Outer:
    """What the steps of one loop, or the body of one block, take from the frames around it."""

    captures: dict[tuple[int, Slot], Tensor] = field(default_factory=dict)
    borrowed: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Frame:
    name: str
    level: int
    inputs: tuple[Input, ...]
    outer: _Outer
    nodes: list["_Pending"] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    layers: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Pending:
    """A node whose inputs are still slots."""

    node: Node
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class _Handle:
    frame: int
    slot: Slot


class Again(Exception):
    """A `let` layer turns out to be mentioned more than once: build again, knowing that."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


def _place(layer: Layer) -> Place:
    return (layer.span.source.name if layer.span.source else "", layer.span.start, layer.span.end)


def snake(name: str) -> str:
    """Return a block's name as the key of its weights: `SelfAttention` is `self_attention`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Builder:
    """An emitter that builds a graph. Frames nest as the bodies being walked do."""

    def __init__(self, name: str, shared: frozenset[Place] = frozenset()) -> None:
        """Begin a graph; `shared` tells which `let` layers are mentioned more than once."""
        self.frames: list[_Frame] = [_Frame(name, 0, (), _Outer())]
        self.places = shared
        self.met: set[int] = set()
        self.owners: dict[int, int] = {}
        self.tokens: list[object] = []
        self.graphs: dict[object, tuple[Graph, Type]] = {}

    # ------------------------------------------------------------ the emitter's interface
    def op(self, name: str, attributes: tuple[tuple[str, Static], ...], into: Flow, output: Type, site: Site) -> Flow:
        """Add one operation to the current body and return its output."""
        key, borrowed = self._key(site, name.removesuffix("_decode") if site.layer else name)
        outputs = _leaves(output)
        slots, types = self._inputs(into)
        node = OpNode(name, attributes, (), types, outputs, key, borrowed, site.span)
        return self._add(node, slots, output)

    def call(
        self,
        declaration: s.Declaration,
        names: Mapping[str, Value],
        into: Flow,
        site: Site,
        walk: Callable[[Flow], Flow],
    ) -> Flow:
        """Add one mention of a block; an equal mention before it is reused."""
        arguments = _arguments(names)
        plain = declaration.kind != "space" and not any(
            isinstance(names.get(p.name), (*ARCHITECTURES, Flow)) for p in declaration.parameters or ()
        )
        memo = (id(declaration), arguments, tagged(into.type)) if plain else None
        outer = _Outer()
        if memo is not None and memo in self.graphs:
            graph, kind = self.graphs[memo]
        else:
            graph, kind = self._body(declaration.name, _input_names(declaration, into), into, outer, walk)
            if memo is not None and not outer.captures and not outer.borrowed:
                self.graphs[memo] = graph, kind
        return self._close(declaration.name, arguments, graph, kind, outer, into, site)

    def shared(self, into: Flow, site: Site, walk: Callable[[Flow], Flow]) -> Flow:
        """Add one mention of a `let` layer that is more than one op or block; its only mention is written in place.

        Raises Again where an earlier mention was taken for the only one.
        """
        assert site.layer is not None
        token, place = id(site.layer.token), _place(site.layer)
        if place not in self.places:
            if token in self.met or self.owners[token] != len(self.frames) - 1:
                raise Again(place)
            self.met.add(token)
            return walk(into)
        outer = _Outer()
        graph, kind = self._body("Shared", (), into, outer, walk)
        return self._close("Shared", (), graph, kind, outer, into, site)

    def loop(self, kind: Literal["repeat", "for"], steps: tuple[Step, ...], into: Flow, site: Site) -> Flow:
        """Add a loop; a body that changes how many values flow is written out instead."""
        outer = _Outer()
        walked = self._steps(kind, steps, into, outer)
        if walked is None:
            for step in steps:
                into = step.walk(into)
            return into
        frames, types = walked
        graphs: list[Graph] = []
        known: dict[int, Graph] = {}
        for frame, result in frames:
            known.setdefault(id(frame), self._graph(frame, result, outer))
            graphs.append(known[id(frame)])
        slots, input_types = self._inputs(into)
        carried = len(slots)
        more, more_types, lends = self._outside(outer)
        base = _loop_name(kind, graphs)
        key, _ = self._key(site, base)
        bindings = tuple(step.bindings for step in steps) if kind == "for" else ()
        node = LoopNode(
            kind, tuple(graphs), carried, (), input_types + more_types, _leaves(types), key, bindings, lends, site.span
        )
        return self._add(node, slots + more, types)

    def define(self, layer: Layer) -> None:
        """Note that the weights of `layer` belong to the current body."""
        self.tokens.append(layer.token)
        self.owners[id(layer.token)] = len(self.frames) - 1

    def enter(self, inputs: tuple[Input, ...], kind: Type) -> Flow:
        """Begin the outermost graph with these inputs; return them as a value of type `kind`."""
        self.frames[0].inputs = inputs
        return formed(kind, [_Handle(0, ("in", place, 0)) for place in range(len(inputs))])

    def enter_all(self, named: Sequence[tuple[str, Type]]) -> tuple[Flow, ...]:
        """Begin the outermost graph with several inputs, each a tensor or a tuple; return them as values."""
        inputs: list[Input] = []
        flows = []
        for name, kind in named:
            tensors = _leaves(kind)
            handles = [_Handle(0, ("in", len(inputs) + place, 0)) for place in range(len(tensors))]
            inputs.extend(Input(f"{name}_{place}", tensor) for place, tensor in enumerate(tensors))
            flows.append(formed(kind, handles))
        self.frames[0].inputs = tuple(inputs)
        return tuple(flows)

    def finish(self, result: Flow) -> Graph:
        """Return the outermost graph."""
        return self._graph(self.frames[0], result, self.frames[0].outer)

    # ------------------------------------------------------------ bodies
    def _body(
        self, name: str, input_names: tuple[str, ...], into: Flow, outer: _Outer, walk: Callable[[Flow], Flow]
    ) -> tuple[Graph, Type]:
        frame = self._open(name, input_names, into, outer)
        try:
            result = walk(self._entering(into))
            return self._graph(frame, result, outer), result.type
        finally:
            self.frames.pop()

    def _open(self, name: str, input_names: tuple[str, ...], into: Flow, outer: _Outer) -> _Frame:
        types = _leaves(into.type)
        names = input_names if len(input_names) == len(types) else _letters(len(types))
        frame = _Frame(name, len(self.frames), tuple(Input(n, t) for n, t in zip(names, types, strict=True)), outer)
        self.frames.append(frame)
        return frame

    def _entering(self, into: Flow) -> Flow:
        """Return `into` as the body that has just been opened sees it."""
        level = len(self.frames) - 1
        handles = [_Handle(level, ("in", place, 0)) for place in range(len(leaves(into.type)))]
        made = formed(into.type, handles)
        return Flow(made.type, made.parts, made.handle, into.origins)

    def _steps(
        self, kind: str, steps: tuple[Step, ...], into: Flow, outer: _Outer
    ) -> tuple[list[tuple[_Frame, Flow]], Type] | None:
        """Walk every step; a repeated one only while the type that enters it changes."""
        width = len(leaves(into.type))
        name = "Repeat" if kind == "repeat" else "Stage"
        found: list[tuple[_Frame, Flow]] = []
        before: object = None
        current = into
        last: Step | None = None
        for step in steps:
            if kind == "repeat" and tagged(current.type) == before and step is last:
                found.append(found[-1])
                continue
            before, last = tagged(current.type), step
            frame = self._open(name, (), current, outer)
            try:
                result = step.walk(self._entering(current))
            finally:
                self.frames.pop()
            if len(leaves(result.type)) != width:
                return None
            found.append((frame, result))
            current = Flow(result.type, result.parts, None, result.origins)
        return found, current.type

    def _graph(self, frame: _Frame, result: Flow, outer: _Outer) -> Graph:
        """Return a finished body with its values numbered: inputs, what it captures, then each node's outputs."""
        handles = _handles(result)
        for handle in handles:
            if handle.frame != frame.level:
                outer.captures.setdefault((handle.frame, handle.slot), self._type(handle))
        numbers: dict[Slot, int] = {("in", place, 0): place for place in range(len(frame.inputs))}
        inputs = list(frame.inputs)
        for place, ((_, _), kind) in enumerate(outer.captures.items()):
            numbers["capture", place, 0] = len(inputs)
            inputs.append(Input(f"outer_{place + 1}" if place else "outer", kind))
        nodes: list[Node] = []
        total = len(inputs)
        for place, pending in enumerate(frame.nodes):
            nodes.append(_placed(pending.node, tuple(Number(numbers[slot]) for slot in pending.slots)))
            for output in range(len(pending.node.outputs)):
                numbers["node", place, output] = total
                total += 1
        outside = {found: ("capture", place, 0) for place, found in enumerate(outer.captures)}
        slots = (h.slot if h.frame == frame.level else outside[h.frame, h.slot] for h in handles)
        results = tuple(Number(numbers[slot]) for slot in slots)
        return Graph(
            frame.name, tuple(inputs), tuple(nodes), results, untagged(result.type), tuple(outer.borrowed.values())
        )

    def _close(
        self,
        name: str,
        arguments: tuple[tuple[str, Static], ...],
        graph: Graph,
        kind: Type,
        outer: _Outer,
        into: Flow,
        site: Site,
    ) -> Flow:
        slots, types = self._inputs(into)
        more, more_types, lends = self._outside(outer)
        if site.layer is not None and _is_weightless(graph):
            site = Site(site.span)  # what has no weights is another module at each mention
        key, borrowed = self._key(site, snake(name))
        node = CallNode(name, arguments, graph, (), types + more_types, _leaves(kind), key, lends, borrowed, site.span)
        return self._add(node, slots + more, kind)

    # ------------------------------------------------------------ values
    def _add(self, node: Node, slots: tuple[Slot, ...], kind: Type) -> Flow:
        frame = self.frames[-1]
        place = len(frame.nodes)
        frame.nodes.append(_Pending(node, slots))
        level = len(self.frames) - 1
        return formed(kind, [_Handle(level, ("node", place, output)) for output in range(len(node.outputs))])

    def _inputs(self, into: Flow) -> tuple[tuple[Slot, ...], tuple[Tensor, ...]]:
        level = len(self.frames) - 1
        slots = []
        for handle in _handles(into):
            slots.append(handle.slot if handle.frame == level else self._captured(handle, level))
        return tuple(slots), _leaves(into.type)

    def _captured(self, handle: _Handle, level: int) -> Slot:
        """Return a value of an outer frame as an extra input of the frame at `level`."""
        outer = self.frames[level].outer
        found = (handle.frame, handle.slot)
        if found not in outer.captures:
            outer.captures[found] = self._type(handle)
        return "capture", list(outer.captures).index(found), 0

    def _type(self, handle: _Handle) -> Tensor:
        frame = self.frames[handle.frame]
        origin, place, output = handle.slot
        if origin == "in":
            return frame.inputs[place].type
        if origin == "node":
            return frame.nodes[place].node.outputs[output]
        return list(frame.outer.captures.values())[place]

    def _outside(self, outer: _Outer) -> tuple[tuple[Slot, ...], tuple[Tensor, ...], tuple[tuple[str, str], ...]]:
        """Return what a closed body takes from here: captured values, and weights that it borrows."""
        level = len(self.frames) - 1
        slots = tuple(
            slot if frame == level else self._captured(_Handle(frame, slot), level) for frame, slot in outer.captures
        )
        lends = tuple((name, self._layer(token)[0]) for token, name in outer.borrowed.items())
        return slots, tuple(outer.captures.values()), lends

    # ------------------------------------------------------------ names of weights
    def _key(self, site: Site, base: str) -> tuple[str, bool]:
        """Return the key of a node, and whether it belongs to an outer body."""
        if site.layer is None:
            return self._fresh(self.frames[-1], base), False
        token = id(site.layer.token)
        owner = self.frames[self.owners[token]]
        if token not in owner.layers:
            owner.layers[token] = self._fresh(owner, _layer_base(site.layer, base))
        return self._layer(token)

    def _layer(self, token: int) -> tuple[str, bool]:
        owner = self.frames[self.owners[token]]
        if owner is self.frames[-1]:
            return owner.layers[token], False
        borrowed = self.frames[-1].outer.borrowed
        if token not in borrowed:
            name, taken = owner.layers[token], set(borrowed.values())
            borrowed[token] = name if name not in taken else f"{name}_{len(taken) + 1}"
        return borrowed[token], True

    def _fresh(self, frame: _Frame, base: str) -> str:
        count = frame.counts[base] = frame.counts.get(base, 0) + 1
        return base if count == 1 else f"{base}_{count}"


def _leaves(kind: Type) -> tuple[Tensor, ...]:
    """Return the tensors of `kind` as a graph keeps them: qualifiers belong to a program."""
    return leaves(untagged(kind))


def _is_weightless(graph: Graph) -> bool:
    """Whether a body keeps no weights and borrows none."""
    return not graph.borrowed and all(
        not find(node.op).weights(node)
        if isinstance(node, OpNode)
        else all(map(_is_weightless, {id(inner): inner for inner in _bodies(node)}.values()))
        for node in graph.nodes
    )


def _bodies(node: CallNode | LoopNode) -> tuple[Graph, ...]:
    return node.steps if isinstance(node, LoopNode) else (node.graph,)


def _layer_base(layer: Layer, base: str) -> str:
    return snake(layer.architecture.definition.name) if isinstance(layer.architecture, Applied) else base


def _placed(node: Node, inputs: tuple[Number, ...]) -> Node:
    match node:
        case OpNode():
            return OpNode(
                node.op, node.attributes, inputs, node.input_types, node.outputs, node.key, node.borrowed, node.span
            )
        case CallNode():
            return CallNode(
                node.block, node.arguments, node.graph, inputs, node.input_types, node.outputs, node.key, node.lends,
                node.borrowed, node.span,
            )  # fmt: skip
        case LoopNode():
            return LoopNode(
                node.kind, node.steps, node.carried, inputs, node.input_types, node.outputs, node.key, node.bindings,
                node.lends, node.span,
            )  # fmt: skip


def _handles(value: Flow) -> tuple[_Handle, ...]:
    if isinstance(value.type, Product):
        return tuple(handle for part in value.parts for handle in _handles(part))
    assert isinstance(value.handle, _Handle), value
    return (value.handle,)


def _arguments(names: Mapping[str, Value]) -> tuple[tuple[str, Static], ...]:
    """Return what is known of a block at this mention, for names and for reuse."""
    found: list[tuple[str, Static]] = []
    for name, value in names.items():
        if isinstance(value, (*ARCHITECTURES, Flow, Tensor, Product)):
            continue
        try:
            found.append((name, static(value)))
        except (AssertionError, Undetermined):
            continue
    return tuple(found)


def _input_names(declaration: s.Declaration, into: Flow) -> tuple[str, ...]:
    kind = declaration.type.source if isinstance(declaration.type, s.TypeArrow) else None
    if isinstance(kind, s.TypeTuple) and all(item.label for item in kind.items):
        return tuple(item.label for item in kind.items)
    return ()


def _letters(count: int) -> tuple[str, ...]:
    return ("x",) if count == 1 else tuple(f"x{place + 1}" for place in range(count))


def _loop_name(kind: str, graphs: list[Graph]) -> str:
    names = {
        (type(graph.nodes[0]), _title(graph.nodes[0])) if len(graph.nodes) == 1 else (None, "") for graph in graphs
    }
    if len(names) == 1:
        sort, name = names.pop()
        if sort in (OpNode, CallNode):
            return snake(name)
    return "repeat" if kind == "repeat" else "stage"


def _title(node: Node) -> str:
    return node.op if isinstance(node, OpNode) else node.block if isinstance(node, CallNode) else ""
