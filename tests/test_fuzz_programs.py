"""Whole random programs: archc's verdict and shapes are those of a second reading, which runs the text on torch."""

from collections import Counter
from collections.abc import Callable
from importlib import resources
from random import Random

import pytest
import torch
from fuzz.kinds import Both, Kind, Kinds, kind, kinds_of, shapes, tensors
from fuzz.oracle import Applied, Differs, Env, Oracle, Refused, TooLarge, declarations, unbound
from fuzz.verdicts import batched, outcome
from fuzz.writer import Writer

import archc
from archc.grammar import syntax as s
from archc.grammar.diagnostics import CompileError

STD = declarations((resources.files("archc.grammar") / "std/nn.arch").read_text(encoding="ascii"))

CASE = "where"
"""The note on a complaint about one branch of an `if`: archc refuses a branch that can run at no size."""


def _read(text: str, random: Random) -> tuple[str, object]:
    """Return what the second reading says of model M: accepted with its shapes, or refused and why."""
    try:
        names = {**STD, **declarations(text)}
        if "M" not in names:
            return "refused", "no model"
        return "accepted", shapes(kinds_of(Oracle(names, random).model("M")))
    except Differs as error:
        return "differs", str(error)
    except Refused as error:
        return "refused", str(error)


def _disagreement(random: Random) -> tuple[str, str]:
    """Write a program; return what came of it and, where the readings differ, the story."""
    text = Writer(random, STD).program()
    torch.manual_seed(random.randrange(1 << 30))
    try:
        verdict, theirs = _read(text, random)
    except TooLarge:
        return "left aside", ""
    try:
        program = archc.loads(text)
        module = program["M"].module()
    except CompileError as error:
        found = error.diagnostics[0]
        if verdict == "accepted" and any(note.subject == CASE for note in found.notes):
            return "refused for a branch that never runs", ""
        if verdict != "accepted" or _has_reason(text, random):
            return "refused", ""
        return "refused", f"{text}archc: {found.code} {found.message}; torch: {theirs}"
    if verdict != "accepted":
        return "accepted", f"{text}archc accepts; torch: {verdict} {theirs}"
    into = kinds_of(Oracle(STD, random).sample(declarations(text)["M"], {}))
    ours = batched(outcome(module, into))
    if ours != theirs:
        return "accepted", f"{text}archc's module gives {ours}; torch {theirs}"
    return "accepted", ""


# ---------------------------------------------------------------- blocks with open sizes
def _at_random(declaration: s.Declaration, random: Random) -> tuple[Env, tuple[int, ...]]:
    """Return numbers for the parameters of a block, and a shape of as many axes as it takes."""
    parameters = declaration.parameters or ()
    if any(isinstance(parameter.type, s.TypeArrow) for parameter in parameters):
        return {parameter.name: Applied(STD["id"]) for parameter in parameters}, kind(random, 1, 4).dims
    given: Env = {parameter.name: random.randint(1, 4) for parameter in parameters}
    source = declaration.type.source if isinstance(declaration.type, s.TypeArrow) else None
    if isinstance(source, s.TypeTuple):
        source = source.items[0].type
    assert isinstance(source, s.TypeList)
    return given, tuple(random.choice([1, 2, 3, 4, 4, 5, 6, 8]) for _ in source.dims)


def _open_blocks(text: str) -> list[s.Declaration]:
    """Return the blocks whose parameters are numbers."""
    blocks = [item for item in declarations(text).values() if item.kind == "block"]
    return [b for b in blocks if not any(isinstance(p.type, s.TypeArrow) for p in b.parameters or ())]


def _higher_blocks(text: str) -> list[s.Declaration]:
    """Return the blocks that take an architecture."""
    blocks = [item for item in declarations(text).values() if item.kind == "block"]
    return [b for b in blocks if any(isinstance(p.type, s.TypeArrow) for p in b.parameters or ())]


def _takes_any_type(declaration: s.Declaration) -> bool:
    """Return whether a block declares that its input may be of any type, and so a tuple as well."""
    return isinstance(declaration.type, s.TypeArrow) and isinstance(declaration.type.source, s.TypeVariable)


def _at_kinds(text: str, declaration: s.Declaration, given: Env, into: Kinds, random: Random) -> object:
    """Return the shapes that the second reading gives a block at one input. Raises Refused, TooLarge."""
    oracle = Oracle({**STD, **declarations(text)}, random)
    env = oracle.bind(declaration, tuple(given.items()))
    return shapes(kinds_of(oracle.call(declaration, env, tensors(into))))


def _at(text: str, declaration: s.Declaration, given: Env, shape: tuple[int, ...], random: Random) -> object:
    """Return the shapes that the second reading gives a block at one size. Raises Refused, TooLarge."""
    return _at_kinds(text, declaration, given, Kind(shape), random)


def _has_reason(text: str, random: Random) -> bool:
    """Return whether some block is wrong on its own: by an equation at one size, or at every size that is tried."""
    try:
        blocks = _open_blocks(text)
    except Refused:
        return True
    if any(unbound(item) for item in declarations(text).values()):
        return True
    for declaration in filter(_takes_any_type, _higher_blocks(text)):
        try:
            _at_kinds(text, declaration, _at_random(declaration, random)[0], Both((Kind((4,)), Kind((4,)))), random)
        except Refused:
            return True
    for declaration in [*blocks, *_higher_blocks(text)]:
        ends: Counter[str] = Counter()
        for _ in range(60):
            try:
                _at(text, declaration, *_at_random(declaration, random), random)
                ends["accepted"] += 1
            except Differs:
                return True
            except (Refused, TooLarge):
                continue
        if not ends["accepted"]:
            return True
    return any(_differs_at_larger_sizes(text, declaration, random) for declaration in blocks)


