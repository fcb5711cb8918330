"""Text that nobody would write: what the tests of hostile input feed to the compiler."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

ROOT = Path(__file__).parent.parent
SOURCES = tuple(
    file.read_text(encoding="ascii")
    for file in sorted([*(ROOT / "examples").glob("*.arch"), *(ROOT / "grammar/std").glob("*.arch")])
)
LIBRARY = max(SOURCES, key=len)

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|#[^\n]*|\w+|->|//|\.\.|[<>=!]=|\s+|.')
_DECLARATION = re.compile(r"(?m)^(?=(?:const|fn|op|block|model|space|type|@\w+)\b)")
_LOOSE_DOCS = re.compile(r"\n(?:##?[^\n]*|\s)*$")
_NAMED = re.compile(r"(?:const|fn|op|block|model|space|type) (\w+)")
_WORDS = sorted({word for text in SOURCES for word in re.findall(r"\w+|->|//|\.\.|[^\w\s]", text)})
_NUMBERS = (
    *map(str, range(1, 17)),
    "0", "-1", "1", "2", "3", "7", "1000000000000000000", "999999999999999999", "2147483647", "2147483648", "1e308",
    "1e309", "1e-400", "-0", "0.5", "1.0", "nan", "inf", "1e5", "600M", "9T", "1.5K", "100000", "1000000", "0x10", "00",
)  # fmt: skip
_JUNK = (
    "\0", "\r", "\r\n", "\n", "\t", "\v", "\f", "\u2028", "\u2029", "\x85", "\u202e", "\u2066", "\u200b", "\ufeff",
    "\u0430", "\u0391", "\U0001d400", "\ud7ff", "\uffff", "\U0010ffff", "'", '"', '"""', "\\", "\\u0000", "\\ud800",
    're"', 're"(a+)+b"', "##", "#!", "#", "@", "$", "%", "${x}", "`", ";", "*/", "{{", "}}", "..", "...", "->->", "^", "|",
    "_", "__class__", "((((((((", "))))))))", "[[[[[[[[", "{{{{{{{{", "----------", "not not not not ", "if if if ",
)  # fmt: skip

Mutation = Callable[[Random, list[str]], None]


def tokens(text: str) -> list[str]:
    """Return `text` cut into words, signs, strings and white space; joined again they are the text."""
    return _TOKEN.findall(text)


def _delete(random: Random, parts: list[str]) -> None:
    at = random.randrange(len(parts))
    del parts[at : at + random.choice((1, 1, 1, 2, 5, 20))]


def _duplicate(random: Random, parts: list[str]) -> None:
    at = random.randrange(len(parts))
    piece = parts[at : at + random.choice((1, 2, 5, 20))]
    parts[at:at] = piece * random.choice((1, 1, 2, 8))


def _swap(random: Random, parts: list[str]) -> None:
    one, other = random.randrange(len(parts)), random.randrange(len(parts))
    parts[one], parts[other] = parts[other], parts[one]


def _move(random: Random, parts: list[str]) -> None:
    at, to = random.randrange(len(parts)), random.randrange(len(parts))
    length = random.choice((1, 3, 9))
    piece = parts[at : at + length]
    del parts[at : at + length]
    parts[to:to] = piece


def _number(random: Random, parts: list[str]) -> None:
    places = [at for at, part in enumerate(parts) if part[0].isdigit()]
    if places:
        parts[random.choice(places)] = random.choice(_NUMBERS)


def _word(random: Random, parts: list[str]) -> None:
    parts[random.randrange(len(parts))] = random.choice(_WORDS)


def _insert(random: Random, parts: list[str]) -> None:
    parts.insert(
        random.randrange(len(parts) + 1), random.choice((*_JUNK, random.choice(_WORDS), random.choice(_NUMBERS)))
    )


def _same(random: Random, parts: list[str]) -> None:
    """Put a word of the text in place of another."""
    words = [part for part in parts if not part.isspace()]
    if words:
        parts[random.randrange(len(parts))] = random.choice(words)


