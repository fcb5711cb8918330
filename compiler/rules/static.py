"""Static expressions -> values: sizes, flags, lists and architectures, evaluated by the compiler."""

from collections.abc import Callable
from itertools import product
from math import inf, isfinite

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.names.scoping import PATTERNS
from archc.rules.arguments import bind, some_of
from archc.rules.choices import is_peek, peek, ranged, settle
from archc.rules.conditions import demand, formula, undecided
from archc.rules.operands import short
from archc.rules.session import Refusal, Session
from archc.rules.weights import weigh
from archc.shapes import FUNCTIONS, Undetermined, lift
from archc.sizes.prove import Fact, at_least, divides
from archc.sizes.size import Size, SizeLimit, exact, floordiv, modulo
from archc.tensor import Run
from archc.values import (
    ARCHITECTURES,
    Applied,
    Closure,
    Decided,
    Definition,
    Drawn,
    Env,
    Fields,
    Flow,
    Function,
    Given,
    HoleValue,
    Interval,
    Items,
    Layer,
    Method,
    Need,
    Opaque,
    Shape,
    Value,
    number,
    show,
    what,
)  # fmt: skip

LONGEST = 200
"""Characters in the name of a number that is not known."""


def evaluate(session: Session, expr: s.Expr, env: Env) -> Value:
    """Return the value of `expr`; an architecture comes back unevaluated, as a Closure or Applied.

    Raises Refusal where it has no value, Fork where that depends on an undecided condition.
    """
    session.count_step(expr.span, 2)
    match expr:
        case s.Number(text):
            return number(text)
        case s.Ref():
            return _name(session, expr, env)
        case s.Call():
            return _call(session, expr, env)
        case s.Pipe() | s.Body() | s.Fold():
            return Closure(expr, env, expr.span)
        case s.Binary():
            return _binary(session, expr, env)
        case s.Tuple(items):
            return _tuple(session, expr, items, env)
        case s.List(items):
            return _list(session, items, env)
        case s.If():
            branch = expr.then if session.decide(formula(session, expr.condition, env, evaluate)) else expr.otherwise
            return evaluate(session, branch, env)
        case s.Choice():
            return _choice(session, expr, env)
        case s.Attribute():
            return _attribute(session, expr, env)
        case s.Compare() | s.Not() | s.Logic():
            found = formula(session, expr, env, evaluate)
            return found
        case _:
            return _literal(session, expr, env)


def _literal(session: Session, expr: s.Expr, env: Env) -> Value:
    match expr:
        case s.Percent(text):
            return float(text[:-1]) / 100
        case s.String(text):
            return text
        case s.Regex(text):
            return text
        case s.Boolean(flag):
            return flag
        case s.Hole(span):
            return HoleValue(span)
        case s.Record(bindings):
            fields = ((entry.name, evaluate(session, entry.value, env), entry.span) for entry in bindings)
            return Fields(tuple((name, ranged(session, value, span)) for name, value, span in fields))
        case s.Negative(inner):
            return _arithmetic(session, "-", Size.of(0), evaluate(session, inner, env), expr.span)
        case s.Range(low, high, step):
            bounds = [None if part is None else evaluate(session, part, env) for part in (low, high, step)]
            for bound in bounds:
                if bound is not None and not isinstance(bound, (Size, float)):
                    raise Refusal(
                        _kind(f"a range goes from one number to another; this bound is {show(bound)}", expr.span)
                    )
            first, last, by = (bound if isinstance(bound, (Size, float)) else None for bound in bounds)
            assert first is not None
            if isinstance(low, s.Number) and isinstance(high, s.Number) and _falls(first, last):
                text = f"{low.text} .. {high.text} is empty: a range goes up"
                raise Refusal(Diagnostic("A0215", text, expr.span, hint=f"{high.text} .. {low.text}"))
            return Interval(first, last, by)
        case _:
            raise AssertionError(expr)


def _falls(first: Size | float, last: Size | float | None) -> bool:
    low, high = (bound.constant if isinstance(bound, Size) else bound for bound in (first, last))
    return low is not None and high is not None and low > high


