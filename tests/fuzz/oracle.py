"""A second reading of the language: a program's syntax tree, run straight on torch tensors, one sample at a time."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

import torch

from archc.grammar import syntax as s
from archc.grammar.parse import parse
from archc.grammar.source import Source
from fuzz import local, sequence
from fuzz.calls import Arguments, Network, Op, Text, answer
from fuzz.kinds import Kind, Kinds, Tensors, kinds_of, leaves, tensors

OPS: Mapping[str, Op] = {**local.OPS, **sequence.OPS}
MOST = 200_000
"""Programs with larger tensors are not run."""


class Refused(Exception):
    """The program does not run at these sizes."""


class Differs(Refused):
    """Two types that must be one are not: this is no matter of a lucky size."""


class TooLarge(Exception):
    """Running this would take long; the program is left aside."""


@dataclass(frozen=True, slots=True)
class Closure:
    """An architecture as written, with the names it sees."""

    expr: s.Expr
    env: "Env"


@dataclass(frozen=True, slots=True)
class Applied:
    """An op or block with its arguments."""

    declaration: s.Declaration
    arguments: tuple[tuple[str, "Value"], ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Shared:
    """A layer with one set of weights; `seen` is what each of its parts was first applied to."""

    architecture: "Closure | Applied"
    seen: dict[int, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """The sizes behind `..s`."""

    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A tensor, or a tuple of them."""

    value: Tensors


Value = int | float | bool | str | list["Value"] | Run | Kinds | Closure | Applied | Shared | Point
Env = dict[str, Value]
ARCHITECTURES = (Closure, Applied, Shared, Point)
EQUATIONS = frozenset(
    [
        "add",
        "mul",
        "max_of",
        "sub",
        "concat",
        "stack",
        "matmul",
        "gate",
        "attention",
        "selective_scan",
        "gather",
        "first",
        "second",
        "par",
        "each",
        "grid",
        "unwindow",
        "reshape",
        "embedding_decode",
        "biased_attention",
        "linear_attention",
        "additive_attention",
    ]
)
LAST = ("linear", "layer_norm", "rms_norm", "layer_scale", "causal_conv", "dilated_causal_conv", "pos_learned")
RECURRENT = ("prepend_token", "rnn", "gru", "lstm", "ssm", "additive_attention", "graph_conv", "graph_attention")
FIRST = ("conv", "depthwise", "conv_transpose", "batch_norm", "group_norm")
TUPLES = frozenset(["id", "zero", "clone", "each", "par", "first", "second", "add", "mul", "max_of", "concat", "stack"])


@lru_cache(maxsize=64)
def declarations(text: str) -> dict[str, s.Declaration]:
    """Return the declarations of a file by name. Raises Refused where it has another syntax."""
    file, found = parse(Source("fuzz.arch", text))
    if found:
        raise Refused(found[0].message)
    return {item.name: item for item in file.items if isinstance(item, s.Declaration)}


