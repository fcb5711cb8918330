"""Small programs with large effects: what the tests of limits feed to the compiler."""

from collections.abc import Iterator, Mapping

HEAD = "arch 0.1\nimport std.nn\n"


def nested(deep: int) -> Iterator[tuple[str, str]]:
    """Yield each construct inside itself, so many times."""
    for name, (head, opened, core, closed) in _NESTS.items():
        yield name, HEAD + head + opened * deep + core + closed * deep
        yield f"{name}, never closed", HEAD + head + opened * deep


_BLOCK, _TYPE, _CONST = "block A : [n] -> [n] = ", "type T = ", "const a = "
_NESTS: Mapping[str, tuple[str, str, str, str]] = {
    "parentheses": (_BLOCK, "(", "id", ")"),
    "pipelines in parentheses": (_BLOCK, "(relu -> ", "id", ")"),
    "tuples": (_BLOCK, "(id, ", "id", ")"),
    "choices": (_BLOCK, "(id | ", "id", ")"),
    "weighted choices": (_BLOCK, "(32%: id | ", "id", ")"),
    "bodies": (_BLOCK, "{ return ", "id", "}"),
    "lets": (_BLOCK, "{ let x = ", "id", " return x }"),
    "folds": (_BLOCK, "for i in [1, 2] { ", "id", "}"),
    "conditions": (_BLOCK, "(if n > 1 then id else ", "id", ")"),
    "conditions inside conditions": (_BLOCK, "if (", "n > 1", ") then id else id"),
    "calls": (_BLOCK, "each(", "id", ")"),
    "named arguments": (_BLOCK, "each(f=", "id", ")"),
    "repeats": (_BLOCK, "(", "id", ") * 2"),
    "lists": (_CONST, "[", "1", "]"),
    "sums to the right": (_CONST, "(1 + ", "1", ")"),
    "sums to the left": (_CONST, "", "1", " + 1"),
    "negatives": (_CONST, "-", "1", ""),
    "negations": (f"{_BLOCK}if ", "not ", "true", " then id else id"),
    "records": (_CONST, "{ a = ", "1", "}"),
    "spreads": (_CONST, "[..", "s", "]"),
    "attributes": (_CONST, "", "a", ".b"),
    "ranges": (_CONST, "(1 .. ", "2", ")"),
    "powers": (_TYPE, "", "Int", "^2"),
    "arrows": (_TYPE, "Int -> ", "Int", ""),
    "unions": (_TYPE, "(Int | ", "Int", ")"),
    "record types": (_TYPE, "{ a: ", "Int", "}"),
    "tuple types": (_TYPE, "(Int, ", "Int", ")"),
    "list types": (_TYPE, "", "Int", "[1..2]"),
    "arguments of types": (_TYPE, "Page(", "Int", ")"),
    "axes": (_TYPE, "[", "n", "]"),
    "parameter types": ("block A(f: ", "([n] -> ", "[n]", ")"),
    "annotations": ("", "@a(", "1", ")"),
    "doc comments": ("", "## a\n", "const a = 1\n", ""),
    "strings": (_CONST, '"', "a", '"'),
    "comments": ("", "# a\n", "", ""),
}


def _chain(first: str, later: str, count: int, *, reverse: bool = False) -> str:
    """Return declarations B0, B1, ... where `{p}` is the one before and `{q}` its own number."""
    lines = [first, *(later.format(p=number - 1, q=number) for number in range(1, count + 1))]
    return HEAD + "\n".join(reversed(lines) if reverse else lines) + "\n"


def _signed(body: str, count: int, *, kind: str = "[4] -> [4]", last: str = "") -> str:
    return _chain(f"block B0 : {kind} = relu", f"block B{{q}} : {kind} = {body}", count) + last


def _unsigned(body: str, count: int, last: str = "model M : [4] -> [4] = B{}\n") -> str:
    return _chain("block B0 = relu", f"block B{{q}} = {body}", count) + last.format(count)


