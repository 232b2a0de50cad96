"""Small changes of code, each of which some test should notice: mutmut's mutators and three more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import libcst as cst
import libcst.matchers
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).parents[2]
WORDING = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.Raise, cst.FormattedString)
IN_MUTMUT = {
    "operator_number": "number",
    "operator_name": "True and False",
    "operator_remove_unary_ops": "not",
    "operator_symmetric_string_methods_swap": "function",
    "operator_unsymmetrical_string_methods_swap": "function",
    "operator_keywords": "is, in, break",
    "operator_swap_op": "operator",
    "operator_match": "case",
    "operator_if_exp": "condition",
}
TWINS = {
    cst.Name: {"max": "min", "min": "max", "any": "all", "all": "any", "round": "int", "sorted": "list"},
    cst.Attribute: {
        "max": "min", "min": "max", "any": "all", "all": "any", "argmax": "argmin", "argmin": "argmax",
        "maximum": "minimum", "minimum": "maximum", "ceil": "floor", "floor": "ceil", "round": "floor",
        "sum": "mean", "mean": "sum", "std": "var", "var": "std", "zeros": "ones", "ones": "zeros",
        "cumsum": "array", "permutation": "arange", "union": "intersection", "intersection": "union",
        "head": "tail", "tail": "head", "append": "extend", "sqrt": "square", "square": "sqrt",
        "startswith": "endswith", "endswith": "startswith",
    },
}  # fmt: skip


def dropped_argument(call: cst.Call) -> Iterator[cst.Call]:
    """Leave an argument to its default, or a maximum one number fewer to choose from."""
    choice = cst.matchers.matches(call.func, cst.matchers.Name("max") | cst.matchers.Name("min"))
    method = isinstance(call.func, cst.Attribute)
    for place, arg in enumerate(call.args):
        last = place + 1 == len(call.args)
        if arg.keyword or (choice and len(call.args) > 1) or (method and last and not arg.star):
            yield call.with_changes(args=[*call.args[:place], *call.args[place + 1 :]])


def swapped_function(call: cst.Call) -> Iterator[cst.Call]:
    """Call the function's twin instead."""
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    twins = TWINS.get(type(call.func), {})
    if isinstance(name, cst.Name) and name.value in twins:
        yield call.with_deep_changes(name, value=twins[name.value])


def negated_condition(statement: cst.If) -> Iterator[cst.If]:
    """Take the other branch."""
    inner = statement.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield statement.with_changes(test=cst.UnaryOperation(cst.Not(), inner))


OPERATORS: list[tuple[str, type, Callable[[Any], Any]]] = [
    *((IN_MUTMUT[o.__name__], kind, o) for kind, o in mutation_operators if o.__name__ in IN_MUTMUT),
    ("argument left out", cst.Call, dropped_argument),
    ("function", cst.Call, swapped_function),
    ("condition", cst.If, negated_condition),
]


@dataclass
class Mutant:
    """One change of a file."""

    file: str
    kind: str
    first: int  # lines that run it
    last: int
    module: cst.Module = field(repr=False)
    node: cst.CSTNode = field(repr=False)
    changed: cst.CSTNode = field(repr=False)

    def code(self) -> str:
        """Return the changed file."""
        changed = cst.ensure_type(self.module.deep_replace(self.node, self.changed), cst.Module)
        return changed.code

    @cached_property
    def name(self) -> str:
        """The line as it was and as it is."""
        pairs = zip(self.module.code.splitlines(), self.code().splitlines(), strict=False)
        before, after = next(((a.strip(), b.strip()) for a, b in pairs if a != b), ("", ""))
        return f"{self.file}:{self.first}: {before} -> {after}"


class Changes(cst.CSTVisitor):
    """Collect the mutants of a file, those of its messages, imports and annotations left out."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, file: str, module: cst.Module):
        super().__init__()
        self.file, self.module = file, module
        self.found: list[Mutant] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Change a node in every way there is."""
        if isinstance(node, WORDING):
            return False
        for name, kind, operator in OPERATORS:
            if isinstance(node, kind):
                first, last = (
                    self.get_metadata(PositionProvider, part) for part in (node, getattr(node, "test", node))
                )
                place = first.start.line, last.end.line
                self.found += [
                    Mutant(self.file, name, *place, self.module, node, changed) for changed in operator(node)
                ]
        return True


def mutants(file: str) -> list[Mutant]:
    """Return all mutants of a file."""
    wrapper = MetadataWrapper(cst.parse_module((ROOT / file).read_text(encoding="utf-8")))
    changes = Changes(file, wrapper.module)
    wrapper.visit(changes)
    return changes.found
