"""How a language model writes a member: as a program in .arch, or under the grammar of its space as the choices that make it."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from archc.build import build
from archc.check import check
from archc.grammar.diagnostics import CompileError
from archc.grammar.source import line_text, position
from archc.graph import Graph
from archc.load import load_text
from archc.members import Member, Space
from archc.search.paths import Choice, Walk
from archc.spaces.outside import OutsideError
from archc.spaces.sentences import Sentences

MOST_STEPS = 2_000_000
"""Steps of the search for a text in the space."""

TEXT, OUTSIDE, KNOWN, CUT = "text", "outside", "known", "cut off"
"""Why a text is not taken: it is nothing that can be read, no member of the space, was asked before, or is only a beginning."""

SHOWN = 300
"""So many characters of the options of a choice are shown."""


class Refused(ValueError):
    """A text is not taken; `kind` is one of TEXT, OUTSIDE, KNOWN, CUT."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Form(Protocol):
    """One way to write members of a space."""

    wanted: str
    """What the model is asked to write."""
    begin: str
    """How the text begins that is asked for; it stands at the end of the prompt."""

    def about(self) -> Sequence[str]:
        """Return lines on how members are written."""

    def shown(self, member: Member) -> str:
        """Return the text of a member."""

    def member(self, text: str) -> Member:
        """Return the member that a text is. Raises Refused where it is none."""


# ---------------------------------------------------------------- programs
class Programs:
    """A member is written as a program; what is written is parsed, typed and looked for in the space."""

    wanted = "network of the space as .arch text"
    begin = "arch 0.1\n"

    def __init__(self, space: Space) -> None:
        self._space = space

    def about(self) -> Sequence[str]:
        """Return nothing: the space is in the same language."""
        return ()

    def shown(self, member: Member) -> str:
        """Return the program of a member."""
        return member.text

    def member(self, text: str) -> Member:
        """Return the member that a text is. Raises Refused where it is none."""
        try:
            return self._space.parsed(graph_of(self._space, text), most=1, steps=MOST_STEPS)[0]
        except OutsideError as outside:
            raise Refused(OUTSIDE, str(outside)) from outside


def graph_of(space: Space, text: str) -> Graph:
    """Return the network that a text declares last, fences and what is written around it apart. Raises Refused."""
    source = _bare(text)
    try:
        program = check(load_text(source, "the text"))
        models = [name for name, entry in program.declarations.items() if entry.kind == "model"]
        if not models:
            raise Refused(TEXT, "expected a model, and the text declares none")
        try:
            return build(program, models[-1], arguments={}, at=None)
        except CompileError:
            return build(program, models[-1], arguments={}, at=space.at)
    except CompileError as error:
        raise Refused(TEXT, str(error).splitlines()[0]) from error


def _bare(text: str) -> str:
    """Return .arch text without what a model wrote around it, with the edition that the prompt began with."""
    if "```" in text:
        _, _, text = text.partition("```")
        _, _, text = text.partition("\n") if not text.lstrip().startswith("arch 0.1") else ("", "", text)
        text, _, _ = text.partition("```")
    _, found, rest = text.partition("arch 0.1")
    return f"arch 0.1{rest}" if found else f"arch 0.1\n{text}"


# ---------------------------------------------------------------- choices
class Choices:
    """A member is written as its choices, one a line. The grammar of these texts has a text for each member and no others."""

    wanted = "network of the space as its choices, one a line"
    begin = ""

    def __init__(self, space: Space, sentences: Sentences) -> None:
        self._space, self._sentences = space, sentences

    def about(self) -> Sequence[str]:
        """Return what the choices of the space are, by number, each with the line where it stands."""
        lines = [
            "A network is written as the choices that make it in their order, one a line: the number of the choice, a"
        ]
        lines += [
            "colon, and what is chosen. A choice that is come by again is written again. These are the choices:",
            "",
        ]
        for number, site in enumerate(self._sentences.forest.sites):
            what = " | ".join(self._sentences.options[number]) or f"a number from {site.low} to {site.high}"
            what = what if len(what) <= SHOWN else f"{what[:SHOWN]} ..."
            source = site.span.source
            where = line_text(source, position(site.span)[0]).strip() if source else ""
            lines.append(f"{number}: {what}" + (f"    (in `{where}`)" if where.strip("| ") not in what else ""))
        return [*lines, ""]

    def shown(self, member: Member) -> str:
        """Return the choices of a member."""
        return self._sentences.text(member.derivation)

    def member(self, text: str) -> Member:
        """Return the member whose choices a text has, blank lines and fences apart. Raises Refused where it is none."""
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("```")]
        found = self._sentences.read(lines)
        if found is None:
            raise self._why(lines)
        return Member(self._space, found)

    def _why(self, lines: Sequence[str]) -> Refused:
        """Return where lines leave the space, or that they end before a member does."""
        walk = Walk(self._sentences.forest, Random(0))
        for at, line in enumerate(lines, 1):
            choice = walk.next()
            if choice is None:
                return Refused(OUTSIDE, f"line {at} is `{line:.80}`, and the network is whole before it")
            decided, wanted = self._sentences.decided(line), self._options(choice)
            if decided is not None and isinstance(decided[1], float) and choice.low is not None:
                walk.number(decided[1])
            elif line in wanted:
                walk.take(choice.options[wanted.index(line)])
            elif at == len(lines) and any(option.startswith(_begun(line, choice)) for option in wanted):
                break
            else:
                kind = TEXT if decided is None and not line[:1].isdecimal() else OUTSIDE
                return Refused(kind, f"line {at} is `{line:.80}`, and the space has {_told(wanted)} there")
        return Refused(CUT, f"it ends after {len(lines)} lines, before the network is whole")

    def _options(self, choice: Choice) -> list[str]:
        """Return the lines that an option of a choice is written as, or what a line of a range looks like."""
        if choice.low is not None:
            number = choice.name.rpartition(":")[2]
            return [f"{number}: a number from {choice.low} to {choice.high}"]
        pairs = [option.split(".") for option in choice.options]
        return [f"{site}: {self._sentences.options[int(site)][int(option)]}" for site, option in pairs]


def _begun(line: str, choice: Choice) -> str:
    """Return what a line begins with before the digits of a number that may be going on."""
    return line if choice.low is None else line.rstrip("-.0")


def _told(lines: Sequence[str]) -> str:
    text = ", ".join(f"`{line}`" for line in lines)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."
