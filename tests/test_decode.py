"""Language models under a constraint: whatever they write is of the type, in every way of generating."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import LogitsProcessorList, PreTrainedTokenizerFast

import archc
from archc.cli import main
from archc.grammar.diagnostics import CompileError
from archc.grammars.forest import Edge, Forest, Literal, State
from archc.runtime.decode import trial
from archc.runtime.decode.constrain import Constraint, constraint
from archc.runtime.decode.engines import ENGINES, engine
from archc.runtime.decode.generate import load_writer
from archc.runtime.decode.model import Model
from archc.runtime.decode.tiny import tiny_model, tiny_tokenizer
from archc.runtime.decode.trial import tried
from archc.runtime.decode.vocabulary import Vocabulary, vocabulary

PROGRAM = """arch 0.1
type Money = Decimal(2) where it >= 0, it < 1000
type Line = { item: String(1..12), quantity: 1..99, price: Money, amount: Decimal(2) = quantity*price }
type Invoice = {
  number: re"INV-[0-9]{4}",
  issued: Date,
  buyer?: { kind: "person", name: String(..9) } | { kind: "company", vat: re"[A-Z]{2}[0-9]{8}" },
  currency: "USD" | "EUR" = "EUR",
  lines: Line[1..3],
  total: Decimal(2) = sum(lines.amount),
}
type Flags = { on: Bool, level: 1..5, state: "open" | "shut" | "\\u00e9\\"" }[1..4]
type Tree = { v: 0..9, left?: Tree, right?: Tree }
type Only = { yes: true }
"""
PROMPTS = ["An invoice: ", "x", "The third of three invoices, for Ada: "]


@cache
def program() -> archc.Program:
    return archc.loads(PROGRAM)


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    texts = [text for name in ("Invoice", "Flags", "Tree") for text in program()[name].sample(Random(0), 100)]
    return tiny_tokenizer([*texts, *PROMPTS], 500)


@cache
def model() -> Model:
    return tiny_model(tokenizer(), width=32, layers=1, context=1024)


@cache
def kept(name: str, by: str = "auto") -> Constraint:
    return program()[name].constraint(tokenizer(), by)


def generate(of: Constraint, prompts: list[str], processors: list[object] | None = None, **how: object) -> list[str]:
    """Return what the random model writes after each prompt, under the constraint."""
    given = tokenizer()(prompts, return_tensors="pt", padding=True, padding_side="left")
    rows = model().generate(
        **{key: given[key] for key in ("input_ids", "attention_mask")},
        max_new_tokens=700,
        logits_processor=LogitsProcessorList(processors or [of.logits_processor()]),
        **how,
    )
    return [of.text(row.tolist()) for row in rows[:, given["input_ids"].shape[1] :]]


# ---------------------------------------------------------------- generating
def test_whatever_a_random_model_draws_is_of_the_type() -> None:
    torch.manual_seed(0)
    of = kept("Invoice")
    assert of.engine == "llguidance"
    texts = [text for _ in range(5) for text in generate(of, ["An invoice: "] * 10, do_sample=True)]
    assert len(set(texts)) == 50
    for text in texts:
        value = program()["Invoice"].parse(text)
        assert isinstance(value, dict)
        lines = value["lines"]
        assert isinstance(lines, list)
        assert value["total"] == sum(line["amount"] for line in lines if isinstance(line, dict))
        assert of.accepts(text)


@pytest.mark.parametrize("by", ENGINES)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"do_sample": True},
        {"num_beams": 3},
        {"num_beams": 3, "num_return_sequences": 3},
        {"num_beams": 2, "do_sample": True},
    ],
    ids=["greedy", "sampling", "beams", "all beams", "sampled beams"],
)
def test_every_way_of_generating_stays_in_the_type(by: str, how: dict[str, object]) -> None:
    torch.manual_seed(1)
    of = kept("Flags", by)
    texts = generate(of, PROMPTS, **how)
    assert len(texts) == 3 * int(str(how.get("num_return_sequences", 1)))
    for text in texts:
        assert isinstance(program()["Flags"].parse(text), list)


def test_each_row_of_a_batch_writes_what_it_would_write_alone() -> None:
    of = kept("Flags")
    assert generate(of, PROMPTS) == [generate(of, [prompt])[0] for prompt in PROMPTS]


def test_a_processor_begins_anew_with_each_generation() -> None:
    of = kept("Flags")
    used = [of.logits_processor()]
    first = generate(of, PROMPTS, used)
    assert generate(of, PROMPTS, used) == first
    assert generate(of, PROMPTS[:1], used) == generate(of, PROMPTS[:1])
    assert generate(of, PROMPTS, used, num_beams=3) == generate(of, PROMPTS, num_beams=3)
    whole = PROMPTS[0] + first[0]
    program()["Flags"].parse(generate(of, [whole], used)[0])


def test_a_generation_that_was_cut_short_leaves_nothing_behind() -> None:
    of = kept("Flags")
    used = [of.logits_processor()]
    given = tokenizer()(PROMPTS[:1], return_tensors="pt")
    model().generate(given["input_ids"], max_new_tokens=4, logits_processor=LogitsProcessorList(used))
    assert generate(of, PROMPTS, used) == generate(of, PROMPTS)


def test_the_only_document_is_written_by_beams_too() -> None:
    assert set(generate(kept("Only"), PROMPTS, num_beams=3)) == {'{"yes":true}'}


def test_scores_wider_than_the_tokenizer_are_closed_beyond_it() -> None:
    of = kept("Only")
    scores = of.logits_processor()(torch.tensor([[0]]), torch.zeros(1, len(tokenizer()) + 7))
    assert scores.shape == (1, len(tokenizer()) + 7)
    assert torch.isneginf(scores[0, len(tokenizer()) :]).all()
    assert torch.isfinite(scores).any()


# ---------------------------------------------------------------- masks
def prefixes(of: Constraint, rng: Random, number: int) -> Iterator[list[int]]:
    for _ in range(number):
        prefix: list[int] = []
        for _ in range(rng.randint(0, 40)):
            allowed = of.mask(prefix).nonzero().flatten().tolist()
            token = rng.choice(allowed)
            if token in of.vocabulary.ends:
                break
            prefix.append(token)
        yield prefix


@pytest.mark.parametrize("name", ["Flags", "Tree", "Only"])
def test_engines_agree_on_masks_but_where_text_is_fixed(name: str) -> None:
    one, other = kept(name, "xgrammar"), kept(name, "llguidance")
    assert one.accounts == other.accounts
    for prefix in prefixes(other, Random(2), 15):
        wide, narrow = one.mask(prefix), other.mask(prefix)
        assert not (narrow & ~wide).any()
        if not torch.equal(wide, narrow):
            assert narrow.sum() == 1, of_text(other, prefix)


def of_text(of: Constraint, tokens: list[int]) -> str:
    return of.text(tokens)


def test_masks_differ_where_the_account_says() -> None:
    one, other = kept("Invoice", "xgrammar"), kept("Invoice", "llguidance")
    loose = {account.subject for account in one.accounts if not account.decoding}
    assert loose - {account.subject for account in other.accounts if not account.decoding} == {
        "String(1..12)",
        "String(..9)",
    }
    for prefix in prefixes(other, Random(3), 10):
        assert not (other.mask(prefix) & ~one.mask(prefix)).any()


def test_a_mask_is_of_all_tokens_and_knows_no_wrong_prefix() -> None:
    of = kept("Only")
    assert len(of.mask()) == len(tokenizer())
    tokens = tokenizer().encode('{"yes":true}', add_special_tokens=False)
    assert of.mask(tokens).nonzero().flatten().tolist() == [tokenizer().eos_token_id]
    with pytest.raises(ValueError, match="token 0 may not come at 0"):
        of.mask([0])
    with pytest.raises(ValueError, match="may not come"):
        of.mask([10**9])


# ---------------------------------------------------------------- texts
@pytest.mark.parametrize("by", ENGINES)
def test_hostile_and_truncated_text_is_refused(by: str) -> None:
    of = kept("Invoice", by)
    text = program()["Invoice"].sample(Random(4))[0]
    assert of.accepts(text)
    for cut in range(len(text)):
        assert not of.accepts(text[:cut])
    for hostile in ("", "[" * 100_000, text + "\n", "\ud800", text.replace("{", "{{"), "\0", text + text):
        assert not of.accepts(hostile)


def test_text_ends_at_the_first_end_token() -> None:
    tokens = tokenizer().encode("a b", add_special_tokens=False)
    assert kept("Only").text([*tokens, 1, *tokens]) == "a b"
    assert kept("Only").text([10**9, -5]) == ""


# ---------------------------------------------------------------- tokenizers
def letters(texts: str, end: str | None = "</s>") -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens are single characters."""
    from tokenizers import Tokenizer, decoders, models

    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(["</s>", "<unk>", *texts]))}
    found = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    found.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=found, eos_token=end, unk_token="<unk>")


