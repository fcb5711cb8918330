"""What expressions mean: static values, architectures, and tensors in flight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from archc.grammar import syntax as s
from archc.grammar.format import format_expr, format_type
from archc.grammar.source import NOWHERE, Span
from archc.sizes.prove import Fact
from archc.sizes.size import Size
from archc.tensor import Dim, Power, Product, Tensor, Type, Variable

UNKNOWN = Variable("?")
"""The type of anything, in a space whose types are found on demand."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A declaration and the number of the module it stands in."""

    module: int
    declaration: s.Declaration

    @property
    def name(self) -> str:
        """The declared name."""
        return self.declaration.name


# ---------------------------------------------------------------- conditions
@dataclass(frozen=True, slots=True)
class Every:
    """All of `items` hold."""

    items: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of `items` holds."""

    items: tuple["Formula", ...]


Formula = bool | Fact | Every | Some


# ---------------------------------------------------------------- static values
@dataclass(frozen=True, slots=True)
class Shape:
    """A run of axes, as `s` in `[..s]`."""

    dims: tuple[Dim, ...]

    def __str__(self) -> str:
        return f"[{', '.join(str(dim) for dim in self.dims)}]"


@dataclass(frozen=True, slots=True)
class Items:
    """A list, or a tuple of static values."""

    values: tuple["Value", ...]

    def __str__(self) -> str:
        return f"[{', '.join(show(value) for value in self.values)}]"


@dataclass(frozen=True, slots=True)
class Interval:
    """`low .. high by step`; logarithmic for `log(low .. high)`."""

    low: "Size | float"
    high: "Size | float | None"
    step: "Size | float | None" = None
    logarithmic: bool = False


class Drawn(float):
    """A number of a continuous range from `low` to `high`: drawn when all else is decided, which cannot depend on it."""

    low: float
    high: float

    @staticmethod
    def of(value: float, ends: "Sequence[float]") -> "Drawn":
        """Return a number between the least and the greatest of `ends`."""
        made = Drawn(value)
        made.low, made.high = min(ends), max(ends)
        return made


@dataclass(frozen=True, slots=True)
class Opaque:
    """A static value that is not known here: a float, string or flag parameter of the block being checked.

    `values` holds all it can be, where these are finitely many.
    """

    name: str
    values: tuple["bool | str | float", ...] = ()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Fields:
    """A record of a recipe or a joint space."""

    items: tuple[tuple[str, "Value"], ...]


@dataclass(frozen=True, slots=True)
class HoleValue:
    """`_` as an argument."""

    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Function:
    """A `fn`, or a function on shapes that the checker knows (definition None)."""

    name: str
    definition: Definition | None


# ---------------------------------------------------------------- architectures
@dataclass(frozen=True, slots=True)
class Env:
    """The names that an expression sees: the module's, and its own."""

    module: int
    names: Mapping[str, "Value"]

    def bind(self, /, **names: "Value") -> "Env":
        """Return this environment with more names."""
        return Env(self.module, {**self.names, **names})


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """An op, block, model or space with its arguments, given by position or (with a name) by name."""

    definition: Definition
    arguments: tuple[tuple[str, "Value", Span], ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """An architecture that is an expression: evaluated at each mention, in its own environment."""

    expr: s.Expr
    env: Env
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """An arrow parameter inside the block that declares it: an architecture of which only the type is known."""

    name: str
    type: s.TypeArrow
    own: frozenset[str]
    env: Env
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A `let` of an architecture: one set of weights, the same at each mention. `token` is its identity."""

    architecture: "Architecture"
    token: object
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """`table.decode`: the op `embedding_decode` on the weights of `layer`."""

    layer: Layer
    applied: Applied
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """An architecture whose choices a name has made once: each mention repeats them, `by` tells which they are."""

    architecture: "Architecture"
    by: object
    span: Span = NOWHERE


Architecture = Applied | Closure | Given | Layer | Method | Decided


# ---------------------------------------------------------------- dataflow
@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What flows at one place: a tensor, or a tuple with its `parts`.

    `handle` is the emitter's name for it (None while checking); `origins` tells for each axis of a tensor which text
    set its size.
    """

    type: Type
    parts: tuple["Flow", ...] = ()
    handle: object = None
    origins: tuple[Span | None, ...] = ()


Value = (
    Size | float | bool | str | Shape | Items | Interval | Opaque | Fields | HoleValue | Function | Every | Some | Fact
    | Applied | Closure | Given | Layer | Method | Decided | Flow | Tensor | Product | Power | Variable
)  # fmt: skip

ARCHITECTURES = (Applied, Closure, Given, Layer, Method, Decided)


def formed(kind: Type, handles: Sequence[object]) -> Flow:
    """Return a value of type `kind` whose tensors are called `handles` by the emitter, from left to right."""
    rest = list(reversed(handles))

    def form(inner: Type) -> Flow:
        if isinstance(inner, Product):
            return Flow(inner, tuple(form(item) for item in inner.items))
        assert isinstance(inner, Tensor), inner
        return Flow(inner, (), rest.pop(), (None,) * len(inner.dims))

    return form(kind)


def flow(kind: Type, origin: Span | None = None) -> Flow:
    """Return a value of type `kind` that nothing computes yet."""
    if isinstance(kind, Product):
        return Flow(kind, tuple(flow(item, origin) for item in kind.items))
    if isinstance(kind, Tensor):
        return Flow(kind, origins=(origin,) * len(kind.dims))
    return Flow(kind)


def bundle(parts: tuple[Flow, ...], labels: tuple[str, ...] = ()) -> Flow:
    """Return the tuple of `parts`."""
    return Flow(Product(tuple(part.type for part in parts), labels), parts)


def show(value: object) -> str:
    """Return `value` as a reader of .arch would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case float():
            return f"{value:g}"
        case Applied(definition):
            return definition.name
        case Given(name):
            return name
        case Closure(_, _, span):
            return " ".join(span.text.split())
        case Layer(architecture) | Method(Layer(architecture)) | Decided(architecture):
            return show(architecture)
        case Function(name):
            return name
        case Fields(items):
            return f"{{ {', '.join(f'{name} = {show(entry)}' for name, entry in items)} }}"
        case _:
            return str(value)


SUFFIXES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def number(text: str) -> Size | float:
    """Return the number that `text` spells: a Size if whole, `600M` included, else a float."""
    scale = SUFFIXES.get(text[-1], 1)
    digits = text[:-1] if scale > 1 else text
    if digits.lstrip("-").isdigit():
        return Size.of(int(digits) * scale)
    if scale > 1 and len(digits) < 40 and "e" not in digits.lower() and (Fraction(digits) * scale).denominator == 1:
        return Size.of(int(Fraction(digits) * scale))
    return float(digits) * scale


def what(value: Value) -> str:
    """Return what kind of thing `value` is, with the value."""
    match value:
        case Size() | float():
            return f"the number {show(value)}"
        case str():
            return f"the string {show(value)}"
        case bool() | Every() | Some():
            return "a condition"
        case Items():
            return "a list"
        case Shape():
            return "a shape"
        case Flow():
            return "a tensor"
        case Interval():
            return "a range"
        case Fields():
            return f"the record {show(value)[:60]}"
        case Closure(s.Choice((s.Arm(value=s.Record()), *_))):
            return "a choice between records"
        case _ if isinstance(value, ARCHITECTURES):
            return f"the architecture `{show(value)[:40]}`"
        case _:
            return show(value)


@dataclass(frozen=True, slots=True)
class Need:
    """Who demands something of sizes, for the message if it does not hold.

    `subject` is the op or block as called, `demand` what it says it needs, `got` the input it gets there.
    """

    code: str
    subject: str
    demand: "str | s.Expr | s.TypeExpr"
    got: Type | None = None
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def text(self) -> str:
        """The demand in source syntax."""
        return written(self.demand)


def written(demand: "str | s.Expr | s.TypeExpr") -> str:
    """Return a demand in source syntax; it is written out only where a message needs it."""
    if isinstance(demand, str):
        return demand
    return format_type(demand) if isinstance(demand, s.TypeExpr) else format_expr(demand)


@dataclass(frozen=True, slots=True)
class Obligation:
    """A condition on the sizes of a block that its users owe, where `guard` holds."""

    formula: Formula
    need: Need
    guard: tuple["Fact | tuple[str, bool | str | float | int]", ...] = ()
