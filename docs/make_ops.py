"""grammar/std/nn.arch -> docs/ops.md: every operation and block of the library with its type."""

import re
from pathlib import Path

from archc.grammar.flat import flat_annotation
from archc.grammar.parse import parse
from archc.grammar.source import Source
from archc.grammar.syntax import Declaration
from archc.ops import names

ROOT = Path(__file__).parent.parent
SECTION = re.compile(r"^# -{5,} (.+)$", re.MULTILINE)

STRUCTURE = ("id", "clone", "each", "par", "first", "second")
"""Operations that only arrange others: nothing of them is left to run."""

HEAD = """\
# The library

Written by `make docs` from `grammar/std/nn.arch`; every file has these without an import, and the blocks after
`import std.nn`. The batch axis is implicit: a type describes one sample. `..s` is any run of axes. An operation marked
with * has no back end yet: it checks, and does not build.
"""


def ops_page(text: str) -> str:
    """Return the page about the library `text`. Raises AssertionError when the library does not parse."""
    file, complaints = parse(Source("std/nn.arch", text))
    assert not complaints, complaints
    sections = [(found.start(), found[1]) for found in SECTION.finditer(text)]
    parts = [HEAD]
    for at, (start, title) in enumerate(sections):
        end = sections[at + 1][0] if at + 1 < len(sections) else len(text)
        inside = [d for d in file.items if isinstance(d, Declaration) and start <= d.span.start < end]
        parts += [f"\n## {title.capitalize()}\n", *(_entry(declaration) for declaration in inside)]
    return "".join(parts)


def _entry(declaration: Declaration) -> str:
    lacking = declaration.kind == "op" and declaration.name not in (*names(), *STRUCTURE)
    docs = "\n".join(line.strip() for line in declaration.docs)
    title = f"\n### {declaration.name}{' *' if lacking else ''}\n\n"
    return f"{title}```arch\n{_signature(declaration)}\n```\n" + (f"\n{docs}\n" if docs else "")


def _signature(declaration: Declaration) -> str:
    """Return the declaration as written, without its docs and comments and, for a block, without its body."""
    body = declaration.value.span.start if declaration.kind == "block" and declaration.value else declaration.span.end
    source = declaration.span.source
    assert source is not None
    notes = [flat_annotation(entry) for entry in declaration.annotations]
    lines = source.text[declaration.span.start : body].splitlines()
    kept = (re.sub(r"\s+#.*$", "", line).strip() for line in lines if not line.strip().startswith("##"))
    text = "\n    ".join(line for line in kept if line).removesuffix("=").rstrip()
    return "\n".join([*notes, text])


def main() -> None:
    """Write docs/ops.md."""
    text = (ROOT / "grammar/std/nn.arch").read_text(encoding="ascii")
    (ROOT / "docs/ops.md").write_text(ops_page(text), encoding="utf-8")


if __name__ == "__main__":
    main()
