"""Conditions and computed values -> Python expressions over checked values, exact, silent on what is absent."""

from dataclasses import replace

from archc.data.constants import exact
from archc.data.kinds import Data, OneOf, Text, Truth, Whole
from archc.grammar import syntax as s
from archc.lower.names import literal
from archc.lower.pydantic_terms import NUMBERS, Term, Terms, Untranslated, Writer, item_of, known, member
from archc.lower.pydantic_types import quoted
from archc.regular.formats import instant


def fails(writer: Writer, expr: s.Expr, guards: tuple[str, ...] = ()) -> Terms:
    """Return when the condition `expr` is false, where all `guards` hold. Raises Untranslated."""
    found = _truth(writer, expr, holds=False)
    return [tuple(dict.fromkeys((*guards, *arm))) for arm in found]


def value(writer: Writer, expr: s.Expr) -> Term:
    """Return Python of the value of `expr`, exact. Raises Untranslated."""
    writer.ratios = _needs_ratios(expr)
    found = _term(writer, expr)
    if found.kind == "ratio":
        writer.used["as_number"] = None
        return replace(found, code=f"as_number({found.code})", kind="decimal", closed=True)
    return found


# ---------------------------------------------------------------- conditions


def _truth(writer: Writer, expr: s.Expr, *, holds: bool) -> Terms:
    """Return when `expr` is known to hold, or known not to."""
    match expr:
        case s.Compare():
            return [_compared(writer, expr, holds=holds)]
        case s.Call(s.Ref("unique"), (argument,)):
            return [_unique(writer, argument.value, holds=holds)]
        case s.Not(inner):
            return _truth(writer, inner, holds=not holds)
        case s.Logic(operator, items):
            parts = [_truth(writer, item, holds=holds) for item in items]
            return [arm for part in parts for arm in part] if (operator == "or") == holds else _all(parts)
        case s.If(condition, then, otherwise):
            yes, no = (_truth(writer, condition, holds=flag) for flag in (True, False))
            return [
                *_all([yes, _truth(writer, then, holds=holds)]), *_all([no, _truth(writer, otherwise, holds=holds)])
            ]  # fmt: skip
        case _:
            found = known(_term(writer, expr))
            if found.kind != "bool":
                raise Untranslated(f"a {found.kind} is no condition")
            return [(*found.guards, found.inside() if holds else f"not {found.inside()}")]


def _unique(writer: Writer, expr: s.Expr, *, holds: bool) -> tuple[str, ...]:
    items = known(_term(writer, expr))
    item = item_of(writer, items)
    if items.kind != "list" or item.kind not in ("str", "int", "decimal", "date", "bool") or item.nullable:
        raise Untranslated(f"items that are a {item.kind} are compared")
    return (*items.guards, f"len(set({items.code})) {'==' if holds else '<'} len({items.code})")


def _all(parts: list[Terms]) -> Terms:
    found: Terms = [()]
    for part in parts:
        found = [(*before, *arm) for before in found for arm in part]
        if len(found) > 64:
            raise Untranslated("it has too many cases")
    return found


_FLIPPED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", "<=": ">", ">": "<=", "in": "not in"}


def _compared(writer: Writer, expr: s.Compare, *, holds: bool) -> tuple[str, ...]:
    writer.ratios = _needs_ratios(expr)
    left = _term(writer, expr.left)
    if isinstance(expr.right, s.Range):
        return _within(writer, left, expr.right, holds=holds)
    right = _term(writer, expr.right)
    sign = expr.operator if holds else _FLIPPED[expr.operator]
    if expr.operator == "in":
        if right.kind != "list":
            raise Untranslated(f"a {right.kind} is searched")
        member = item_of(writer, right)
        if "moment" in (member.kind, left.kind) or not _alike(left, member) or "float" in (left.kind, member.kind):
            raise Untranslated("times and fractions are searched for by value")
        return (*left.guards, *right.guards, f"{left.inside()} {sign} {right.inside()}")
    if not _alike(left, right):
        raise Untranslated(f"a {left.kind} is compared with a {right.kind}")
    if expr.operator not in ("==", "!="):
        left, right = known(left), known(right)
    left, right = _comparable(writer, left, right)
    one, other = (term.inside() if term.kind == "bool" else term.code for term in (left, right))
    return (*left.guards, *right.guards, f"{one} {sign} {other}")


def _alike(left: Term, right: Term) -> bool:
    texts = ("str", "date", "moment")
    groups = (NUMBERS, texts, ("bool",))
    return any(left.kind in group and right.kind in group for group in groups)


