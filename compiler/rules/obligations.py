"""What a block owes of its sizes, at one use of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product as combinations

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.rules.conditions import known
from archc.rules.session import Assumption, Blame, Known, Session, Witness, opposite, variables
from archc.shapes import product, rank
from archc.sizes.prove import Fact
from archc.sizes.size import Size
from archc.tensor import Run, Tensor, substitute
from archc.values import Every, Formula, Need, Obligation, Shape, Some, Value


def settle_debts(session: Session, debts: Sequence[Obligation], names: Mapping[str, Value], blame: Blame) -> None:
    """Require every obligation of a block under the sizes `names` of this use.

    Raises Refusal where one does not hold; what holds for some sizes becomes the user's own obligation.
    """
    for debt in debts:
        for sizes in _instances(debt, names):
            guard = _guard(session, debt.guard, names, sizes)
            if guard is not False:
                _require(session, debt, guard, sizes, blame, names)


def _require(
    session: Session,
    debt: Obligation,
    guard: Formula,
    sizes: Mapping[str, Size],
    blame: Blame,
    names: Mapping[str, Value],
) -> None:
    formula = replaced(debt.formula, sizes)
    owed = formula if guard is True else Some((opposite(guard), formula))
    got = _got(debt.need, sizes)
    need = Need(debt.need.code, debt.need.subject, debt.need.demand, got, debt.need.span)

    def refuse(witness: Witness | None) -> Diagnostic:
        inner = Blame(need.subject, need.demand, got, blame.span, _notes(debt, blame))
        label = f"{need.subject} gets {got} inside {blame.subject}" if got is not None else f"inside {blame.subject}"
        if not isinstance(need.demand, (str, s.Compare)):
            label = f"{need.subject} needs {need.text} inside {blame.subject}"
        found = inner.diagnostic(need.code, sentence(need, formula, inner), label=label)
        if debt.need.span.source is None or debt.need.span == blame.span:
            return found
        return replace(found, notes=(*found.notes, Note(need.subject, "asks for it,", debt.need.span)))

    session.require(owed, need, refuse)


def _notes(debt: Obligation, blame: Blame) -> tuple[Known, ...]:
    """Return where the sizes come from that a debt speaks of."""
    used = {name.removeprefix("rank(").removeprefix("prod(..").removesuffix(")") for name in variables(debt.formula)}
    return tuple(entry for entry in blame.known if entry.name in used)


def _got(need: Need, sizes: Mapping[str, Size]) -> Tensor | None:
    return substitute(need.got, sizes) if isinstance(need.got, Tensor) else None  # type: ignore[return-value]


def sentence(need: Need, formula: Formula, blame: Blame) -> str:
    """Return the sentence that says how `formula` does not hold."""
    if isinstance(formula, Fact) and formula.relation == "divides":
        name = next((k.name for k in blame.known if k.value == formula.left and k.name.endswith("s")), "")
        if name:
            return f"{formula.right} does not split into {formula.left} {name}"
        return f"{formula.right} is not a multiple of {formula.left}"
    if need.code == "A0204" and isinstance(formula, Fact):
        return f"a window of {formula.right} does not fit into {formula.left}"
    if need.code == "A0206" and isinstance(formula, Fact):
        return f"an axis comes out as {formula.left}, and sizes are at least 1"
    return f"{need.subject} needs {need.text}"


def _instances(debt: Obligation, names: Mapping[str, Value]) -> list[dict[str, Size]]:
    """Return what each size variable of `debt` stands for: one mapping, or one for each axis of a run."""
    used = variables(debt.formula).union(*(variables(entry) for entry in debt.guard if not isinstance(entry, tuple)))
    sizes: dict[str, Size] = {}
    runs: dict[str, Shape] = {}
    for name, value in names.items():
        if isinstance(value, Size):
            sizes[name] = value
        elif isinstance(value, Shape):
            sizes[f"rank({name})"] = rank(value)
            sizes[f"prod(..{name})"] = product(value)
            if name in used:
                runs[name] = value
    if not runs:
        return [sizes]
    axes = [[dim.each if isinstance(dim, Run) else dim for dim in shape.dims] for shape in runs.values()]
    return [{**sizes, **dict(zip(runs, picked, strict=True))} for picked in combinations(*axes)]


def _guard(
    session: Session, guard: Sequence[Assumption], names: Mapping[str, Value], sizes: Mapping[str, Size]
) -> Formula:
    parts: list[Formula] = []
    for entry in guard:
        if isinstance(entry, tuple):
            name, wanted = entry
            value = known(session, names.get(name, wanted))
            if isinstance(value, Size):
                value = value.constant if value.constant is not None else wanted
            if value != wanted:
                return False
            continue
        answer = session.settle(entry.substitute(sizes))
        if answer is False:
            return False
        if answer is not True:
            parts.append(entry.substitute(sizes))
    return Every(tuple(parts)) if parts else True


def replaced(formula: Formula, sizes: Mapping[str, Size]) -> Formula:
    """Return `formula` with size variables replaced."""
    match formula:
        case bool():
            return formula
        case Fact():
            return formula.substitute(sizes)
        case Every(items):
            return Every(tuple(replaced(item, sizes) for item in items))
        case Some(items):
            return Some(tuple(replaced(item, sizes) for item in items))
