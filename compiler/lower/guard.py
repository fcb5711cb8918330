"""The check of a model's input at run time: its rank, its sizes, and the conditions on them."""

from collections.abc import Collection, Mapping

from archc.graph import Condition, Graph
from archc.lower.layout import statement
from archc.lower.names import escape
from archc.lower.reading import arithmetic, closed
from archc.lower.shapes import batched
from archc.sizes.size import Size

CHECK = "check_input"


def check(
    graph: Graph, name: str, inputs: tuple[str, ...], sizes: Mapping[str, str], wanted: tuple[str, ...]
) -> list[str]:
    """Return the lines of the method that raises ValueError on a wrong input, and returns the sizes in `wanted`.

    `inputs` are the names of the inputs, `sizes` the local name of each symbolic size.
    """
    writer = _Check(graph, name, inputs, sizes)
    writer.write()
    parameters = "".join(f", {item}: Tensor" for item in inputs)
    returns = {0: "None", 1: "int"}.get(len(wanted), f"tuple[{', '.join(['int'] * len(wanted))}]")
    result = [f"        return {', '.join(sizes[item] for item in wanted)}"] if wanted else []
    return [
        *statement(4, f"def {CHECK}(self{parameters}) -> {returns}:"),
        '        """Raise ValueError where a shape is not one that the model takes."""',
        *writer.lines,
        *result,
    ]


def takes(graph: Graph, inputs: tuple[str, ...]) -> str:
    """Return the input types in words: `[batch, 3, 32*h, 32*w]`, or each with its name."""
    types = [batched(entry.type) for entry in graph.inputs]
    if len(types) == 1:
        return types[0]
    return ", ".join(f"{name} {kind}" for name, kind in zip(inputs, types, strict=True))


class _Check:
    """The state of writing the check: the lines so far, and the sizes that are known by then."""

    def __init__(self, graph: Graph, name: str, inputs: tuple[str, ...], sizes: Mapping[str, str]) -> None:
        self.graph = graph
        self.inputs = inputs
        self.sizes = sizes
        self.known: dict[str, str] = {}
        self.lines: list[str] = []
        self.lines += statement(8, f'takes = "{escape(f"{name} takes {takes(graph, inputs)}")}"')

    def write(self) -> None:
        """Write the checks: ranks first, then axes from the simplest to those that need others."""
        for item, entry in zip(self.inputs, self.graph.inputs, strict=True):
            rank = len(entry.type.dims) + 1
            if rank > 1 and not any(size.variables for size in entry.type.sizes):
                shape = ", ".join(map(str, entry.type.sizes))
                self._refuse(f"{item}.shape[1:] != ({shape}{',' if rank == 2 else ''})", "", item)
                continue
            self._refuse(f"{item}.ndim != {rank}", f"{item} has {{{item}.ndim}} axes, not {rank}", item)
        first, *others = self.inputs or ("",)
        for item in others:
            self._refuse(f"{item}.shape[0] != {first}.shape[0]", "the batches differ", first, item)
        self._axes()
        self._positive(self.known)
        for condition in self.graph.conditions:
            self._condition(condition)

    def _refuse(self, condition: str, reason: str, *concerned: str) -> None:
        """Write that `condition` is an error; the message shows the shapes of the inputs `concerned`, or of all."""
        named = len(self.inputs) > 1
        items = concerned or self.inputs
        got = ", ".join(f"{item} {{list({item}.shape)}}" if named else f"{{list({item}.shape)}}" for item in items)
        text = f"{{takes}}; got {got}: {reason}" if reason else f"{{takes}}; got {got}"
        self.lines += statement(8, f"if {condition}:")
        self.lines += statement(12, f'raise ValueError(f"{text}")')

    def _axes(self) -> None:
        waiting = [
            (f"{item}.shape[{axis}]", size)
            for item, entry in zip(self.inputs, self.graph.inputs, strict=True)
            for axis, size in enumerate(entry.type.sizes, 1)
            if any(other.variables for other in entry.type.sizes)
        ]
        while waiting:
            now = [(text, size) for text, size in waiting if len(size.variables - self.known.keys()) == 0]
            for text, size in now:
                value = arithmetic(size, self.known)
                self._refuse(f"{text} != {value}", self._differs(text, size), text.split(".")[0])
            rest = [entry for entry in waiting if entry not in now]
            rest.sort(key=lambda entry: len(entry[1].variables))
            solved = next((entry for entry in rest if self._solve(*entry)), None)
            if solved is None:
                return
            waiting = [entry for entry in rest if entry != solved]

    def _solve(self, text: str, size: Size) -> bool:
        """Write how the one unknown size in `size` follows from the axis `text`, if it does."""
        unknown = sorted(size.variables - self.known.keys())
        line = size.linear_in(unknown[0]) if len(unknown) == 1 else None
        if line is None:
            return False
        slope, rest = (arithmetic(part, self.known) for part in line)
        over = text if rest == "0" else f"{text} - {closed(rest)}"
        if rest.startswith("-") and " " not in rest:
            over = f"{text} + {rest[1:]}"
        name = self.sizes[unknown[0]]
        self._positive([other for other in self.known if other in line[0].variables])
        if slope != "1":
            divisor = closed(slope)
            reason = f"{{{text}}} is not a multiple of {slope if slope.isdigit() else f'{{{slope}}}'}"
            if rest != "0":
                reason = f"{{{text}}} is not {_text(str(size))} for any {name}"
            self._refuse(f"{closed(over)} % {divisor} != 0", reason, text.split(".")[0])
            over = f"{closed(over)} // {divisor}"
        self.lines += statement(8, f"{name} = {over}")
        self.known[unknown[0]] = name
        return True

    def _positive(self, names: Collection[str]) -> None:
        few = "every size has" if len(names) > 1 else f"{_text(''.join(names))} has"
        if names:
            self._refuse(" or ".join(f"{self.known[name]} < 1" for name in names), f"{few} to be 1 or more")

    def _condition(self, condition: Condition) -> None:
        names = condition.left.variables | condition.right.variables
        if not names <= self.known.keys():
            return
        left, right = (closed(arithmetic(size, self.known)) for size in (condition.left, condition.right))
        text = {
            "==": f"{left} != {right}",
            "!=": f"{left} == {right}",
            ">=": f"{right} > {left}",
            "divides": f"{right} % {left} != 0",
        }[condition.relation]
        said = condition.message or f"{condition.left} {condition.relation} {condition.right} does not hold"
        self._refuse(text, _text(said) + self._values(condition.left, condition.right))

    def _differs(self, text: str, size: Size) -> str:
        return f"axis {text[text.rindex('[') + 1 : -1]} is {{{text}}}, not {_text(str(size))}{self._values(size)}"

    def _values(self, *sizes: Size) -> str:
        names = sorted(set().union(*(size.variables for size in sizes)))
        return f" with {', '.join(f'{_text(name)} = {{{self.known[name]}}}' for name in names)}" if names else ""


def _text(text: str) -> str:
    return escape(text).replace("{", "{{").replace("}", "}}")
