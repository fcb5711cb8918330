"""The data examples: their documents, what archc says to the wrong ones, and every target they are compiled to."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType

import jsonschema
import pytest
from agreement import mutated
from documents import ACCEPT
from imported import imported
from test_examples import expect

import archc
from archc.data.json_text import JsonError, read
from archc.data.violations import DocumentError, Violation
from archc.grammars.forest import Account
from archc.lower.json_schema import schema_text, to_json_schema
from archc.lower.pydantic_source import to_pydantic
from archc.runtime.fits import compact

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"
DOCUMENTS = ROOT / "examples" / "documents"
EXAMPLES = {
    "invoice": "Invoice",
    "json_document": "JsonDocument",
    "request": "Request",
    "resume": "Resume",
    "tool_call": "Answer",
}
"""The type of each example that is a whole document."""

REGULAR = ("invoice", "request", "resume")
"""The examples without recursion; the others are no regular expression."""

GRAMMARS = ("ebnf", "gbnf", "lark")
DRAWN = 20
CHANGED = 60


@cache
def declaration(file: str) -> archc.Declaration:
    return archc.load(ROOT / "examples" / f"{file}.arch")[EXAMPLES[file]]


def documents(file: str, folder: str) -> list[Path]:
    return sorted((DOCUMENTS / file / folder).glob("*.json"))


def cases(folder: str) -> list[tuple[str, Path]]:
    return [(file, document) for file in EXAMPLES for document in documents(file, folder)]


def called(case: object) -> str:
    return case.stem if isinstance(case, Path) else str(case)


def complaints(file: str, text: str) -> tuple[Violation, ...]:
    """Return what archc says to a document; nothing where it is one."""
    try:
        declaration(file).parse(text)
    except DocumentError as error:
        return error.violations
    return ()


# ---------------------------------------------------------------- documents
def test_every_folder_of_documents_belongs_to_an_example() -> None:
    assert sorted(folder.name for folder in DOCUMENTS.iterdir()) == sorted(EXAMPLES)


@pytest.mark.parametrize("file", EXAMPLES)
def test_there_are_enough_documents(file: str) -> None:
    assert min(len(documents(file, "valid")), len(documents(file, "invalid"))) >= 5
    assert {path.suffix for path in (DOCUMENTS / file).rglob("*") if path.is_file()} == {".json"}


@pytest.mark.parametrize(("file", "document"), cases("valid"), ids=called)
def test_a_valid_document_is_read(file: str, document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not declaration(file).validate(read(text))
    value = declaration(file).parse(text)
    given = read(text)
    assert isinstance(value, dict) and isinstance(given, dict)
    assert all(value[name] == given[name] or isinstance(given[name], (dict, list)) for name in given)
    assert not declaration(file).validate(value)


@pytest.mark.parametrize("file", EXAMPLES)
def test_an_invalid_document_breaks_one_rule(file: str) -> None:
    lines = []
    for document in documents(file, "invalid"):
        found = complaints(file, document.read_text(encoding="utf-8"))
        assert len(found) == 1, (document.stem, found)
        lines.append(f"{document.stem}\n    {found[0]}\n")
    expect(GOLDEN / file / "invalid.txt", "".join(lines))


def test_the_list_in_the_readme_is_whole() -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    for file, name in EXAMPLES.items():
        assert f"`{file}.arch`" in text and f"`{name}`" in text
        assert f"`documents/{file}`" in text


# ---------------------------------------------------------------- targets
@pytest.mark.parametrize("dialect", GRAMMARS)
@pytest.mark.parametrize("file", EXAMPLES)
def test_grammar_text(file: str, dialect: str) -> None:
    expect(GOLDEN / file / f"{EXAMPLES[file]}.{dialect}", declaration(file).grammar(dialect))


@pytest.mark.parametrize("file", EXAMPLES)
def test_a_regular_type_is_a_regular_expression(file: str) -> None:
    if file in REGULAR:
        expect(GOLDEN / file / f"{EXAMPLES[file]}.regex", f"{declaration(file).grammar('regex')}\n")
        return
    with pytest.raises(archc.CompileError) as caught:
        declaration(file).grammar("regex")
    assert [entry.code for entry in caught.value.diagnostics] == ["A0544"]


@pytest.mark.parametrize("file", EXAMPLES)
def test_json_schema(file: str) -> None:
    lowered = to_json_schema(declaration(file).schema)
    assert lowered.document == declaration(file).json_schema()
    jsonschema.Draft202012Validator.check_schema(lowered.document)
    expect(GOLDEN / file / f"{EXAMPLES[file]}.schema.json", schema_text(lowered))


@pytest.mark.parametrize("file", EXAMPLES)
def test_pydantic_source(file: str) -> None:
    expect(GOLDEN / file / f"{EXAMPLES[file]}.pydantic.py.txt", declaration(file).pydantic())


def test_no_golden_is_left_over() -> None:
    made = {"ebnf", "gbnf", "lark", "regex", "schema.json", "pydantic.py.txt"}
    for file, name in EXAMPLES.items():
        wanted = {f"{name}.{ending}" for ending in made} | {"invalid.txt"}
        wanted -= set() if file in REGULAR else {f"{name}.regex"}
        assert ACCEPT or {path.name for path in (GOLDEN / file).iterdir()} == wanted


# ---------------------------------------------------------------- agreement
@cache
def judges(file: str) -> "Judges":
    return Judges(declaration(file))


class Judges:
    """What else reads documents of a type: its JSON Schema, its pydantic module, and what these leave to archc."""

    def __init__(self, found: archc.Declaration) -> None:
        schema = found.schema
        lowered = to_json_schema(schema)
        source, self.left_by_pydantic = to_pydantic(schema)
        self.left_by_json_schema = lowered.accounts
        again = json.loads(schema_text(lowered))
        self.validator = jsonschema.Draft202012Validator(again, format_checker=jsonschema.FormatChecker())
        self.source = source

    @property
    def module(self) -> ModuleType:
        return imported(self.source)

    def json_schema_accepts(self, text: str) -> bool:
        """Whether `text` is JSON, and its JSON Schema accepts it with numbers as Python's own reader makes them."""
        try:
            read(text)
        except JsonError:
            return False
        return self.validator.is_valid(json.loads(text))

    def pydantic_accepts(self, text: str) -> bool:
        try:
            self.module.parse(text)
        except ValueError:
            return False
        return True


