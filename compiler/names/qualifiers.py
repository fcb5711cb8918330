"""What std says of qualifiers: which there are, and which of them each op keeps."""

from collections.abc import Iterator
from dataclasses import dataclass

from archc.grammar import syntax as s
from archc.names.scope import Scopes

ANNOTATIONS = ("keeps", "joins")


@dataclass(frozen=True, slots=True)
class Rule:
    """An op keeps a qualifier that all its inputs have (`joins`: that one of them has), where `condition` holds."""

    joins: bool = False
    condition: s.Expr | None = None


LOSES = Rule(condition=s.Boolean(value=False))


def qualifiers(scopes: Scopes) -> tuple[str, ...]:
    """Return the qualifiers that there are: the values of the type `Qualifier` of std."""
    match _declared(scopes):
        case s.Declaration(type=s.TypeUnion(arms)):
            return tuple(literal for arm in arms for literal in _text(arm.type))
        case s.Declaration(type=kind):
            return _text(kind)
        case _:
            return ()


def rule(scopes: Scopes, op: s.Declaration, qualifier: str) -> Rule:
    """Return what `op` does with a qualifier: as its annotations say, else as those of `Qualifier` say of every op."""
    for declaration in (op, _declared(scopes)):
        for name, found in told(declaration) if declaration is not None else ():
            if name == qualifier:
                return found
    return LOSES


def told(declaration: s.Declaration) -> Iterator[tuple[str, Rule]]:
    """Yield what the annotations of a declaration say of qualifiers."""
    for annotation in declaration.annotations:
        if annotation.name in ANNOTATIONS:
            for argument in annotation.arguments:
                joins = annotation.name == "joins"
                if argument.name:
                    yield argument.name, Rule(joins, argument.value)
                elif isinstance(argument.value, s.Ref):
                    yield argument.value.name, Rule(joins)


def _declared(scopes: Scopes) -> s.Declaration | None:
    found = scopes.modules[0].own.get("Qualifier")
    return found.declaration if found is not None else None


def _text(kind: s.TypeExpr | None) -> tuple[str, ...]:
    return (kind.value.value,) if isinstance(kind, s.TypeLiteral) and isinstance(kind.value, s.String) else ()