def _comparable(writer: Writer, left: Term, right: Term) -> tuple[Term, Term]:
    """Return both sides as Python compares them in the same way as we do."""
    if left.nullable or right.nullable:
        if {left.kind, right.kind} & {"moment", "float", "ratio"} or left.kind != right.kind:
            raise Untranslated("what may be null is compared")
        return left, right
    kinds = {left.kind, right.kind}
    if kinds <= set(NUMBERS):
        return _number(writer, left), _number(writer, right)
    if "moment" in kinds:
        return _moment(writer, left), _moment(writer, right)
    if kinds == {"date", "str"}:
        return _isoformat(left), _isoformat(right)
    return left, right


def _isoformat(term: Term) -> Term:
    return replace(term, code=f"{term.code}.isoformat()", kind="str") if term.kind == "date" else term


def _moment(writer: Writer, term: Term) -> Term:
    if term.kind == "moment":
        writer.used["nanoseconds"] = None
        return replace(term, code=f"nanoseconds({term.code})", kind="int", closed=True)
    raise Untranslated("a time is compared with other text")


def _within(writer: Writer, left: Term, span: s.Range, *, holds: bool) -> tuple[str, ...]:
    low, high = _term(writer, span.low), _term(writer, span.high) if span.high is not None else None
    ends = [term for term in (low, high) if term is not None]
    if any(term.kind not in NUMBERS for term in (left, *ends)):
        raise Untranslated("a range is not one of numbers")
    left, low, *rest = (_number(writer, known(term)) for term in (left, *ends))
    code = f"{low.inside()} <= {left.inside()}" + (f" <= {rest[0].inside()}" if rest else "")
    if span.step is not None:
        step = _number(writer, _term(writer, span.step))
        code = f"{code} and ({left.inside()} - {low.inside()}) % {step.inside()} == 0"
    guards = (*left.guards, *(guard for term in (low, *rest) for guard in term.guards))
    return (*guards, code if holds else f"not ({code})" if " and " in code else f"not {code}")


# ---------------------------------------------------------------- values
def _needs_ratios(expr: s.Expr) -> bool:
    """Whether an expression divides or rounds, so that it is calculated in fractions."""
    match expr:
        case s.Binary(operator, left, right):
            return operator in ("/", "//", "%") or _needs_ratios(left) or _needs_ratios(right)
        case s.Compare(_, left, right):
            return _needs_ratios(left) or _needs_ratios(right)
        case s.Range(low, high, step):
            return step is not None or any(part is not None and _needs_ratios(part) for part in (low, high))
        case s.Negative(inner):
            return _needs_ratios(inner)
        case s.If(_, then, otherwise):
            return _needs_ratios(then) or _needs_ratios(otherwise)
        case s.Call(s.Ref(name), arguments):
            return name == "round" or any(_needs_ratios(argument.value) for argument in arguments)
        case _:
            return False


def _term(writer: Writer, expr: s.Expr) -> Term:
    match expr:
        case s.Number(text):
            return _literal(writer, text)
        case s.String(text):
            return Term(quoted(text), "str" if instant(text) is None else "moment")
        case s.Boolean(flag):
            return Term(literal(flag), "bool")
        case s.Ref(name):
            return writer.lookup(name)
        case s.Attribute(inner, name):
            return member(writer, _term(writer, inner), name)
        case s.Binary() | s.Negative():
            return _arithmetic(writer, expr)
        case s.If():
            return _choice(writer, expr)
        case s.Call(s.Ref(name), arguments):
            return _call(writer, name, [argument.value for argument in arguments])
        case s.List(items):
            return _list(writer, [_term(writer, item) for item in items if not isinstance(item, s.Spread)], len(items))
        case s.Compare() | s.Logic() | s.Not():
            ratios = writer.ratios
            found = _truth(writer, expr, holds=True)
            writer.ratios = ratios
            if len(found) != 1 or len(found[0]) != 1:
                raise Untranslated("a condition with unknown parts is a value")
            return Term(found[0][0], "bool", closed=False)
        case _:
            raise Untranslated("it holds something else than values")


def _literal(writer: Writer, text: str) -> Term:
    number = exact(text)
    if number is None:
        raise Untranslated("a number is too long")
    if number.denominator == 1:
        return Term(str(number.numerator), "int")
    if writer.ratios:
        writer.used["Fraction"] = None
        return Term(f'Fraction("{text}")', "ratio")
    writer.used["Decimal"] = None
    return Term(f'Decimal("{text}")', "decimal")


def _list(writer: Writer, items: list[Term], count: int) -> Term:
    if len(items) != count or any(item.guards or item.nullable for item in items) or not items:
        raise Untranslated("a list has parts that may be absent")
    kinds = {item.kind for item in items}
    known_kinds: dict[str, Data] = {"str": Text(), "int": Whole(), "bool": Truth()}
    data = known_kinds.get(kinds.pop(), OneOf(())) if len(kinds) == 1 else OneOf(())
    return Term(f"[{', '.join(item.code for item in items)}]", "list", data)


