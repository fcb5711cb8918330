"""The names that a type or an expression mentions."""

from collections.abc import Iterator

from archc.grammar import syntax as s


def names_of(kind: s.TypeExpr | None) -> dict[str, str]:
    """Return the lower-case names of a type in order of mention, each as a "size", a "run" or a "type"."""
    found: dict[str, str] = {}
    _type(kind, found)
    return found


def qualified(kind: s.TypeExpr | None) -> Iterator[s.TypeQualified]:
    """Yield the qualified types in a type of a network, from left to right."""
    match kind:
        case s.TypeQualified(_, inner):
            yield kind
            yield from qualified(inner)
        case s.TypeTuple(items):
            for item in items:
                yield from qualified(item.type)
        case s.TypePower(base):
            yield from qualified(base)
        case s.TypeArrow(source, target):
            yield from qualified(source)
            yield from qualified(target)
        case _:
            pass


def fields_in(expr: s.Expr) -> set[str]:
    """Return the fields that a condition or a default mentions; of a path such as `lines.amount`, the first."""
    found: set[str] = set()
    stack: list[s.Expr] = [expr]
    while stack:
        match stack.pop():
            case s.Attribute(value):
                stack.append(value)
            case s.Ref(name):
                found.add(name)
            case s.Call(_, arguments):
                stack.extend(argument.value for argument in arguments)
            case s.Binary(_, left, right) | s.Compare(_, left, right):
                stack.extend((left, right))
            case s.Negative(inner) | s.Not(inner):
                stack.append(inner)
            case s.Logic(_, items):
                stack.extend(items)
            case s.If(condition, then, otherwise):
                stack.extend((condition, then, otherwise))
            case _:
                pass
    return found


def _type(kind: s.TypeExpr | None, found: dict[str, str]) -> None:
    match kind:
        case s.TypeVariable(name):
            found.setdefault(name, "type")
        case s.TypeList(element, dims):
            if not isinstance(element, s.TypeVariable):
                _type(element, found)
            for dim in dims:
                _dim(dim, found)
        case s.TypeTuple(items):
            for item in items:
                _type(item.type, found)
        case s.TypeQualified(_, inner):
            _type(inner, found)
        case s.TypePower(base, exponent):
            _type(base, found)
            if isinstance(exponent, s.Ref):
                found.setdefault(exponent.name, "size")
        case s.TypeArrow(source, target):
            _type(source, found)
            _type(target, found)
        case s.TypeName(_, "Id", arguments):
            for argument in arguments:
                if isinstance(argument.value, s.TypeVariable):
                    found.setdefault(argument.value.name, "size")
        case s.TypeUnion(arms):
            for arm in arms:
                _type(arm.type, found)
        case _:
            pass


def _dim(dim: "s.Expr | s.DimRange | s.DimRest", found: dict[str, str]) -> None:
    if isinstance(dim, s.DimRest):
        if isinstance(dim.value, s.Ref):
            found.setdefault(dim.value.name, "run")
        elif dim.value is not None:
            for name in solvable(dim.value):
                found.setdefault(name, "run")
    elif isinstance(dim, s.DimRange):
        for bound in (dim.low, dim.high):
            if bound is not None:
                _dim(bound, found)
    else:
        for name in solvable(dim):
            found.setdefault(name, "size")


def solvable(expr: s.Expr) -> tuple[str, ...]:
    """Return the names that an expression on sizes mentions, in order, without the functions that it calls."""
    found: dict[str, None] = {}
    stack: list[s.Expr | s.Spread] = [expr]
    while stack:
        match stack.pop():
            case s.Ref(name):
                found[name] = None
            case s.Call(_, arguments):
                stack.extend(argument.value for argument in reversed(arguments))
            case s.Binary(_, left, right) | s.Compare(_, left, right):
                stack.extend((right, left))
            case s.Negative(inner) | s.Not(inner) | s.Spread(inner):
                stack.append(inner)
            case s.Logic(_, items) | s.Tuple(items) | s.List(items):
                stack.extend(reversed(items))
            case s.If(condition, then, otherwise):
                stack.extend((otherwise, then, condition))
            case _:
                pass
    return tuple(found)
