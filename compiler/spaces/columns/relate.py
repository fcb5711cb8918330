"""A form at many input types -> the states of all that comes out of it, by a few operations on columns.

It is the relational view of refinement: what an architecture gives is a relation between input types, output types and states,
unions and joins of relations make others (semi-naive evaluation; Abiteboul, Hull and Vianu, "Foundations of Databases",
section 13.1), and an ask is worked out together with all others of its kin. It makes the states that `frames` makes.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import numpy as np

from archc.spaces.arithmetic import Unsupported
from archc.spaces.columns.forms import End, Form, Forms, Leaf, Node, NotPlain, Part, Product, Sequence, Typed, Union
from archc.spaces.columns.shapes import Shapes
from archc.spaces.columns.tables import NOBODY, PLAINLY, Close, Results, Table, by_value
from archc.spaces.forest import Ints
from archc.spaces.groups import EMPTY, Named
from archc.spaces.merging import Mergers, merger
from archc.spaces.refiner import Refiner, TooLarge, adds_nothing
from archc.spaces.statics import Budget, Plan
from archc.spaces.transfer import Transfer, guarded, moved
from archc.values import Method

FORM, BUDGET = 1 << 44, 1 << 32
"""An ask is one number: form, budget and input type."""

MOST_BUDGETS = FORM // BUDGET

MOST_PAIRS = 40
"""Parts of tuples that are looked at for each edge that there may be."""

AT_ONCE = 2_000_000
"""So many are put together at once."""

Frame = Generator[Ints, Ints, None]
"""A coroutine that answers asks: it yields asks of its own, and is sent their answers."""


@dataclass(frozen=True, slots=True)
class Asks:
    """Asks of one kin in a row."""

    keys: Ints

    @property
    def forms(self) -> Ints:
        """The form of each."""
        return self.keys // FORM

    @property
    def kinds(self) -> Ints:
        """The input type of each."""
        return self.keys % BUDGET

    @property
    def budgets(self) -> Ints:
        """The number of the budget of each."""
        return self.keys % FORM // BUDGET


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


@dataclass(slots=True)
class Relations:
    """The relations of one refinement."""

    refiner: Refiner
    forms: Forms
    shapes: Shapes
    most_edges: int
    table: Table = field(default_factory=Table)
    results: Results = field(default_factory=Results)
    budgets: list[Budget] = field(default_factory=lambda: [()])
    _budget_numbers: dict[Budget, int] = field(default_factory=lambda: {(): 0})
    _steps: dict[tuple[int, int], int] = field(default_factory=dict)
    _pairs: int = 0

    @classmethod
    def of(cls, refiner: Refiner, most_edges: int) -> "Relations":
        """Return relations that know nothing yet, and may have so many edges."""
        return cls(refiner, Forms(refiner), Shapes(refiner.keys), most_edges)

    def named(self) -> Iterator[Named]:
        """Yield the states of named spaces."""
        table = self.table
        states = np.flatnonzero(table.name.all != NOBODY)
        columns = [table.name, table.source, table.out, table.start, table.stop]
        for name, source, out, start, stop in zip(*(column.all[states].tolist() for column in columns), strict=True):
            yield self.forms.names[name], source, out, stop - start

    def outputs(self, plan: Plan, into: int) -> tuple[Ints, Ints]:
        """Return what comes out of an architecture at an input type, with a state each. Raises NotPlain, TooLarge, Refusal."""
        key = self._keys(self.forms.of(plan), np.array([into]), np.zeros(1, dtype=np.int64))
        self._run(key)
        _, out, state = self.results.gathered(self.results.of(key))
        return out, state

    def _run(self, keys: Ints) -> None:
        """Answer some asks, and all that these ask for, on a stack of its own."""
        known = self.results.known
        begun: set[int] = set()
        stack: list[Frame] = [self._answered(keys, begun)]
        waiting: list[Ints] = []
        sent: Ints | None = None
        while stack:
            try:
                wanted = stack[-1].send(sent)  # type: ignore[arg-type]  # None starts it
            except StopIteration:
                stack.pop()
                sent = self.results.of(waiting.pop()) if waiting else None
                continue
            new = [key for key in dict.fromkeys(wanted.tolist()) if key not in known]
            sent = None
            if not new:
                sent = self.results.of(wanted)
                continue
            if not begun.isdisjoint(new):
                raise NotPlain  # an ask that waits for itself, or for another that was begun with it
            self._require(len(known) + len(new))
            waiting.append(wanted)
            stack.append(self._answered(np.array(new, dtype=np.int64), begun))

    def _answered(self, keys: Ints, begun: set[int]) -> Frame:
        """Answer asks, those of one kin together; others may have been answered meanwhile."""
        forms, known = keys // FORM, self.results.known
        kins: dict[object, list[int]] = {}
        for number in np.unique(forms).tolist():
            kins.setdefault(self.forms.all[number].kin, []).append(number)
        for numbers in kins.values():
            own = keys if len(kins) == 1 else keys[np.isin(forms, numbers)]
            left = [key for key in own.tolist() if key not in known]
            nodes = {number: self.forms.node(self.forms.all[number]) for number in numbers}
            if not left:
                continue
            begun.update(left)
            work: Callable[[Asks, dict[int, Node]], Frame] = {
                Leaf: self._leaf, Union: self._union, Typed: self._typed, Sequence: self._sequence, Product: self._product,
                End: self._end,
            }[type(next(iter(nodes.values())))]  # fmt: skip
            yield from work(Asks(np.array(left, dtype=np.int64)), nodes)
            begun.difference_update(left)

    # ------------------------------------------------------------ asks
    def _keys(
        self, form: Form, kinds: Ints, budgets: Ints, deeper: Callable[[Budget], Budget | None] | None = None
    ) -> Ints:
        """Return the asks for a form at some types; NOBODY where it would be too deep."""
        found = kinds.astype(np.int64)
        for budget, places in by_value(budgets):
            inner = self._inner(form, budget, deeper)
            if inner == NOBODY:
                found[places] = NOBODY
            else:
                found[places] += form.number * FORM + inner * BUDGET
        return found

    def _inner(self, form: Form, budget: int, deeper: Callable[[Budget], Budget | None] | None) -> int:
        """Return the number of the part of a budget that matters to a form; NOBODY where nothing is left of it."""
        if deeper is None and (form.number, budget) in self._steps:
            return self._steps[form.number, budget]
        known: Budget | None = self.budgets[budget]
        known = known if deeper is None or known is None else deeper(known)
        found = NOBODY
        if known is not None:
            left = self.refiner.left(known, form.reach)
            if not any(not most and space in form.needs for space, most in left):
                found = self._budget_numbers.setdefault(left, len(self.budgets))
                if found == len(self.budgets):
                    self.budgets.append(left)
        if len(self.budgets) > MOST_BUDGETS:
            raise NotPlain
        if deeper is None:
            self._steps[form.number, budget] = found
        return found

    def _close(
        self, asks: Asks, row: Ints, out: Ints, label: Ints, children: Ints, nested: int = 0, how: Close = PLAINLY
    ) -> None:
        """Answer asks by some ways to derive what comes out of them."""
        self.results.add(asks.keys.tolist(), *self.table.close(asks.kinds, row, out, label, children, nested, how))
        self._require(self.table.label.size)

    def _require(self, edges: int) -> None:
        """Raise TooLarge where there would be more edges than there may be, or as many asks."""
        if edges > self.most_edges:
            raise TooLarge(self.named)

    def _gathered(self, answers: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the rows of some answers, each of which makes an edge. Raises TooLarge."""
        self._require(self.table.label.size + int(self.results.count.all[answers].sum()))
        return self.results.gathered(answers)

    # ------------------------------------------------------------ operations
    def _union(self, asks: Asks, nodes: dict[int, Node]) -> Frame:
        rows, labels, wanted = list[Ints](), list[Ints](), list[Ints]()
        kinds, budgets, how = asks.kinds, asks.budgets, PLAINLY
        for number, places in by_value(asks.forms):
            node = nodes[number]
            assert isinstance(node, Union)
            how = node.close
            self._require(len(node.arms) * len(places))
            for decided, arm in node.arms:
                wanted.append(self._keys(arm, kinds[places], budgets[places], node.deeper))
                rows.append(places)
                labels.append(np.full(len(places), decided))
        answers = yield _joined(wanted)
        inner, out, state = self._gathered(answers)
        row, label = _joined(rows)[inner], _joined(labels)[inner]
        kept = self._allowed(asks.forms[row], out, nodes)
        if kept is not None:
            row, out, label, state = row[kept], out[kept], label[kept], state[kept]
        self._close(asks, row, out, label, state[:, None], how=how)

    def _allowed(self, forms: Ints, out: Ints, nodes: dict[int, Node]) -> Ints | None:
        """Return the places of what a declaration lets out; None where it lets out all."""
        if all(isinstance(node, Union) and node.allows is None for node in nodes.values()):
            return None
        found = np.ones(len(out), dtype=np.bool_)
        for number, places in by_value(forms):
            node = nodes[number]
            assert isinstance(node, Union)
            if node.allows is not None:
                each, which = np.unique(out[places], return_inverse=True)
                found[places] = np.array([node.allows(kind) for kind in each.tolist()], dtype=np.bool_)[which]
        return np.flatnonzero(found)

    def _typed(self, asks: Asks, nodes: dict[int, Node]) -> Frame:
        wanted = np.full(len(asks.keys), NOBODY, dtype=np.int64)
        rows = zip(asks.forms.tolist(), asks.kinds.tolist(), asks.budgets.tolist(), strict=True)
        for place, (number, kind, budget) in enumerate(rows):
            node = nodes[number]
            assert isinstance(node, Typed)
            form = node.at(kind)
            if form is not None:
                inner = self._inner(form, budget, None)
                wanted[place] = NOBODY if inner == NOBODY else form.number * FORM + inner * BUDGET + kind
        answers = yield wanted
        self.results.alias(asks.keys.tolist(), answers)

    def _sequence(self, asks: Asks, nodes: dict[int, Node]) -> Frame:
        rows, labels, wanted = list[Ints](), list[Ints](), list[Ints]()
        kinds, budgets, how = asks.kinds, asks.budgets, PLAINLY
        for number, places in by_value(asks.forms):
            node = nodes[number]
            assert isinstance(node, Sequence)
            how = node.close
            self._require(len(node.stages) * len(places))
            for decided, stage in node.stages:
                wanted.append(self._keys(stage, kinds[places], budgets[places]))
                rows.append(places)
                labels.append(np.full(len(places), decided))
        answers = yield _joined(wanted)
        inner, between, first = self.results.gathered(answers)
        row, label = _joined(rows)[inner], _joined(labels)[inner]
        rest = np.empty(len(row), dtype=np.int64)
        for number, places in by_value(asks.forms[row]):
            node = nodes[number]
            assert isinstance(node, Sequence)
            rest[places] = self._keys(node.rest, between[places], budgets[row[places]])
        answers = yield rest
        inner, out, second = self._gathered(answers)
        self._close(asks, row[inner], out, label[inner], np.stack([first[inner], second], axis=1), how=how)

    # ------------------------------------------------------------ tuples
    def _product(self, asks: Asks, nodes: dict[int, Node]) -> Frame:
        for number, places in by_value(asks.forms):
            node = nodes[number]
            assert isinstance(node, Product)
            if not node.split:
                entered = np.repeat(asks.kinds[places][:, None], len(node.parts), axis=1)
                yield from self._tuple(Asks(asks.keys[places]), node, entered)
                continue
            for some, entered in self.shapes.items(asks.kinds[places]):
                own, count = Asks(asks.keys[places[some]]), entered.shape[1]
                if not count or (not node.every and count != len(node.parts)):
                    self.results.alias(own.keys.tolist(), np.zeros(len(some), dtype=np.int64))
                    continue
                yield from (self._every if node.every else self._tuple)(own, node, entered)

    def _every(self, asks: Asks, node: Product, entered: Ints) -> Frame:
        """Answer asks for one architecture on all items of tuples."""
        if (entered != entered[:, :1]).any() or not node.parts[0].nested:
            raise NotPlain
        count = entered.shape[1]
        answers = yield self._keys(node.parts[0].form, entered[:, 0], asks.budgets)
        row, out, state = self.results.gathered(answers)
        kinds = np.repeat(out[:, None], count, axis=1)
        if count > 1 and node.mergers:
            kept = self._mergeable(node.mergers, kinds)
            row, kinds, state = row[kept], kinds[kept], state[kept]
        state = self.table.times(state, count)
        self._tuples(asks, node, row, kinds, state[:, None], 1)

    def _tuple(self, asks: Asks, node: Product, entered: Ints) -> Frame:
        """Answer asks for an architecture on each item of tuples."""
        row = np.arange(len(asks.keys))
        kinds = states = np.empty((len(row), 0), dtype=np.int64)
        for place, part in enumerate(node.parts):
            answers = yield self._keys(part.form, entered[:, place], asks.budgets)
            pieces, made = [], 0
            for some in self._slices(self.results.count.all[answers[row]]):
                pieces.append(self._more(node.mergers, answers[row[some]], kinds[some], states[some], row[some]))
                made += len(pieces[-1][0])
                self._require(self.table.label.size + made)
            row, kinds, states = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
        order = _nested_first(node.parts)
        self._tuples(asks, node, row, kinds, states[:, order], sum(part.nested for part in node.parts))

    def _slices(self, count: Ints) -> Iterator[slice]:
        """Yield runs of tuples that are not too many with one more part, of which each has `count`. Raises TooLarge."""
        ends = np.cumsum(count)
        self._pairs += int(ends[-1]) if len(ends) else 0
        if self._pairs > MOST_PAIRS * self.most_edges:
            raise TooLarge(self.named)
        first, last = 0, 0
        while first == 0 or first < len(count):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + AT_ONCE, side="right")))
            yield slice(first, last)
            first = last

    def _more(self, mergers: Mergers, answers: Ints, kinds: Ints, states: Ints, row: Ints) -> tuple[Ints, Ints, Ints]:
        """Return tuples with one more part, each that an op behind them may take."""
        before, out, state = self.results.gathered(answers)
        kinds = np.concatenate([kinds[before], out[:, None]], axis=1)
        if kinds.shape[1] > 1 and mergers:
            kept = self._mergeable(mergers, kinds)
            before, kinds, state = before[kept], kinds[kept], state[kept]
        return row[before], kinds, np.concatenate([states[before], state[:, None]], axis=1)

    def _tuples(self, asks: Asks, node: Product, row: Ints, kinds: Ints, states: Ints, nested: int) -> None:
        out = self.shapes.products(kinds)
        self._close(asks, row, out, np.full(len(row), node.label), states, nested)

    def _mergeable(self, mergers: Mergers, kinds: Ints) -> Ints:
        """Return the places of tuples of which some op takes the first part with the last."""
        found = np.zeros(len(kinds), dtype=np.bool_)
        for entry in mergers:
            found |= self.shapes.merges(entry, kinds[:, 0], kinds[:, -1])
        return np.flatnonzero(found)

    def _end(self, asks: Asks, nodes: dict[int, Node]) -> Frame:
        yield from ()
        count = len(asks.keys)
        self.results.add(asks.keys.tolist(), np.ones(count, dtype=np.int64), asks.kinds, np.full(count, EMPTY))

    # ------------------------------------------------------------ architectures without choices
    def _leaf(self, asks: Asks, nodes: dict[int, Node]) -> Frame:
        yield from ()
        for number, places in by_value(asks.forms):
            node = nodes[number]
            assert isinstance(node, Leaf)
            kinds = asks.kinds[places]
            op = merger(node.plan.value)
            out = np.full(len(kinds), NOBODY, dtype=np.int64)
            for some, parts in self.shapes.items(kinds):
                if op is not None and _merges(node.plan, parts.shape[1]) and (self.shapes.ranks(parts) >= 0).all():
                    out[some] = self.shapes.merged(op, parts)
                else:
                    out[some] = self._types(node.plan, kinds[some])
            self._leaves(Asks(asks.keys[places]), node.plan, out)

    def _types(self, plan: Plan, kinds: Ints) -> Ints:
        """Return what comes out of an architecture at some types; NOBODY where it takes one not."""
        transfer = self.refiner.transfers.of(plan.value, plan.number)
        found = np.empty(len(kinds), dtype=np.int64)
        for rank, places in by_value(self.shapes.ranks(kinds)):
            try:
                if transfer is None or rank < 0:
                    raise Unsupported
                axes = moved(transfer, rank)
            except Unsupported:
                found[places] = [self._type(plan, transfer, kind) for kind in kinds[places].tolist()]
            else:
                found[places] = NOBODY if axes is None else self.shapes.moved(axes, kinds[places])
        return found

    def _type(self, plan: Plan, transfer: Transfer | None, kind: int) -> int:
        keys = self.refiner.keys
        sizes = keys.sizes[kind]
        if transfer is not None and sizes is not None:
            try:
                output = guarded(transfer, sizes)
            except Unsupported:
                pass
            else:
                return NOBODY if output is None else keys.sized(output)
        return next((out for out, _ in self.refiner.piece(plan, kind).ways), NOBODY)

    def _leaves(self, asks: Asks, plan: Plan, out: Ints) -> None:
        """Answer asks for an architecture without choices."""
        some = np.flatnonzero(out != NOBODY)
        if adds_nothing(plan.value):
            states = np.full(len(some), EMPTY)
        else:
            pieces = self.refiner.pieces.numbers(plan.value, plan.number, asks.kinds[some].tolist())
            uses = self.table.uses.pieces(pieces, 0 if isinstance(plan.value, Method) else 1)
            states = self.table.leaves(out[some], uses)
            self._require(self.table.label.size)
        self.results.add(asks.keys.tolist(), (out != NOBODY).astype(np.int64), out[some], states)


def _nested_first(parts: tuple[Part, ...]) -> list[int]:
    """Return the places of parts, those first that the mention decides."""
    return sorted(range(len(parts)), key=lambda place: not parts[place].nested)


def _merges(plan: Plan, count: int) -> bool:
    """Return whether an op on so many parts is one that `Shapes.merged` knows."""
    assert plan.value is not None
    name = getattr(getattr(plan.value, "definition", None), "name", "")
    return count == 2 if name == "matmul" else count > 1 and name in ("add", "mul", "concat")