@dataclass(slots=True)
class Oracle:
    """Runs declarations. `layers` are the shared layers that are being applied, with how many of their ops have run."""

    names: Mapping[str, s.Declaration]
    random: Random
    layers: list[tuple[Shared, list[int]]] = field(default_factory=list)

    def model(self, name: str) -> Tensors:
        """Return what a model without open sizes makes of random numbers. Raises Refused, TooLarge."""
        declaration = self.names[name]
        env = self.bind(declaration, ())
        return self.call(declaration, env, self.sample(declaration, env))

    def sample(self, declaration: s.Declaration, env: Env) -> Tensors:
        """Return random input for a declaration whose sizes are all in `env`."""
        assert isinstance(declaration.type, s.TypeArrow)
        return self._random(declaration.type.source, env)

    def call(self, declaration: s.Declaration, env: Env, into: Tensors) -> Tensors:
        """Return what a block with its arguments in `env` makes of `into`."""
        assert declaration.value is not None
        kind = declaration.type
        if not isinstance(kind, s.TypeArrow):
            return self.run(declaration.value, env, into)
        parameters = frozenset(env)
        env = {**env, **self._match(kind.source, into, env)}
        env = self._probe(declaration, env)
        env.update(_labels(kind.source, into))
        for clause in declaration.where:
            if not self._value(clause, env):
                raise Refused("where")
        result = self.run(declaration.value, env, into)
        known = {name: value for name, value in env.items() if not isinstance(value, Point) or name in parameters}
        try:
            self._match(kind.target, result, known)
        except Refused as error:
            raise Differs(str(error)) from None
        return result

    # ------------------------------------------------------------ architectures
    def run(self, expr: s.Expr, env: Env, into: Tensors) -> Tensors:
        """Return what `expr` makes of `into`."""
        match expr:
            case s.Pipe(stages):
                for stage in stages:
                    into = self.run(stage, env, into)
                return into
            case s.Tuple(items):
                return tuple(self.run(item, env, into) for item in items)
            case s.Body(statements, value):
                for statement in statements:
                    env = {**env, **self._statement(statement, env, into)}
                return self.run(value, env, into)
            case s.Fold(names, values, body, is_tuple):
                entries = self._value(values, env)
                if not isinstance(entries, list):
                    raise Refused("for")
                for entry in entries:
                    picked = entry if is_tuple and isinstance(entry, list) else [entry]
                    into = self.run(body, {**env, **dict(zip(names, picked, strict=True))}, into)
                return into
            case s.Binary("*", left, right):
                count = self._value(right, env)
                if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                    raise Refused("times")
                for _ in range(count):
                    into = self.run(left, env, into)
                return into
            case _:
                return self.apply(self._value(expr, env), into)

    def apply(self, value: Value, into: Tensors) -> Tensors:
        """Return what an architecture makes of `into`."""
        match value:
            case Point(found):
                return found
            case Closure(expr, env):
                return self.run(expr, env, into)
            case Shared(architecture):
                self.layers.append((value, [0]))
                try:
                    return self.apply(architecture, into)
                finally:
                    self.layers.pop()
            case Applied(declaration, arguments):
                env = self.bind(declaration, arguments)
                if declaration.kind == "op":
                    return self._op(declaration, env, dict(arguments), into)
                return self.call(declaration, env, into)
            case _:
                raise Refused("no layer")

    def _statement(self, statement: s.Statement, env: Env, into: Tensors) -> Env:
        name = statement.names[0]
        if _is_point(statement.value, env):
            found = self.run(statement.value, env, into)
            if not statement.is_tuple:
                return {name: Point(found)}
            if isinstance(found, torch.Tensor) or len(found) != len(statement.names):
                raise Differs("names")
            return {name: Point(part) for name, part in zip(statement.names, found, strict=True)}
        value = self._value(statement.value, env)
        return {name: Shared(value) if isinstance(value, (Closure, Applied)) else value}

    def _op(self, declaration: s.Declaration, env: Env, given: Env, into: Tensors) -> Tensors:
        op = OPS[declaration.name]
        if not isinstance(into, torch.Tensor) and len(into) == 1 and declaration.name not in TUPLES:
            into = into[0]  # (T) is T
        elif not isinstance(into, torch.Tensor):
            into = tuple(item[0] if isinstance(item, tuple) and len(item) == 1 else item for item in into)
        kinds = kinds_of(into)
        if declaration.name in ("zero", "split") and any(kind.bound is not None for kind in leaves(kinds)):
            raise TooLarge  # the largest id, by which bounds are told here, may be gone
        if not op.ids and any(kind.bound is not None for kind in leaves(kinds)):
            raise Refused("ids")
        arguments = self._static(declaration, env)
        fault = Differs if declaration.name in EQUATIONS else Refused
        if any(isinstance(value, Text) for value in arguments.values()):
            result = _patterned(declaration.name, env, into)
        else:
            found = answer(op, arguments, into)
            if found is None or op.declines(arguments, kinds):
                raise fault(declaration.name)
            result = found
        for kind in leaves(kinds_of(result)):
            if 0 in kind.dims:
                raise Refused("empty")
            if math.prod(kind.dims) > MOST:
                raise TooLarge
        self._own(declaration.name, kinds)
        return result

    def _own(self, name: str, kinds: Kinds) -> None:
        """Hold a shared layer to the weights of its first mention."""
        entries = list(leaves(kinds))
        if name in LAST or name in RECURRENT:
            shape: object = (name, [kind.dims[-1] for kind in entries if kind.bound is None])
        elif name in FIRST:
            shape = (name, entries[0].dims[0])
        elif name == "bias_learned":
            shape = (name, entries[0].dims)
        else:
            return
        for layer, count in self.layers[:1]:
            count[0] += 1
            if layer.seen.setdefault(count[0], shape) != shape:
                raise Differs("weights")

    def _static(self, declaration: s.Declaration, env: Env) -> Arguments:
        """Return the arguments of an op as its reference takes them."""
        found: dict[str, int | float | bool | str | tuple[int, ...] | Network | Text] = {}
        for parameter in declaration.parameters or ():
            if parameter.name not in env:
                continue
            value = env[parameter.name]
            if isinstance(parameter.type, s.TypeArrow):
                if declaration.name in ("rearrange", "reduce", "broadcast", "einsum"):
                    found[parameter.name] = Text("")
                else:
                    found[parameter.name] = Network("", self._network(value))
            elif isinstance(value, list):
                found[parameter.name] = tuple(entry for entry in value if isinstance(entry, int))
            elif isinstance(value, (int, float, str)):
                found[parameter.name] = value
        return found

    def _network(self, value: Value) -> Callable[[Tensors], Tensors]:
        def run(into: Tensors) -> Tensors:
            return self.apply(value, into)

        return run

    # ------------------------------------------------------------ parameters
    def bind(self, declaration: s.Declaration, given: tuple[tuple[str, Value], ...]) -> Env:
        parameters = {parameter.name: parameter for parameter in declaration.parameters or ()}
        env: Env = {}
        order = iter(list(parameters))
        taken: Env = {}
        for name, value in given:
            name = name or next(order, "")
            if name not in parameters or name in taken:
                raise Refused(f"{declaration.name} takes no {name}")
            taken[name] = value
        for name, parameter in parameters.items():
            if name in taken:
                env[name] = taken[name]
            elif parameter.default is None:
                raise Refused(f"{declaration.name} needs {name}")
            else:
                env[name] = self._value(parameter.default, dict(env))
            _in_domain(parameter, env[name])
        return env

    def _probe(self, declaration: s.Declaration, env: Env) -> Env:
        """Run every architecture that is given at the type it is declared with, a few times where that leaves sizes open."""
        for parameter in declaration.parameters or ():
            if not isinstance(parameter.type, s.TypeArrow) or declaration.kind == "op":
                continue
            architecture = env[parameter.name]
            open_names = _names(parameter.type.source) - env.keys()
            for turn in range(3 if open_names else 1):
                inner = {**env, **{name: self._size(name, parameter.type.source, turn) for name in sorted(open_names)}}
                try:
                    result = self.apply(architecture, self._random(parameter.type.source, inner))
                except Differs:
                    raise
                except Refused:
                    if open_names:
                        continue
                    raise
                found = self._match(parameter.type.target, result, inner)
                env = {**env, **{name: value for name, value in found.items() if name not in inner}}
        return env

    def _size(self, name: str, kind: s.TypeExpr, turn: int) -> Value:
        if isinstance(kind, s.TypeVariable):
            return Kind((3,) * turn + (2,))
        runs = {dim.value.name for dim in _dims(kind) if isinstance(dim, s.DimRest) and isinstance(dim.value, s.Ref)}
        return Run((2, 5)[:turn]) if name in runs else (4, 6, 7)[turn]

    def _random(self, kind: s.TypeExpr, env: Env) -> Tensors:
        match kind:
            case s.TypeVariable(name):
                found = env[name]
                assert isinstance(found, (Kind, *Kinds.__args__))
                return tensors(found)
            case s.TypeTuple(items):
                parts = tuple(self._random(item.type, env) for item in items)
                return parts[0] if len(parts) == 1 else parts
            case s.TypeList(element, dims):
                sizes: list[int] = []
                for dim in dims:
                    value = self._value(dim.value if isinstance(dim, s.DimRest) else dim, env)
                    sizes.extend(value.sizes if isinstance(value, Run) else [_whole(value)])
                if math.prod(sizes) > MOST:
                    raise TooLarge
                if min(sizes, default=1) < 1:
                    raise Refused("empty")
                return tensors(Kind(tuple(sizes), _bound(element)))
            case _:
                raise Refused("type")

    # ------------------------------------------------------------ types
    def _match(self, kind: s.TypeExpr, value: Tensors, env: Env) -> Env:
        """Return the names that a type binds when it is laid over a value. Raises Refused where it does not fit."""
        found: Env = {}
        waiting: list[tuple[s.Expr, int]] = []
        self._lay(kind, value, {**env}, found, waiting)
        while waiting:
            rest = [entry for entry in waiting if not self._solve(*entry, {**env, **found}, found)]
            if len(rest) == len(waiting):
                raise Differs("unsolvable")
            waiting = rest
        return found

    def _lay(self, kind: s.TypeExpr, value: Tensors, env: Env, found: Env, waiting: list[tuple[s.Expr, int]]) -> None:
        if not isinstance(kind, s.TypePower) and not isinstance(value, torch.Tensor) and len(value) == 1:
            value = value[0]
        match kind:
            case s.TypeVariable(name):
                known = found.get(name, env.get(name))
                if known is None:
                    found[name] = kinds_of(value)
                elif known != kinds_of(value):
                    raise Differs(name)
            case s.TypeTuple((item,)):
                self._lay(item.type, value, env, found, waiting)
            case s.TypeTuple(items):
                if isinstance(value, torch.Tensor) or len(value) != len(items):
                    raise Differs("arity")
                for item, part in zip(items, value, strict=True):
                    self._lay(item.type, part, env, found, waiting)
            case s.TypeList(element, dims):
                if not isinstance(value, torch.Tensor) or (_bound(element) is None) != value.is_floating_point():
                    raise Differs("kind")
                self._axes(dims, list(value.shape), env, found, waiting)
            case _:
                raise Refused("type")

    def _axes(
        self,
        dims: tuple["s.Expr | s.DimRange | s.DimRest", ...],
        sizes: list[int],
        env: Env,
        found: Env,
        waiting: list[tuple[s.Expr, int]],
    ) -> None:
        rest = next((place for place, dim in enumerate(dims) if isinstance(dim, s.DimRest)), None)
        if len(sizes) < len(dims) - (rest is not None) or (rest is None and len(sizes) != len(dims)):
            raise Differs("rank")
        if rest is not None:
            stop = len(sizes) - (len(dims) - rest - 1)
            run = dims[rest]
            assert isinstance(run, s.DimRest) and run.value is not None
            inner = Run(tuple(sizes[rest:stop]))
            if isinstance(run.value, s.Ref) and run.value.name not in env and run.value.name not in found:
                found[run.value.name] = inner
            elif self._value(run.value, {**env, **found}) != inner:
                raise Differs("run")
            dims, sizes = dims[:rest] + dims[rest + 1 :], sizes[:rest] + sizes[stop:]
        for dim, size in zip(dims, sizes, strict=True):
            assert not isinstance(dim, (s.DimRange, s.DimRest))
            if isinstance(dim, s.Ref) and dim.name not in env and dim.name not in found:
                found[dim.name] = size
            else:
                waiting.append((dim, size))

    def _solve(self, dim: s.Expr, size: int, env: Env, found: Env) -> bool:
        free = sorted(set(_mentioned(dim)) - env.keys() - self.names.keys() - {"win", "unwin", "max", "min"})
        if not free:
            if self._value(dim, env) != size:
                raise Differs(f"{dim} is not {size}")
            return True
        if len(free) > 1:
            return False
        for candidate in range(1, size + 1):
            try:
                if self._value(dim, {**env, free[0]: candidate}) == size:
                    found[free[0]] = candidate
                    return True
            except Refused:
                continue
        raise Refused(f"no {free[0]} gives {size}")

    # ------------------------------------------------------------ static values
    def _value(self, expr: object, env: Env) -> Value:
        match expr:
            case s.Number(text):
                return int(text) if text.isdigit() else float(text)
            case s.Boolean(value) | s.String(value):
                return value
            case s.Negative(inner):
                return -_number(self._value(inner, env))
            case s.List(items):
                return self._list(items, env)
            case s.Ref(name):
                return self._name(name, env)
            case s.Call(function, arguments):
                return self._called(function, arguments, env)
            case s.If(condition, then, otherwise):
                return self._value(then if self._value(condition, env) else otherwise, env)
            case s.Binary(operator, left, right):
                first = self._value(left, env)
                if isinstance(first, ARCHITECTURES) and operator == "*":
                    return Closure(expr, env)
                return _arithmetic(operator, first, self._value(right, env))
            case s.Compare(operator, left, right):
                return _compared(operator, self._value(left, env), self._value(right, env))
            case s.Not(inner):
                return not self._value(inner, env)
            case s.Logic("and", items):
                return all(self._value(item, env) for item in items)
            case s.Logic("or", items):
                return any(self._value(item, env) for item in items)
            case s.Tuple(items) if items and not any(
                isinstance(self._value(item, env), ARCHITECTURES) for item in items
            ):
                return [self._value(item, env) for item in items]
            case s.Pipe() | s.Body() | s.Fold() | s.Tuple():
                return Closure(expr, env)
            case _:
                raise Refused(f"{type(expr).__name__} has no value")

    def _list(self, items: tuple["s.Expr | s.Spread", ...], env: Env) -> list[Value]:
        """Return a list; a pattern of axes is read from its expression, and its names have no value."""
        values = []
        for item in items:
            try:
                values.append(self._value(item, env))
            except Refused:
                values.append("?")
        return values

    def _name(self, name: str, env: Env) -> Value:
        if name in env:
            return env[name]
        declaration = self.names.get(name)
        if declaration is None:
            raise Refused(f"no {name}")
        if declaration.kind == "const":
            return self._value(declaration.value, {})
        return Applied(declaration)

    def _called(self, function: s.Expr, arguments: tuple[s.Argument, ...], env: Env) -> Value:
        given = tuple((entry.name, self._value(entry.value, env)) for entry in arguments)
        if isinstance(function, s.Ref) and function.name in ("max", "min") and function.name not in env:
            return {"max": max, "min": min}[function.name](_whole(value) for _, value in given)
        target = self._value(function, env)
        if not isinstance(target, Applied):
            raise Refused("no function")
        if target.declaration.kind == "fn":
            return self._fn(target.declaration, given)
        return Applied(target.declaration, (*target.arguments, *given))

    def _fn(self, declaration: s.Declaration, given: tuple[tuple[str, Value], ...]) -> Value:
        run = next((value for _, value in given if isinstance(value, Run)), None)
        if run is not None:
            each = []
            for size in run.sizes:
                each.append(_whole(self._fn(declaration, tuple((n, size if v is run else v) for n, v in given))))
            return Run(tuple(each))
        env = self.bind(declaration, given)
        for clause in declaration.where:
            if not self._value(clause, env):
                raise Refused(declaration.name)
        return self._value(declaration.value, env)


