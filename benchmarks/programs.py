"""Long .arch files to time the checker on."""

UNIT = """
## Two convolutions around a shortcut, number {n}.
block Basic{n}(c, stride: 1 | 2 = 1) : [a, stride*h, stride*w] -> [c, h, w] =
    ( conv(c, 3, stride, pad=1, bias=false) -> batch_norm -> relu
   -> conv(c, 3, pad=1, bias=false) -> batch_norm
    , if a == c and stride == 1 then id else conv(c, 1, stride, bias=false) -> batch_norm
    ) -> add -> relu

model Picture{n}(classes = 1000) : [3, 32*h, 32*w] -> [classes] =
    conv(64, 7, stride=2, pad=3, bias=false) -> batch_norm -> relu
 -> max_pool(3, stride=2, pad=1)
 -> Basic{n}(64) * 2
 -> for c in [128, 256, 512] {{ Basic{n}(c, 2) -> Basic{n}(c) }}
 -> global_avg_pool -> linear(classes)

block Encoder{n}(heads) : [n, d] -> [n, d] where d % heads == 0 =
    PreNorm(SelfAttention(heads)) -> PreNorm(Mlp(4*d))

model Text{n}(vocab = 50257, d = 768, depth = 12, heads = 12)
  : (tokens: Id(vocab)[n]) -> [n, vocab] where n <= 1024, d % heads == 0
= {{
    let table = embedding(vocab, d)
    return tokens -> table -> pos_learned(1024) -> Encoder{n}(heads) * depth -> layer_norm -> table.decode
}}
"""
HEAD = "arch 0.1\nimport std.nn (PreNorm, SelfAttention, Mlp)\n"


def program(lines: int) -> str:
    """Return a right program of about `lines` lines, no two declarations of it the same."""
    units = max(1, round((lines - HEAD.count("\n")) / UNIT.count("\n")))
    return HEAD + "".join(UNIT.format(n=number) for number in range(units))