def _rename(random: Random, parts: list[str]) -> None:
    """Put a name of the text in place of another of its kind."""
    names = [at for at, part in enumerate(parts) if part.isidentifier()]
    if names:
        at = random.choice(names)
        like = [parts[other] for other in names if parts[other][0].isupper() == parts[at][0].isupper()]
        parts[at] = random.choice(like)


def _cut(random: Random, parts: list[str]) -> None:
    del parts[random.randrange(len(parts)) :]


_MUTATIONS: tuple[Mutation, ...] = (
    _delete, _duplicate, _swap, _move, _number, _number, _word, _word, _insert, _same, _same, _cut, _rename,
)  # fmt: skip


def declarations(text: str) -> list[str]:
    """Return the head of a file and each of its declarations, without their docs."""
    return [_LOOSE_DOCS.sub("\n", piece) for piece in _DECLARATION.split(text)]


def excerpt(random: Random, longest: int = 1500) -> str:
    """Return a file with one declaration of the examples or the library, and with what it mentions."""
    head, *rest = declarations(random.choice(SOURCES))
    named = {found[1]: one for one in rest if (found := _NAMED.match(one))}
    waiting, kept = [random.choice(rest)], []
    while waiting and sum(map(len, kept)) < longest:
        one = waiting.pop()
        if one not in kept:
            kept.append(one)
            waiting += [named[word] for word in re.findall(r"\w+", one) if word in named]
    lines = [line for line in head.splitlines() if line.startswith(("arch", "import"))]
    return "\n".join([*lines, *(one for one in rest if one in kept)])


def mutated(random: Random) -> str:
    """Return an excerpt with a few of its words changed: half the time its numbers and names only."""
    text = excerpt(random)
    start = 0 if random.random() < 0.1 else text.find("\n")
    parts = tokens(text[start:])
    gentle = random.random() < 0.5
    for _ in range(random.choice((1, 1, 1, 2, 3, 6, 15))):
        if parts:
            random.choice((_number, _number, _rename) if gentle else _MUTATIONS)(random, parts)
    return text[:start] + "".join(parts)


# ---------------------------------------------------------------- programs by grammar
_OPS = (
    "relu", "gelu", "id", "zero", "flatten", "softmax", "dropout(0.1)", "batch_norm", "layer_norm", "global_avg_pool",
    "add", "mul", "sub", "transpose", "max_pool(2)", "avg_pool(3, pad=1)", "upsample(2)", "lstm({n})", "gru({n})",
    "embedding({n}, {n})", "linear({n})", "linear({e})", "conv({n}, {n})", "conv({e}, {n}, pad={e})", "reshape({l})",
    "conv({n}, {n}, stride={n}, groups={e})", "permute({l})", "concat", "concat(axis={n})", "split({l})", "split({l}, axis={n})",
    "rearrange([a, b] -> [b*a])", "rearrange([a*{n}, b] -> [a, b, {n}])", "reduce([a, b] -> [b], \"mean\")",
    "einsum(([a, b], [b, c]) -> [a, c])", "broadcast([a] -> [a, {n}])", "SelfAttention({n})", "Residual({p})", "Mlp({e})",
    "PreNorm({p})", "A({e})", "B({e}, {e})", "B({e}, x={e})", "A(_)", "A", "B", "h", "x", "y", "f", "Nothing",
)  # fmt: skip
_SIZES = ("n", "m", "d", "2*d", "n + 1", "n*m", "d // 2", "d / 2", "n - 1", "3", "7", "64", "max(n, m)", "win(n, 3)")
_TYPES = ("[n]", "[n, d]", "[c, h, w]", "[..s, d]", "[2*h, 2*w]", "[n, k*m]", "[..s]", "([n], [n])", "(x: [n, d])", "a", "[3, 8, 8]",
    "Id(10)[n]", "[n]^2", "[n]^k", "(x: [n], y: [m])", "[]", "[n/2]", "[n // 3]", "[0]", "Float", "[..win(s, 3)]")  # fmt: skip
