"""What decoding costs and whether everything that reads documents agrees, on a tokenizer of 32,768 tokens and more."""

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from figures import Figure

import archc
from archc.data.json_text import JsonError, read
from archc.data.validate import validate
from archc.data.violations import Violation
from archc.grammars.forest import Account
from archc.lower.json_schema import to_json_schema
from archc.lower.pydantic_source import to_pydantic
from archc.runtime.decode.constrain import Constraint, constraint
from archc.runtime.decode.tiny import tiny_model, tiny_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

EXAMPLES = Path(__file__).parent.parent / "examples"
TYPES = (
    *(("invoice", "Invoice"), ("json_document", "JsonDocument"), ("request", "Request"), ("resume", "Resume")),
    *(("tool_call", "Answer"), ("data", "Event"), ("data", "Headers")),
)
TOKENS = 33_000
FEW = 2_000
"""A random model with so many tokens writes documents of a length that can be waited for."""

DOCUMENTS = 10_000
GENERATIONS = 1_000
AT_ONCE = 50
LONGEST = 2_000
ENGINES = ("xgrammar", "llguidance")
SYLLABLE = (
    (*"bcdfghklmnprstvwz", "ch", "sh", "th", "st", "tr", "pl"),
    (*"aeiou", "ai", "ea", "ou"),
    (*"nrslt", "nd", ""),
)


class Validator(Protocol):
    """A validator of the package jsonschema, which is not annotated."""

    def is_valid(self, instance: object) -> bool:
        """Whether a document is accepted."""


