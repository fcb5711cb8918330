"""Graph -> .arch text in which everything static is worked out; it checks, and builds the same network again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from archc.grammar.format import format_source
from archc.grammar.source import Source
from archc.graph import CallNode, Graph, LoopNode, Node, OpNode
from archc.lower.arch_stages import Constants, stage
from archc.tensor import Tensor, Type

INDENT = "    "


def to_arch(graph: Graph) -> str:
    """Return `graph` as a program of one model, as `to_program` writes it."""
    return to_program([graph])


def to_program(graphs: Sequence[Graph], more: str = "") -> str:
    """Return a program with a model for each graph, of which each has a name of its own, and with what is in `more`.

    Blocks stand at the types and arguments of their uses, one for each distinct body. The weights come in the same order
    and shapes; those inside a block that stands at several types carry its number in their names.
    """
    program = _Program(
        frozenset(name for graph in graphs for name in graph.variables),
        {graph.name.rsplit(".", 1)[-1] for graph in graphs},
    )
    models = []
    for graph in graphs:
        body, _ = program.body(graph)
        docs = "".join(f"## {line}\n" if line else "##\n" for line in graph.docs)
        name = graph.name.rsplit(".", 1)[-1]
        models.append(f"{docs}model {name} : {_inputs(graph, body.names)} -> {graph.type}\n= {body.text}\n")
    return format_source(Source("<graph>", "\n".join(["arch 0.1\n", *program.blocks, *models, more])))


@dataclass(frozen=True, slots=True)
class _Text:
    """The body of a block, and what it calls its inputs."""

    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """An expression not yet placed: the values that it yields, its text, and whether it is a name."""

    values: tuple[int, ...]
    text: str
    is_name: bool = False


Layers = Mapping[str, str]
"""The names of layers by weight key: those that `let` names, and those that a block gets as parameters."""


@dataclass(slots=True)
class _Program:
    """The blocks written so far, by body; `taken` are the names of all declarations."""

    variables: frozenset[str]
    taken: set[str]
    blocks: list[str] = field(default_factory=list)
    named: dict[tuple[str, str], str] = field(default_factory=dict)

    def body(self, graph: Graph) -> tuple[_Text, "_Body"]:
        """Return the text of `graph` as a body, writing the blocks that it calls first."""
        body = _Body(self, taken=set(self.variables))
        names = [body.fresh("x" if len(graph.inputs) == 1 else entry.name or "x") for entry in graph.inputs]
        env = [body.point(name) for name in names]
        body.uses = dict.fromkeys(env, 2)
        lent = {key: f"layer{at}" for at, key in enumerate(graph.borrowed)}
        results = body.run(graph, env, lent)
        return _Text(body.finish(results, graph.type), tuple(names)), body

    def block(self, node: CallNode | LoopNode, graph: Graph, name: str) -> str:
        """Return the name of the block whose body is `graph`, writing it if it is new."""
        text, _ = self.body(graph)
        types = _borrowed_types(graph)
        parameters = ", ".join(f"layer{at}: {types[key]}" for at, key in enumerate(graph.borrowed))
        head = f"{f'({parameters})' if parameters else ''} : {_inputs(graph, text.names)} -> {graph.type}"
        whole = f"{head}\n= {text.text}\n"
        if (name, whole) not in self.named:
            free = chain([name], (f"{name}{number}" for number in count(2)))
            self.named[name, whole] = chosen = next(entry for entry in free if entry not in self.taken)
            self.taken.add(chosen)
            self.blocks.append(f"block {chosen}{whole}")
        return self.named[name, whole]


@dataclass(slots=True)
class _Body:
    """Expressions in the order of evaluation: each is used where the next one takes it up, or else named by `let`."""

    program: _Program
    uses: dict[int, int] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    pending: list[Item] = field(default_factory=list)
    known: dict[int, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    constants: Constants = field(default_factory=dict)
    count: int = 0

    def fresh(self, wish: str) -> str:
        """Return a name that this body does not use yet."""
        name, number = wish, 1
        while name in self.taken:
            number += 1
            name = f"{wish}{number}"
        self.taken.add(name)
        return name

    def point(self, name: str) -> int:
        """Return a new value that stands under `name`."""
        self.known[self.count] = name
        self.count += 1
        return self.count - 1

    def run(self, graph: Graph, env: list[int], lent: Layers) -> list[int]:
        """Write the nodes of `graph` on the values `env`; return its results."""
        uses = _uses(graph)
        here = list(env)
        layers = {**lent, **self._shared(graph, lent)}
        for node in graph.nodes:
            inputs = [here[value.index] for value in node.inputs]
            before = self.count
            made = self._node(node, inputs, layers)
            for value in made:
                self.uses[value] = self.uses.get(value, 0) + 1 if value < before else 0
            for output, value in enumerate(made, len(here)):
                self.uses[value] += uses.get(output, 0)
            here += made
        return [here[value.index] for value in graph.results]

    def _shared(self, graph: Graph, lent: Layers) -> dict[str, str]:
        """Name each layer that several nodes use, or that a block borrows, and write its `let`."""
        found: dict[str, str] = {}
        for key, owner in _shared_keys(graph).items():
            if key not in lent:
                self.flush()
                found[key] = self.fresh("layer")
                self.lines.append(f"let {found[key]} = {self._layer(owner, {**lent, **found})}")
        return found

    def _layer(self, node: Node, layers: Layers) -> str:
        """Return the text that makes the layer of `node`, without regard to its name."""
        match node:
            case OpNode():
                return stage(node, self.constants, self.taken)
            case CallNode():
                name = self.program.block(node, node.graph, node.block)
                given = [layers[dict(node.lends)[key]] for key in node.graph.borrowed]
                return f"{name}({', '.join(given)})" if given else name
            case LoopNode():
                step = self._step(node, layers)
                return f"{step} * {len(node.steps)}"

    def _step(self, node: LoopNode, layers: Layers) -> str:
        step = node.steps[0]
        if len(step.nodes) == 1 and not step.borrowed and [v.index for v in step.nodes[0].inputs] == [0]:
            return self._layer(step.nodes[0], {})
        name = self.program.block(node, step, f"{node.key.title().replace('_', '')}Step")
        given = [layers[dict(node.lends)[key]] for key in step.borrowed]
        return f"{name}({', '.join(given)})" if given else name

    def _node(self, node: Node, inputs: list[int], layers: Layers) -> list[int]:
        if isinstance(node, LoopNode) and not _repeats(node):
            return self._unrolled(node, inputs, layers)
        if node.key in layers and not isinstance(node, LoopNode):
            text = layers[node.key] + (".decode" if isinstance(node, OpNode) and node.op.endswith("_decode") else "")
        else:
            text = self._layer(node, layers)
        return self.apply(text, inputs, node)

    def _unrolled(self, node: LoopNode, inputs: list[int], layers: Layers) -> list[int]:
        carried, others = inputs[: node.carried], inputs[node.carried :]
        lent = {inner: layers[outer] for inner, outer in node.lends}
        self.name_all(others)
        for step in node.steps:
            inside = _uses(step)
            for at, value in enumerate(carried):
                self.uses[value] += inside.get(at, 0) - 1
            carried = self.run(step, [*carried, *others], lent)
        return carried

    def apply(self, text: str, inputs: list[int], node: Node) -> list[int]:
        """Write `inputs -> text`; return the values that come out."""
        operands = self.take(inputs, _operand_sizes(node))
        outputs = list(range(self.count, self.count + len(node.outputs)))
        self.count += len(node.outputs)
        self.pending.append(Item(tuple(outputs), f"{_source(operands)} -> {text}"))
        return outputs

    def take(self, inputs: Sequence[int], sizes: Sequence[int]) -> list[Item]:
        """Return the operands that `inputs` form, of so many values each, taking up what is pending where order allows."""
        wanted: list[tuple[int, ...]] = []
        start = 0
        for size in sizes:
            wanted.append(tuple(inputs[start : start + size]))
            start += size
        found: list[Item] = []
        left = list(self.pending)
        for values in reversed(wanted):
            name = self._name(values)
            if name is not None:
                found.append(Item(values, name, is_name=True))
            elif left and left[-1].values == values and all(self.uses.get(value, 0) == 1 for value in values):
                found.append(left.pop())
            else:
                self.flush()
                return [Item(v, self._name(v) or "", is_name=True) for v in wanted]
        self.pending = left
        return found[::-1]

    def _name(self, values: tuple[int, ...]) -> str | None:
        if any(value not in self.known for value in values):
            return None
        names = [self.known[value] for value in values]
        return names[0] if len(names) == 1 else f"({', '.join(names)})"

    def name_all(self, values: Iterable[int]) -> None:
        """Give each of `values` a name."""
        if any(value not in self.known for value in values):
            self.flush()

    def flush(self) -> None:
        """Name everything that is pending, in order."""
        for item in self.pending:
            names = [self.fresh("t") for _ in item.values]
            self.known |= dict(zip(item.values, names, strict=True))
            self.lines.append(f"let {names[0] if len(names) == 1 else '(' + ', '.join(names) + ')'} = {item.text}")
        self.pending = []

    def finish(self, results: list[int], kind: Type) -> str:
        """Return the body with `results` as its value."""
        operands = self.take(results, [1] * len(results)) if results else []
        if any(len(item.values) > 1 for item in self.pending):
            self.flush()
        if self.pending:
            self.flush()
            operands = self.take(results, [1] * len(results))
        value = _source(operands)
        self.lines = [*(f"let {name} = {size}" for name, size in self.constants.items()), *self.lines]
        if not self.lines:
            return value
        return "\n".join(["{", *(f"{INDENT}{line}" for line in self.lines), f"{INDENT}return {value}", "}"])


def _source(operands: Sequence[Item]) -> str:
    return operands[0].text if len(operands) == 1 else f"({', '.join(item.text for item in operands)})"


def _inputs(graph: Graph, names: Sequence[str]) -> str:
    return f"({', '.join(f'{name}: {entry.type}' for name, entry in zip(names, graph.inputs, strict=True))})"


def _uses(graph: Graph) -> dict[int, int]:
    used: dict[int, int] = {}
    for values in (*(node.inputs for node in graph.nodes), graph.results):
        for value in values:
            used[value.index] = used.get(value.index, 0) + 1
    return used


def _shared_keys(graph: Graph) -> dict[str, Node]:
    """Return the keys of `graph` that more than one node uses, each with the node that makes the layer."""
    users: dict[str, list[Node]] = {}
    lent: set[str] = set()
    for node in graph.nodes:
        if not isinstance(node, LoopNode):
            users.setdefault(node.key, []).append(node)
        if not isinstance(node, OpNode):
            lent |= {outer for _, outer in node.lends}
    shared = {key: nodes for key, nodes in users.items() if key and (len(nodes) > 1 or key in lent)}
    owners = {key: [node for node in nodes if not _is_method(node)] for key, nodes in shared.items()}
    return {key: nodes[0] for key, nodes in owners.items() if nodes}


def _is_method(node: Node) -> bool:
    return isinstance(node, OpNode) and node.op.endswith("_decode")


def _borrowed_types(graph: Graph) -> dict[str, str]:
    """Return the type of each layer that `graph` borrows, as it is used first."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        taken = node.input_types
        if not isinstance(node, LoopNode) and node.borrowed:
            found.setdefault(node.key, f"{_joined(taken)} -> {_joined(node.outputs)}")
        if not isinstance(node, OpNode):
            inner = node.graph if isinstance(node, CallNode) else node.steps[0]
            types = _borrowed_types(inner)
            found |= {outer: types[key] for key, outer in node.lends if outer not in found and key in types}
    return found


def _joined(types: Sequence[Tensor]) -> str:
    return str(types[0]) if len(types) == 1 else f"({', '.join(map(str, types))})"


def _repeats(node: LoopNode) -> bool:
    """Whether the loop can be written `step * n`: equal steps that hand one value on and need nothing else."""
    same = all(step is node.steps[0] for step in node.steps)
    return same and node.carried == len(node.inputs) == len(node.outputs) == 1


def _operand_sizes(node: Node) -> list[int]:
    """Return how many values each operand of `node` has: of a merging op it may be a tuple of tensors."""
    each = len(node.outputs) if isinstance(node, OpNode) and node.op in ("add", "mul", "max_of", "sub") else 1
    return [each] * (len(node.inputs) // each)