def test_a_tokenizer_without_a_needed_character_is_told() -> None:
    with pytest.raises(archc.CompileError, match=r"A0560 the tokenizer cannot spell `Only`: it has no token for : \{"):
        program()["Only"].constraint(letters('}"abcdefghijklmnopqrstuvwxyz'))
    digits = archc.loads("arch 0.1\ntype Year = 1000..1999\n")["Year"]
    with pytest.raises(archc.CompileError, match=r"A0560 .* it has no token for 1"):
        digits.constraint(letters("023456789"))


def test_what_a_tokenizer_cannot_spell_is_left_out_of_the_constraint() -> None:
    of = archc.loads('arch 0.1\ntype T = { a: String(1..3), b?: Int, kind: "x" | "zé" }\n')["T"].constraint(
        letters('{}[]":,abkindxy')
    )
    assert of.accepts('{"a":"xyx","kind":"x"}')
    assert not of.accepts('{"a":"q","kind":"x"}')
    assert not of.accepts('{"a":"x","b":1,"kind":"x"}')
    assert any("without" in account.bound for account in of.accounts)


def test_a_tokenizer_without_an_end_is_told() -> None:
    with pytest.raises(archc.CompileError, match="A0561"):
        program()["Only"].constraint(letters("abc", end=None))


def test_a_tokenizer_that_tells_no_tokens_is_told() -> None:
    class Strange:
        eos_token_id = 1

        def __len__(self) -> int:
            return 3

    with pytest.raises(archc.CompileError, match="A0565 the tokens of a Strange cannot be read"):
        vocabulary(Strange())  # type: ignore[arg-type]  # that is what is tested


