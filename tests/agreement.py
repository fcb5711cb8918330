"""Types with everything in them, documents drawn from them, and what is done to documents to make them wrong."""

from random import Random

from archc.data.kinds import Json

TYPES = '''arch 0.1
type Money = Decimal(2) where it >= 0
type Even = 0..100 where it % 2 == 0
type Odd = 1..99 by 2
type Short = String(..5)[1..4] where unique(it)
## A node of a tree.
type Tree = { value: Int, children: Tree[..3], next?: Tree }
type Json = Null | Bool | Float | String(..20) | Json[..4] | Map(String(..4), Json, ..4)
type Page(t) = { items: t[..5], next?: Uri }
type Item = {
    ## How many.
    ## With "quotes" and \\ and """.
    count: 1..10,
    price: Money,
    @deprecated("use net")
    gross?: Decimal(3),
    net: Money = count*price,
    rate?: Float,
    kind: 1 | 2 | true | "x" | 1.5 = "x",
}
type Shape = { type: "circle", r: Float } | { type: "rect", w: Float, h: Float where h >= w }
type Basket = {
    items: Item[..4],
    date: Date = "2026-01-31",
    from: DateTime,
    until?: DateTime where until >= from,
    tags: Short = ["a", "b"],
    even: Even | Null,
    pair: (Int, String(..3), Bool),
    "model_dump": Int = 3,
    "content-type": re"[a-z]+/[a-z]+(; [a-z&~^\\-\\]]+)?",
    str: Uuid | Email,
    scale: 0.25..0.75 = 0.5,
    who: { name: String(1..9), kind: "a" } | { kind: "b", age: 0..150 },
    opt?: Int | Null,
    per: Decimal(2) = round(total / many, 2),
    total: Money = sum(items.net),
    many: 1..20,
    tree?: Tree,
    page?: Page(Shape),
    map: Map(re"[a-z]{1,3}", Odd, 1..3),
    most: 4..10 = 5,
} where
    len(items) <= most,
    total <= 100000 or scale == 0.5,
    (if many > 3 then scale < 0.7 else scale > 0.3),
    not (date > "9990-01-01"),
    opt != 3
'''
ROOTS = ("Money", "Even", "Odd", "Short", "Tree", "Json", "Item", "Shape", "Basket")

STRANGE: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    10**30,
    "",
    "a",
    "x" * 300,
    "2026-02-30",
    "É😀",
    [],
    {},
    [1],
    {"a": 1},
)


def mutated(value: Json, rng: Random) -> Json:
    """Return `value` with one change somewhere in it."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(list(value))
        match rng.randrange(8):
            case 0:
                return {key: part for key, part in value.items() if key != name}
            case 1:
                return {**value, rng.choice(["extra", name + "_", "from_", "a"]): rng.choice(STRANGE)}
            case _:
                return {**value, name: mutated(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        match rng.randrange(4):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return [*value, value[at]]
            case _:
                return [*value[:at], mutated(value[at], rng), *value[at + 1 :]]
    if isinstance(value, str) and value and rng.random() < 0.6:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice(["", "0", "9", "Z", value[at] * 2]) + value[at + 1 :]
    if not isinstance(value, bool | str | list | dict | None) and rng.random() < 0.7:
        return value + rng.choice([1, -1, 1000]) if rng.random() < 0.8 else -value
    return rng.choice(STRANGE)
