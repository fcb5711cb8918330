"""The forward of a class: which local holds which value, and the statements in order."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archc.lower.body import HOLE, Body, Move, Ref
from archc.lower.classes import Class, Expression, holes
from archc.lower.layout import is_call, statement
from archc.lower.names import GLOBALS, identifier
from archc.lower.writing import fill, write

_LOCALS = ("x", "y", "z", "a", "b", "c", "d", "e", "f", "g", "h", "p", "q", "r", "s", "t", "u", "v", "w")
_ONE_LINE = 96
_REUSED = frozenset(_LOCALS[:3])


@dataclass(frozen=True, slots=True)
class Frame:
    """How the forward of one class reaches what it needs.

    `attributes` are the submodules by key, `parameters` the stored numbers, `inputs` the names of the tensors, `lent`
    of the borrowed modules, `sizes` of the sizes handed down, `shapes` what to say behind each move.
    """

    attributes: Mapping[str, str]
    parameters: Mapping[str, str]
    inputs: tuple[str, ...]
    lent: Mapping[str, str]
    sizes: Mapping[str, str]
    shapes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One statement: what it binds, the locals that are of no use after it, and its text, which may be two lines."""

    binds: tuple[str, ...]
    dead: tuple[str, ...]
    texts: tuple[tuple[int, str], ...]
    comment: str


def forward(entry: Class, frame: Frame, nested: str = "") -> list[str]:
    """Return the lines of the body of `forward`, indented by 8; `nested` is the result with `{}` for each tensor."""
    lines = _Forward(entry, frame).lines(nested)
    written: list[str] = []
    for place, line in enumerate(lines):
        for at, (indent, text) in enumerate(line.texts):
            written += statement(8 + indent, text, line.comment if at == 0 else "")
        rest = lines[place + 1 :]
        if len(rest) > 1:
            stale = [name for name in line.dead if name not in rest[0].binds]
            written += [f"        del {', '.join(stale)}"] if stale else []
    return written


class _Forward:
    """The state of writing one forward: where each value is, and where it is needed last."""

    def __init__(self, entry: Class, frame: Frame) -> None:
        self.entry = entry
        self.frame = frame
        self.body: Body = entry.bodies[0]
        self.names = dict(enumerate(frame.inputs))
        self.live = _needed(self.body)
        self.last = _last_uses(self.body, self.live)
        self.folds = _folds(self.body, self.live)
        self.place = 0
        self.fixed = {*GLOBALS, "self", *frame.inputs, *frame.lent.values(), *frame.sizes.values()} - (
            _REUSED & set(frame.inputs)
        )

    def lines(self, nested: str) -> list[Line]:
        """Return the statements."""
        lines: list[Line] = []
        place = 0
        while place < len(self.body.moves):
            last = self.folds.get(place, place)
            last = last if self._fits(place, last) else place
            self.place = last
            if last in self.live:
                lines += self._loop(last) if self.body.moves[last].carried else self._statement(place, last)
            place = last + 1
        texts = [self.names[value] for value in self.body.results]
        if lines and not nested and len(lines[-1].texts) == 1 and lines[-1].binds == tuple(texts):
            final = lines.pop()
            value = final.texts[0][1].split(" = ", 1)[1]
            return [*lines, Line((), (), ((0, f"return {value}"),), final.comment)]
        given = nested.format(*texts) if nested else ", ".join(texts)
        return [*lines, Line((), (), ((0, f"return {given}"),), "")]

    # ------------------------------------------------------------ one statement
    def _statement(self, first: int, last: int) -> list[Line]:
        """Return the statement of the move `last`, with the moves from `first` on as its operands."""
        move = self.body.moves[last]
        text = self._expression(first, last)
        dead = self._dying([value for item in self.body.moves[first : last + 1] for value in item.inputs], first)
        bound = self._bind(move.outputs, dead)
        left = tuple(name for name in dead if name not in {*bound, *self.frame.inputs})
        return [Line(tuple(bound), left, ((0, f"{', '.join(bound)} = {text}"),), self.frame.shapes[last])]

    def _expression(self, first: int, last: int) -> str:
        names = dict(self.names)
        for place in range(first, last):
            move = self.body.moves[place]
            names[move.outputs[0]] = self._call(place, move, [names[value] for value in move.inputs], "")
        move = self.body.moves[last]
        return self._call(last, move, [names[value] for value in move.inputs], "")

    def _fits(self, first: int, last: int) -> bool:
        return first < last and len(self._expression(first, last)) <= _ONE_LINE

    def _loop(self, place: int) -> list[Line]:
        move = self.body.moves[place]
        dead = self._dying(move.inputs, place)
        carried: list[str] = []
        copies: list[Line] = []
        steady = {self.names[value] for value in move.inputs[move.carried :]}
        for value in move.inputs[: move.carried]:
            name = self.names[value]
            if name in dead and name not in {*carried, *steady, *self.fixed}:
                carried.append(name)
                continue
            fresh = self._fresh({*carried, *(self.names[other] for other in move.inputs)})
            copies.append(Line((fresh,), (), ((0, f"{fresh} = {name}"),), ""))
            carried.append(fresh)
        arguments = [*carried, *(self.names[value] for value in move.inputs[move.carried :])]
        variable, head = self._head(place, move, {*carried, *arguments})
        call = f"{', '.join(carried)} = {self._call(place, move, arguments, variable)}"
        for value, name in zip(move.outputs, carried, strict=True):
            self.names[value] = name
        left = tuple(name for name in dead if name not in {*carried, *self.frame.inputs})
        return [*copies, Line(tuple(carried), left, ((0, head), (4, call)), self.frame.shapes[place])]

    def _head(self, place: int, move: Move, taken: set[str]) -> tuple[str, str]:
        if move.loop is None:
            times = write(self.entry.calls[place][-1], self.frame.parameters)
            return "", f"for _ in range({times}):"
        name = re.sub(r"_\d+$", "", self.frame.attributes.get(move.loop.name, move.loop.name))
        variable = identifier(name, {*self.fixed, *taken, *self._held()})
        return variable, f"for {variable} in {self._reach(move.loop, '')}:"

    def _call(self, place: int, move: Move, inputs: Sequence[str], variable: str) -> str:
        texts = {str(index): name for index, name in enumerate(inputs)}
        texts |= {f"r{index}": self._reach(ref, variable) for index, ref in enumerate(move.refs)}
        given: dict[str, Expression] = dict(zip(holes(move.code), self.entry.calls[place], strict=False))
        return fill(move.code, given, texts, self.frame.parameters)

    def _reach(self, ref: Ref, variable: str) -> str:
        if ref.kind == "step":
            return variable
        if ref.kind == "size":
            return self.frame.sizes[ref.name]
        base = f"self.{self.frame.attributes[ref.name]}" if ref.kind == "own" else self.frame.lent[ref.name]
        return base if ref.step is None else f"{base}[{ref.step}]"

    # ------------------------------------------------------------ names of values
    def _dying(self, values: Iterable[int], first: int) -> list[str]:
        """Return the locals that nobody needs after the moves from `first` to this one, which use `values`."""
        gone = [value for value in dict.fromkeys(values) if first <= self.last.get(value, -1) <= self.place]
        names = [self.names[value] for value in gone if value in self.names]
        held = self._held()
        return [name for name in dict.fromkeys(names) if name not in held]

    def _bind(self, outputs: Iterable[int], dead: Sequence[str]) -> list[str]:
        """Return a local for each output: one that is free now, the oldest first, or a new one."""
        free = sorted((name for name in dead if name not in self.fixed), key=_age)
        bound: list[str] = []
        for value in outputs:
            if self.last.get(value, -1) < 0:
                bound.append("_")
                continue
            bound.append(free.pop(0) if free else self._fresh({*bound, *dead}))
        self.names.update(zip(outputs, bound, strict=True))
        return bound

    def _held(self) -> set[str]:
        return {name for value, name in self.names.items() if self.last.get(value, -1) > self.place}

    def _fresh(self, taken: set[str]) -> str:
        held = self._held()
        for name in _LOCALS:
            if name not in held and name not in taken and name not in self.fixed:
                return name
        number = 1
        while f"t{number}" in held | taken | self.fixed:
            number += 1
        return f"t{number}"