def bombs() -> Iterator[tuple[str, str]]:
    """Yield programs that would take all of memory or time if they were carried out as written."""
    many = 10**5
    yield "a pipeline of 10^5 stages", f"{HEAD}model M : [4] -> [4] = {'relu -> ' * many}relu\n"
    yield "a pipeline of 10^4 layers", f"{HEAD}model M : [4] -> [4] = {'linear(4) -> ' * 10**4}relu\n"
    yield "a tuple of 10^5", f"{HEAD}model M : [4] -> [4] = ({'relu, ' * many}relu) -> add\n"
    yield "a tuple of 10^4 layers", f"{HEAD}model M : [4] -> [4] = ({'linear(4), ' * 10**4}relu) -> add\n"
    yield "a list of 10^5", f"{HEAD}const a = [{'1, ' * many}1]\nmodel M : [4] -> [4] = for i in a {{ relu }}\n"
    yield "a shape of 10^5 axes", f"{HEAD}model M : [{'1, ' * many}1] -> [1] = flatten\n"
    yield "a shape of 10^4 names", f"{HEAD}block M : [{', '.join(f'n{i}' for i in range(10**4))}] -> [1] = relu\n"
    yield "a choice of 10^4 arms", f"{HEAD}space S : [4] -> [4] = {'relu | ' * 10**4}relu\n"
    yield (
        "a choice of 10^4 layers",
        f"{HEAD}space S : [4] -> [n] = {' | '.join(f'linear({i})' for i in range(1, 10**4))}\n",
    )
    yield "a static choice of 10^4", f"{HEAD}space S : [4] -> [n] = linear({' | '.join(map(str, range(1, 10**4)))})\n"
    yield "10^4 parameters", f"{HEAD}block B({', '.join(f'a{i}' for i in range(10**4))}) : [4] -> [4] = relu\n"
    yield "10^4 arguments", f"{HEAD}model M : [4] -> [4] = linear({'1, ' * 10**4}1)\n"
    yield "10^4 statements", HEAD + "model M : [4] -> [4] = { " + "let x = linear(4) " * 10**4 + "return x }\n"
    yield (
        "10^4 names in one pattern",
        f"{HEAD}model M : [4] -> [4] = {{ let ({', '.join(f'a{i}' for i in range(10**4))}) = relu return relu }}\n",
    )
    yield "10^4 conditions", f"{HEAD}block B : [n] -> [n] where {', '.join(f'n != {i}' for i in range(10**4))} = relu\n"
    yield (
        "10^4 conditions in one",
        f"{HEAD}block B : [n] -> [n] where {' or '.join(f'n == {i}' for i in range(10**4))} = relu\n",
    )
    yield (
        "2000 alternatives",
        f"{HEAD}block B : [n] -> [n] = if {' or '.join(f'n == {i}' for i in range(2000))} then relu else id\n",
    )
    yield "10^4 fields", f"{HEAD}type T = {{ {', '.join(f'a{i}: Int' for i in range(10**4))} }}\n"
    yield "10^4 types in a union", f"{HEAD}type T = {' | '.join(f'T{i}' for i in range(10**4))}\n"
    yield "10^5 errors", HEAD + "model M : [4] -> [4] = nothing\n" * 25_000
    yield "10^5 syntax errors", HEAD + "model = = =\n" * 50_000
    yield "10^5 consts", _chain("const c0 = 1", "const c{q} = 1", 25_000)
    # ------------------------------------------------------------ chains of mentions
    yield "a chain of 10^4 blocks", _signed("B{p}", 10**4)
    yield (
        "a chain of 10^4 blocks, the last first",
        _chain("block B0 : [n] -> [n] = relu", "block B{q} : [n] -> [n] = B{p}", 10**4, reverse=True),
    )
    yield "a chain of 10^4 unsigned blocks", _unsigned("B{p}", 10**4)
    yield (
        "a chain of 10^4 unsigned blocks, the last first",
        _chain("block B0 = relu", "block B{q} = B{p}", 10**4, reverse=True),
    )
    yield "a chain of 10^4 consts", _chain("const c0 = 1", "const c{q} = c{p} + 1", 10**4)
    yield "a chain of 10^4 consts, the last first", _chain("const c0 = 1", "const c{q} = c{p} + 1", 10**4, reverse=True)
    yield (
        "a chain of 10^4 functions",
        _chain("fn f0(n) = n", "fn f{q}(n) = f{p}(n) + 1", 10**4) + "const a = f9999(1)\n",
    )
    yield (
        "a chain of 10^3 types",
        _chain("type T0 = [4]", "type T{q} = T{p}", 10**3) + "model M : T999 -> [4] = relu\n",
    )
    yield (
        "a chain of 10^4 spaces",
        _chain("space S0 : [n] -> [n] = relu", "space S{q} : [n] -> [n] = S{p} | relu", 10**4),
    )
    yield (
        "a chain of nested lists",
        _chain("const c0 = 1", "const c{q} = [c{p}]", 2000) + "model M : [4] -> [4] = linear(c2000)\n",
    )
    # ------------------------------------------------------------ doubling
    yield "doubling, signed", _signed("B{p} -> B{p}", 60)
    yield "doubling, unsigned", _unsigned("B{p} -> B{p}", 60)
    yield "doubling with weights", _signed("B{p} -> linear(4) -> B{p}", 60)
    yield "doubling of sizes", _unsigned("B{p} -> B{p} -> linear({q})", 60, "model M : [4] -> [60] = B{}\n")
    yield (
        "doubling in tuples",
        _chain("block B0 : [4] -> [4] = relu", "block B{q} : [4] -> [4] = (B{p}, B{p}) -> add", 60),
    )
    yield "doubling of outputs", _unsigned("(B{p}, B{p})", 60)
    yield "doubling by let", _unsigned("{{ let x = B{p} return x -> x }}", 60)
    yield "doubling by if", _unsigned("(if 1 > 0 then B{p} else B{p}) -> B{p}", 60)
    yield "doubling by arguments", _unsigned("each(B{p}) -> B{p}", 60)
    yield "doubling by clone", _unsigned("B{p} -> clone(2)", 60)
    yield (
        "doubling of choices",
        _chain("space S0 : [n] -> [n] = relu", "space S{q} : [n] -> [n] = S{p} -> S{p} | S{p}", 60),
    )
    yield (
        "doubling of unsigned choices",
        _chain("space S0 = relu", "space S{q} = S{p} -> S{p} | S{p}", 60) + "space M : [4] -> [4] = S60\n",
    )
    yield "doubling of consts", _chain("const c0 = 1", "const c{q} = c{p} + c{p}", 60)
    yield "doubling of lists", _chain("const c0 = [1]", "const c{q} = [..c{p}, ..c{p}]", 60)
    yield "doubling of lists in lists", _chain("const c0 = [1]", "const c{q} = [c{p}, c{p}]", 60)
    yield "squaring of consts", _chain("const c0 = 9", "const c{q} = c{p} * c{p}", 60)
    yield "doubling of functions", _chain("fn f0(n) = n", "fn f{q}(n) = f{p}(n) + f{p}(n)", 60) + "const a = f60(1)\n"
    yield (
        "squaring of functions",
        _chain("fn f0(n) = n + 1", "fn f{q}(n) = f{p}(n) * f{p}(n)", 60)
        + "block B : [n] -> [f60(n)] = linear(f60(n))\n",
    )
    yield (
        "nesting of functions",
        _chain("fn f0(n) = n * n", "fn f{q}(n) = f{p}(f{p}(n))", 60) + "block B : [n] -> [f60(n)] = linear(f60(n))\n",
    )
    yield "doubling of types", _chain("type T0 = [4]", "type T{q} = (T{p}, T{p})", 60) + "model M : T60 -> [4] = add\n"
    yield "doubling of data", _chain("type T0 = Int", "type T{q} = {{ a: T{p}, b: T{p} }}", 60)
    yield (
        "doubling of spread records",
        _chain("type T0 = {{ a: Int }}".replace("{{", "{").replace("}}", "}"), "type T{q} = {{ ..T{p}, ..T{p} }}", 60),
    )
    yield (
        "doubling of floats",
        f"{HEAD}fn f(n: Float) = n + n\nblock B(p: Float) : [n] -> [n] = dropout({'f(' * 60}p{')' * 60})\n",
    )
    # ------------------------------------------------------------ repeats
    yield "10^5 copies", f"{HEAD}model M : [4] -> [4] = relu * 100000\n"
    yield "10^5 copies of a layer", f"{HEAD}model M : [4] -> [4] = linear(4) * 100000\n"
    yield (
        "10^5 copies that grow",
        f"{HEAD}model M : [4] -> [400004] = (pad1 * 100000)\nblock pad1 : [n] -> [n + 4] = linear(n + 4)\n",
    )
    yield (
        "copies that grow",
        f"{HEAD}block Grow : [n] -> [n + 1] = linear(n + 1)\nmodel M : [4] -> [100004] = Grow * 100000\n",
    )
    yield "100^5 copies", f"{HEAD}model M : [4] -> [4] = ((((relu * 100) * 100) * 100) * 100) * 100\n"
    yield "100^5 layers", f"{HEAD}model M : [4] -> [4] = ((((linear(4) * 100) * 100) * 100) * 100) * 100\n"
    yield "10^18 copies", f"{HEAD}model M : [4] -> [4] = relu * 999999999999999999\n"
    yield (
        "huge products of copies",
        f"{HEAD}model M : [4] -> [4] = relu * ({' * '.join(['999999999999999999'] * 40)})\n",
    )
    yield "nested folds", f"{HEAD}model M : [4] -> [4] = {'for i in 1..1000 { ' * 8}relu{' }' * 8}\n"
    yield "nested folds of layers", f"{HEAD}model M : [4] -> [4] = {'for i in 1..100 { ' * 8}linear(4){' }' * 8}\n"
    yield "a fold over 10^18", f"{HEAD}model M : [4] -> [4] = for i in 1..999999999999999999 {{ relu }}\n"
    yield "10^5 clones", f"{HEAD}model M : [4] -> [4] = clone(100000) -> add\n"
    yield "10^18 clones", f"{HEAD}model M : [4] -> [4] = clone(999999999999999999) -> add\n"
    yield "clones of clones", f"{HEAD}model M : [4] -> [4] = {'clone(1000) -> ' * 9}relu\n"
    yield "a power of 10^18", f"{HEAD}model M : [4]^999999999999999999 -> [4] = add\n"
    yield "powers of powers", f"{HEAD}model M : (([4]^1000)^1000)^1000 -> [4] = add\n"
    yield "symbolic copies", f"{HEAD}block M(n, m) : [4] -> [4] = ((relu * n) * m) * (n*m)\n"
    yield "a range of copies", f"{HEAD}space S : [4] -> [4] = (relu | id) * (1..999999999999999999)\n"
    # ------------------------------------------------------------ sizes
    yield "a size of 2^31", f"{HEAD}model M : [4] -> [2147483648] = linear(2147483648)\n"
    yield "a size of 10^18", f"{HEAD}model M : [999999999999999999] -> [4] = linear(4)\n"
    yield "too many parameters", f"{HEAD}model M : [2000000000] -> [2000000000] = linear(2000000000)\n"
    yield "too many elements", f"{HEAD}model M : [{', '.join(['2000000000'] * 50)}] -> [n] = flatten\n"
    yield "a power of a size", f"{HEAD}block B : [n] -> [{'*'.join(['n'] * 90)}] = linear({'*'.join(['n'] * 90)})\n"
    yield (
        "a product of many sums",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(40))}] -> [1] = linear({'*'.join(f'(n{2 * i} + n{2 * i + 1})' for i in range(20))})\n",
    )
    yield (
        "a sum of many sizes",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(90))}] -> [1] = linear({' + '.join(f'n{i}' for i in range(90))})\n",
    )
    yield (
        "a size of 10^3 terms",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(45))}] -> [1] = linear(({' + '.join(f'n{i}' for i in range(45))}) * ({' + '.join(f'n{i}' for i in range(45))}))\n",
    )
    yield (
        "a chain of floors",
        _chain("fn f0(n) = n", "fn f{q}(n) = (f{p}(n) * 3 + 1) // 2", 60)
        + "block B : [n] -> [f60(n)] = linear(f60(n))\n",
    )
    yield (
        "a chain of floors in two sizes",
        _chain("fn f0(n, m) = n", "fn f{q}(n, m) = (f{p}(n, m) * m + n) // (m + {q})", 60)
        + "block B : [n, m] -> [n, f60(n, m)] = linear(f60(n, m))\n",
    )
    yield (
        "a chain of maxima",
        _chain("fn f0(n, m) = n", "fn f{q}(n, m) = max(f{p}(n, m) + n, f{p}(m, n) + {q})", 40)
        + "block B : [n, m] -> [n, f40(n, m)] = linear(f40(n, m))\n",
    )
    yield (
        "a chain of quotients",
        _chain("fn f0(n, m) = n", "fn f{q}(n, m) = (f{p}(n, m) + m) / (m + {q})", 40)
        + "block B : [n, m] -> [n, f40(n, m)] = linear(f40(n, m))\n",
    )
    yield (
        "a chain of remainders",
        _chain("fn f0(n, m) = n", "fn f{q}(n, m) = (f{p}(n, m) * n + 7) % (m + {q})", 40)
        + "block B : [n, m] -> [n, f40(n, m)] = linear(f40(n, m) + 1)\n",
    )
    yield (
        "forty convolutions",
        f"{HEAD}block B : [c, h, w] -> [c, h2, w2] = {' -> '.join(f'conv(c, {k}, stride={1 + k % 3}, pad={k // 2})' for k in range(1, 41))}\n",
    )
    yield (
        "forty symbolic convolutions",
        f"{HEAD}block B(k, s, p) : [c, h, w] -> [c, h, w] = {' -> '.join(['conv(c, k, stride=s, pad=p)'] * 40)}\n",
    )
    yield (
        "forty splits",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(40))}] -> [1] = {' -> '.join(f'(if n{i} > {i} then relu else id)' for i in range(40))}\n",
    )
    yield (
        "forty flags",
        f"{HEAD}block B({', '.join(f'b{i}: Bool' for i in range(40))}) : [n] -> [n] = {' -> '.join(f'(if b{i} then relu else id)' for i in range(40))}\n",
    )
    yield (
        "forty divisions",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(40))}] -> [1] = {' -> '.join(f'linear(n{i} / n{i + 1})' for i in range(39))}\n",
    )
    yield (
        "sixty facts",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(30))}] -> [1] where {', '.join(f'n{i} * n{i + 1} >= n{i + 2} + {i}' for i in range(28))} = linear(n1*n2 - n3 + 1)\n",
    )
    yield (
        "ten equations",
        f"{HEAD}block B : [{', '.join(f'n{i}' for i in range(20))}] -> [1] where {', '.join(f'n{i} * n{i + 1} == n{i + 2} * n{i + 3}' for i in range(16))} = linear(n0*n1 / n3)\n",
    )
    yield (
        "pigeons",
        f"{HEAD}block B({', '.join(f'n{i}: 1..5' for i in range(7))}) : [n] -> [n] where {', '.join(f'n{i} != n{j}' for i in range(7) for j in range(i))} = linear(n)\n",
    )
    yield (
        "many small domains",
        f"{HEAD}block B({', '.join(f'n{i}: 1..60' for i in range(8))}) : [n] -> [n] = linear(({' * '.join(f'n{i}' for i in range(8))}) // 7 - 3) -> linear(n)\n",
    )
    yield "a modulus", f"{HEAD}block B : [n, m, k] -> [1] where n*n*n + m*m*m == k*k*k = linear(n)\n"
    # ------------------------------------------------------------ spaces
    yield "mutual recursion", f"{HEAD}block A : [n] -> [n] = B\nblock B : [n] -> [n] = A\n"
    yield "unsigned mutual recursion", f"{HEAD}block A = B -> B\nblock B = A -> A\nmodel M : [n] -> [n] = A\n"
    yield "a const in itself", f"{HEAD}const a = b + 1\nconst b = a + 1\nmodel M : [a] -> [b] = linear(b)\n"
    yield "a function in itself", f"{HEAD}fn f(n) = f(n) + f(n)\nmodel M : [n] -> [f(n)] = linear(f(n))\n"
    yield "a type in itself", f"{HEAD}type T = (T, T)\nmodel M : T -> [4] = add\n"
    yield (
        "a default in itself",
        f"{HEAD}block A(f: [n] -> [n] = A(A)) : [n] -> [n] = f -> f\nmodel M : [4] -> [4] = A\n",
    )
    yield (
        "an argument of itself",
        f"{HEAD}block W(f: [..s] -> [..s]) : [..s] -> [..s] = f -> f\nmodel M : [4] -> [4] = {'W(' * 30}relu{')' * 30}\n",
    )
    yield (
        "a long argument of itself",
        f"{HEAD}block W(f: [..s] -> [..s]) : [..s] -> [..s] = f -> f -> f\nmodel M : [4] -> [4] = {'W(' * 90}linear(4){')' * 90}\n",
    )
    yield "unbounded space", f"{HEAD}space S : [n] -> [n] = S -> S | relu\n"
    yield "a space in itself", f"{HEAD}space S : [n] -> [n] where depth <= 999999999 = (S -> S) * (1..100) | S | relu\n"
    yield "holes", f"{HEAD}space S : [n, d] -> [n, d] = {' -> '.join(['dropout(_)', 'linear(_)'] * 40)}\n"
    yield (
        "chosen choices",
        f"{HEAD}space S : [n] -> [n] = {{ {' '.join(f'choose x{i} = relu | id | gelu' for i in range(60))} return {' -> '.join(f'x{i}' for i in range(60))} }}\n",
    )
    yield (
        "static choices",
        f"{HEAD}space S : [n] -> [m] = {{ {' '.join(f'choose x{i} = 1 | 2 | 3' for i in range(40))} return {' -> '.join(f'linear(x{i})' for i in range(40))} }}\n",
    )
    yield (
        "static choices of strings",
        f"{HEAD}space S : [n] -> [n] = {{ {' '.join(f'choose x{i} = true | false' for i in range(40))} return {' -> '.join(f'(if x{i} then relu else id)' for i in range(40))} }}\n",
    )
    yield "long texts", f'{HEAD}const a = "{"x" * 60_000}"\nmodel M : [4] -> [4] = linear(a)\n'
    yield "long names", f"{HEAD}block {'B' * 60_000} : [4] -> [4] = {'x' * 60_000}\n"
    yield "a long line", f"{HEAD}model M : [4] -> [4] = {' ' * 900_000} nothing\n"
    yield "many line ends", HEAD + "\n" * 900_000 + "model = \n"
    yield "a long comment", f"{HEAD}# {'x' * 900_000}\nmodel M : [4] -> [4] = nothing\n"
    yield "long docs", f"{HEAD}{'## x' * 200_000}\nmodel M : [4] -> [4] = relu\n"
    yield (
        "a long rearrangement",
        f"{HEAD}block B : [n] -> [n] = rearrange([{'*'.join(f'a{i}' for i in range(90))}] -> [{'*'.join(f'a{i}' for i in range(90))}])\n",
    )
    yield "an einsum of many", f"{HEAD}block B : [n] -> [n] = clone(60) -> einsum(({', '.join(['[n]'] * 60)}) -> [n])\n"