@dataclass(frozen=True)
class Type:
    """One type of an example, and everything that reads its documents."""

    file: str
    name: str
    tokenizer: "PreTrainedTokenizerFast"

    @cached_property
    def declaration(self) -> archc.Declaration:
        """The type."""
        return archc.load(EXAMPLES / f"{self.file}.arch")[self.name]

    @cached_property
    def documents(self) -> list[str]:
        """Its share of the documents, as a model would write them."""
        return self.declaration.sample(Random(self.name), DOCUMENTS // len(TYPES) + 1)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraint by each engine."""
        return tuple(constraint(self.declaration.schema, self.tokenizer, engine) for engine in ENGINES)

    @cached_property
    def pydantic(self) -> tuple[ModuleType, tuple[Account, ...]]:
        """Its pydantic module, and what that leaves to archc."""
        source, accounts = to_pydantic(self.declaration.schema)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "made.py"
            file.write_text(source, encoding="utf-8")
            spec = importlib.util.spec_from_file_location(f"made_{self.name}", file)
            assert spec and spec.loader
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        return module, accounts

    @cached_property
    def json_schema(self) -> "tuple[Validator, tuple[Account, ...]]":
        """A validator of its JSON Schema, and what that leaves to archc."""
        jsonschema = importlib.import_module("jsonschema")
        lowered = to_json_schema(self.declaration.schema)
        again = json.loads(json.dumps(lowered.document))
        validator: Validator = jsonschema.Draft202012Validator(again, format_checker=jsonschema.FormatChecker())
        return validator, lowered.accounts

    def complaints(self, text: str) -> tuple[Violation, ...]:
        """Return what archc says to a document."""
        try:
            return validate(self.declaration.schema, read(text))
        except JsonError as error:
            return (Violation((), "A0521", error.message),)

    def verdicts(self, text: str) -> Iterator[tuple[str, bool, tuple[Account, ...]]]:
        """Yield who reads the document, whether it accepts it, and its account."""
        for found in self.constraints:
            yield found.engine, found.accepts(text), found.accounts
        yield "pydantic", self._pydantic_accepts(text), self.pydantic[1]
        validator, accounts = self.json_schema
        yield "JSON Schema", _is_json(text) and validator.is_valid(json.loads(text)), accounts

    def _pydantic_accepts(self, text: str) -> bool:
        try:
            self.pydantic[0].parse(text)
        except ValueError:
            return False
        return True


def _is_json(text: str) -> bool:
    try:
        read(text)
    except JsonError:
        return False
    return True


def decode_figures() -> Iterator[Figure]:
    """Yield how long grammars and masks take, how far readers of documents differ, and what a random model writes."""
    tokenizer = _tokenizer()
    types = [Type(file, name, tokenizer) for file, name in TYPES]
    for one in types:
        yield from _speed(one)
    yield from _agreement(types)
    yield from _generations(types)


def _tokenizer() -> "PreTrainedTokenizerFast":
    """Return a tokenizer trained on made-up words and on documents, never on anybody's text."""
    rng = Random(0)
    words = ["".join(rng.choice(part) for _ in range(rng.randint(1, 4)) for part in SYLLABLE) for _ in range(60_000)]

    def texts() -> Iterator[str]:
        for _ in range(30_000):
            yield " ".join(rng.choices(words, k=12))
            yield json.dumps(
                {rng.choice(words): rng.choice([rng.randint(0, 10**6), rng.choice(words)]) for _ in range(4)}
            )

    found = tiny_tokenizer(texts(), TOKENS)
    assert len(found) >= 1 << 15
    return found


# ---------------------------------------------------------------- speed
def _speed(one: Type) -> Iterator[Figure]:
    schema = one.declaration.schema
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        found = constraint(schema, one.tokenizer)
        times.append(time.perf_counter() - start)
    note = f"by {found.engine}, from the type"
    yield Figure(f"{one.name}: compile", 1000 * median(times[1:]), 100, "ms", note)
    masks = sorted(_masks(one, found, one.documents[:20]))
    note = f"{len(masks):,} masks of {len(one.tokenizer):,} tokens; of 100 the slowest {1e6 * masks[int(0.99 * len(masks))]:.0f} us"
    yield Figure(f"{one.name}: mask, median", 1e6 * median(masks), 50, "us", note)


def _masks(one: Type, found: Constraint, documents: Iterable[str]) -> Iterator[float]:
    import torch

    mask = torch.zeros(1, (len(one.tokenizer) + 31) // 32, dtype=torch.int32)
    for text in documents:
        matcher = found.compiled.matcher()
        for token in one.tokenizer.encode(text, add_special_tokens=False):
            start = time.perf_counter()
            matcher.fill(mask)
            yield time.perf_counter() - start
            assert matcher.accept(token), text


# ---------------------------------------------------------------- agreement
def _agreement(types: list[Type]) -> Iterator[Figure]:
    refused = dict.fromkeys((*ENGINES, "pydantic", "JSON Schema"), 0)
    strange = dict(refused)
    rng = Random(5)
    wrong = 0
    for one in types:
        for text in one.documents:
            for name, accepted, _ in one.verdicts(text):
                refused[name] += not accepted
            changed = _changed(text, rng)
            complaints = one.complaints(changed)
            wrong += bool(complaints)
            for name, accepted, accounts in one.verdicts(changed):
                if name in ENGINES and not complaints:
                    continue  # another way to write a document: white space, an order, a default left out
                strange[name] += accepted == bool(complaints) and not _in_account(complaints, accounts)
    total = sum(len(one.documents) for one in types)
    for name, number in refused.items():
        yield Figure(f"drawn documents refused by {name}", number, 0, f"of {total:,}")
    for name, number in strange.items():
        note = f"{wrong:,} of them are wrong"
        yield Figure(
            f"changed documents that {name} judges otherwise than its account says", number, 0, f"of {total:,}", note
        )


def _changed(text: str, rng: Random) -> str:
    """Return a document with one change: a character, a piece moved, a value exchanged for another."""
    at, to = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    match rng.randrange(6):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + rng.choice(' "\\{}[],:0129.-eaZ\u00e9') + text[at:]
        case 2:
            return text[:at] + rng.choice('"09aZ-.') + text[at + 1 :]
        case 3:
            return text[:to] + text[at : at + 8] + text[to:]
        case 4:
            pieces = text.split(",")
            first, second = rng.randrange(len(pieces)), rng.randrange(len(pieces))
            pieces[first], pieces[second] = pieces[second], pieces[first]
            return ",".join(pieces)
        case _:
            pieces = text.split(",")
            del pieces[rng.randrange(len(pieces))]
            return ",".join(pieces)


def _in_account(complaints: Iterable[Violation], accounts: tuple[Account, ...]) -> bool:
    left = [account for account in accounts if not account.decoding]
    return all(any(_speaks_of(account, found) for account in left) for found in complaints)


def _speaks_of(account: Account, found: Violation) -> bool:
    names = [step for step in found.path if isinstance(step, str)]
    if account.bound.startswith("nests"):
        return "nests deeper" in found.message
    rule = account.bound.removeprefix("exactly ").removeprefix("matches ")
    if found.code == "A0529" and names:
        rule = rule.removeprefix(f"{names[-1]} == ").removeprefix("= ")
    return rule in found.message or (rule == "no key twice" and "twice" in found.message)


# ---------------------------------------------------------------- generations
def _generations(types: list[Type]) -> Iterator[Figure]:
    import torch
    from transformers import LogitsProcessorList

    tokenizer = tiny_tokenizer((text for one in types for text in one.documents[:100]), FEW)
    model = tiny_model(tokenizer, width=32, layers=1, context=LONGEST + 1)
    torch.manual_seed(0)
    broken = left = number = endless = turn = 0
    begin = torch.zeros(AT_ONCE, 1, dtype=torch.long)
    while number < GENERATIONS:
        one = types[turn % len(types)]
        turn += 1
        found = constraint(one.declaration.schema, tokenizer)
        with torch.no_grad():
            rows = model.generate(
                begin,
                attention_mask=torch.ones_like(begin),
                do_sample=True,
                max_new_tokens=LONGEST,
                logits_processor=LogitsProcessorList([found.logits_processor()]),
            )
        for row in rows[:, 1:].tolist():
            if not set(row) & set(found.vocabulary.ends):
                endless += 1
                continue
            number += 1
            complaints = one.complaints(found.text(row))
            broken += bool(complaints) and not _in_account(complaints, found.accounts)
            left += bool(complaints)
    note = f"random weights; {left:,} break a condition that the account leaves to validation, {endless:,} more were not over after {LONGEST:,} tokens"
    yield Figure("generations that do not validate up to the account", broken, 0, f"of {number:,}", note)


if __name__ == "__main__":
    for figure in decode_figures():
        print(figure.row(), flush=True)
