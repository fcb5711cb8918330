"""Conditions and computed fields of a Schema -> the checks and functions of a generated pydantic module."""

from collections.abc import Iterator

from archc.data.kinds import Defined, Field, Object
from archc.grammar import syntax as s
from archc.grammar.format import format_expr
from archc.grammars.forest import Account
from archc.lower.layout import WIDTH
from archc.lower.names import identifier, prose
from archc.lower.pydantic_predicates import fails, value
from archc.lower.pydantic_terms import Term, Terms, Untranslated, Writer, member, reached, typed
from archc.lower.pydantic_types import Module, quoted

Rule = tuple[Terms, str]
"""When a condition is broken, in Python, and what to say then."""


def alias_rules(module: Module, entry: Defined) -> Iterator[tuple[str, list[str]]]:
    """Yield name and source of the functions that check the conditions on values of a named type."""
    if not entry.where:
        return
    try:
        it = typed(module.schema, entry.type, "it")
    except Untranslated as error:
        _unchecked(module, entry.name, entry.where, error)
        return
    writer = Writer(module.schema, module.fields, lambda name: it if name == "it" else member(writer, it, name))
    writer.absent = lambda owner, field: may_be_absent(module, owner, field)
    rules = list(_rules(module, writer, entry.name, [(clause, "") for clause in entry.where]))
    if not rules:
        return
    function = identifier(f"check_{entry.name.lower()}", module.taken)
    module.taken.add(function)
    _use(module, writer)
    yield (
        function,
        [
            f"def {function}(it: {_plain(module, it)}) -> {_plain(module, it)}:",
            f'    """Return `it`, of which the conditions of {module.names[entry.name]} hold."""',
            *_checks(module, writer, rules, 4),
            "    return it",
        ],
    )


def _plain(module: Module, term: Term) -> str:
    names = {"decimal": "Decimal", "date": "date", "moment": "str", "list": "list", "map": "dict", "record": "Any"}
    name = names.get(term.kind, term.kind)
    if name in ("Decimal", "date", "Any"):
        module.use(name)
    if name in ("list", "dict"):
        module.use("Any")
        name = "list[Any]" if name == "list" else "dict[str, Any]"
    return f"{name} | None" if term.nullable else name


def _use(module: Module, writer: Writer) -> None:
    for name in writer.used:
        module.use(name)


# ---------------------------------------------------------------- conditions
def record_checks(module: Module, entry: Defined, record: Object) -> list[str]:
    """Return the method that checks what holds between the fields of a record; no lines where nothing does."""
    writer = _writer(module, entry, record, inside=False)
    clauses: list[tuple[s.Expr, str]] = []
    for field in record.fields:
        if field.where is not None:
            clauses.append((_about(field), field.name))
        if field.computed and field.default is not None:
            clauses.append((s.Compare("==", s.Ref(field.name), field.default), ""))
    clauses += [(clause, "") for clause in record.where]
    rules = list(_rules(module, writer, entry.name, clauses))
    if not rules:
        return []
    _use(module, writer)
    module.use("model_validator")
    module.use("Self")
    return [
        "",
        '    @model_validator(mode="after")',
        "    def check_record(self) -> Self:",
        '        """Check what holds between the fields."""',
        *_checks(module, writer, rules, 8),
        "        return self",
    ]


def _about(field: Field) -> s.Expr:
    """Return the condition of a field, in which `it` is the field, as one that holds where the field is absent."""
    assert field.where is not None
    return _renamed(field.where, field.name)


def _renamed(expr: s.Expr, name: str) -> s.Expr:
    match expr:
        case s.Ref("it"):
            return s.Ref(name)
        case s.Attribute(inner, attribute):
            return s.Attribute(_renamed(inner, name), attribute)
        case s.Compare(operator, left, right):
            return s.Compare(operator, _renamed(left, name), _renamed(right, name))
        case s.Binary(operator, left, right):
            return s.Binary(operator, _renamed(left, name), _renamed(right, name))
        case s.Logic(operator, items):
            return s.Logic(operator, tuple(_renamed(item, name) for item in items))
        case s.Not(inner):
            return s.Not(_renamed(inner, name))
        case s.Negative(inner):
            return s.Negative(_renamed(inner, name))
        case s.If(condition, then, otherwise):
            return s.If(_renamed(condition, name), _renamed(then, name), _renamed(otherwise, name))
        case s.Call(function, arguments):
            return s.Call(function, tuple(s.Argument(a.name, _renamed(a.value, name)) for a in arguments))
        case s.Range(low, high, step):
            return s.Range(
                _renamed(low, name),
                _renamed(high, name) if high is not None else None,
                _renamed(step, name) if step is not None else None,
            )
        case _:
            return expr


def _rules(module: Module, writer: Writer, subject: str, clauses: list[tuple[s.Expr, str]]) -> Iterator[Rule]:
    for clause, guard in clauses:
        text = format_expr(clause)
        try:
            broken = fails(writer, clause, writer.lookup(guard).guards if guard else ())
        except Untranslated as error:
            _unchecked(module, subject, (clause,), error)
            continue
        yield broken, text


