"""Types that flow through a network: tensors, tuples, and the variables that stand for them."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from archc.grammar.source import Span
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
class Lost:
    """Where a value stopped to be what the qualifier `tag` says, and what would have kept it so."""

    tag: str
    place: Span
    hint: str = ""


Tags = frozenset[str]
NO_TAGS: Tags = frozenset()


@dataclass(frozen=True, slots=True)
class Tensor:
    """`kind[d1, ..., dn]`. `kind` is `Float`, `Int`, `Bool` or `Id`; `bound` is the vocabulary of an `Id`.

    `tags` are the qualifiers that hold of the value, `lost` tells of others where they ended; types are equal without them.
    """

    dims: tuple[Dim, ...]
    kind: str = "Float"
    bound: Size | None = None
    tags: Tags = field(default=NO_TAGS, compare=False)
    lost: tuple[Lost, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        element = "" if self.kind == "Float" else f"Id({self.bound})" if self.kind == "Id" else self.kind
        return f"{_prefix(self.tags)}{element}[{', '.join(str(dim) for dim in self.dims)}]"

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
    tags: Tags = field(default=NO_TAGS, compare=False)
    lost: tuple[Lost, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"{_prefix(self.tags)}{self.name}"


Type = Tensor | Product | Power | Variable
Part = Tensor | Variable


def _prefix(tags: Tags) -> str:
    return "".join(f"{tag} " for tag in sorted(tags))


def substitute(kind: Type, sizes: Mapping[str, Size]) -> Type:
    """Return `kind` with size variables replaced; runs keep their own variable."""
    match kind:
        case Tensor(dims, _, bound):
            axes = tuple(_dim(dim, sizes) for dim in dims)
            return replace(kind, dims=axes, bound=bound.substitute(sizes) if bound else None)
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


# ---------------------------------------------------------------- qualifiers
def tensors(kind: Type) -> Iterator[Part]:
    """Yield the tensors of `kind` from left to right, a type variable as one and those of a power once."""
    match kind:
        case Product(items):
            for item in items:
                yield from tensors(item)
        case Power(item):
            yield from tensors(item)
        case _:
            yield kind


def tags_of(kind: Type) -> Tags:
    """Return the qualifiers that hold of every tensor of `kind`."""
    each = [part.tags for part in tensors(kind)]
    return frozenset.intersection(*each) if each else NO_TAGS


def tagged(kind: Type) -> Hashable:
    """Return a key that is equal for types that are equal and have the same tags."""
    tags = tuple(part.tags for part in tensors(kind))
    return (kind, tags) if any(tags) else kind


def retagged(kind: Type, change: Callable[[Part], Part]) -> Type:
    """Return `kind` with `change` made to each of its tensors, as `tensors` goes through them."""
    match kind:
        case Product(items, labels):
            return Product(tuple(retagged(item, change) for item in items), labels)
        case Power(item, count):
            return Power(retagged(item, change), count)
        case _:
            return change(kind)


def with_tags(kind: Type, tags: Tags, lost: tuple[Lost, ...] = ()) -> Type:
    """Return `kind` with `tags` for those of each of its tensors."""
    return retagged(kind, lambda part: replace(part, tags=tags, lost=lost))


def tagged_with(kind: Type, *tags: str) -> Type:
    """Return `kind` with `tags` besides those of each of its tensors."""
    return retagged(kind, lambda part: replace(part, tags=part.tags.union(tags)))


def untagged(kind: Type) -> Type:
    """Return `kind` without tags."""
    return with_tags(kind, NO_TAGS) if any(part.tags or part.lost for part in tensors(kind)) else kind
