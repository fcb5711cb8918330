"""Statements of generated Python: breaking one over lines leaves it what it was."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archc.lower.layout import WIDTH, statement

NAMES = st.sampled_from(["x", "self.stage", "out_channels", "hidden", "self.batch_norm_of_the_shortcut"])
LOOP = (
    "self.stage = nn.ModuleList(Stage(a=a, out=out, groups=groups, c=c, times=times) for a, out, groups, c, times in "
    "((32, 8, 8, 16, 2), (16, 16, 4, 64, 1), (64, 24, 12, 24, 2), (24, 56, 7, 56, 2)))"
)


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, min_size=1, max_size=6).map(", ".join)
    several = st.lists(inner, min_size=2, max_size=6).map(", ".join)
    targets = st.sampled_from(["a", "a, b", "a, out, groups, c, times"])
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(["Block", "torch.cat"]), arguments),
        st.builds("({})".format, several),
        st.builds("[{}]".format, arguments),
        st.builds("Rows({} for {} in ({}))".format, inner, targets, several),
        st.builds("({} + {})".format, inner, inner),
        st.builds("f({}).flatten(1).mean({})".format, inner, inner),
    )


def same(text: str, indent: int, comment: str = "") -> bool:
    lines = statement(indent, text, comment)
    assert all(line.startswith(" " * indent) for line in lines)
    return ast.dump(ast.parse("if 1:\n" + "\n".join(lines))) == ast.dump(ast.parse(f"if 1:\n{' ' * indent}{text}"))


@settings(deadline=None, max_examples=300)
@given(st.recursive(NAMES, _calls, max_leaves=24), st.sampled_from(["y = ", "return ", ""]), st.integers(1, 12))
def test_breaking_a_statement_leaves_it_what_it_was(value: str, head: str, indent: int) -> None:
    assert same(f"{head}{value}", 4 * indent)


@pytest.mark.parametrize("indent", [4, 8, 40, 60])
def test_the_targets_of_a_loop_in_brackets_stay_together(indent: int) -> None:
    assert same(LOOP, indent) and same(LOOP, indent, "[3, 4*h, 4*w]")
    lines = statement(indent, LOOP)
    assert len(lines) > 1 and max(map(len, lines)) <= WIDTH
    assert any(line.strip().startswith("for a, out, groups, c, times in (") for line in lines)