# ---------------------------------------------------------------- small things
def _is_point(expr: s.Expr, env: Env) -> bool:
    match expr:
        case s.Ref(name):
            return isinstance(env.get(name), Point)
        case s.Pipe(stages):
            return _is_point(stages[0], env)
        case s.Tuple(items):
            return bool(items) and all(_is_point(item, env) for item in items)
        case s.If(_, then, otherwise):
            return _is_point(then, env) and _is_point(otherwise, env)
        case _:
            return False


def _labels(kind: s.TypeExpr, into: Tensors) -> Env:
    if not isinstance(kind, s.TypeTuple):
        return {}
    if len(kind.items) == 1:
        return {kind.items[0].label: Point(into)} if kind.items[0].label else {}
    assert not isinstance(into, torch.Tensor)
    return {item.label: Point(part) for item, part in zip(kind.items, into, strict=True) if item.label}


def _in_domain(parameter: s.Parameter, value: Value) -> None:
    kind = parameter.type
    whole = isinstance(value, int) and not isinstance(value, bool)
    match kind:
        case None | s.TypeName("", "Dim"):
            good = whole and value >= 1
        case s.TypeName("", "Nat"):
            good = whole and value >= 0
        case s.TypeName("", "Int"):
            good = whole
        case s.TypeName("", "Prob"):
            good = isinstance(value, (int, float)) and 0 <= value <= 1
        case s.TypeName("", "Float"):
            good = whole or isinstance(value, float)
        case s.TypeName("", "Bool"):
            good = isinstance(value, bool)
        case s.TypeUnion(arms):
            literals = [arm.type.value for arm in arms if isinstance(arm.type, s.TypeLiteral)]
            good = value in [int(x.text) if isinstance(x, s.Number) else x.value for x in literals]
        case s.TypeList():
            least = 0 if isinstance(kind.element, s.TypeName) and kind.element.name == "Int" else 1
            good = isinstance(value, list) and all(isinstance(x, int) and (x >= least or not least) for x in value)
        case s.TypeArrow():
            good = isinstance(value, ARCHITECTURES)
        case _:
            good = True
    if not good:
        raise Refused(parameter.name)