def _unchecked(module: Module, subject: str, clauses: tuple[s.Expr, ...], error: Untranslated) -> None:
    for clause in clauses:
        module.accounts[Account(subject, format_expr(clause), False, str(error))] = None


def _checks(module: Module, writer: Writer, rules: list[Rule], indent: int) -> list[str]:
    """Return the statements that raise ValueError where a rule is broken."""
    lines: list[str] = []
    if writer.divides:
        lines.append(f"{' ' * indent}try:")
        indent += 4
    if writer.calculates:
        module.use("localcontext")
        module.use("EXACT")
        lines.append(f"{' ' * indent}with localcontext(EXACT):")
        indent += 4
    pad = " " * indent
    for broken, text in rules:
        for test in _conditions(indent, broken):
            lines += [*test, f"{pad}    raise ValueError({quoted(f'expected {text}')})"]
    if writer.divides:
        pad = " " * (indent - 4 * (1 + writer.calculates))
        lines += [
            f"{pad}except ZeroDivisionError:",
            f'{pad}    raise ValueError("a condition divides by zero") from None',
        ]
    return lines


def _conditions(indent: int, broken: Terms) -> Iterator[list[str]]:
    """Yield the lines of `if`: any of the arms, all parts of which hold; one for each arm where a line has no room."""
    arms = [" and ".join(arm) for arm in broken]
    if len(arms) > 1:
        arms = [f"({text})" if len(arm) > 1 else text for text, arm in zip(arms, broken, strict=True)]
    pad = " " * indent
    text = f"{pad}if {' or '.join(arms)}:"
    if len(text) <= WIDTH:
        yield [text]
    elif len(broken) > 1:
        for arm in broken:
            yield from _conditions(indent, [arm])
    elif len(broken[0]) == 1:
        yield [text]
    else:
        first, *rest = broken[0]
        yield [f"{pad}if (", f"{pad}    {first}", *(f"{pad}    and {part}" for part in rest), f"{pad}):"]


# ---------------------------------------------------------------- computed fields
def _writer(module: Module, entry: Defined, record: Object, *, inside: bool) -> Writer:
    """Return what translates for a record: over its finished fields, or `inside` over those that are known so far."""
    fields = {field.name: field for field in record.fields}

    def lookup(name: str) -> Term:
        if name == "it":
            return Term("self", "record", record) if not inside else Term("data", "map")
        if name not in fields:
            raise Untranslated(f"`{name}` is no field")
        field = fields[name]
        own = module.fields[entry.name, name]
        code = f'data["{own}"]' if inside else reached("self", own, field)
        term = typed(module.schema, field.type, code)
        if not may_be_absent(module, entry.name, field):
            return term
        known = f'"{own}" in self.model_fields_set' if term.nullable else f"{code} is not None"
        if term.nullable and inside:
            raise Untranslated(f"`{name}` may be absent and may be null")
        return Term(term.code, term.kind, term.data, (known,), term.nullable, term.closed)

    writer = Writer(module.schema, module.fields, lookup)
    writer.absent = lambda owner, field: may_be_absent(module, owner, field)
    return writer


def may_be_absent(module: Module, owner: str, field: Field) -> bool:
    """Return whether a field may be missing from a checked record."""
    if not field.computed:
        return field.optional
    key = owner, field.name
    if key not in module.unsure:
        module.unsure[key] = True
        module.unsure[key] = computed(module, owner, field) is None or bool(_value(module, owner, field)[0].guards)
    return module.unsure[key]


def _value(module: Module, owner: str, field: Field) -> tuple[Term, Writer]:
    entry = module.schema.definitions[owner]
    assert isinstance(entry.type, Object) and field.default is not None
    writer = _writer(module, entry, entry.type, inside=True)
    return value(writer, field.default), writer


def computed(module: Module, owner: str, field: Field) -> tuple[str, list[str]] | None:
    """Return name and source of the function that fills a field in; None where Python does not compute it."""
    try:
        term, writer = _value(module, owner, field)
    except Untranslated:
        return None
    assert field.default is not None
    name = f"_{module.fields[owner, field.name]}_of_{module.names[owner]}".lower()
    _use(module, writer)
    known = " and ".join(dict.fromkeys(term.guards))
    lines = [f"return {term.code} if {known} else None" if known else f"return {term.code}"]
    if writer.calculates:
        module.use("localcontext")
        module.use("EXACT")
        lines = ["with localcontext(EXACT):", f"    {lines[0]}"]
    if writer.divides:
        error = '    raise ValueError("a computed field divides by zero") from None'
        lines = ["try:", *(f"    {line}" for line in lines), "except ZeroDivisionError:", error]
    docs = prose([f"Return {format_expr(field.default)}."])[0]
    module.use("Any")
    return name, [
        f"def {name}(data: dict[str, Any]) -> Any:",
        f'    """{docs}"""',
        *(f"    {line}" for line in lines),
    ]
