"""The objects that a user holds: a program, and the declarations in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from archc.asked import input_type, times
from archc.build import At as Input
from archc.build import build
from archc.check import Checked, check
from archc.check import Program as CheckedProgram
from archc.grammar.limits import DEFAULT, Limits
from archc.graph import Graph
from archc.load import load_file, load_text
from archc.show.declaration import described
from archc.show.summary import Summary, summarize

if TYPE_CHECKING:
    from random import Random

    import torch
    from transformers import PreTrainedTokenizerBase

    from archc.data.kinds import Json, Schema
    from archc.data.violations import Violation
    from archc.grammars.forest import Forest
    from archc.lower.json_schema import Keywords
    from archc.members import Space
    from archc.runtime.count import Count
    from archc.runtime.decode.constrain import Constraint

Argument = bool | int | float | str | Sequence["Argument"]
"""What a parameter of a model may be set to; a list of sizes is a list or a tuple."""

At = Input | None
"""The type of the input: text as in .arch, a shape, or a mapping of either by input name; of a record, by field."""


def load(path: str | PathLike[str], *, limits: Limits = DEFAULT) -> "Program":
    """Return the program in the file at `path`. Raises CompileError with everything that is wrong with it."""
    return Program(check(load_file(Path(path), limits), limits))


def loads(
    text: str, *, name: str = "<text>", root: str | PathLike[str] | None = None, limits: Limits = DEFAULT
) -> "Program":
    """Return the program in `text`, which imports files from the folder `root`, or none without one.

    Raises CompileError with everything that is wrong with it.
    """
    folder = Path(root) if root is not None else None
    return Program(check(load_text(text, name, folder, limits), limits))


@dataclass(frozen=True, slots=True)
class Program(Mapping[str, "Declaration"]):
    """The declarations of one file, by name; all of them are right."""

    checked: CheckedProgram = field(repr=False)

    def __getitem__(self, name: str) -> "Declaration":
        declarations = self.checked.declarations
        if name not in declarations:
            near = get_close_matches(name, declarations, 1)
            raise KeyError(
                f"no declaration is called {name!r}; {f'nearest: {near[0]}' if near else f'there are {list(self)}'}"
            )
        return Declaration(self.checked, declarations[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.checked.declarations)

    def __len__(self) -> int:
        return len(self.checked.declarations)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration of a program: a model or block can be built, of any kind the type can be read.

    Whatever builds takes the input type `at` and the declaration's parameters by name, and raises CompileError
    when they do not fit, TypeError when the declaration is no model and no block.
    """

    program: CheckedProgram = field(repr=False)
    checked: Checked = field(repr=False)

    @property
    def name(self) -> str:
        """The declared name."""
        return self.checked.name

    @property
    def kind(self) -> str:
        """One of const, fn, op, block, model, space, type."""
        return self.checked.kind

    @property
    def signature(self) -> str:
        """The inferred type, as text."""
        return self.checked.signature

    @property
    def preconditions(self) -> tuple[str, ...]:
        """What its parameters and sizes must fulfil, beyond the patterns in its type."""
        return self.checked.preconditions

    @property
    def docs(self) -> tuple[str, ...]:
        """The lines of its doc comment."""
        return self.checked.docs

    def __repr__(self) -> str:
        return f"<{described(self.checked)}>"

    def graph(self, *, at: At = None, **parameters: Argument) -> Graph:
        """Return the network as a dataflow graph."""
        if self.kind not in ("model", "block"):
            raise TypeError(f"`{self.name}` is a {self.kind}; a model or a block can be built")
        return build(self.program, self.name, arguments=parameters, at=at if at is None else input_type(at))

    def module(
        self,
        *,
        at: At = None,
        device: "torch.device | str | None" = None,
        dtype: "torch.dtype | None" = None,
        **parameters: Argument,
    ) -> "torch.nn.Module":
        """Return the network as a torch module with fresh weights."""
        from archc.lower.torch_module import to_module

        return to_module(self.graph(at=at, **parameters), device=device, dtype=dtype)

    def python(self, *, at: At = None, **parameters: Argument) -> str:
        """Return the network as Python source that needs torch and nothing else."""
        from archc.lower.python import to_python

        return to_python(self.graph(at=at, **parameters))

    def arch(self, *, at: At = None, **parameters: Argument) -> str:
        """Return the network as .arch text with everything static worked out."""
        from archc.lower.arch import to_arch

        return to_arch(self.graph(at=at, **parameters))

    def json(self, *, at: At = None, **parameters: Argument) -> str:
        """Return the graph as JSON."""
        from archc.lower.json_graph import to_json

        return to_json(self.graph(at=at, **parameters))

    def summary(self, *, at: At = None, **parameters: Argument) -> Summary:
        """Return shapes and costs layer by layer; it prints as a table."""
        return summarize(self.graph(at=at, **parameters))

    # ---------------------------------------------------------------- data types
    @property
    def schema(self) -> "Schema":
        """What documents of a type are, as plain data.

        Raises TypeError when the declaration is no type, CompileError when no document is of it.
        """
        return self._schema()

    def parse(self, text: str, *, strict: bool = False) -> "Json":
        """Return the document in `text`, which is of this type, with its defaults and computed fields filled in.

        A `strict` text is one that a hosted API wrote for `json_schema(strict=True)`. Numbers with a fraction are
        Decimal. Raises DocumentError with all that is wrong with it.
        """
        from archc.data.validate import parse
        from archc.lower.strict_schema import parse_strict

        return (parse_strict if strict else parse)(self._schema(), text)

    def validate(self, value: object) -> "tuple[Violation, ...]":
        """Return what is wrong with `value` as a document of this type: nothing where it is one.

        Tuples count as lists, and a float as the decimal that it prints as. Raises TypeError for what is no JSON.
        """
        from archc.data.validate import plain, validate

        return validate(self._schema(), plain(value))

    def forest(self) -> "Forest":
        """Return the typed grammar of the compact JSON text of a type's documents.

        Raises TypeError when the declaration is no type, CompileError when no document is of it.
        """
        from archc.grammars.refine import forest

        return forest(self._schema())

    def space(self, *, at: At = None, most_types: int | None = None, **parameters: Argument) -> "Space":
        """Return a space at an input type: all its well-typed members, to be counted, drawn, numbered and edited.

        With `most_types`, each mention of a space keeps only so many output types, the heaviest (0: all of them); without,
        all are kept while the forest stays small. Raises TypeError when the declaration is no space, CompileError where
        it has no member at this type or is too large.
        """
        from archc.members import space_of

        if self.kind != "space":
            raise TypeError(f"`{self.name}` is a {self.kind}; members are drawn from a space")
        most = most_types if most_types is None else times(most_types, "output types")
        return space_of(self.program, self.name, at if at is None else input_type(at), parameters, most)

    def grammar(self, dialect: str) -> str:
        """Return a type as grammar text: `ebnf` (xgrammar), `gbnf` (llama.cpp), `lark` (llguidance) or `regex`.

        Raises CompileError when the dialect cannot say it, ValueError when there is no such dialect.
        """
        from archc.lower.grammar_text import grammar_text

        return grammar_text(self.forest(), dialect, self.program.limits)

    def json_schema(self, *, strict: bool = False) -> "Keywords":
        """Return a type as JSON Schema (draft 2020-12), or `strict` in the subset of hosted APIs.

        Raises CompileError where that subset cannot say it.
        """
        from archc.lower.json_schema import to_json_schema
        from archc.lower.strict_schema import to_strict_schema

        return (to_strict_schema if strict else to_json_schema)(self._schema()).document

    def pydantic(self) -> str:
        """Return a type as a Python module of pydantic classes that needs pydantic and nothing else.

        Raises CompileError on a pattern that pydantic cannot hold.
        """
        from archc.lower.pydantic_source import to_pydantic

        return to_pydantic(self._schema())[0]

    def constraint(self, tokenizer: "PreTrainedTokenizerBase", engine: str = "auto") -> "Constraint":
        """Return what keeps a transformers model with this tokenizer inside a type while it generates.

        Its `.logits_processor()` goes to generate. The engine is `xgrammar`, `llguidance`, or the one that enforces more.
        Raises CompileError when the tokenizer cannot spell the type or an engine does not take it, ValueError when there
        is no such engine.
        """
        from archc.runtime.decode.constrain import constraint

        return constraint(self.schema, tokenizer, engine, limits=self.program.limits)

    def count(self) -> "Count":
        """Return how many values a type has: `.number`, None for no end of them, and whether it is `.exact`."""
        from archc.runtime.count import count

        return count(self.forest())

    def sample(self, rng: "Random", n: int = 1, *, filled: bool = False) -> list[str]:
        """Return `n` random documents of a type; when `filled`, with their computed fields.

        Raises CompileError when no draw fulfils the conditions of the type.
        """
        from archc.runtime.documents import Documents

        documents = Documents(self._schema())
        return [documents.text(rng, filled=filled) for _ in range(n)]

    def _schema(self) -> "Schema":
        from archc.data.schema import schema

        if self.kind != "type":
            raise TypeError(f"`{self.name}` is a {self.kind}; documents are of a type")
        return schema(self.program, self.name)