def _kind(message: str, span: Span, hint: str = "") -> Diagnostic:
    return Diagnostic("A0104", message, span, hint=hint)


def _name(session: Session, expr: s.Ref, env: Env) -> Value:
    found = env.names.get(expr.name)
    if found is not None:
        if isinstance(found, Opaque) and found.name in session.chosen:
            return session.chosen[found.name]
        return session.context.reduce(found) if isinstance(found, Size) else found
    definition = session.scopes.find(env.module, expr.name)
    if definition is None:
        if expr.name in FUNCTIONS:
            return Function(expr.name, None)
        raise Refusal(Diagnostic("A0101", f"there is no `{expr.name}` here", expr.span))
    return defined(session, definition, expr.span)


def defined(session: Session, definition: Definition, span: Span) -> Value:
    """Return what a mention of `definition` at `span` means."""
    declaration = definition.declaration
    match declaration.kind:
        case "const":
            assert declaration.value is not None
            return _inside(session, declaration.value, Env(definition.module, {}), span)
        case "fn":
            return Function(declaration.name, definition)
        case "type":
            raise Refusal(Diagnostic("A0107", f"`{declaration.name}` is a type; a value belongs here", span))
        case _:
            return Applied(definition, (), span)


def _inside(session: Session, expr: s.Expr, env: Env, span: Span) -> Value:
    """Return the value of a declaration that is mentioned at `span`."""
    session.descend(span)
    try:
        return evaluate(session, expr, env)
    finally:
        session.depth -= 1


def _list(session: Session, items: tuple["s.Expr | s.Spread", ...], env: Env) -> Value:
    values: list[Value] = []
    for item in items:
        if not isinstance(item, s.Spread):
            values.append(evaluate(session, item, env))
            continue
        spread = evaluate(session, item.value, env)
        if isinstance(spread, Items):
            values.extend(spread.values)
        elif isinstance(spread, Shape) and not any(isinstance(dim, Run) for dim in spread.dims):
            values.extend(dim for dim in spread.dims if isinstance(dim, Size))
        else:
            raise Refusal(_kind(f"`..` spreads a list or a shape; {show(spread)} is neither", item.span))
    return Items(tuple(values))


def _tuple(session: Session, expr: s.Tuple, items: tuple[s.Expr, ...], env: Env) -> Value:
    values = tuple(_first_look(session, item, env) for item in items)
    if any(isinstance(value, (*ARCHITECTURES, Flow)) for value in values):
        return Closure(expr, env, expr.span)
    return Items(tuple(evaluate(session, item, env) for item in items) if _chooses(session) else values)


def _first_look(session: Session, expr: s.Expr, env: Env) -> Value:
    """Return the value of `expr` to see what kind it is, without making the choices in it."""
    return peek(session, expr, env, evaluate) if _chooses(session) else evaluate(session, expr, env)


def _chooses(session: Session) -> bool:
    """Return whether evaluating makes choices: then what is looked at first is evaluated again."""
    return session.chooser is not None and not is_peek(session.chooser)


def _choice(session: Session, expr: s.Choice, env: Env) -> Value:
    """Return a static choice as a finite unknown; a choice of architectures stays an expression."""
    if session.chooser is not None:
        if any(_stands(session, arm.value, env) for arm in expr.arms):
            return Closure(expr, env, expr.span)
        return settle(session, Closure(expr, env, expr.span), expr.span, evaluate)
    weigh(session, expr, env, evaluate)
    values = [evaluate(session, arm.value, env) for arm in expr.arms]
    if any(isinstance(value, (*ARCHITECTURES, Flow, Fields)) for value in values):
        return Closure(expr, env, expr.span)
    site = f"choice at {expr.span.start}"
    index = session.chosen.get(f"{site} #")
    return undecided(session, site, values) if index is None else values[int(index)]


def _stands(session: Session, arm: s.Expr, env: Env) -> bool:
    """Return whether an arm stays an expression; one that does not type tells nothing, and is refused where it is taken."""
    try:
        return isinstance(peek(session, arm, env, evaluate), (*ARCHITECTURES, Flow, Fields))
    except Refusal:
        return False


