"""Arguments -> a value for every parameter, each within its declared domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isnan

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.format import format_type
from archc.grammar.source import Span
from archc.rules.choices import decide, one_of, settle, within
from archc.rules.conditions import Evaluate, undecided
from archc.rules.session import Refusal, Session
from archc.sizes.prove import Fact, at_least, equal
from archc.sizes.size import Size
from archc.values import (
    ARCHITECTURES,
    Drawn,
    Env,
    Every,
    Flow,
    Formula,
    HoleValue,
    Interval,
    Items,
    Need,
    Opaque,
    Shape,
    Some,
    Value,
    number,
    show,
    what,
)  # fmt: skip

Given = tuple[str, Value, Span]


@dataclass(frozen=True, slots=True)
class Domain:
    """The values a parameter may take. For "int" and "float" `low` and `high` bound it; `values` lists a finite one."""

    kind: str
    low: float | None = None
    high: float | None = None
    values: tuple["int | bool | str | float", ...] = ()
    item: "Domain | None" = None


DIM = Domain("int", low=1)
LINKS = 16
"""How many names lead from a parameter to its domain before it counts as a type of data."""

_NAMED = {
    "Dim": DIM, "Nat": Domain("int", low=0), "Int": Domain("int"), "Float": Domain("float"),
    "Prob": Domain("float", low=0.0, high=1.0), "Bool": Domain("bool", values=(False, True)), "String": Domain("string"),
}  # fmt: skip


def domain(session: Session, kind: s.TypeExpr | None, module: int, depth: int = 0) -> Domain:
    """Return the domain that the type of a parameter declares; without a type it is a positive size."""
    if depth > LINKS:
        return Domain("other")
    match kind:
        case None:
            return DIM
        case s.TypeName("", name, ()) if name in _NAMED:
            return _NAMED[name]
        case s.TypeName("", name):
            found = session.scopes.find(module, name)
            if found is not None and found.declaration.kind == "type":
                return domain(session, found.declaration.type, found.module, depth + 1)
            return Domain("other")
        case s.TypeRange(low, high):
            return _range(low, high)
        case s.TypeLiteral(value):
            return _literals((value,))
        case s.TypeUnion(arms):
            if all(isinstance(arm.type, s.TypeLiteral) for arm in arms):
                return _literals(tuple(arm.type.value for arm in arms if isinstance(arm.type, s.TypeLiteral)))
            return Domain("other")
        case s.TypeList(element, _):
            return Domain("list", item=domain(session, element, module, depth + 1))
        case s.TypeArrow():
            return Domain("arrow")
        case s.TypeVariable():
            return Domain("arrow")
        case _:
            return Domain("other")


def _range(low: s.Number | s.String | None, high: s.Number | s.String | None) -> Domain:
    bounds = [number(bound.text) if isinstance(bound, s.Number) else None for bound in (low, high)]
    whole = all(not isinstance(bound, float) for bound in bounds)
    first, last = (bound.constant if isinstance(bound, Size) else bound for bound in bounds)
    values = (
        tuple(range(int(first), int(last) + 1))
        if whole and first is not None and last is not None and last - first < 64
        else ()
    )
    return Domain("int" if whole else "float", first, last, values)


def _literals(found: Sequence[s.Number | s.String | s.Regex | s.Boolean]) -> Domain:
    values: list[int | bool | str | float] = []
    for entry in found:
        match entry:
            case s.Number(text):
                value = number(text)
                values.append(value if isinstance(value, float) else value.constant or 0)
            case s.String(text):
                values.append(text)
            case s.Regex(text):
                return Domain("string")
            case s.Boolean(flag):
                values.append(flag)
    kinds = {type(value) for value in values}
    kind = {int: "int", bool: "bool", str: "string", float: "float"}[kinds.pop()] if len(kinds) == 1 else "other"
    numbers = [value for value in values if isinstance(value, (int, float))]
    bounded = kind in ("int", "float")
    return Domain(kind, min(numbers) if bounded else None, max(numbers) if bounded else None, tuple(values))


def symbolic(session: Session, parameter: s.Parameter, module: int) -> Value | None:
    """Return an unknown value of `parameter` for a walk over its block; None for an architecture."""
    space = domain(session, parameter.type, module)
    name = parameter.name
    if name in session.chosen:
        chosen = session.chosen[name]
        return Size.of(chosen) if isinstance(chosen, int) and not isinstance(chosen, bool) else chosen
    match space.kind:
        case "int":
            values = tuple(value for value in space.values if isinstance(value, int)) or None
            low = None if space.low is None else int(space.low)
            high = None if space.high is None else int(space.high)
            session.weigh()
            session.context = session.context.declare(name, low=low, high=high, values=values)
            return Size.var(name)
        case "arrow":
            return None
        case _:
            finite = tuple(value for value in space.values if not isinstance(value, int) or isinstance(value, bool))
            return Opaque(name, finite)


def bind(
    session: Session, declaration: s.Declaration, given: Sequence[Given], span: Span, env: Env, evaluate: Evaluate
) -> dict[str, Value]:
    """Return a value for each parameter of `declaration`, in order; defaults may use the parameters before them.

    Raises Refusal on an argument too many, missing, misnamed, of another kind or outside its domain.
    """
    parameters = declaration.parameters or ()
    taken = _assign(declaration, parameters, given, span)
    names: dict[str, Value] = {}
    for parameter in parameters:
        if parameter.name in taken:
            value, place = taken[parameter.name]
        elif parameter.default is not None:
            value, place = evaluate(session, parameter.default, Env(env.module, {**env.names, **names})), span
        else:
            missing = [entry for entry in parameters if entry.name not in taken and entry.default is None]
            text = f"{_title(declaration)} needs a value for {' and '.join(entry.name for entry in missing)}"
            hint = _settings(session, declaration, missing, env.module) if span == declaration.name_span else ""
            raise Refusal(Diagnostic("A0103", text, span, _usage(declaration), hint=hint))
        space = domain(session, parameter.type, env.module)
        names[parameter.name] = _coerce(session, value, space, parameter, declaration, place)
    if session.chooser is not None:
        names = {name: settle(session, value, span, evaluate) for name, value in names.items()}
        names = {name: decide(session, value, span) for name, value in names.items()}
    return names


def require_default(
    session: Session, parameter: s.Parameter, declaration: s.Declaration, env: Env, evaluate: Evaluate
) -> None:
    """Require a default that stands there as a value, or as a choice of values, to be one. Raises Refusal."""
    default = parameter.default
    space = domain(session, parameter.type, env.module)
    for expr in [arm.value for arm in default.arms] if isinstance(default, s.Choice) else [default]:
        if isinstance(expr, (s.Number, s.String, s.Boolean)):
            _coerce(session, evaluate(session, expr, env), space, parameter, declaration, expr.span)


def _settings(session: Session, declaration: s.Declaration, missing: Sequence[s.Parameter], module: int) -> str:
    """Return how parameters are given from outside the program, or what to do about those that are not."""
    found = [_setting(parameter, domain(session, parameter.type, module)) for parameter in missing]
    inside = [parameter.name for parameter, text in zip(missing, found, strict=True) if not text]
    if inside:
        return _inside_of(declaration, inside[0])
    return " ".join(found)


def _inside_of(declaration: s.Declaration, parameter: str) -> str:
    return f"mention it in a declaration of your own, as in {declaration.name}({parameter} = ...), and name that one"


def _setting(parameter: s.Parameter, space: Domain) -> str:
    of_kind: dict[str, bool | int | float | str] = {"int": 8, "float": 0.5, "bool": True, "string": "text"}
    if space.kind not in of_kind:
        return ""
    value = space.values[0] if space.values else of_kind[space.kind]
    if isinstance(value, (int, float)) and space.low is not None and space.high is not None and not space.values:
        value = type(value)(space.low)
    return f"--set {parameter.name}={value if isinstance(value, str) else show(value)}"


def _assign(
    declaration: s.Declaration, parameters: Sequence[s.Parameter], given: Sequence[Given], span: Span
) -> dict[str, tuple[Value, Span]]:
    taken: dict[str, tuple[Value, Span]] = {}
    order = [parameter.name for parameter in parameters]
    position = 0
    for name, value, place in given:
        if not name:
            if position >= len(order):
                text = f"{_title(declaration)} takes {len(order) or 'no'} argument{'s' if len(order) != 1 else ''}; this is one more"
                raise Refusal(Diagnostic("A0103", text, place, _usage(declaration)))
            name, position = order[position], position + 1
        elif name not in order:
            nearest = get_close_matches(name, order, 3)
            label = f"nearest: {', '.join(nearest)}" if nearest else _usage(declaration)
            hint = f"{nearest[0]}={show(value)}" if nearest else ""
            raise Refusal(
                Diagnostic("A0102", f"{_title(declaration)} has no parameter `{name}`", place, label, hint=hint)
            )
        if name in taken:
            raise Refusal(Diagnostic("A0103", f"{_title(declaration)} gets `{name}` twice", place, _usage(declaration)))
        taken[name] = value, place
    return taken


def _title(declaration: s.Declaration) -> str:
    return f"`{declaration.name}`"


def _usage(declaration: s.Declaration) -> str:
    parts = (
        parameter.name + ("?" if parameter.default is not None else "") for parameter in declaration.parameters or ()
    )
    return f"{declaration.name}({', '.join(parts)})"


def _coerce(
    session: Session, value: Value, space: Domain, parameter: s.Parameter, declaration: s.Declaration, span: Span
) -> Value:
    """Return `value` as its parameter takes it; raise Refusal with what belongs there otherwise."""
    if isinstance(value, HoleValue):
        value = _hole(session, space, parameter, value.span)
    if isinstance(value, Interval) and session.chooser is not None:
        value = within(session, session.chooser, value, span)
    elif isinstance(value, Interval) and session.flexible:
        value = some_of(session, value, span)
    if not _fits(value, space, declaration):
        text = f"`{parameter.name}` of {_title(declaration)} is {_wanted(space, parameter)}; this is {what(value)}"
        raise Refusal(
            Diagnostic("A0104", text, span, _usage(declaration), hint=_way(value, space, parameter, declaration))
        )
    if space.kind == "float" and isinstance(value, Size):
        value = float(value.constant or 0)
    if space.kind == "bool" and isinstance(value, (Fact, Every, Some)):
        value = session.decide(value)
    _check_range(session, value, space, parameter, declaration, span)
    return value


def _way(value: Value, space: Domain, parameter: s.Parameter, declaration: s.Declaration) -> str:
    """Return what to do where a number is taken for a size, as a parameter without a type is, or a name for what it names."""
    if space.kind == "arrow" and isinstance(value, str):
        return _inside_of(declaration, parameter.name)
    if space.kind == "int" and isinstance(value, float) and parameter.type is None and declaration.kind != "op":
        return f"declare {parameter.name}: Float"
    if space.kind == "float" and isinstance(value, Size) and value.is_variable:
        return f"declare {value}: Float"
    return ""


def _fits(value: Value, space: Domain, declaration: s.Declaration) -> bool:
    match space.kind:
        case "int":
            return isinstance(value, Size) or (isinstance(value, Shape) and declaration.kind == "fn")
        case "float":
            return isinstance(value, (float, Opaque)) or (isinstance(value, Size) and value.constant is not None)
        case "bool":
            return isinstance(value, (bool, Opaque, Fact, Every, Some))
        case "string":
            return isinstance(value, (str, Opaque))
        case "list":
            return isinstance(value, Items)
        case "arrow":
            return isinstance(value, (*ARCHITECTURES, Flow))
        case _:
            return True


def _hole(session: Session, space: Domain, parameter: s.Parameter, span: Span) -> Value:
    if not session.flexible and session.chooser is None:
        text = f"`_` leaves `{parameter.name}` open, and only a space has choices"
        raise Refusal(Diagnostic("A0302", text, span, hint="give a value, or declare this as a space"))
    if not space.values:
        text = f"`_` ranges over a finite type; `{parameter.name}` is {_wanted(space, parameter)}"
        examples = {"int": "16 | 32", "float": "0.1 .. 0.5 by 0.1", "string": '"a" | "b"'}
        raise Refusal(Diagnostic("A0405", text, span, hint=examples.get(space.kind, "")))
    values: list[Value] = [Size.of(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in space.values]
    if session.chooser is not None:
        return one_of(session.chooser, len(values), values.__getitem__, span)
    return undecided(session, f"hole at {span.start}", values)


def some_of_steps(session: Session, value: Value, span: Span) -> Value:
    """Return `value`, or some number of it where it is a range with steps; nothing may depend on a number of another."""
    if not isinstance(value, Interval) or not session.flexible or session.chooser is not None:
        return value
    whole = isinstance(value.low, Size) and isinstance(value.high, Size) and not value.logarithmic
    return some_of(session, value, span) if whole or value.step is not None else value


def some_of(session: Session, interval: Interval, span: Span) -> Value:
    """Return some value of a range that is searched over, where no one chooses. Raises Refusal where there is none."""
    name = session.new_name(f"({show(interval.low)} .. {show(interval.high)})")
    if not isinstance(interval.low, Size) or not isinstance(interval.high, Size):
        return Opaque(name)
    context = session.context.invent(name, low=None).assume(at_least(Size.var(name), interval.low))
    context = context.assume(at_least(interval.high, Size.var(name))) if context is not None else None
    if context is None:
        text = f"the range {interval.low} .. {interval.high} is empty"
        raise Refusal(Diagnostic("A0215", text, span, hint=f"{interval.high} .. {interval.low}"))
    session.context = context
    return Size.var(name)


def _wanted(space: Domain, parameter: s.Parameter) -> str:
    if space.values and space.kind != "bool":
        return "one of " + ", ".join(show(v) if isinstance(v, (str, bool)) else f"{v}" for v in space.values[:8])
    if space.low is not None and space.high is not None:
        bounds = f" from {space.low:g} to {space.high:g}"
    else:
        bounds = "" if space.low is None else f" of at least {space.low:g}"
        bounds += "" if space.high is None else f" of at most {space.high:g}"
    names = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "string": "a string",
        "list": "a list",
        "arrow": "an architecture",
    }
    if space.kind == "arrow" and parameter.type is not None:
        return f"an architecture of type {format_type(parameter.type)}"
    return names.get(space.kind, "something else") + bounds


def _check_range(
    session: Session, value: Value, space: Domain, parameter: s.Parameter, declaration: s.Declaration, span: Span
) -> None:
    def refuse(_: object, hint: str = "") -> Diagnostic:
        near = _nearest(value, space)
        hint = hint or (f"{parameter.name} = {near}" if near else "")
        found = f"{value.low:g} .. {value.high:g}" if isinstance(value, Drawn) else show(value)
        text = f"`{parameter.name}` of {_title(declaration)} is {_wanted(space, parameter)}; this is {found}"
        return Diagnostic("A0106", text, span, hint=hint)

    if isinstance(value, Items) and space.item is not None:
        for entry in value.values:
            _check_range(session, entry, space.item, parameter, declaration, span)
    if isinstance(value, Size):
        condition = _inside(session, value, space)
        if condition is not True:
            need = Need(
                "A0106", f"{declaration.name}", f"{parameter.name} to be {_wanted(space, parameter)}", None, span
            )
            session.require(condition, need, refuse)
    elif isinstance(value, float):
        low, high = space.low, space.high
        least, most = (value.low, value.high) if isinstance(value, Drawn) else (value, value)
        if (low is not None and least < low) or (high is not None and most > high) or isnan(value):
            raise Refusal(refuse(None))
    elif isinstance(value, str) and space.values and value not in space.values:
        nearest = get_close_matches(value, [entry for entry in space.values if isinstance(entry, str)], 1)
        raise Refusal(refuse(None, show(nearest[0]) if nearest else ""))


def _nearest(value: Value, space: Domain) -> str:
    """Return the number of a domain that is nearest to one beyond it."""
    beyond = value.constant if isinstance(value, Size) else value
    if not isinstance(beyond, (int, float)) or isinstance(beyond, bool):
        return ""
    ends = [end for end in (space.low, space.high) if end is not None]
    known = [entry for entry in space.values if isinstance(entry, (int, float))] or ends
    return f"{min(known, key=lambda entry: abs(entry - beyond)):g}" if known else ""


def _inside(session: Session, value: Size, space: Domain) -> Formula:
    known_value = value.constant
    if known_value is not None:
        if space.values:
            return known_value in space.values
        return (space.low is None or known_value >= space.low) and (space.high is None or known_value <= space.high)
    if value.is_variable and not space.values and space.high is None:
        lowest = session.context.domain(str(value)).low
        if space.low is None or (lowest is not None and lowest >= space.low):
            return True
    if space.values:
        return Some(tuple(equal(value, Size.of(entry)) for entry in space.values if isinstance(entry, int)))
    parts: list[Formula] = []
    if space.low is not None:
        parts.append(at_least(value, Size.of(int(space.low))))
    if space.high is not None:
        parts.append(at_least(Size.of(int(space.high)), value))
    return Every(tuple(parts))