def _differs_at_larger_sizes(text: str, declaration: s.Declaration, random: Random) -> bool:
    """Return whether a block is wrong by an equation that holds at the small sizes which are tried first."""
    for _ in range(600):
        given, shape = _at_random(declaration, random)
        try:
            _at(text, declaration, given, tuple(random.randint(1, 24) for _ in shape), random)
        except Differs:
            return True
        except (Refused, TooLarge):
            continue
    return False


def _disagreement_on_blocks(random: Random) -> tuple[Counter[str], str]:
    """Write blocks; return what came of using them at random sizes and, where the readings differ, the story."""
    writer = Writer(random, STD)
    text = "\n".join(["arch 0.1", "import std.nn", *(writer.block(place).text for place in range(2)), ""])
    tally: Counter[str] = Counter()
    try:
        program = archc.loads(text)
    except CompileError as error:
        found = error.diagnostics[0]
        tally["blocks refused"] += 1
        story = f"{text}archc: {found.code} {found.message}"
        return tally, "" if _has_reason(text, random) or any(note.subject == CASE for note in found.notes) else story
    for declaration in _open_blocks(text):
        for _ in range(4):
            given, shape = _at_random(declaration, random)
            try:
                theirs: object = _at(text, declaration, given, shape, random)
            except TooLarge:
                continue
            except Refused as error:
                theirs = f"refuses: {error}"
            try:
                module = program[declaration.name].module(at=shape, **given)
                ours: object = batched(outcome(module, Kind(shape)))
            except CompileError as error:
                ours = f"refuses: {error.diagnostics[0].message}"
            tally["uses refused" if isinstance(ours, str) else "uses accepted"] += 1
            if ours != theirs and not (isinstance(ours, str) and isinstance(theirs, str)):
                return tally, f"{text}{declaration.name} at {list(shape)} with {given}: archc {ours}; torch {theirs}"
    return tally, ""


def _disagreement_while_running(random: Random) -> tuple[Counter[str], str]:
    """Write a block and build it once with its sizes open; compare what it takes and gives at several sizes."""
    text = f"arch 0.1\nimport std.nn\n{Writer(random, STD).block(0).text}\n"
    tally: Counter[str] = Counter()
    for declaration in _open_blocks(text):
        given, _ = _at_random(declaration, random)
        try:
            module = archc.loads(text)[declaration.name].module(**given)
        except CompileError:  # a weight has the shape of an open size, or the block is wrong
            tally["not open"] += 1
            continue
        for _ in range(4):
            _, shape = _at_random(declaration, random)
            try:
                theirs: object = _at(text, declaration, given, shape, random)
            except TooLarge:
                continue
            except Refused as error:
                theirs = f"refuses: {error}"
            try:
                ours: object = batched(outcome(module, Kind(shape)))
            except ValueError as error:
                ours = f"refuses: {error}"
            tally["runs refused" if isinstance(ours, str) else "runs"] += 1
            if ours != theirs and not (isinstance(ours, str) and isinstance(theirs, str)):
                return tally, f"{text}{declaration.name} at {list(shape)} with {given}: archc {ours}; torch {theirs}"
    return tally, ""


# ---------------------------------------------------------------- the tests
def _run(times: int, seed: object) -> Counter[str]:
    random = Random(f"programs {seed}")
    tally: Counter[str] = Counter()
    stories = []
    for _ in range(times):
        end, story = _disagreement(random)
        tally[end] += 1
        stories.extend([story] if story else [])
    assert not stories, f"{len(stories)} of {times}:\n" + "\n\n".join(sorted(stories, key=len)[:6])
    return tally


def _run_blocks(trial: Callable[[Random], tuple[Counter[str], str]], times: int, seed: object) -> Counter[str]:
    random = Random(f"blocks {seed}")
    tally: Counter[str] = Counter()
    stories = []
    for _ in range(times):
        ends, story = trial(random)
        tally.update(ends)
        stories.extend([story] if story else [])
    assert not stories, f"{len(stories)} of {times}:\n" + "\n\n".join(sorted(stories, key=len)[:6])
    return tally


@pytest.mark.parametrize("part", range(2))
def test_a_program_does_in_archc_what_its_text_does_in_torch(part: int) -> None:
    tally = _run(250, part)
    assert tally["accepted"] > 100 and tally["refused"] > 40, tally


def test_a_block_takes_the_sizes_that_its_preconditions_allow_and_no_others() -> None:
    tally = _run_blocks(_disagreement_on_blocks, 100, 0)
    assert tally["uses accepted"] > 100 and tally["uses refused"] > 40, tally


def test_a_module_with_open_sizes_runs_at_the_same_sizes() -> None:
    tally = _run_blocks(_disagreement_while_running, 300, 0)
    assert tally["runs"] > 40 and tally["runs refused"] > 20, tally


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_programs(part: int, record: Callable[[str], None]) -> None:
    tally = _run(10_000, f"soak {part}")
    record(", ".join(f"{count} {end}" for end, count in sorted(tally.items())) + "; 0 disagreements")


@pytest.mark.soak
@pytest.mark.parametrize("part", range(2))
def test_ten_thousand_blocks(part: int, record: Callable[[str], None]) -> None:
    tally = _run_blocks(_disagreement_on_blocks, 5_000, f"soak {part}")
    record(", ".join(f"{count} {end}" for end, count in sorted(tally.items())) + "; 0 disagreements")


@pytest.mark.soak
def test_five_thousand_modules_with_open_sizes(record: Callable[[str], None]) -> None:
    tally = _run_blocks(_disagreement_while_running, 5_000, "soak")
    record(", ".join(f"{count} {end}" for end, count in sorted(tally.items())) + "; 0 disagreements")
