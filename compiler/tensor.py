"""Types that flow through a network: tensors, tuples, and the variables that stand for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from archc.sizes.size import Size


@dataclass(frozen=True, slots=True)
class Run:
    """`..s`: any number of axes, each of the size `each`.

    `name` is the variable behind it; in `each`, the size variable of that name stands for any one of its axes,
    so `..win(x, 3)` is the run `x` with `each = win(x, 3)`, and lifting a function over a run is substitution.
    """

    name: str
    each: Size

    def __str__(self) -> str:
        return f"..{self.each}" if self.each.is_variable else f"..({self.each})"


Dim = Size | Run


@dataclass(frozen=True, slots=True)
class Tensor:
    """`kind[d1, ..., dn]`. `kind` is `Float`, `Int`, `Bool` or `Id`; `bound` is the vocabulary of an `Id`."""

    dims: tuple[Dim, ...]
    kind: str = "Float"
    bound: Size | None = None

    def __str__(self) -> str:
        element = "" if self.kind == "Float" else f"Id({self.bound})" if self.kind == "Id" else self.kind
        return f"{element}[{', '.join(str(dim) for dim in self.dims)}]"

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The axes as sizes; for graphs, where no run is left."""
        assert not any(isinstance(dim, Run) for dim in self.dims), self
        return tuple(dim for dim in self.dims if isinstance(dim, Size))


@dataclass(frozen=True, slots=True)
class Product:
    """`(x: A, B)`; labels do not affect equality."""

    items: tuple["Type", ...]
    labels: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        labels = self.labels or ("",) * len(self.items)
        parts = (f"{label}: {item}" if label else str(item) for label, item in zip(labels, self.items, strict=True))
        return f"({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class Power:
    """`T^n` with a symbolic `n`; with a known `n` it is a `Product`."""

    item: "Type"
    count: Size

    def __str__(self) -> str:
        return f"{self.item}^{self.count}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A type variable that is rigid where it stands: `a` inside `block Residual(f: a -> a) : a -> a`."""

    name: str

    def __str__(self) -> str:
        return self.name


Type = Tensor | Product | Power | Variable


def substitute(kind: Type, sizes: Mapping[str, Size]) -> Type:
    """Return `kind` with size variables replaced; runs keep their own variable."""
    match kind:
        case Tensor(dims, element, bound):
            return Tensor(tuple(_dim(dim, sizes) for dim in dims), element, bound.substitute(sizes) if bound else None)
        case Product(items, labels):
            return Product(tuple(substitute(item, sizes) for item in items), labels)
        case Power(item, count):
            return Power(substitute(item, sizes), count.substitute(sizes))
        case Variable():
            return kind


def _dim(dim: Dim, sizes: Mapping[str, Size]) -> Dim:
    if isinstance(dim, Run):
        return Run(dim.name, dim.each.substitute({name: to for name, to in sizes.items() if name != dim.name}))
    return dim.substitute(sizes)


def leaves(kind: Type) -> tuple[Tensor, ...]:
    """Return the tensors of `kind` from left to right; `kind` holds no variable and no symbolic power."""
    if isinstance(kind, Tensor):
        return (kind,)
    assert isinstance(kind, Product), kind
    return tuple(leaf for item in kind.items for leaf in leaves(item))
