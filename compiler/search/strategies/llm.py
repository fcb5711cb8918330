"""A language model as operator: it proposes, mutates and crosses networks as .arch text.

Chen, Dohan and So, "EvoPrompting: Language Models for Code-Level Neural Architecture Search" (NeurIPS 2023); Nasir, Earle, Cleghorn,
James and Togelius, "LLMatic" (GECCO 2024). Where an engine takes the grammar of the space and the model can be kept to it, it
writes the choices of a member and cannot leave the space; else it writes a program, which is parsed, typed and looked for in
the space. Where a text is not taken, the model is told why and writes again, and after `tries` texts the parent is mutated
without it. Origins say how the model wrote and what became of each text, so that the rate is known.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from archc.grammar.format import format_file
from archc.members import Member
from archc.runtime.derivations.edit import NoOther
from archc.search.fresh import fresh, unseen
from archc.search.models.forms import KNOWN, Choices, Form, Programs, Refused
from archc.search.models.writers import writer
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.spaces.sentences import sentences

WISHES = {
    "propose": "that is unlike all of these and may score higher",
    "mutate": "that is the last of these with one choice made otherwise, and may score higher",
    "cross": "that joins parts of the last two of these, and may score higher",
}
"""What is asked of the model, by operator; operators are taken in turn by chance."""


class Written:
    """Draws members until there are `start` trials, then has `model` write; a prompt shows `shots` networks.

    Each of them is the best of `sample` trials. `model` is `python:module:callable`, from prompt to text, or
    `transformers:FOLDER`; what it writes is `constrained` by the grammar of the space where that can be.
    """

    def __init__(
        self,
        context: Context,
        *,
        model: str = "",
        start: int = 10,
        shots: int = 4,
        sample: int = 5,
        tries: int = 3,
        constrained: bool = True,
    ) -> None:
        if start < 2 or shots < 2 or sample < 1 or tries < 1:
            found = f"start={start}, shots={shots}, sample={sample}, tries={tries}"
            raise ValueError(f"expected start and shots of at least 2, sample and tries of at least 1, found {found}")
        if context.space.of_records:
            raise ValueError(f"a language model writes networks, and members of {context.space.name} are records")
        self._sentences = sentences(context.space.name, context.space.forest) if constrained else None
        self._write = writer(model, self._sentences)
        self._history, self._space = context.history, context.space
        self._start, self._shots, self._sample, self._tries = start, shots, sample, tries
        loaded = context.space.program.loaded
        self._source = format_file(loaded.modules[loaded.main].file)

    def ask(self, rng: Random) -> Proposal:
        """Return a member that the model wrote, or one mutated without it. Raises Spent where all members were asked."""
        shown = self._shown(rng)
        if len(self._history) < self._start or len(shown) < 2:
            return Proposal(unseen(self._history, rng), origin={"operator": "start"})
        operator = rng.choice(list(WISHES))
        parents = {"propose": [], "mutate": shown[-1:], "cross": shown[-2:]}[operator]
        refused: list[str] = []
        origin: dict[str, Json] = {"constrained": self._write.is_constrained, "refused": refused}
        complaint = ""
        for _ in range(self._tries):
            text = self._write(self.prompt(operator, shown, complaint, variation=rng.getrandbits(32)))
            try:
                member = self._taken(text)
            except Refused as why:
                refused.append(why.kind)
                complaint = str(why)
            else:
                return Proposal(member, origin={"operator": operator, "parents": parents, **origin})
        member = self._mutated(shown[-1], rng)
        return Proposal(member, origin={"operator": "redraw", "parents": shown[-1:], **origin})

    def tell(self, trial: Trial) -> None:
        """Learn nothing: what is shown to the model is in the history."""

    def state(self) -> Json:
        """Return nothing: what was asked is in the history."""
        return None

    def restore(self, state: Json) -> None:
        """Go on. Raises ValueError on the state of another strategy."""
        if state is not None:
            raise ValueError(f"the language model keeps no state; found {state!r}")

    def prompt(self, operator: str, shown: Sequence[int], complaint: str, *, variation: int) -> str:
        """Return what the model is asked: the space, trials of it by number, and a wish. It ends where text is to follow."""
        lines = [f"`{self._space.name}` is a space of neural networks, in the language .arch:", "", self._source]
        lines += [*self._form.about(), "These are networks of it, the best one last."]
        for number in shown:
            score = self._history.score(self._history[number])
            lines += ["", f"Score {score:.6g}:", "", self._form.shown(self._history.member(number))]
        if complaint:
            lines += [f"The text that you wrote before was not taken: {complaint}", ""]
        lines += [f"Variation {variation}. Write one more {self._form.wanted}, nothing else,"]
        lines += [f"{WISHES[operator]}.", "", self._form.begin]
        return "\n".join(lines)

    @cached_property
    def _form(self) -> Form:
        """How members are written. To know whether a model can be kept to a grammar, it is loaded, which takes a while."""
        if self._sentences is not None and self._write.is_constrained:
            return Choices(self._space, self._sentences)
        return Programs(self._space)

    def _shown(self, rng: Random) -> list[int]:
        """Return the trials to show, the best last: each the best of a few."""
        done = [trial.number for trial in self._history if trial.done and trial.fidelity == 1.0]
        found: set[int] = set()
        for _ in range(self._shots):
            left = [number for number in done if number not in found]
            if left:
                drawn = rng.sample(left, min(self._sample, len(left)))
                found.add(max(drawn, key=self._score))
        return sorted(found, key=self._score)

    def _score(self, number: int) -> float:
        return self._history.score(self._history[number])

    def _taken(self, text: str) -> Member:
        """Return the member that a text is. Raises Refused where it is none, or was asked before."""
        member = self._form.member(text)
        if self._history.seen(member, 1.0):
            raise Refused(KNOWN, "this network was tried before")
        return member

    def _mutated(self, number: int, rng: Random) -> Member:
        """Return a mutation of a trial that was not asked, or a draw where there is none."""
        parent = self._history.member(number)
        try:
            found = fresh(self._history, lambda: self._space.mutate(parent, rng))
        except NoOther:
            found = None
        return found or unseen(self._history, rng)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many texts a model wrote, how many became trials, and why the others did not, by kind."""

    texts: int
    taken: int
    refused: Mapping[str, int]

    def __str__(self) -> str:
        why = ", ".join(f"{many} {kind}" for kind, many in sorted(self.refused.items()))
        return f"{self.taken} of {self.texts} texts taken" + (f" (others: {why})" if why else "")


def rate(trials: Iterable[Trial], *, constrained: bool = False) -> Rate:
    """Return what became of the texts in a search: of those under a grammar, or of the others."""
    taken = 0
    refused: Counter[str] = Counter()
    for trial in trials:
        kinds = trial.origin.get("refused")
        is_meant = bool(trial.origin.get("constrained")) == constrained
        if is_meant and isinstance(kinds, Sequence) and not isinstance(kinds, str):
            refused.update(str(kind) for kind in kinds)
            taken += trial.origin.get("operator") in WISHES
    return Rate(taken + refused.total(), taken, dict(refused))
