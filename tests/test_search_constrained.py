"""A language model under the grammar of a space: the grammar's texts are the members, and whatever is written is one."""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from driver import OBJECTIVE, cells
from searching import Digits
from transformers import PreTrainedTokenizerFast

import archc
from archc.lower.grammar_text import grammar_text
from archc.members import Member, Space
from archc.runtime.decode.constrain import Constraint, constraint
from archc.runtime.decode.tiny import tiny_model, tiny_tokenizer
from archc.search.jobs import Inline, identify
from archc.search.loop import Result, Search, run
from archc.search.models.forms import CUT, OUTSIDE, TEXT, Choices, Refused
from archc.search.models.writers import Called, Local, writer
from archc.search.named import make
from archc.search.paths import Walk
from archc.search.protocol import Context, History, Json, Trial
from archc.search.strategies.llm import Written, rate
from archc.spaces import sentences as written
from archc.spaces.sentences import Sentences, sentences

SPACES = {
    "recursive": "space Net : a -> a where depth <= 3 = Net -> Net | (Net, Net) -> add | relu | tanh",
    "twice": "space Net : [n] -> [n] = (relu | relu | Leaf) -> Leaf\nspace Leaf : a -> a = tanh | linear(8 | 4) -> linear(8)",
    "shared": "space Net : [n] -> [n] = {\n  choose act = relu | tanh | linear(8) * (1..2)\n  return act -> linear(8) -> act -> (id | act) * (1..2)\n}",
    "types": "space Net : [8] -> [4] = linear(4 | 8) -> (id | linear(8)) -> (id | relu | linear(4 | 8)) -> (id | linear(4))",
    "bounded": "space Net : [8] -> [8] where params <= 150 = (linear(8) | linear(4) -> linear(8) | relu) * (1..4)",
}
RANGES = """space Net : [n] -> [n] = (dropout(0.1 .. 0.25) | relu | Wide) * (1..2)
space Wide : a -> a = dropout(0.0001 .. 0.9) -> tanh"""


@cache
def space(name: str) -> Space:
    """Return a small space."""
    text = RANGES if name == "ranges" else SPACES[name]
    return archc.loads(f"arch 0.1\nimport std.nn\n{text}\n")["Net"].space(at="[8]")


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    every = [Sentences("Net", space(name).forest).text(space(name)[0].derivation) for name in (*SPACES, "ranges")]
    return tiny_tokenizer([*every, "0: 0.123"], 300)


def kept(of: Sentences) -> Constraint:
    """Return what keeps a model to the texts of a space, by xgrammar."""
    return constraint(of.grammar, tokenizer(), "xgrammar")


# ---------------------------------------------------------------- the grammar
@pytest.mark.parametrize("name", SPACES)
def test_the_grammar_has_a_text_for_each_member_and_no_others(name: str) -> None:
    found, form = space(name), Sentences("Net", space(name).forest)
    keeps = kept(form)
    texts = {form.text(member.derivation): member for member in found}
    assert len(texts) == found.count() and max(map(len, texts)) == form.longest
    lines = sorted({line for text in texts for line in text.splitlines(keepends=True)})
    rng = Random(0)
    for text, member in texts.items():
        assert keeps.accepts(text) and form.read(text.splitlines()) == member.derivation, text
        whole = text.splitlines(keepends=True)
        at = rng.randrange(len(whole))
        for changed in (
            [*whole[:at], *whole[at + 1 :]],
            [*whole[:at], rng.choice(lines), *whole[at + 1 :]],
            [*whole[:at], rng.choice(lines), *whole[at:]],
            [*whole[:at], f"9{whole[at]}", *whole[at + 1 :]],
            [*whole[:at], whole[at].replace(": ", ":"), *whole[at + 1 :]],
        ):
            is_one = "".join(changed) in texts
            assert keeps.accepts("".join(changed)) == is_one, changed
            assert (form.read([line.rstrip("\n") for line in changed]) is not None) == is_one, changed


@pytest.mark.parametrize("name", ["recursive", "types"])
def test_all_that_a_walk_along_the_masks_can_write_are_the_members(name: str) -> None:
    found, form = space(name), Sentences("Net", space(name).forest)
    keeps, texts, waiting = kept(form), set[str](), [((), kept(form).start())]
    single = [n for n, token in enumerate(keeps.vocabulary.tokens) if len(token) == 1]
    while waiting and len(texts) <= found.count():
        tokens, state = waiting.pop()
        allowed = state.allowed()
        if allowed[list(keeps.vocabulary.ends)].any():
            texts.add(keeps.text(tokens))
        waiting += [((*tokens, token), state.after(token)) for token in single if allowed[token]]
    assert texts == {form.text(member.derivation) for member in found}


