"""NAS-Bench-201 from a table: an architecture -> what was measured of its cell.

Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search" (ICLR 2020). The table is a CSV
file, perhaps gzipped, with a row for each cell: `arch` in the benchmark's notation, then accuracies in percent after 12
and 200 epochs, parameters and multiply-accumulates. archc brings no table along.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archc.graph import CallNode, Graph, LoopNode, OpNode, Value
from archc.search.protocol import Metrics
from archc.search.tasks.base import Budget, Candidate, Direction
from archc.sizes.size import Size

Cell = tuple[tuple[str, ...], ...]
"""For nodes 1, 2 and 3, the operation on the edge from each node before it, node 0 (the input) first."""

NODES = 4
FULL, LOW = 200, 12
"""Epochs of the full training, and of the low fidelity."""

DATA = {"cifar10": "c10", "cifar100": "c100"}
"""How metrics call the data sets, and how columns do."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says of one cell."""

    number: int
    metrics: Mapping[str, float]
    low: Mapping[str, float]


class Tabular:
    """Looks cells up. Raises ValueError where the file is no such table."""

    metrics: Mapping[str, Direction] = {
        "cifar10_valid": "maximize",
        "cifar10_test": "maximize",
        "cifar100_valid": "maximize",
        "cifar100_test": "maximize",
        "params": "minimize",
        "macs": "minimize",
    }
    quick = True

    def __init__(self, path: str = "") -> None:
        if not path:
            raise ValueError("expected tabular:PATH with the path of a table, found no path")
        self.rows = dict(_rows(Path(path)))
        self._known: dict[str, Row] = {}

    def read(self, candidate: Candidate, budget: Budget) -> Metrics:
        """Return the metrics of the candidate's cell: at a share of less than 1, those after 12 of 200 epochs."""
        row = self.row(candidate)
        return row.metrics if budget.share == 1.0 else row.low

    def identity(self, candidate: Candidate) -> str:
        """Return the number of the row: the benchmark measured cells that are one network each by itself."""
        return f"row {self.row(candidate).number}"

    def row(self, candidate: Candidate) -> Row:
        """Return the row of a candidate. Raises ValueError where its graph holds no cell of the table."""
        if candidate.key not in self._known:
            found = self.rows.get(cell_of(candidate.graph))
            if found is None:
                raise ValueError("its cell is not in the table")
            self._known[candidate.key] = found
        return self._known[candidate.key]


def _rows(path: Path) -> Iterator[tuple[Cell, Row]]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"the table {path} cannot be read: {why}") from None
    table = csv.DictReader(io.StringIO(text))
    try:
        for line in table:
            yield _cell(line["arch"]), _row(line)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}:{table.line_num} is no row of NAS-Bench-201: {error}") from None


def _row(line: Mapping[str, str]) -> Row:
    size = {"params": float(line["params_c10"]), "macs": float(line["macs_c10"])}
    found, low = dict(size), dict(size)
    for name, column in DATA.items():
        found[f"{name}_valid"] = float(line[f"{column}_val{FULL}"])
        found[f"{name}_test"] = float(line[f"{column}_test{FULL}"])
        low[f"{name}_valid"] = float(line[f"{column}_val{LOW}"])
    return Row(int(line["index"]), found, low)


def _cell(text: str) -> Cell:
    """Return the cell of the benchmark's notation: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`."""
    nodes = []
    for number, part in enumerate(text.split("+"), 1):
        edges = [edge.split("~") for edge in part.strip("|").split("|")]
        if [edge[1:] for edge in edges] != [[str(source)] for source in range(number)]:
            raise ValueError(f"expected an edge from each node before {number}, found {part}")
        nodes.append(tuple(edge[0] for edge in edges))
    if len(nodes) != NODES - 1:
        raise ValueError(f"expected {NODES - 1} nodes, found {len(nodes)}")
    return tuple(nodes)


# ---------------------------------------------------------------- the cell of a graph
def cell_of(graph: Graph) -> Cell:
    """Return the cell of a graph: its own, or that of the first part of it that is one. Raises ValueError without one."""
    waiting = [graph]
    while waiting:
        part = waiting.pop()
        found = _read(part)
        if found is not None:
            return found
        inner: list[Graph] = []
        for node in part.nodes:
            if isinstance(node, CallNode):
                inner.append(node.graph)
            elif isinstance(node, LoopNode):
                inner.extend(node.steps)
        waiting.extend(reversed(inner))
    raise ValueError("it has no cell of NAS-Bench-201: three sums over all nodes before, one operation on each edge")


def _read(graph: Graph) -> Cell | None:
    """Return the cell if the graph is one: each node is the sum of one operation on each node before it."""
    if len(graph.inputs) != 1 or len(graph.results) != 1:
        return None
    numbers = {Value(0): 0}
    edges: dict[Value, tuple[int, str]] = {}
    nodes: list[tuple[str, ...]] = []
    at = 1
    for node in graph.nodes:
        out, at = Value(at), at + len(node.outputs)
        if isinstance(node, OpNode) and node.op == "add":
            if not _sum(node.inputs, numbers, edges, nodes):
                return None
            numbers[out] = len(nodes)
            continue
        operation = _operation(node)
        if operation is None or len(node.inputs) != 1:
            return None
        source = node.inputs[0]
        if source in edges and source not in numbers and not nodes:
            nodes.append((edges[source][1],))
            numbers[source] = 1
        if source not in numbers:
            return None
        edges[out] = numbers[source], operation
    return tuple(nodes) if len(nodes) == NODES - 1 and numbers.get(graph.results[0]) == NODES - 1 else None


def _sum(
    inputs: Sequence[Value],
    numbers: dict[Value, int],
    edges: Mapping[Value, tuple[int, str]],
    nodes: list[tuple[str, ...]],
) -> bool:
    """Add a node, and say whether it is one: the sum of an edge from each node before it."""
    found = dict(edges[value] for value in inputs if value in edges)
    if len(inputs) != len(nodes) + 1 or sorted(found) != list(range(len(nodes) + 1)):
        return False
    nodes.append(tuple(found[source] for source in range(len(nodes) + 1)))
    return True


def _operation(node: OpNode | CallNode | LoopNode) -> str | None:
    """Return the benchmark's name of what is on an edge."""
    ops = _ops(node)
    match [op.op for op in ops]:
        case [] | ["id"]:
            return "skip_connect"
        case ["zero"]:
            return "none"
        case ["avg_pool"]:
            return "avg_pool_3x3"
        case ["relu", "conv", "batch_norm"] if ops[1]["k"] in (Size.of(1), Size.of(3)):
            return f"nor_conv_{ops[1]['k']}x{ops[1]['k']}"
    return None


def _ops(node: OpNode | CallNode | LoopNode) -> list[OpNode]:
    """Return the operations of a node in order, those of what it calls in its place."""
    match node:
        case OpNode():
            return [node]
        case CallNode():
            return [op for inner in node.graph.nodes for op in _ops(inner)]
        case LoopNode():
            return [op for step in node.steps for inner in step.nodes for op in _ops(inner)]
