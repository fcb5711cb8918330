"""A graph -> what each layer puts out and costs, as a tree with repeats collapsed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from archc.cost import activation_bytes, flops, graph_cost, macs, parameters
from archc.graph import CallNode, Graph, LoopNode, Node, OpNode
from archc.show.table import table
from archc.sizes.size import Size
from archc.tensor import Tensor

ZERO = Size.of(0)
Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One layer. `repeats` equal copies are one row: its costs are those of all copies, its rows those of one.

    `params` counts weights where they first occur; `shared` tells that they are counted elsewhere.
    """

    name: str
    kind: str
    output: tuple[Tensor, ...]
    params: Size = ZERO
    macs: Size = ZERO
    flops: Size = ZERO
    activation_bytes: Size = ZERO
    repeats: int = 1
    shared: bool = False
    rows: tuple["Row", ...] = ()

    @property
    def costs(self) -> tuple[Size, Size, Size, Size]:
        """Params, MACs, FLOPs and bytes of activations."""
        return self.params, self.macs, self.flops, self.activation_bytes

    def to_json(self) -> dict[str, object]:
        """Return the row and those below it for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "repeats": self.repeats,
            "shared": self.shared,
            "output": [str(tensor) for tensor in self.output],
            **costs_json(self.costs),
            "rows": [row.to_json() for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """What a network takes, puts out and costs, for one sample."""

    name: str
    input: str
    output: str
    rows: tuple[Row, ...]
    params: Size
    macs: Size
    flops: Size
    activation_bytes: Size

    def __str__(self) -> str:
        return self.text()

    def to_json(self) -> dict[str, object]:
        """Return the summary for JSON; sizes are numbers, or formulas as strings."""
        total = costs_json((self.params, self.macs, self.flops, self.activation_bytes))
        rows = [row.to_json() for row in self.rows]
        return {"name": self.name, "input": self.input, "output": self.output, "rows": rows, "total": total}

    def text(self, *, width: int = 100, depth: int | None = None) -> str:
        """Return the summary as a table of at most `width` columns, 60 or more; rows deeper than `depth` are left out."""
        lines = list(_lines(self.rows, 0, depth))
        total = ("total", "", (self.params, self.macs, self.flops, self.activation_bytes))
        return f"{self.name} : {self.input} -> {self.output}\n\n{table(lines, total, width=width)}"


def summarize(graph: Graph) -> Summary:
    """Return the summary of `graph`. Its rows add up to its totals."""
    cost = graph_cost(graph)
    taken = ", ".join(
        f"{entry.name}: {entry.type}" if len(graph.inputs) > 1 else str(entry.type) for entry in graph.inputs
    )
    rows = _Walk().rows(graph, (), {})
    return Summary(
        graph.name,
        f"({taken})" if len(graph.inputs) > 1 else taken,
        str(graph.type),
        rows,
        cost.params,
        cost.macs,
        cost.flops,
        cost.activation_bytes,
    )


@dataclass(slots=True)
class _Walk:
    """`seen` holds the identity of every weight that has been counted, and of whole parts whose weights have been."""

    seen: set[Identity] = field(default_factory=set)

    def rows(self, graph: Graph, path: Identity, lent: Mapping[str, Identity]) -> tuple[Row, ...]:
        """Return the rows of `graph`, which stands at `path`; `lent` are the weights that it borrows."""
        return tuple(self.row(node, path, lent) for node in graph.nodes)

    def row(self, node: Node, path: Identity, lent: Mapping[str, Identity]) -> Row:
        identity = lent.get(node.key, (*path, node.key))
        first = identity not in self.seen
        match node:
            case OpNode():
                row = self._op(node, first=first)
            case CallNode():
                rows = self.rows(node.graph, identity, _lent(node, path, lent))
                row = _total(_label(node.key, node.block), "block", node.outputs, rows)
            case LoopNode():
                row = self._loop(node, identity, _lent(node, path, lent))
        if row.params != ZERO:
            self.seen.add(identity)
        return row

    def _op(self, node: OpNode, *, first: bool) -> Row:
        owned = parameters(node)
        shared = owned != ZERO and not first
        params = ZERO if shared else owned
        name = _label(node.key, node.op)
        return Row(name, node.op, node.outputs, params, macs(node), flops(node), activation_bytes(node), shared=shared)

    def _loop(self, node: LoopNode, identity: Identity, lent: Mapping[str, Identity]) -> Row:
        first = identity not in self.seen
        groups = [list(group) for _, group in groupby(range(len(node.steps)), key=lambda step: id(node.steps[step]))]
        found = [self._group(node, group, identity, lent, first=first) for group in groups]
        if len(found) == 1:
            return replace(found[0], name=node.key, output=node.outputs)
        return _total(node.key, node.kind, node.outputs, found)

    def _group(
        self, node: LoopNode, group: list[int], identity: Identity, lent: Mapping[str, Identity], *, first: bool
    ) -> Row:
        step = node.steps[group[0]]
        rows = self.rows(step, (*identity, str(group[0])), lent)
        one = _total(_step_name(node, group), node.kind, _outputs(step), rows)
        if len(step.nodes) == 1:
            one = replace(one, kind=rows[0].kind, rows=rows[0].rows)
        others = len(group) - 1
        again = graph_cost(step).params if first else ZERO
        times = Size.of(len(group))
        return replace(
            one,
            params=one.params + Size.of(others) * again,
            macs=times * one.macs,
            flops=times * one.flops,
            activation_bytes=times * one.activation_bytes,
            repeats=len(group),
        )


def _lent(node: CallNode | LoopNode, path: Identity, lent: Mapping[str, Identity]) -> dict[str, Identity]:
    return {inner: lent.get(outer, (*path, outer)) for inner, outer in node.lends}


def _outputs(step: Graph) -> tuple[Tensor, ...]:
    types = step.types()
    return tuple(types[value.index] for value in step.results)


def _total(name: str, kind: str, output: tuple[Tensor, ...], rows: Iterable[Row]) -> Row:
    below = tuple(rows)
    total = Row(name, kind, output, rows=below)
    for row in below:
        total = replace(
            total,
            params=total.params + row.params,
            macs=total.macs + row.macs,
            flops=total.flops + row.flops,
            activation_bytes=total.activation_bytes + row.activation_bytes,
        )
    return total


def _label(key: str, what: str) -> str:
    """Return the name of a row: the key of its weights, and what it is where the key does not say."""
    plain, known = key.replace("_", ""), what.replace("_", "").lower()
    if known.startswith(plain) and known != plain:
        return f"{key}.{what[len(key) + 1 :]}"
    return key if plain.startswith(known) else f"{key}: {what}"


def _step_name(node: LoopNode, group: list[int]) -> str:
    bound = ", ".join(f"{name} = {value}" for name, value in node.bindings[group[0]]) if node.bindings else ""
    place = str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}"
    return f"{place}: {bound}" if bound else place


def _lines(rows: Iterable[Row], level: int, depth: int | None) -> Iterator[tuple[str, str, tuple[Size, ...]]]:
    for row in rows:
        times = f" × {row.repeats}" if row.repeats > 1 else ""
        shared = " (shared)" if row.shared else ""
        shape = ", ".join(str(tensor) for tensor in row.output)
        yield f"{'  ' * level}{row.name}{times}{shared}", shape, row.costs
        if depth is None or level + 1 < depth:
            yield from _lines(row.rows, level + 1, depth)


def costs_json(costs: tuple[Size, ...]) -> dict[str, int | str]:
    """Return params, macs, flops and activation_bytes by name; a symbolic size is its formula."""
    names = ("params", "macs", "flops", "activation_bytes")
    values = (str(size) if size.constant is None else size.constant for size in costs)
    return dict(zip(names, values, strict=True))