def in_account(violation: Violation, accounts: Sequence[Account]) -> bool:
    """Whether the account of a target says that it leaves this rule to validation."""
    rules = [
        account.bound.removeprefix("exactly ").removeprefix("= " if violation.code == "A0529" else "")
        for account in accounts
        if not account.decoding
    ]
    return any(rule in violation.message for rule in rules)


@pytest.mark.parametrize(("file", "document"), cases("valid") + cases("invalid"), ids=called)
def test_what_another_reader_accepts_more_is_in_its_account(file: str, document: Path) -> None:
    assert_agreement(file, document.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", EXAMPLES)
def test_changed_documents_are_judged_alike_up_to_the_account(file: str) -> None:
    rng = Random(11)
    given = [read(document.read_text(encoding="utf-8")) for document in documents(file, "valid")]
    wrong = 0
    for _ in range(CHANGED):
        text = compact(mutated(rng.choice(given), rng))
        wrong += assert_agreement(file, text)
    assert wrong > CHANGED // 3


def assert_agreement(file: str, text: str) -> bool:
    """Assert that all readers say the same of `text`, or that their accounts name why; return whether it is wrong."""
    found, others = complaints(file, text), judges(file)
    for accepts, accounts in (
        (others.json_schema_accepts(text), others.left_by_json_schema),
        (others.pydantic_accepts(text), others.left_by_pydantic),
    ):
        assert accepts or found, text
        assert not (accepts and found) or all(in_account(entry, accounts) for entry in found), (text, found)
    return bool(found)


@pytest.mark.parametrize("file", EXAMPLES)
@pytest.mark.parametrize("filled", [False, True])
def test_drawn_documents_are_accepted_by_all(file: str, filled: bool) -> None:
    others = judges(file)
    for text in declaration(file).sample(Random(7), DRAWN, filled=filled):
        assert not complaints(file, text), text
        assert others.json_schema_accepts(text), text
        assert others.pydantic_accepts(text), text
