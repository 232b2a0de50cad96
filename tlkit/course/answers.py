"""`tlkit build answers`: what each exercise accepts, refuses and says, made from the exercises themselves."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tlkit.course import pages
from tlkit.course.contents import exercises_of, module_of, quiz_of
from tlkit.course.notebooks import Notebook, choose
from tlkit.lessons import Exercise, Quiz
from tlkit.system.files import atomic_write


def build_answers(names: Sequence[str] = (), into: Path = Path("build", "answers")) -> list[Path]:
    """Write a sheet a notebook; each example is put before the judge now, and what that says is on the sheet.

    Parameters
    ----------
    names : sequence of str
        As in `tlkit.course.notebooks.choose`; all notebooks where empty.
    into : Path
        The folder to write into. The sheets are for teachers: no site and no package holds them.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UnknownName
        For a name that no notebook has.
    """
    written = []
    for book in choose(names):
        page = pages.from_markdown(f"Answers: {book.title}", sheet(book))
        written.append(atomic_write(into / f"{book.name}.html", page))
        print(f"Answers: {written[-1]}")
    return written


def sheet(book: Notebook) -> str:
    """Return a notebook's answer sheet as Markdown."""
    examples = _examples(book)
    parts = [f"# Answers to {book.title}", "For teachers: keep this page from learners."]
    for name, exercise in exercises_of(book).items():
        parts += [f"## {name}", exercise.question, f"Expected is {exercise.expects}."]
        parts += ["**Hints**", _numbered(exercise.hints), f"**Solution.** {exercise.answer}"]
        for kind, title in (("right", "Accepted, for example"), ("wrong", "Typical wrong answers")):
            parts.append(f"**{title}**")
            values = getattr(exercise, kind)
            codes = examples.get((name, kind), [])
            codes = codes if len(codes) == len(values) else [repr(value) for value in values]
            parts += [_judged(exercise, value, code) for value, code in zip(values, codes, strict=True)]
    return "\n\n".join([*parts, *_quiz(quiz_of(book))]) + "\n"


def _judged(exercise: Exercise, value: Any, code: str) -> str:
    """Show an answer, and what the judge says to it."""
    if inspect.isfunction(value) and code.isidentifier():
        code = textwrap.dedent(inspect.getsource(value)).strip()
    said = exercise.judged(value).text
    return f"```python\n{textwrap.dedent(code)}\n```\n\n" + textwrap.indent(said, "> ", lambda line: True)


def _examples(book: Notebook) -> dict[tuple[str, str], list[str]]:
    """Return the source of each example by exercise and kind, as the module writes them in lists."""
    module = module_of(book)
    if module is None:
        return {}
    source = inspect.getsource(module)
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for argument in node.value.keywords:
                if argument.arg in ("right", "wrong") and isinstance(argument.value, ast.List | ast.Tuple):
                    codes = [ast.get_source_segment(source, item) or "" for item in argument.value.elts]
                    found[ast.unparse(node.targets[0]), argument.arg] = codes
    return found


def _quiz(quiz: Quiz | None) -> list[str]:
    if quiz is None:
        return []
    parts = ["## Quiz"]
    for number, question in enumerate(quiz.questions, start=1):
        marked = [
            f"**{option}** (right)" if option == question.answer else option for option in question.options
        ]
        parts += [f"**{number}.** {question.text}", _listed(marked), question.why]
    return parts


def _numbered(lines: Iterable[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
