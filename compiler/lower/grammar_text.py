"""A forest and the name of a dialect -> grammar text."""

from archc.grammar.limits import DEFAULT, Limits
from archc.grammars.forest import Forest
from archc.lower.dialect import DIALECTS


def grammar_text(forest: Forest, dialect: str, limits: Limits = DEFAULT) -> str:
    """Return the grammar of `forest` as `ebnf` (xgrammar), `gbnf` (llama.cpp), `lark` (llguidance) or `regex`.

    Raises CompileError when the dialect cannot say it, ValueError when there is no such dialect.
    """
    match dialect:
        case "ebnf":
            from archc.lower.ebnf import to_ebnf

            return to_ebnf(forest, limits)
        case "gbnf":
            from archc.lower.gbnf import to_gbnf

            return to_gbnf(forest, limits)
        case "lark":
            from archc.lower.lark_text import to_lark

            return to_lark(forest, limits)
        case "regex":
            from archc.lower.regex_text import to_regex

            return to_regex(forest, limits)
        case _:
            raise ValueError(f"{dialect!r} is no grammar that archc writes; there are {', '.join(DIALECTS)}")
