"""The names of a network's weights: paths of keys, as docs/weights.md describes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.graph import CallNode, Graph, LoopNode, Node, OpNode
from archc.lower.names import MODULE_ATTRIBUTES, identifier
from archc.ops import find
from archc.ops.base import Weight
from archc.sizes.size import Size
from archc.tensor import substitute


@dataclass(frozen=True, slots=True)
class NamedWeight:
    """A weight by its name in the state_dict, with its shape."""

    name: str
    shape: tuple[int, ...]
    buffer: bool = False


def weights(graph: Graph) -> tuple[NamedWeight, ...]:
    """Return every weight of `graph` once, in the order of its module's state_dict.

    Raises CompileError (A0701) where a shape depends on a size of the input that is not known.
    """
    found = _of_graph(graph, {})
    unknown = {(node.op, weight.shape): (node, weight) for _, node, weight in found if not _known(weight)}
    if unknown:
        raise CompileError(unknown_size(node, _open(weight), graph) for node, weight in unknown.values())
    return tuple(
        NamedWeight(name, tuple(size.constant for size in weight.shape if size.constant is not None), weight.buffer)
        for name, _, weight in found
    )


def owned(graph: Graph) -> dict[str, Node]:
    """Return the keys under which `graph` keeps submodules, each with the node that says what is kept, in order.

    A key that is only lent to a block is defined by the node inside that borrows it.
    """
    found: dict[str, Node] = {}
    for node in graph.nodes:
        if node.key not in found and node.key not in graph.borrowed and not _borrows(node) and _keeps(node):
            found[node.key] = node
        if not isinstance(node, OpNode):
            for inner, outer in node.lends:
                kept = outer in found or outer in graph.borrowed
                definition = None if kept else lent(_inside(node), inner)
                if definition is not None:
                    found[outer] = definition
    return found


def lent(graph: Graph, name: str) -> Node | None:
    """Return the node inside `graph` that says what the borrowed `name` is."""
    for node in graph.nodes:
        if node.key == name and (_borrows(node) or name in graph.borrowed) and _keeps(node):
            return node
        if not isinstance(node, OpNode):
            for inner, outer in node.lends:
                found = lent(_inside(node), inner) if outer == name else None
                if found is not None:
                    return found
    return None


def attributes(graph: Graph) -> dict[str, str]:
    """Return the name of each submodule of `graph` by its key: the key itself wherever Python allows it.

    The turns of a `for` are called `stage`, since `for` is a word of Python.
    """
    names: dict[str, str] = {}
    taken = set(MODULE_ATTRIBUTES)
    for key in owned(graph):
        wanted = re.sub(r"^for(?=_\d+$|$)", "stage", key)
        names[key] = identifier(wanted, taken)
        taken.add(names[key])
    return names


def direct(loop: LoopNode) -> bool:
    """Whether each step is one op or block of one key and nothing else, which then takes the place of the step."""
    keys = {_only(step) for step in distinct(loop)}
    return len(keys) == 1 and None not in keys


def distinct(loop: LoopNode) -> tuple[Graph, ...]:
    """Return the steps of a loop, each object once."""
    return tuple({id(step): step for step in loop.steps}.values())


def unknown_size(node: OpNode, size: Size, graph: Graph | None = None) -> Diagnostic:
    """Return the complaint that weights of `node` wait for a size of the input; `graph` is the whole network."""
    names = ", ".join(sorted(size.variables))
    message = f"the weights of `{node.op}` have an axis of {size}: {names} has to be known to build the module"
    hint = f"--at '{_example(graph)}'" if graph and graph.inputs else ""
    return Diagnostic("A0701", message, node.span, label=f"{size} depends on the input", hint=hint)


def _example(graph: Graph) -> str:
    sizes = {name: Size.of(7) for name in graph.variables}
    types = [str(substitute(entry.type, sizes)) for entry in graph.inputs]
    return types[0] if len(types) == 1 else f"({', '.join(types)})"


def _known(weight: Weight) -> bool:
    return all(size.constant is not None for size in weight.shape)


def _open(weight: Weight) -> Size:
    return next(size for size in weight.shape if size.constant is None)


# ---------------------------------------------------------------- walking
Found = tuple[str, OpNode, Weight]


def _of_graph(graph: Graph, known: dict[int, tuple[Found, ...]]) -> tuple[Found, ...]:
    """Return the weights of `graph`; each body is looked at once, however often it is repeated."""
    if id(graph) not in known:
        known[id(graph)] = tuple(_in_order(graph, known))
    return known[id(graph)]


def _in_order(graph: Graph, known: dict[int, tuple[Found, ...]]) -> Iterator[Found]:
    """Yield as torch does: the weights of the module itself, its buffers, and then what its submodules hold."""
    names = attributes(graph)
    members = [list(_of_node(node, names[key], known)) for key, node in owned(graph).items()]
    plain = [_is_plain(node) for node in owned(graph).values()]
    for buffer in (False, True):
        for member, alone in zip(members, plain, strict=True):
            yield from (entry for entry in member if alone and entry[2].buffer == buffer)
    for member, alone in zip(members, plain, strict=True):
        yield from (entry for entry in member if not alone)


def _is_plain(node: Node) -> bool:
    return isinstance(node, OpNode) and any(not weight.name for weight in find(node.op).weights(node))


def _of_node(node: Node, path: str, known: dict[int, tuple[Found, ...]]) -> Iterator[Found]:
    if isinstance(node, OpNode):
        for weight in find(node.op).weights(node):
            yield f"{path}.{weight.name}" if weight.name else path, node, weight
    elif isinstance(node, CallNode):
        yield from ((f"{path}.{name}", op, weight) for name, op, weight in _of_graph(node.graph, known))
    else:
        alone = direct(node)
        for index, step in enumerate(node.steps):
            if not alone:
                inside = _of_graph(step, known)
                yield from ((f"{path}.{index}.{name}", op, weight) for name, op, weight in inside)
            else:
                yield from _of_step(step, f"{path}.{index}", known)


def _of_step(step: Graph, path: str, known: dict[int, tuple[Found, ...]]) -> Iterator[Found]:
    """Yield the weights of a step that is one op or block, which takes the place of the step."""
    key = -id(step)
    if key not in known:
        known[key] = tuple(_of_node(step.nodes[0], "", known)) if owned(step) else ()
    yield from ((f"{path}{name}", op, weight) for name, op, weight in known[key])


# ---------------------------------------------------------------- who owns what
def _only(step: Graph) -> str | None:
    """Return the key of the one node that is all of `step`; None where there is more to it."""
    if len(step.nodes) != 1 or isinstance(step.nodes[0], LoopNode):
        return None
    node = step.nodes[0]
    outputs = list(range(len(step.inputs), len(step.inputs) + len(node.outputs)))
    alone = [value.index for value in step.results] == outputs and owned(step).keys() <= {node.key}
    return node.key if alone else None


def _borrows(node: Node) -> bool:
    return not isinstance(node, LoopNode) and node.borrowed


def _keeps(node: Node) -> bool:
    return not isinstance(node, OpNode) or find(node.op).torch(node).init is not None


def _inside(node: CallNode | LoopNode) -> Graph:
    return node.graph if isinstance(node, CallNode) else node.steps[0]
