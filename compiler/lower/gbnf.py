"""A forest -> GBNF text for llama.cpp."""

from archc.grammar.limits import DEFAULT, Limits
from archc.grammars.forest import Forest
from archc.lower.dialect import GBNF
from archc.lower.ebnf import written


def to_gbnf(forest: Forest, limits: Limits = DEFAULT) -> str:
    """Return the grammar of `forest` for llama.cpp, whose root rule is `root`.

    Raises CompileError: A0541 and A0542 when it is too large, A0543 when a rule begins with itself.
    """
    return written(forest, GBNF, joint="-", limits=limits)