def test_numbers_of_a_range_are_any_in_it_and_no_others() -> None:
    found, form = space("ranges"), Sentences("Net", space("ranges").forest)
    keeps = kept(form)
    for member in found.sample(Random(1), 200):
        text = form.text(member.derivation)
        assert keeps.accepts(text) and form.read(text.splitlines()) == member.derivation and len(text) <= form.longest
    site = next(number for number, one in enumerate(found.forest.sites) if one.low == 0.1)
    plain = next(form.text(m.derivation) for m in found if f"\n{site}: " in form.text(m.derivation))
    before, _, behind = plain.partition(f"\n{site}: ")
    rest = behind.partition("\n")[2]
    for number, is_in in (("0.1", 1), ("0.25", 1), ("0.2499999", 1), ("0.26", 0), ("0.09", 0), ("1e-1", 0), ("inf", 0)):
        text = f"{before}\n{site}: {number}\n{rest}"
        assert keeps.accepts(text) == bool(is_in) == (form.read(text.splitlines()) is not None), number


@pytest.mark.parametrize("notation", ["ebnf", "gbnf", "lark"])
def test_the_grammar_can_be_written_for_every_engine(notation: str) -> None:
    text = grammar_text(Sentences("Net", space("ranges").forest).grammar, notation)
    assert "Net: a decision a line, as a grammar for" in text


def test_a_text_that_is_no_member_is_told_where_it_leaves_the_space() -> None:
    found = space("shared")
    form = Choices(found, Sentences("Net", found.forest))
    lines = form.shown(found[3]).splitlines()
    assert form.member("```\n" + "\n\n".join(lines) + "\n```") == found[3]
    for text in ("\n".join(lines[:-1]), lines[0][:-2], ""):
        assert why(form, text).kind == CUT
    assert why(form, "A fine network").kind == TEXT
    wrong = why(form, "\n".join([lines[0], "7: gelu"]))
    assert wrong.kind == OUTSIDE and "line 2 is `7: gelu`, and the space has `" in str(wrong)
    assert "the network is whole before it" in str(why(form, "\n".join([*lines, lines[0]])))


def test_a_number_that_is_cut_off_is_told_from_one_that_is_out_of_its_range() -> None:
    form = Choices(space("ranges"), Sentences("Net", space("ranges").forest))
    text = next(form.shown(member) for member in space("ranges") if member.derivation.reals)
    number = re.search(r"^[0-9]+: (0\.[0-9]+)$", text, re.MULTILINE)
    assert number
    head = text[: number.start(1)]
    assert [why(form, head + begun).kind for begun in ("", "0.", "0.0")] == [CUT] * 3
    wrong = why(form, f"{head}3.5\n")
    assert wrong.kind == OUTSIDE and ": a number from 0." in str(wrong)


def why(form: Choices, text: str) -> Refused:
    """Return why a text is not taken."""
    with pytest.raises(Refused) as caught:
        form.member(text)
    return caught.value


# ---------------------------------------------------------------- searching
def by_key(proposal: object) -> str:
    """Let no two members be one."""
    return identify(Digits(), proposal)


def saved_model(folder: Path, texts: list[str], *, context: int) -> None:
    """Write a model with random weights to a folder."""
    found = tiny_tokenizer(texts, 400)
    tiny_model(found, width=32, layers=1, context=context).save_pretrained(folder)
    found.save_pretrained(folder)


def ran(of: Space, settings: dict[str, Json], trials: int = 12) -> Result:
    """Return how a search with a language model ended."""
    search = Search(of, OBJECTIVE, "llm", {"start": 2, "shots": 2, **settings}, evaluations=trials, ahead=1)
    return run(search, Inline(Digits(), OBJECTIVE), by_key)


@pytest.mark.parametrize("name", ["cells", "recursive", "ranges"])
def test_whatever_a_random_model_writes_is_a_member(name: str, tmp_path: Path) -> None:
    found = cells() if name == "cells" else space(name)
    form = Sentences(found.name, found.forest)
    saved_model(tmp_path, [form.text(found[0].derivation), *form.options[0]], context=4_000)
    local = writer(f"transformers:{tmp_path}", form)
    assert isinstance(local, Local) and local.is_constrained
    texts = [local(f"prompt {number}") for number in range(8)]
    assert local("prompt 0") == texts[0] and len(set(texts)) > 1
    for text in texts:
        derivation = form.read(text.splitlines())
        assert derivation is not None and Member(found, derivation) in found, text


def test_under_the_grammar_no_text_is_outside_and_the_rate_says_so(tmp_path: Path) -> None:
    found = cells()
    form = Sentences(found.name, found.forest)
    saved_model(tmp_path, [form.text(found[n].derivation) for n in (0, 9999)], context=4_000)
    history = ran(found, {"model": f"transformers:{tmp_path}"}).history
    under = rate(history, constrained=True)
    assert under.taken >= 9 and set(under.refused) <= {"known"} and rate(history).texts == 0
    proposed = [trial.origin for trial in history if trial.origin["operator"] != "start"]
    assert proposed and all(origin["constrained"] is True for origin in proposed)
    free = ran(found, {"model": f"transformers:{tmp_path}", "constrained": False}, trials=4).history
    assert rate(free).refused["text"] == rate(free).texts == 6 and rate(free, constrained=True).texts == 0