def _age(name: str) -> tuple[int, str]:
    return (_LOCALS.index(name), "") if name in _LOCALS else (len(_LOCALS), name)


def _needed(body: Body) -> set[int]:
    """Return the moves whose outputs somebody needs."""
    wanted = set(body.results)
    needed: set[int] = set()
    for place in range(len(body.moves) - 1, -1, -1):
        move = body.moves[place]
        if wanted.intersection(move.outputs):
            needed.add(place)
            wanted.update(move.inputs)
    return needed


def _last_uses(body: Body, live: set[int]) -> dict[int, int]:
    last: dict[int, int] = {}
    for place, move in enumerate(body.moves):
        if place in live:
            last.update(dict.fromkeys(move.inputs, place))
    last.update(dict.fromkeys(body.results, len(body.moves)))
    return last


def _folds(body: Body, live: set[int]) -> dict[int, int]:
    """Return where a statement may begin before its move: at calls right before it, each of them one operand of it.

    A move with several inputs takes such calls in, as in `x + self.linear(y)`, so that no local holds their results.
    """
    uses = Counter(value for place in live for value in body.moves[place].inputs) + Counter(body.results)
    found: dict[int, int] = {}
    taken: set[int] = set()
    for last in sorted(live, reverse=True):
        move = body.moves[last]
        if last in taken or move.carried or len(move.inputs) < 2:
            continue
        order = [move.inputs[int(hole)] for hole in HOLE.findall(move.code.text) if hole.isdigit()]
        first = last
        while order and first - 1 in live and _is_operand(body.moves[first - 1], order, uses):
            first -= 1
            order = order[: order.index(body.moves[first].outputs[0])]
        if first < last:
            found[first] = last
            taken.update(range(first, last))
    return found


def _is_operand(move: Move, order: Sequence[int], uses: Mapping[int, int]) -> bool:
    """Whether `move` is a call whose only result is needed once, there among `order`."""
    if move.carried or len(move.outputs) != 1 or move.outputs[0] not in order or uses[move.outputs[0]] != 1:
        return False
    return order.count(move.outputs[0]) == 1 and is_call(move.code.text)
