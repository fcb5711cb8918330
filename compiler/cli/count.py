"""`archc count`: how many values a data type has."""

from archc.cli.options import Json
from archc.cli.typed import TypeTarget


def count(target: TypeTarget, json: Json = False) -> int:
    """Print how many values a data type has."""
    from archc.cli.output import emit, emit_json
    from archc.cli.typed import typed
    from archc.grammars.refine import forest
    from archc.runtime.count import count, digits

    schema = typed(target)
    found = count(forest(schema))
    written = None if found.number is None else digits(found.number)
    if json:
        emit_json({"type": schema.root, "count": written, "exact": found.exact, "left_out": list(found.reasons)})
    else:
        emit(found.text())
    return 0