def test_a_text_that_is_cut_off_is_told_and_written_anew(tmp_path: Path) -> None:
    found = cells()
    saved_model(tmp_path, ["0: zero\n"], context=24)
    history = ran(found, {"model": f"transformers:{tmp_path}", "tries": 2}, trials=4).history
    assert rate(history, constrained=True).refused == {CUT: 4}
    assert [trial.origin["operator"] for trial in history][2:] == ["redraw", "redraw"]


@pytest.fixture
def brought() -> Iterator[ModuleType]:
    """Yield a module whose callables write members: one is given a grammar, the other is not."""
    module = ModuleType("archc_test_constrained")
    calls: list[tuple[str, object]] = []

    def write(prompt: str, grammar: str | None = None) -> str:
        calls.append((prompt, grammar))
        walk, rng = Walk(cells().forest, Random(len(calls))), Random(len(calls))
        while (choice := walk.next()) is not None:
            walk.take(rng.choice(choice.options))
        member = Member(cells(), walk.derivation())
        return member.text if grammar is None else Sentences("Cell", cells().forest).text(member.derivation)

    vars(module).update(write=write, plain=lambda prompt: write(prompt), calls=calls)
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def test_a_callable_that_takes_a_grammar_gets_it_and_shots_in_its_form(brought: ModuleType) -> None:
    history = ran(cells(), {"model": "python:archc_test_constrained:write"}).history
    assert rate(history, constrained=True).taken == 10 and rate(history).texts == 0
    form = Sentences(cells().name, cells().forest)
    for prompt, grammar in brought.calls:
        assert grammar == grammar_text(form.grammar, "ebnf") and "arch 0.1\nmodel" not in prompt
        shots = [part.partition("\n\nScore")[0].partition("\n\nVariation")[0] for part in prompt.split(":\n\n0: ")[2:]]
        assert len(shots) == 2 and all(form.read(f"0: {shot}".splitlines()) is not None for shot in shots)
        assert "Conv(c, 3)" in prompt.partition("These are the choices:")[2]


@pytest.mark.parametrize(("name", "settings"), [("plain", {}), ("write", {"constrained": False})])
def test_one_that_takes_none_and_one_that_may_not_write_programs(
    brought: ModuleType, name: str, settings: dict[str, Json]
) -> None:
    history = ran(cells(), {"model": f"python:archc_test_constrained:{name}", **settings}, trials=6).history
    assert rate(history).taken == 4 and rate(history, constrained=True).texts == 0
    assert all(grammar is None and prompt.endswith("arch 0.1\n") for prompt, grammar in brought.calls)


def test_a_space_that_is_too_large_is_written_as_programs(brought: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "MOST_EDGES", cells().forest.edges - 1)
    assert sentences("Cell", cells().forest) is None
    history = ran(cells(), {"model": "python:archc_test_constrained:write"}, trials=5).history
    assert rate(history).taken == 3 and all(grammar is None for _, grammar in brought.calls)


def test_a_tokenizer_that_cannot_spell_the_choices_is_told_once(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    words = Tokenizer(models.WordLevel({"</s>": 0, "a": 1, "?": 2}, unk_token="?"))
    found = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", unk_token="?")
    tiny_model(found, width=32, layers=1, context=32).save_pretrained(tmp_path)
    found.save_pretrained(tmp_path)
    with pytest.warns(
        UserWarning, match=r"writes without the grammar of the space: the tokenizer cannot spell"
    ) as told:
        history = ran(cells(), {"model": f"transformers:{tmp_path}", "tries": 1}, trials=4).history
    assert len(told) == 1 and rate(history).texts == 2 and rate(history, constrained=True).texts == 0


def test_what_is_no_python_function_takes_no_grammar() -> None:
    form = Sentences("Net", space("types").forest)
    assert not Called("f", dict, form).is_constrained
    assert not Called("f", lambda prompt, **words: "", form).is_constrained
    assert Called("f", lambda prompt, *, grammar: "", form).is_constrained
    assert not Called("f", lambda prompt, grammar: "").is_constrained


def test_a_prompt_is_as_long_as_the_space_and_its_shots(brought: ModuleType) -> None:
    context = Context(cells(), OBJECTIVE, History(cells(), OBJECTIVE))
    strategy = make("llm", context, {"model": "python:archc_test_constrained:write"})
    for number in range(2):
        member = cells()[number]
        trial = Trial(number, member.key, member.derivation, "", number, 1.0, "done", {"sum": 1.0})
        context.history.put(trial, member)
    assert isinstance(strategy, Written)
    asked = strategy.prompt("mutate", [0, 1], "", variation=1)
    assert asked.count("Score ") == 2
    assert "as its choices, one a line, nothing else," in asked and asked.endswith("may score higher.\n\n")
