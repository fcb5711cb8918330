"""Schema -> a Python module of pydantic classes that needs pydantic and nothing else."""

from collections.abc import Iterator

from archc.data.kinds import Data, Defined, Object, Schema, parts
from archc.data.kinds import Named as Mention
from archc.grammars.forest import Account
from archc.lower.hoist import hoisted
from archc.lower.names import identifier, literal, prose
from archc.lower.pieces import Joined, Piece, assignment, call, flat
from archc.lower.pydantic_classes import class_lines
from archc.lower.pydantic_rules import alias_rules
from archc.lower.pydantic_support import DECIMALS, HELPERS, IMPORTS, PRESENT, import_lines, needed
from archc.lower.pydantic_types import FORMATS, Module, annotated, annotation, format_alias

BUILTINS = (
    *(
        "None",
        "True",
        "False",
        "bool",
        "bytes",
        "dict",
        "float",
        "frozenset",
        "int",
        "isinstance",
        "len",
        "list",
        "map",
    ),
    *("max", "min", "object", "set", "str", "sum", "super", "tuple", "type", "abs", "property", "ValueError"),
    *("RecursionError", "ZeroDivisionError", "staticmethod", "classmethod", "print", "range", "round"),
)
LOCALS = ("self", "cls", "data", "it", "item", "Record", "parse", "write", "check_record")
MODEL = (
    *("construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw", "schema"),
    *("schema_json", "update_forward_refs", "validate", "check_record"),
)
"""What a class of pydantic calls its own, next to what begins with `model_`."""

CLASS_WORDS = ("None", "True", "False", "bool", "dict", "float", "int", "list", "str", "tuple")
"""What the body of a class means by these words, next to names that are imported and helpers."""

LISTED = 12


def to_pydantic(schema: Schema) -> tuple[str, tuple[Account, ...]]:
    """Return the source of a module with a class for each record, and what of the type it does not check.

    Raises CompileError on a pattern that pydantic cannot hold (A0530).
    """
    module = _module(hoisted(schema))
    body = _body(module)
    ends = _ends(module)
    parts = [*_preamble(module), *body, *ends]
    head = [_docstring(module)]
    imported, _ = needed(module.used)
    future = ["from __future__ import annotations", ""] if module.lazy else []
    imports = "\n".join([*future, *import_lines(imported)])
    apart = "\n\n\n" if parts[0][0] else "\n\n"
    return "\n\n".join([*head, imports]) + apart + _spaced(parts), tuple(module.accounts)


def _spaced(parts: list[tuple[bool, str]]) -> str:
    """Return definitions apart by two lines, and plain assignments by one."""
    text = ""
    for number, (block, source) in enumerate(parts):
        before = parts[number - 1][0] if number else True
        text += ("" if not number else "\n\n\n" if block or before else "\n\n") + source.strip("\n")
    return text + "\n"


def _module(schema: Schema) -> Module:
    taken = {*BUILTINS, *LOCALS, *IMPORTS, *HELPERS, *FORMATS.values(), *(f"Decimal{number}" for number in range(19))}
    names: dict[str, str] = {}
    for name in schema.definitions:
        names[name] = identifier(name, taken)
        taken.add(names[name])
    fields: dict[tuple[str, str], str] = {}
    for name, entry in schema.definitions.items():
        if isinstance(entry.type, Object):
            inner = {*CLASS_WORDS, *HELPERS, *names.values(), *MODEL, *(set(IMPORTS) - {"date", "json"})}
            for member in entry.type.fields:
                wanted = f"field_{member.name}" if member.name.startswith("model_") else member.name
                fields[name, member.name] = identifier(wanted, inner)
                inner.add(fields[name, member.name])
    return Module(schema, names, fields, taken=taken)


def _docstring(module: Module) -> str:
    root = module.schema.definitions[module.schema.root]
    first = list(prose(root.docs)) or [f"Documents of the type {module.names[root.name]}."]
    lines = [*first, ""]
    accounts = list(module.accounts)
    if accounts:
        lines += ["What is not checked here:"]
        for found in accounts[:LISTED]:
            lines += prose([f"- {found.subject}: {found.bound} ({found.why})"[:110]])
        lines += [f"- and {len(accounts) - LISTED} more"] if len(accounts) > LISTED else []
        lines += [""]
    lines += ["Written by archc from a .arch file: change that one instead."]
    return '"""' + "\n".join(lines).strip() + '\n"""'


# ---------------------------------------------------------------- definitions
def _body(module: Module) -> list[tuple[bool, str]]:
    found: list[tuple[bool, str]] = []
    done: set[str] = set()
    for name, lazy in _ordered(module.schema):
        entry = module.schema.definitions[name]
        module.lazy |= isinstance(entry.type, Object) and not _mentions(entry.type) <= done
        done.add(name)
        module.span = entry.span
        if isinstance(entry.type, Object):
            found += [(True, "\n".join(lines)) for lines in class_lines(module, entry, entry.type)]
        else:
            found += _alias(module, entry, lazy=lazy)
    return found