_PARAMETERS = (
    "n",
    "m",
    "k: 1..4",
    "f: [..s] -> [..s]",
    "b: Bool = true",
    's: "a" | "b"',
    "d = 4",
    "p: Float = 0.5",
    "v: Dim[2..3]",
)
_CONDITIONS = ("n >= 1", "n == m", "n % 2 == 0", "n != 3 and m < 4", "not n in [1, 2]", "b", "s == \"a\"", "depth <= 4", "nodes <= 9",
    "n // 2 >= m or n in 2..9", "d % m == 0", "params <= 5M")  # fmt: skip


def program(random: Random) -> str:
    """Return a file of random declarations, most of which follow the grammar."""
    kinds = ("block", "block", "block", "model", "model", "space", "fn", "const", "type", "op")
    names = iter("ABCDEFGH")
    parts = [random.choice(("arch 0.1\n", "arch 0.1\nimport std.nn (Residual)\n"))]
    if random.random() < 0.5:
        calm = [f"{kept(random, random.randint(1, 4))}\n" for _ in range(random.randint(1, 3))]
        return parts[0] + "".join(f"model {next(names)} : [4, 8, 8] -> [4, 8, 8] = {one}" for one in calm)
    for _ in range(random.randint(1, 4)):
        parts.append(_declaration(random, random.choice(kinds), next(names)))
    return "".join(parts)


def _declaration(random: Random, kind: str, name: str) -> str:
    parameters = ", ".join(random.sample(_PARAMETERS, random.randint(0, 2)))
    head = f"({parameters})" if parameters or random.random() < 0.2 else ""
    where = f" where {random.choice(_CONDITIONS)}" if random.random() < 0.25 else ""
    if kind == "const":
        return f"const {name.lower()} = {_size(random, 3)}\n"
    if kind == "fn":
        return f"fn {name.lower()}(n, m = 2){where} = {_size(random, 3)}\n"
    if kind == "type":
        return f"type {name} = {_data(random, 3)}\n"
    arrow = f" : {random.choice(_TYPES)} -> {random.choice(_TYPES)}"
    if kind == "op":
        return f"op {name.lower()}{head}{arrow}{where}\n"
    if random.random() < 0.15:
        arrow = ""
    return f"{kind} {name}{head}{arrow}{where} = {network(random, 3)}\n"


def network(random: Random, depth: int) -> str:
    """Return a random expression, most often one that means a network."""
    if depth == 0:
        return _filled(random, random.choice(_OPS))
    inner = [network(random, depth - 1) for _ in range(random.randint(1, 3))]
    first = inner[0]
    return random.choice(
        (
            " -> ".join(inner),
            " -> ".join(inner),
            f"({', '.join(inner)})",
            f"({', '.join(inner)}) -> add",
            f"({' | '.join(inner)})",
            f"({first}) * {random.choice(('2', 'n', '0', '(1..3)', _size(random, 1)))}",
            f"{{ let x = {first} return {inner[-1]} -> x -> x }}",
            f"{{ choose x = {first} let (y, h) = {inner[-1]} return x -> y }}",
            f"(if {random.choice(_CONDITIONS)} then {first} else {inner[-1]})",
            f"for {random.choice(('n', '(n, m)'))} in {_list(random)} {{ {first} }}",
            first,
        )
    )


_KEEPING = (
    "relu", "gelu", "id", "dropout(0.1)", "batch_norm", "layer_norm", "conv(4, 3, pad=1)", "linear(8)", "conv(4, 1)",
    "(id, conv(4, 1)) -> add", "conv(8, 3, pad=1) -> conv(4, 1)", "max_pool(2) -> upsample(2)", "transpose",
    "rearrange([c, h, w] -> [c, w, h])", "clone(3) -> add", "split([2, 2], axis=0) -> concat(axis=0)",
    "conv(4, {n}, pad={n})", "linear({n}) -> linear(8)", "conv({n}, 1) -> conv(4, 1, groups={n})", "Residual({p})",
)  # fmt: skip