def _attribute(session: Session, expr: s.Attribute, env: Env) -> Value:
    if isinstance(expr.value, s.Ref) and expr.value.name not in env.names:
        definition = session.scopes.member(env.module, expr.value.name, expr.name)
        if definition is not None:
            return defined(session, definition, expr.span)
    value = _record_of(session, evaluate(session, expr.value, env))
    if isinstance(value, Layer) and isinstance(value.architecture, Applied):
        base = value.architecture
        method = session.scopes.modules[0].own.get(f"{base.definition.name}_{expr.name}")
        if method is not None and base.definition.module == 0:
            return Method(value, Applied(method, base.arguments, expr.span), expr.span)
    if isinstance(value, Fields):
        for name, entry in value.items:
            if name == expr.name:
                return entry
    if isinstance(value, (*ARCHITECTURES, Flow)) and not isinstance(value, Layer):
        hint = f"let layer = {short(expr.value.span)}  and then layer.{expr.name}" if isinstance(value, Applied) else ""
        if session.scopes.find(env.module, expr.name) is not None:
            text = f"an architecture has no `.{expr.name}`; `->` leads to the next step"
            raise Refusal(Diagnostic("A0108", text, expr.span, hint=f"{short(expr.value.span)} -> {expr.name}"))
        text = f"`.{expr.name}` belongs to a `let` layer, so that it shares its weights"
        if not any(name.endswith(f"_{expr.name}") for name in session.scopes.modules[0].own):
            text, hint = f"`{short(expr.value.span)}` is an architecture and has no `.{expr.name}`", ""
        raise Refusal(Diagnostic("A0108", text, expr.span, hint=hint))
    text = f"`{short(expr.value.span)}` has no `.{expr.name}`"
    label = "only an embedding has `.decode`" if isinstance(value, Layer) else ""
    if isinstance(value, Fields):
        label = f"it has {', '.join(name for name, _ in value.items)}"
    raise Refusal(Diagnostic("A0108", text, expr.span, label))


def _record_of(session: Session, value: Value) -> Value:
    """Return a choice between records as one of them, each in a case of its own; any other value as it is."""
    choice = value.architecture if isinstance(value, Layer) else value
    if not isinstance(choice, Closure) or not isinstance(choice.expr, s.Choice):
        return value
    found = [_record_of(session, evaluate(session, arm.value, choice.env)) for arm in choice.expr.arms]
    other = next((place for place, entry in enumerate(found) if not isinstance(entry, Fields)), None)
    if other is not None:
        if any(isinstance(entry, Fields) for entry in found):
            span = choice.expr.arms[other].value.span
            raise Refusal(Diagnostic("A0108", f"`{short(span)}` is no record, and the arms beside it are", span))
        return value
    site = f"choice at {choice.expr.span.start}"
    index = session.chosen.get(f"{site} #")
    return undecided(session, site, found) if index is None else found[int(index)]


def _call(session: Session, expr: s.Call, env: Env) -> Value:
    function = evaluate(session, expr.function, env)
    if isinstance(function, Function):
        return _function(session, function, expr, env)
    if isinstance(function, Decided) and isinstance(function.architecture, Applied):
        inner = function.architecture
        return Decided(
            Applied(inner.definition, (*inner.arguments, *_arguments(session, expr, env, inner)), expr.span),
            function.by,
            expr.span,
        )
    if not isinstance(function, Applied):
        if isinstance(function, (Closure, Given, Layer, Decided)):
            text = f"`{short(expr.function.span)}` is one architecture already and takes no arguments"
            raise Refusal(Diagnostic("A0103", text, expr.span, "apply it with `->`"))
        raise Refusal(_kind(f"`{short(expr.function.span)}` is {what(function)} and takes no arguments", expr.span))
    arguments = _arguments(session, expr, env, function)
    return Applied(function.definition, (*function.arguments, *arguments), expr.span)