def test_a_missing_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Vocabulary((b"a", b""), (1,))
    for by in ENGINES:
        monkeypatch.setitem(sys.modules, by, None)
        with pytest.raises(archc.CompileError, match=f"A0564 decoding under a constraint needs {by}"):
            engine(by, "", words)


def test_special_tokens_write_nothing() -> None:
    words = vocabulary(tokenizer())
    assert [words.tokens[number] for number in tokenizer().all_special_ids] == [b"", b"", b""]
    text = words.encoded('{"a":"é"}'.encode())
    assert b"".join(words.tokens[token] for token in text) == '{"a":"é"}'.encode()
    assert Vocabulary((b"", b"ab", b"a", b"b"), (0,)).encoded(b"aba") == [1, 2]


# ---------------------------------------------------------------- engines
def test_a_grammar_that_an_engine_refuses_is_a_diagnostic() -> None:
    for by in ENGINES:
        with pytest.raises(archc.CompileError, match=f"A0562 {by} does not take this grammar"):
            engine(by, "%%% (", vocabulary(tokenizer()))
        with pytest.raises(archc.CompileError, match=f"A0562 {by} does not take this grammar"):
            tried(by, "%%% (", vocabulary(tokenizer()))
    with pytest.raises(ValueError, match="'outlines' is no engine"):
        program()["Only"].constraint(tokenizer(), "outlines")


def test_a_foreign_type_is_tried_in_a_child_first() -> None:
    assert constraint(program()["Only"].schema, tokenizer(), foreign=True).accepts('{"yes":true}')


def test_a_grammar_bomb_ends_in_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 2)
    arms = " | ".join(f'"{number:06}{"x" * 20}"' for number in range(150_000))
    with pytest.raises(archc.CompileError, match="A0563 xgrammar takes over 2 s or 1 GiB"):
        tried("xgrammar", f"root ::= {arms}", vocabulary(tokenizer()))


def test_a_forest_is_taken_as_well_as_a_type() -> None:
    one = Forest((State("t", "", (Edge((Literal("[1]"),)),)),), 0)
    assert constraint(one, tokenizer()).accepts("[1]")


# ---------------------------------------------------------------- the command
@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("model")
    model().save_pretrained(found)
    tokenizer().save_pretrained(found)
    (found / "net.arch").write_text(PROGRAM, encoding="utf-8")
    return found


def test_archc_decode_prints_a_document(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = [
        "decode",
        f"{folder}/net.arch:Invoice",
        "--model",
        str(folder),
        "--prompt",
        "An invoice: ",
        "--seed",
        "3",
    ]
    assert main(command) == 0
    first = capfd.readouterr()
    assert program()["Invoice"].validate(json.loads(first.out)) == ()
    assert '"total":' in first.out
    assert first.err == ""
    assert main([*command, "-v"]) == 0
    again = capfd.readouterr()
    assert again.out == first.out
    assert "by llguidance\nenforced while decoding:" in again.err


def test_archc_decode_tells_what_is_wrong(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["decode", f"{folder}/net.arch:Invoice", "--model"]
    assert main([*command, str(folder), "--max-new-tokens", "3"]) == 1
    assert "A0567  the document is not over after 3 tokens" in capfd.readouterr().err
    assert main([*command, str(folder / "no")]) == 1
    assert "A0566  no language model can be read" in capfd.readouterr().err
    assert main([*command, str(folder), "--engine", "peg"]) == 2
    assert "A0913  `peg` is no engine" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("model.safetensors", "abc", "header"),
        (
            "config.json",
            '{"model_type": "bert", "vocab_size": 600, "hidden_size": 32, "num_attention_heads": 2}',
            "lack",
        ),
        ("config.json", '{"model_type": "llama", "hidden_size": "wide"}', "hidden_size"),
        ("tokenizer_config.json", "[1]", "list"),
        ("tokenizer.json", "{broken", "double quotes"),
    ],
)
def test_a_torn_model_folder_is_told(folder: Path, tmp_path: Path, file: str, text: str, reason: str) -> None:
    for entry in folder.iterdir():
        (tmp_path / entry.name).write_bytes(entry.read_bytes())
    (tmp_path / file).write_text(text)
    with pytest.raises(CompileError) as told:
        load_writer(tmp_path)
    assert told.value.diagnostics[0].code == "A0566" and reason in str(told.value)


def test_a_model_folder_runs_no_code(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    assert main(["decode", f"{folder}/net.arch:Only", "--model", str(tmp_path)]) == 1
    assert "A0566" in capfd.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_importing_archc_imports_no_engine() -> None:
    script = "import sys, archc, archc.api, archc.cli; print([n for n in ('torch', 'xgrammar', 'llguidance', 'transformers') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