def kept(random: Random, depth: int) -> str:
    """Return a random network that most often takes [4, 8, 8] to itself."""
    if depth == 0:
        return _filled(random, random.choice(_KEEPING))
    one, two = kept(random, depth - 1), kept(random, random.randrange(depth))
    return random.choice(
        (
            one,
            f"{one} -> {two}",
            f"({one}, {two}) -> add",
            f"({one}) * {random.choice(('2', '3', '0', '1', '(7 // 2)'))}",
            f"{{ let x = {one} return x -> {two} -> x }}",
            f"(for n in {random.choice(('[1, 2]', '1..3', '[(1, 2)]'))} {{ {one} }})",
            f"(if {random.choice(('8 % 3 == 0', '1 < 2', 'true and not false'))} then {one} else {two})",
        )
    )


def _filled(random: Random, text: str) -> str:
    while found := re.search(r"\{([nelp])\}", text):
        made = {
            "n": str(random.choice((1, 2, 3, 4, 8, 0, -1))),
            "e": _size(random, 2),
            "l": _list(random),
            "p": "relu -> linear(d)",
        }
        text = text[: found.start()] + made[found[1]] + text[found.end() :]
    return text


def _list(random: Random) -> str:
    items = [_size(random, 1) for _ in range(random.randint(0, 3))]
    return random.choice((f"[{', '.join(items)}]", "[(1, 2), (3, 4)]", "1..3", "[..s, 2]"))


def _size(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.3:
        return random.choice((*_SIZES, random.choice(_NUMBERS)))
    left, right = _size(random, depth - 1), _size(random, depth - 1)
    return f"({left} {random.choice(('+', '-', '*', '/', '//', '%'))} {right})"


def _data(random: Random, depth: int) -> str:
    if depth == 0:
        return random.choice(
            (
                "String(1..80)",
                "Int",
                "Float",
                "Bool",
                "1..5",
                '"a"',
                "Null",
                "A",
                're"[A-Z]{2}"',
                "Decimal(2)",
                "Date",
                "a",
            )
        )
    inner = [_data(random, depth - 1) for _ in range(random.randint(1, 3))]
    fields = ", ".join(f"f{at}{random.choice(('', '?'))}: {kind}" for at, kind in enumerate(inner))
    return random.choice(
        (
            f"{{ {fields} }}",
            f"{{ ..A, {fields} }}",
            " | ".join(inner),
            f"{inner[0]}[1..5]",
            f"({', '.join(inner)})",
            f"Map(String, {inner[0]})",
        )
    )


# ---------------------------------------------------------------- bytes
def noise(random: Random) -> bytes:
    """Return bytes that may not even be text."""
    kind = random.randrange(4)
    if kind == 0:
        return random.randbytes(random.randrange(200))
    if kind == 1:
        return "".join(random.choices((*_JUNK, *_WORDS), k=random.randrange(40))).encode("utf-8", "surrogatepass")
    data = bytearray(mutated(random).encode("utf-8", "surrogatepass"))
    if kind == 2 and data:
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
    else:
        del data[random.randrange(len(data) + 1) :]
        data += random.choice((b"\xe2\x82", b"\xf0\x9f", b"\xc0\x80", b"\xff\xfe", b"\xed\xa0\x80", b"\0", b"\r"))
    return bytes(data)


def texts(seed: int, count: int) -> Sequence[tuple[str, bytes]]:
    """Return `count` inputs, each under the name by which it can be made again."""
    made: list[tuple[str, bytes]] = []
    for number in range(seed, seed + count):
        random = Random(number)
        kind = random.randrange(10)
        if kind < 5:
            data = mutated(random).encode("utf-8", "surrogatepass")
        elif kind < 8:
            data = program(random).encode("utf-8", "surrogatepass")
        else:
            data = noise(random)
        made.append((f"input {number}", data))
    return made