def _alias(module: Module, entry: Defined, *, lazy: bool) -> Iterator[tuple[bool, str]]:
    name = module.names[entry.name]
    kind = annotation(module, entry.type)
    checks: list[Piece] = []
    for function, lines in alias_rules(module, entry):
        yield True, "\n".join(lines)
        checks.append(call(module.use("AfterValidator"), function))
    made = annotated(module, kind, *checks)
    if lazy:
        lines = _recursive(module, name, made)
    else:
        lines = assignment(0, name, None, made)
    docs = "\n".join(prose(entry.docs)).strip()
    yield False, "\n".join([*lines, f'"""{docs}"""'] if docs else lines)


def _recursive(module: Module, name: str, made: Piece) -> list[str]:
    """Return an alias that mentions itself: its text is read late."""
    arms = [flat(item) for item in made.items] if isinstance(made, Joined) else [flat(made)]
    texts = [literal(arms[0]), *(literal(f" | {arm}") for arm in arms[1:])]
    lines = [f'    "{name}",', *(f"    {text}" for text in texts)]
    return [f"{name} = {module.use('TypeAliasType')}(", *lines[:-1], f"{lines[-1]},", ")"]


def _ordered(schema: Schema) -> list[tuple[str, bool]]:
    """Return the definitions, each after those that it needs, and whether it is an alias that mentions itself.

    The annotations of classes are read late, so a class may come before what it mentions.
    """
    needs = {name: _mentions(entry.type) for name, entry in schema.definitions.items()}
    waiting = _postorder(schema.root, needs)
    found: dict[str, bool] = {}
    while waiting:
        ready = next((name for name in waiting if needs[name] <= found.keys()), None)
        if ready is None:
            ready = next((name for name in waiting if isinstance(schema.definitions[name].type, Object)), None)
        name = waiting[0] if ready is None else ready
        found[name] = ready is None
        waiting.remove(name)
    return list(found.items())


def _postorder(root: str, needs: dict[str, set[str]]) -> list[str]:
    found: list[str] = []
    seen = {root}
    stack = [(root, iter(sorted(needs[root])))]
    while stack:
        name, others = stack[-1]
        after = next((other for other in others if other not in seen), None)
        if after is None:
            found.append(name)
            stack.pop()
        else:
            seen.add(after)
            stack.append((after, iter(sorted(needs[after]))))
    return found


def _mentions(data: Data) -> set[str]:
    found: set[str] = set()
    waiting = [data]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, Mention):
            found.add(inner.name)
        waiting.extend(parts(inner))
    return found


# ---------------------------------------------------------------- what stands around them
def _preamble(module: Module) -> list[tuple[bool, str]]:
    """Return the helpers, the formats, the numbers and the base class that the module mentions."""
    _ = [format_alias(module, format) for format in module.formats]
    for _places in module.places:
        _ = [module.use(name) for name in ("Annotated", "Decimal", "PlainSerializer", "decimals")]
    aliases = [
        (False, "\n".join(assignment(0, FORMATS[format], None, format_alias(module, format))))
        for format in FORMATS
        if format in module.formats
    ]
    for places in sorted(module.places):
        aliases.append((False, DECIMALS.replace("{places}", str(places))))
        reason = "12.5 and 12.50 are one number to Python; `write` gives all digits"
        module.accounts[
            Account(f"Decimal({places})", f"exactly {places} digit{'' if places == 1 else 's'}", False, reason)
        ] = None
    base = (
        [(True, _base(module))] if any(isinstance(d.type, Object) for d in module.schema.definitions.values()) else []
    )
    _, helpers = needed(module.used)
    return [*((HELPERS[name].source.startswith("def"), HELPERS[name].source) for name in helpers), *aliases, *base]


def _base(module: Module) -> str:
    options = ['extra="forbid"']
    if module.aliased:
        options += ["validate_by_name=True", "validate_by_alias=True", "serialize_by_alias=True"]
    _ = [module.use(name) for name in ("BaseModel", "ConfigDict")]
    text = '''class Record(BaseModel):
    """A record that holds its own fields and no others."""

'''
    text += f"    model_config = ConfigDict({', '.join(options)})\n"
    if module.absent:
        _ = [module.use(name) for name in ("Any", "SerializerFunctionWrapHandler", "model_serializer")]
        text += PRESENT
    return text


def _ends(module: Module) -> list[tuple[bool, str]]:
    """Return the two functions between text and values."""
    root = module.schema.definitions[module.schema.root]
    name = module.names[root.name]
    _ = [module.use(used) for used in ("read_json", "json_text")]
    strict = "read_json(text), by_alias=True, by_name=False" if module.aliased else "read_json(text)"
    if isinstance(root.type, Object):
        reader, writer, kind = f"{name}.model_validate({strict})", "value.model_dump()", name
    else:
        adapter = f"{module.use('TypeAdapter')}({name})"
        reader, writer = f"{adapter}.validate_python({strict})", f"{adapter}.dump_python(value)"
        kind = module.use("Any")
    ends = f'''def parse(text: str | bytes) -> {kind}:
    """Return the document in `text`, with what it leaves out filled in. Raises ValueError where it is none."""
    return {reader}


def write(value: {kind}) -> str:
    """Return `value` as compact JSON."""
    return json_text({writer})'''
    return [(True, ends)]