def _patterned(name: str, env: Env, into: Tensors) -> Tensors:
    """Apply rearrange, reduce, broadcast or einsum: names in scope are sizes, the others are axes."""
    closure = env["p"]
    if not isinstance(closure, Closure) or not isinstance(closure.expr, s.Pipe) or len(closure.expr.stages) != 2:
        raise Refused("pattern")
    left, right = closure.expr.stages
    if not isinstance(left, s.List) or not isinstance(right, s.List) or not isinstance(into, torch.Tensor):
        raise Refused("pattern")
    sizes: dict[str, int] = {key: value for key, value in closure.env.items() if type(value) is int}
    if len(left.items) != into.dim():
        raise Differs("rank")
    for item, size in zip(left.items, into.shape, strict=True):
        factors = list(_product(item))
        free = [factor for factor in factors if not factor.isdigit() and factor not in sizes]
        known = math.prod(
            int(factor) if factor.isdigit() else sizes[factor] for factor in factors if factor not in free
        )
        if len(free) > 1 or size % known:
            raise Refused("pattern")
        if not free and size != known:
            raise Differs("pattern")
        sizes.update(dict.fromkeys(free, size // known))
    have = sorted(factor for item in left.items for factor in _product(item) if factor != "1")
    wanted = sorted(factor for item in right.items for factor in _product(item) if factor != "1")
    lost, new = Counter(have) - Counter(wanted), Counter(wanted) - Counter(have)
    if (lost and name in ("rearrange", "broadcast")) or (new and name != "broadcast"):
        raise Differs("pattern")
    axes = [
        math.prod(int(factor) if factor.isdigit() else sizes[factor] for factor in _product(item))
        for item in right.items
    ]
    return into.reshape(axes) if name == "rearrange" else torch.zeros(axes)


def _product(expr: object) -> Iterator[str]:
    match expr:
        case s.Binary("*", left, right):
            yield from _product(left)
            yield from _product(right)
        case s.Ref(name):
            yield name
        case s.Number(text):
            yield text
        case _:
            raise Refused("pattern")


def _dims(kind: s.TypeExpr) -> Iterator["s.Expr | s.DimRange | s.DimRest"]:
    match kind:
        case s.TypeList(_, dims):
            yield from dims
        case s.TypeTuple(items):
            for item in items:
                yield from _dims(item.type)
        case _:
            return


def _names(kind: s.TypeExpr) -> set[str]:
    if isinstance(kind, s.TypeVariable):
        return {kind.name}
    inner = (dim.value if isinstance(dim, s.DimRest) else dim for dim in _dims(kind))
    return {name for dim in inner for name in _mentioned(dim)}


def unbound(declaration: s.Declaration) -> bool:
    """Return whether the output type of a block names sizes that nothing sets."""
    if declaration.kind != "block" or not isinstance(declaration.type, s.TypeArrow):
        return False
    known = {parameter.name for parameter in declaration.parameters or ()} | {"win", "unwin", "max", "min"}
    for parameter in declaration.parameters or ():
        if isinstance(parameter.type, s.TypeArrow):
            known |= _names(parameter.type.target)
    return not _names(declaration.type.target) <= known | _names(declaration.type.source)


def _mentioned(expr: object) -> Iterator[str]:
    match expr:
        case s.Ref(name):
            yield name
        case s.Binary(_, left, right):
            yield from _mentioned(left)
            yield from _mentioned(right)
        case s.Call(_, arguments):
            for entry in arguments:
                yield from _mentioned(entry.value)
        case _:
            return


def _bound(element: s.TypeExpr | None) -> int | None:
    if not isinstance(element, s.TypeName) or element.name != "Id":
        return None
    literal = element.arguments[0].value
    assert isinstance(literal, s.TypeLiteral) and isinstance(literal.value, s.Number)
    return int(literal.value.text)


def _whole(value: Value) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused("no whole number")
    return value


def _number(value: Value) -> int | float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Refused("no number")
    return value


def _arithmetic(operator: str, left: Value, right: Value) -> Value:
    if isinstance(left, Run) or isinstance(right, Run):
        sizes = left.sizes if isinstance(left, Run) else right.sizes if isinstance(right, Run) else ()
        pairs = ((size, right) if isinstance(left, Run) else (left, size) for size in sizes)
        return Run(tuple(_whole(_arithmetic(operator, one, other)) for one, other in pairs))
    first, second = _number(left), _number(right)
    if operator in ("/", "//", "%") and (second < 1 or not isinstance(second, int)):
        raise Refused("division")
    match operator:
        case "/":
            if first % second:
                raise Refused("exact")
            return first // second
        case "//":
            return first // second
        case "%":
            return first % second
        case "+":
            return first + second
        case "-":
            return first - second
        case _:
            return first * second


def _compared(operator: str, left: Value, right: Value) -> bool:
    match operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return _number(left) < _number(right)
        case "<=":
            return _number(left) <= _number(right)
        case ">":
            return _number(left) > _number(right)
        case ">=":
            return _number(left) >= _number(right)
        case _:
            return isinstance(right, list) and left in right