def _arguments(session: Session, expr: s.Call, env: Env, function: Applied) -> tuple[tuple[str, Value, Span], ...]:
    pattern = function.definition.module == 0 and function.definition.name in PATTERNS
    return tuple((entry.name, _argument(session, entry.value, env, pattern), entry.span) for entry in expr.arguments)


def _argument(session: Session, expr: s.Expr, env: Env, pattern: bool) -> Value:
    """Return an argument; one side of a pattern alone is no list of sizes."""
    return Closure(expr, env, expr.span) if pattern and isinstance(expr, s.List) else evaluate(session, expr, env)


def _function(session: Session, function: Function, expr: s.Call, env: Env) -> Value:
    values = [(entry.name, evaluate(session, entry.value, env), entry.span) for entry in expr.arguments]
    if function.definition is not None:
        return call_function(session, function.definition, values, expr.span)
    if any(name for name, _, _ in values):
        raise Refusal(Diagnostic("A0102", f"`{function.name}` takes its arguments by position", expr.span))
    try:
        return FUNCTIONS[function.name](*(value for _, value, _ in values))
    except SizeLimit:
        raise
    except (TypeError, IndexError, ValueError) as error:
        given = ", ".join(show(value) for _, value, _ in values)
        blame = session.blamed(function.name, expr.span)
        if isinstance(error, IndexError):
            shape, *axis = (show(value) for _, value, _ in values)
            text = f"there is no axis {axis[0]} in {shape}" if axis else f"{shape} has no such axis"
            raise Refusal(blame.diagnostic("A0214", text)) from None
        raise Refusal(blame.diagnostic("A0104", f"`{function.name}` needs {error}; it gets ({given})"[:200])) from None
    except Undetermined as error:
        if session.flexible:
            return _anything(session, function.name)
        blame = session.blamed(function.name, expr.span)
        raise Refusal(blame.diagnostic("A0208", f"{error} is hidden in a run of axes here")) from None


def _anything(session: Session, function: str) -> Value:
    """Return what a function on shapes may give of a shape that refinement will know."""
    name = session.new_name("s")
    if function not in ("get", "sum", "len", "rank", "size", "prod"):
        return Shape((Run(name, Size.var(name)),))
    session.context = session.context.invent(name)
    return Size.var(name)


def call_function(session: Session, definition: Definition, values: list[tuple[str, Value, Span]], span: Span) -> Value:
    """Return `fn` applied to `values`; over a run of axes it is applied to each."""
    session.count_step(span, 60)
    declaration = definition.declaration
    assert declaration.value is not None
    names = bind(session, declaration, values, span, Env(definition.module, {}), evaluate)
    lifted = next((name for name, value in names.items() if isinstance(value, Shape)), None)
    if lifted is None:
        return _apply_function(session, declaration, Env(definition.module, names), span)
    shape = names[lifted]
    assert isinstance(shape, Shape)

    def each(size: Size) -> Size:
        result = _apply_function(session, declaration, Env(definition.module, {**names, lifted: size}), span)
        if not isinstance(result, Size):
            raise Refusal(_kind(f"`{declaration.name}` gives {show(result)}, and an axis is a whole number", span))
        return result

    return lift(each, shape)


def _apply_function(session: Session, declaration: s.Declaration, env: Env, span: Span) -> Value:
    assert declaration.value is not None
    for clause in declaration.where:
        demand(session, clause, env, span, evaluate, function=declaration.name)
    return _inside(session, declaration.value, env, span)


def _binary(session: Session, expr: s.Binary, env: Env) -> Value:
    is_looked_at = expr.operator == "*" and _chooses(session)
    left = _first_look(session, expr.left, env) if is_looked_at else evaluate(session, expr.left, env)
    if expr.operator == "*" and isinstance(left, (*ARCHITECTURES, Flow)):
        return Closure(expr, env, expr.span)
    left = evaluate(session, expr.left, env) if is_looked_at else left
    right = evaluate(session, expr.right, env)
    if isinstance(right, (*ARCHITECTURES, Flow)):
        hint = f"{short(expr.right.span)} * {short(expr.left.span)}" if expr.operator == "*" else ""
        raise Refusal(
            _kind("an architecture stands on the left of `*`, the number of copies on the right", expr.span, hint)
        )
    left, right = _reckoned(session, left, expr.left.span), _reckoned(session, right, expr.right.span)
    return _arithmetic(session, expr.operator, left, right, expr.span)


