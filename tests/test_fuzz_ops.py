"""Every op of std, called at random: archc and torch accept the same calls, and give the same shapes."""

from collections import Counter
from collections.abc import Callable
from importlib import resources
from random import Random

import pytest
import torch
from fuzz import local, sequence
from fuzz.calls import Arguments, Op, answer, written
from fuzz.kinds import Kinds, damaged, leaves, tensors
from fuzz.verdicts import batched, built, flat, inferred, outcome, sizes, unbatched

from archc.grammar import syntax as s
from archc.grammar.parse import parse
from archc.grammar.source import Source
from archc.tensor import Tensor, Type
from archc.tensor import leaves as leaves_of

OPS = {**local.OPS, **sequence.OPS}
STD, _ = parse(Source("nn.arch", (resources.files("archc.grammar") / "std/nn.arch").read_text(encoding="ascii")))
DECLARED = {item.name: item for item in STD.items if isinstance(item, s.Declaration) and item.kind == "op"}
LOWEST = {"": 1, "Dim": 1, "Nat": 0, "Prob": 0}

DOMAIN = "a parameter keeps to its declared type"
EMPTY = "no axis is empty"


def _declined(name: str, arguments: Arguments, into: Kinds) -> str:
    """Return why archc refuses what torch accepts, empty where it must not."""
    for parameter in DECLARED[name].parameters or ():
        value = arguments.get(parameter.name)
        kind = parameter.type
        element = kind.element if isinstance(kind, s.TypeList) else kind
        title = "" if element is None else element.name if isinstance(element, s.TypeName) else "other"
        values = value if isinstance(value, tuple) else (value,)
        for entry in values:
            if isinstance(entry, (int, float)) and title in LOWEST and entry < LOWEST[title]:
                return DOMAIN
    if not OPS[name].ids and any(entry.bound is not None for entry in leaves(into)):
        return local.NUMBERS
    return OPS[name].declines(arguments, into)


def _disagreement(name: str, op: Op, random: Random) -> tuple[str, str]:
    """Make one call at random; return what came of it and, where archc and torch differ, the story."""
    into = op.inputs(random)
    if random.random() < 0.3:
        into = damaged(random, into)
    try:
        arguments = op.arguments(random, into)
    except (IndexError, ValueError):
        return "undrawn", ""
    call = written(name, arguments)
    torch.manual_seed(random.randrange(1 << 30))
    theirs = answer(op, arguments, tensors(into))
    ours = inferred(call, into)
    story = f"{into} -> {call}: archc {ours}; torch {'refuses' if theirs is None else unbatched(theirs)}"
    if theirs is None:
        return "refused", "" if isinstance(ours, str) else story
    if reason := _declined(name, arguments, into) or (EMPTY if any(0 in x.shape for x in flat(theirs)) else ""):
        return "declined", "" if isinstance(ours, str) else f"{story}, though {reason}"
    if isinstance(ours, str) or sizes(ours) != unbatched(theirs):
        return "accepted", story
    if random.random() < 0.5:
        result = outcome(built(call, into, ours), into)
        if batched(result) != sizes(ours) or not _of_kind(result, ours):
            return "accepted", f"{story}; its module {batched(result)}"
    return "accepted", ""


def _of_kind(result: object, kind: Type) -> bool:
    """Return whether ids are whole numbers below their bound, and all else is floating point."""
    assert isinstance(result, (torch.Tensor, tuple))
    for tensor, entry in zip(flat(result), leaves_of(kind), strict=True):
        assert isinstance(entry, Tensor)
        if entry.kind == "Float" and not tensor.is_floating_point():
            return False
        if entry.kind == "Id":
            bound = entry.bound.constant if entry.bound is not None else None
            if tensor.is_floating_point() or bound is None or not 0 <= int(tensor.min()) <= int(tensor.max()) < bound:
                return False
    return True


def _run(name: str, times: int, seed: int) -> Counter[str]:
    random = Random(f"{name} {seed}")
    tally: Counter[str] = Counter()
    stories = []
    for _ in range(times):
        end, story = _disagreement(name, OPS[name], random)
        tally[end] += 1
        if story:
            stories.append(story)
    assert not stories, f"{len(stories)} of {times}:\n" + "\n".join(sorted(stories, key=len)[:8])
    return tally


def test_every_op_of_std_is_called() -> None:
    assert sorted(OPS) == sorted(DECLARED)


@pytest.mark.parametrize("name", sorted(OPS))
def test_archc_says_what_torch_says(name: str) -> None:
    tally = _run(name, 60, 0)
    assert tally["accepted"] >= 10, tally
    assert len(tally) > 1 or name in ("id", "zero"), tally


@pytest.mark.soak
def test_archc_says_what_torch_says_a_thousand_times_an_op(record: Callable[[str], None]) -> None:
    total: Counter[str] = Counter()
    for name in sorted(OPS):
        total.update(_run(name, 1000, 1))
    record(f"{len(OPS)} ops; {', '.join(f'{n} {end}' for end, n in sorted(total.items()))}; 0 disagreements")
