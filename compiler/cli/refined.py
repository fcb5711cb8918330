"""A space of a program, --at, --set and --where -> the refined space, and the words for its numbers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from archc.cli.output import WrongCall

if TYPE_CHECKING:
    from fractions import Fraction

    from archc.check import Program
    from archc.members import Space
    from archc.runtime.derivations.narrow import Kept

Where = Annotated[str, typer.Option("--where", metavar="CONDITION", help="Such as 'params <= 5M and nodes > 9'.")]
Distinct = Annotated[bool, typer.Option("--distinct", help="Architectures, rather than derivations of them.")]

LONG = 30
"""A number of more digits is written as a power of ten."""


def space_at(program: "Program", name: str, at: str, settings: Sequence[str], where: str) -> "Space":
    """Return the space `name` at an input type, as far as a condition holds.

    Raises WrongCall on what is no condition or leaves nothing, CompileError where the program or the type do not fit.
    """
    from archc.cli.target import set_to
    from archc.members import space_of

    space = space_of(program, name, at or None, set_to(settings))
    if at and not space.has_networks:
        text = f"`--at` is the input of networks, and the records of `{name}` have none"
        raise WrongCall("A0901", text, at, hint="leave out --at")
    return held(space, where) if where else space


@contextmanager
def countable(program: "Program", name: str) -> Iterator[None]:
    """Raise CompileError where a space turns out to have too many derivations to count."""
    from archc.grammar.diagnostics import CompileError, Diagnostic
    from archc.runtime.derivations.measure import TooManyDerivations

    try:
        yield
    except TooManyDerivations as many:
        text = f"`{name}` has more than 10^1,000,000 derivations, too many to count, to number and to draw alike"
        hint = "a tighter bound, such as depth <= 8; `archc sample` draws by weight without counting"
        span = program.definition(name).declaration.name_span
        raise CompileError([Diagnostic("A0816", text, span, hint=hint)]) from many


def held(space: "Space", where: str) -> "Space":
    """Return a space as far as a condition holds. Raises WrongCall on what is no condition or leaves nothing."""
    from archc.runtime.derivations.conditions import ConditionError
    from archc.runtime.derivations.narrow import NoneWithin
    from archc.runtime.derivations.sums import TooManyStates

    try:
        return space.where(where)
    except ConditionError as error:
        raise WrongCall("A0914", error.message, where, hint=f"--where '{error.hint}'") from error
    except NoneWithin as none:
        label = f"{none.bounds.cost} is from {none.low:,} to {none.high:,}"
        raise WrongCall("A0915", f"no member of `{space.name}` has {none.bounds}", where, label=label) from none
    except TooManyStates as error:
        text = f"`{where}` tells too many members of `{space.name}` apart"
        hint = "bound a cost with fewer values, such as nodes, or a smaller space"
        raise WrongCall("A0412", text, where, hint=hint) from error


def number(value: int) -> str:
    """Return a whole number with commas, or as a power of ten where it is long."""
    from archc.runtime.count import leading

    if abs(value) < 10**LONG:
        return f"{value:,}"
    first, power = leading(value, 5)
    return f"{first[0]}.{first[1:]} * 10^{power}"


def percent(share: "Fraction | float") -> str:
    """Return a share in percent, with enough digits to tell it from none and from all."""
    value = 100 * float(share)
    text = f"{value:.3g}"
    return f"{text} %" if share == 1 or float(text) < 100 else "over 99.9 %"


def left_out(space: "Space") -> str:
    """Return how much of a space was left out to keep it small; nothing where it is exact."""
    if space.exact:
        return ""
    share = percent(space.lost)
    return f"bounded: {'perhaps' if share.startswith('over') else 'at most'} {share} of the weight was left out"


def kept_lines(kept: "Sequence[Kept]", whole: int) -> list[str]:
    """Return a line for each bound of a condition: what it leaves of so many derivations, and whether that is all."""
    lines = []
    for entry in kept:
        line = f"{entry.bounds}: {number(entry.count)} of {number(whole)} derivations"
        if not entry.exact:
            share, most = percent(entry.least), percent(entry.most)
            if most != share:
                share = f"{share} to {most}"
            line += f", {share} of all within (others are near the bound)"
        lines.append(line)
        whole = entry.count
    return lines


def kept_json(kept: "Sequence[Kept]") -> list[dict[str, object]]:
    """Return what the bounds of a condition leave, for JSON."""
    return [
        {
            "cost": entry.bounds.cost,
            "low": entry.bounds.low,
            "high": entry.bounds.high,
            "count": str(entry.count),
            "exact": entry.exact,
            "acceptance": [float(entry.least), float(entry.most)],
        }
        for entry in kept
    ]
