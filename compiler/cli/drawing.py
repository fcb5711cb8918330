"""A space and what to draw from it -> members as programs, lines or JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal

from archc.cli.output import WrongCall, emit, emit_json, write_whole
from archc.cli.refined import kept_json, kept_lines, left_out, number
from archc.show.table import short
from archc.sizes.size import Size

if TYPE_CHECKING:
    from archc.members import Member, Space
    from archc.networks import Field

AT_ONCE = 10_000
"""So many members are drawn before the first of them is printed."""

COSTS = ("params", "macs", "flops", "activation_bytes", "nodes")


@dataclass(frozen=True, slots=True)
class Draw:
    """How many members, from which seed, by weight or all alike; or the one of a number. `distinct` tells architectures apart."""

    times: int
    seed: int
    by: Literal["weights", "count"]
    index: int | None
    distinct: bool


def printed(space: "Space", draw: Draw, out: str, *, as_json: bool) -> None:
    """Print or write what is drawn: a single member as a program, several as a line each.

    Raises WrongCall where there are not so many members.
    """
    import sys

    notes = [*kept_lines(space.kept[-1:], _whole(space)), *filter(None, [left_out(space)])] if space.kept else []
    if as_json:
        members = [_to_json(member) for member in _drawn(space, draw)]
        emit_json({"space": space.name, "exact": space.exact, "where": kept_json(space.kept), "members": members})
        return
    if notes:
        emit("\n".join(notes), to=sys.stderr)
    if out:
        _write(space, draw, out)
    elif draw.times == 1:
        for member in _drawn(space, draw):
            emit(member.text)
    else:
        _lines(space, draw)


def _drawn(space: "Space", draw: Draw) -> "Iterator[Member]":
    """Yield the members. Raises WrongCall where there are not so many."""
    if draw.index is not None:
        yield _numbered(space, draw.index)
        return
    rng = Random(draw.seed)
    if draw.distinct:
        yield from _architectures(space, draw, rng)
        return
    for start in range(0, draw.times, AT_ONCE):
        yield from space.sample(rng, min(AT_ONCE, draw.times - start), by=draw.by)


def _numbered(space: "Space", index: int) -> "Member":
    size = space.count()
    if index >= size:
        from archc.runtime.count import digits

        label = f"they are 0 to {number(size - 1)}"
        raise WrongCall("A0915", f"`{space.name}` has no member of this number", digits(index), label=label)
    return space[index]


def _architectures(space: "Space", draw: Draw, rng: Random) -> "Iterator[Member]":
    """Yield members that are different networks, in the order in which draws come by them."""
    found = 0
    for member in islice(space.architectures(rng, by=draw.by), draw.times):
        found += 1
        yield member
    if found < draw.times:
        text = f"{draw.times:,} architectures were asked for, and `{space.name}` has {found:,}"
        raise WrongCall("A0915", text, str(draw.times), hint=f"-n {found}")


# ---------------------------------------------------------------- what is printed
def _lines(space: "Space", draw: Draw) -> None:
    """Print a line for each member as it is drawn."""
    costs = not space.of_records
    if costs:
        emit(f"{'hash':<12}  {'params':>8}  {'FLOPs':>8}  type and decisions")
    for member in _drawn(space, draw):
        emit(_network_line(member) if costs else _record_line(member))


def _network_line(member: "Member") -> str:
    params, flops = (short(Size.of(member.cost(cost))) for cost in ("params", "flops"))
    return f"{member.hash[:12]}  {params:>8}  {flops:>8}  {member.type}  {member.key}"


def _record_line(member: "Member") -> str:
    import json

    return json.dumps(member.value(), default=_network)


def _network(network: "Field") -> object:
    """Return a network in a record for JSON."""
    from archc.networks import Network

    assert isinstance(network, Network), network
    total = network.summary().to_json()["total"]
    return {"network": network.hash, "type": network.type, "total": total}


def _to_json(member: "Member") -> dict[str, object]:
    from archc.runtime.count import digits

    found: dict[str, object] = {
        "index": digits(member.space.rank(member)),
        "key": member.key,
        "hash": member.hash,
        "type": member.type,
        "total": {cost: member.cost(cost) for cost in COSTS},
        "logprob": member.space.logprob(member),
        "text": member.text,
    }
    if member.space.of_records:
        import json

        found["value"] = json.loads(_record_line(member))
    return found


def _write(space: "Space", draw: Draw, out: str) -> None:
    """Write each member to a file of its own: OUT, or OUT-1, OUT-2 and so on; `-` is standard output."""
    path = Path(out)
    if out == "-" and draw.times != 1:
        raise WrongCall("A0901", f"`-o -` prints one program, and `-n` asks for {draw.times}", "-o", hint="-o net.arch")
    if out == "-":
        emit(next(_drawn(space, draw)).text)
        return
    for place, member in enumerate(_drawn(space, draw), 1):
        own = path if draw.times == 1 else path.with_name(f"{path.stem}-{place}{path.suffix}")
        write_whole(own, member.text)


def _whole(space: "Space") -> int:
    from archc.runtime.derivations.measure import count

    return space.kept[-2].count if len(space.kept) > 1 else count(space.refined.forest)