# ---------------------------------------------------------------- calculations
def _number(writer: Writer, term: Term) -> Term:
    """Return a number as it is calculated with: decimals as decimals, or all fractions as fractions."""
    if term.kind not in NUMBERS:
        raise Untranslated(f"a {term.kind} is calculated with")
    term = known(term)
    if writer.ratios and term.kind in ("decimal", "float"):
        writer.used["as_fraction"] = None
        return replace(term, code=f"as_fraction({term.code})", kind="ratio", closed=True)
    if term.kind == "float":
        writer.used["as_decimal"] = None
        return replace(term, code=f"as_decimal({term.code})", kind="decimal", closed=True)
    return term


def _arithmetic(writer: Writer, expr: s.Binary | s.Negative) -> Term:
    if isinstance(expr, s.Negative):
        inner = _number(writer, _term(writer, expr.value))
        return replace(inner, code=f"-{inner.inside()}", closed=False)
    writer.depth += 1
    if writer.depth > 50:
        raise Untranslated("it is too long")
    left, right = _number(writer, _term(writer, expr.left)), _number(writer, _term(writer, expr.right))
    writer.depth -= 1
    fixed = exact(expr.right.text) if isinstance(expr.right, s.Number) else None
    writer.divides |= expr.operator in ("/", "//", "%") and not fixed
    kind = next((kind for kind in ("ratio", "decimal") if kind in (left.kind, right.kind)), "int")
    writer.calculates |= kind == "decimal"
    first = left.code if expr.operator in ("+", "-") and isinstance(expr.left, s.Binary) else left.inside()
    if expr.operator == "/":
        writer.used["Fraction"] = None
        first, kind = first if left.kind == "ratio" else f"Fraction({left.code})", "ratio"
    tight = isinstance(expr.right, s.Binary) and expr.operator == "+" and expr.right.operator in ("*",)
    second = right.code if tight else right.inside()
    code = f"{first} {expr.operator} {second}"
    return Term(code, kind, guards=(*left.guards, *right.guards), closed=False)


def _choice(writer: Writer, expr: s.If) -> Term:
    ratios = writer.ratios
    yes = _truth(writer, expr.condition, holds=True)
    writer.ratios = ratios
    then, otherwise = _term(writer, expr.then), _term(writer, expr.otherwise)
    if len(yes) != 1 or len(yes[0]) != 1 or then.guards or otherwise.guards or then.nullable or otherwise.nullable:
        raise Untranslated("a choice has parts that may be absent")
    if then.kind in NUMBERS:
        then, otherwise = _number(writer, then), _number(writer, otherwise)
    if {then.kind, otherwise.kind} == {"int", "ratio"} or {then.kind, otherwise.kind} == {"int", "decimal"}:
        kind = then.kind if otherwise.kind == "int" else otherwise.kind
    elif then.kind == otherwise.kind:
        kind = then.kind
    else:
        raise Untranslated("a choice is of several kinds")
    return Term(f"({then.code} if {yes[0][0]} else {otherwise.code})", kind)


def _call(writer: Writer, name: str, arguments: list[s.Expr]) -> Term:
    terms = [known(_term(writer, argument)) for argument in arguments]
    guards = tuple(guard for term in terms for guard in term.guards)
    first = terms[0]
    if name == "round":
        writer.used["rounded_to"] = None
        inner = ", ".join(_number(writer, term).code for term in terms)
        return Term(f"rounded_to({inner})", "ratio", guards=guards)
    if name == "len" and first.kind in ("str", "list", "map"):
        return Term(f"len({first.code})", "int", guards=guards)
    if name in ("min", "max") and len(terms) > 1:
        numbers = [_number(writer, term) for term in terms]
        kind = max((term.kind for term in numbers), key=NUMBERS.index)
        return Term(f"{name}({', '.join(term.code for term in numbers)})", kind, guards=guards)
    if first.kind != "list":
        raise Untranslated(f"{name} of a {first.kind}")
    found = _folded(writer, name, first)
    return replace(found, guards=(*guards, *found.guards))


def _folded(writer: Writer, name: str, items: Term) -> Term:
    item = item_of(writer, items)
    if item.nullable:
        raise Untranslated("items may be null")
    number = _number(writer, item)
    code = items.code
    if number.code != item.code:
        function = number.code.partition("(")[0]
        code = (
            f"[{function}({code[1:].replace(' for ', ') for ', 1)}"
            if code.startswith("[")
            else f"map({function}, {code})"
        )
    if name == "sum":
        writer.calculates |= number.kind == "decimal"
        inside = code[1:-1] if code.startswith("[") and " for " in code else code
        return Term(f"sum({inside})", number.kind)
    if name in ("min", "max"):
        return Term(f"{name}({code})", number.kind, guards=(items.code,))
    raise Untranslated(f"{name} is no function of Python")