def _reckoned(session: Session, value: Value, span: Span) -> Value:
    """Return a number of a range that is reckoned with, or some number of it where no one chooses."""
    if isinstance(value, Interval) and session.chooser is None and session.flexible:
        return some_of(session, value, span)
    return ranged(session, value, span)


def _arithmetic(session: Session, operator: s.Operator, left: Value, right: Value, span: Span) -> Value:
    if isinstance(left, Shape) and isinstance(right, Size):
        return lift(lambda size: _sizes(session, operator, size, right, span), left)
    if isinstance(right, Shape) and isinstance(left, Size):
        return lift(lambda size: _sizes(session, operator, left, size, span), right)
    if isinstance(left, Size) and isinstance(right, Size):
        return _sizes(session, operator, left, right, span)
    if isinstance(left, (Size, float)) and isinstance(right, (Size, float)):
        return _floats(session, operator, left, right, span)
    if isinstance(left, (Size, float, Opaque)) and isinstance(right, (Size, float, Opaque)):
        return _unknown(session, left, operator, right)
    raise Refusal(_kind(f"`{operator}` takes numbers; this is {what(left)} {operator} {what(right)}", span))


def _sizes(session: Session, operator: s.Operator, left: Size, right: Size, span: Span) -> Size:
    session.count_step(span, left.weight * right.weight)
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right.constant == 0:
        raise Refusal(Diagnostic("A0205", f"{left} {operator} 0: there is no division by zero", span))
    _owed(session, at_least(right, Size.of(1)), "A0205", f"{operator} {right}", span)
    if operator == "/":
        _owed(session, divides(right, left), "A0203", f"{left} / {right}", span)
        return exact(left, right)
    return floordiv(left, right) if operator == "//" else modulo(left, right)


def _owed(session: Session, fact: Fact, code: str, subject: str, span: Span) -> None:
    """Require what a division needs of its operands."""
    if session.settle(fact) is True:
        return
    blame = session.blamed(subject, span)
    text = f"{fact.right} is not a multiple of {fact.left}" if code == "A0203" else f"{fact.left} must be at least 1"
    session.require(fact, Need(code, blame.subject, str(fact), blame.got, span), lambda _: blame.diagnostic(code, text))


def _unknown(session: Session, left: Size | float | Opaque, operator: str, right: Size | float | Opaque) -> Opaque:
    text = f"{show(left)} {operator} {show(right)}"
    return Opaque(text if len(text) <= LONGEST else session.new_name("number"))


def _floats(session: Session, operator: s.Operator, left: Size | float, right: Size | float, span: Span) -> Value:
    first = left if isinstance(left, float) else left.constant
    second = right if isinstance(right, float) else right.constant
    if first is None or second is None:
        return _unknown(session, left, operator, right)
    if operator in ("/", "//", "%") and second == 0:
        raise Refusal(Diagnostic("A0205", f"{first:g} {operator} 0: there is no division by zero", span))
    operations: dict[str, Callable[[float, float], float]] = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
        "/": lambda a, b: a / b, "//": lambda a, b: a // b, "%": lambda a, b: a % b,
    }  # fmt: skip
    try:
        result = operations[operator](float(first), float(second))
    except OverflowError:
        result = inf
    if not isfinite(result):
        text = f"{show(left)[:40]} {operator} {show(right)[:40]} is larger than a number can be"
        raise Refusal(Diagnostic("A0811", text, span, "numbers go up to 1.8e308"))
    if isinstance(left, Drawn) or isinstance(right, Drawn):
        ends = product(_ends(left, first), _ends(right, second))
        return Drawn.of(
            result, [operations[operator](*pair) for pair in ends if operator not in ("/", "//", "%") or pair[1]]
        )
    return result


def _ends(value: Size | float, number: float) -> tuple[float, ...]:
    return (value.low, value.high) if isinstance(value, Drawn) else (float(number),)
