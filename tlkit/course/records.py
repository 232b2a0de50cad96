"""What a notebook records for its report, and how the report finds it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any

from tlkit.errors import BadInput

MIME = "application/vnd.tlkit.record+json"
_NO_ERROR = {"SystemExit": "sys.exit() ended the notebook here, and what follows did not run."}
# What threading.excepthook prints.
_IN_THREAD = re.compile(r"Exception in thread .*\nTraceback .*\n(?:[ \n].*\n?)*(?P<error>\S.*)")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def record(name: str, value: Any) -> None:
    """Record a result of this notebook, so that ``tlkit run`` collects it in its report.

    Parameters
    ----------
    name : str
        What the result is, in words: the caption of its table and figure.
    value : number, mapping of names to numbers, DataFrame, or Study
        A study records its trials, verdicts and figure.

    Raises
    ------
    BadInput
        When `value` is none of these.

    Examples
    --------
    >>> import tlkit
    >>> tlkit.record("Accuracy", {"probe": 0.92, "scratch": 0.1})
    recorded Accuracy: probe 0.92, scratch 0.1
    """
    entry = as_record(name, value)
    data = {MIME: entry, "text/plain": _in_words(entry)}
    try:
        from IPython import get_ipython
    except ImportError:
        get_ipython = _no_shell
    if get_ipython() is None:
        print(data["text/plain"])
        return
    from IPython.display import display

    display(data, raw=True)


def as_record(name: str, value: Any) -> dict[str, Any]:
    """Return `value` as plain JSON data with the keys ``name`` and some of ``value``, ``table``, ``trials``,
    ``sentences``, ``failed``, ``figure`` and ``alt``.

    Raises
    ------
    BadInput
        When `value` is not a number, a mapping of numbers, a DataFrame or a Study.
    """
    for fits, content in _KINDS:
        if fits(value):
            return {"name": name, **content(value)}
    raise BadInput(
        f"record({name!r}, ...) takes a number, a dictionary of numbers, a DataFrame or a Study, "
        f"not a {type(value).__name__}."
    )


def records_of(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what an executed notebook (as nbformat reads it) recorded, in order."""
    return [output["data"][MIME] for output in _outputs(notebook) if MIME in output.get("data", {})]


def errors_of(notebook: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the errors an executed notebook shows that stopped no cell, so that only looking finds them.

    A widget's callback that fails, a thread that does, and ``sys.exit()``, which ends a notebook in silence.
    """
    widgets = notebook.get("metadata", {}).get("widgets", {}).values()
    models = [model for group in widgets for model in group.get("state", {}).values()]
    captured = [output for model in models for output in model.get("state", {}).get("outputs", ())]
    found = list(_errors_among(captured, "a widget's callback", ""))
    for cell in notebook["cells"]:
        where = f"cell [{cell.get('execution_count')}]"
        found += _errors_among(cell.get("outputs", ()), where, "".join(cell["source"]))
    return found


def _errors_among(outputs: Iterable[Mapping[str, Any]], where: str, source: str) -> Iterator[dict[str, str]]:
    printed = ""
    for output in outputs:
        if output.get("output_type") == "error":
            yield {
                "where": where,
                "source": source,
                "name": output["ename"],
                "message": _NO_ERROR.get(output["ename"], output["evalue"]),
                "traceback": plain("\n".join(output["traceback"])),
            }
        elif output.get("name") == "stderr":
            printed += "".join(output["text"])
    for told in _IN_THREAD.finditer(plain(printed)):
        name, _, message = told["error"].partition(": ")
        thread = f"a thread of {where}"
        yield {"where": thread, "source": source, "name": name, "message": message, "traceback": told[0]}


def plain(text: str) -> str:
    """Return `text` without terminal colour codes."""
    return _ANSI.sub("", text)


def figure_alt(figure: Mapping[str, Any], otherwise: str) -> str:
    """Return the description that a plotly figure (as JSON data) carries in ``layout.meta.alt``."""
    meta = figure.get("layout", {}).get("meta")
    alt = meta.get("alt") if isinstance(meta, Mapping) else None
    return alt or otherwise


def _outputs(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for cell in notebook["cells"]:
        yield from cell.get("outputs", ())


def _no_shell() -> None:
    return None


def _in_words(entry: Mapping[str, Any]) -> str:
    values = entry.get("value")
    if isinstance(values, dict):
        numbers = ", ".join(f"{key} {number:.4g}" for key, number in values.items())
        return f"recorded {entry['name']}: {numbers}"
    if values is not None:
        return f"recorded {entry['name']}: {values:.4g}"
    if "trials" in entry:
        return f"recorded {entry['name']}: a study of {len(entry['trials']['rows'])} trials"
    return f"recorded {entry['name']}: a table of {len(entry['table']['rows'])} rows"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) or (hasattr(value, "item") and getattr(value, "ndim", None) == 0)


def _number(value: Any) -> float | int:
    return value.item() if hasattr(value, "item") else value


def _is_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_number, value.values()))


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "to_json")


def _is_study(value: Any) -> bool:
    return hasattr(value, "table") and hasattr(value, "verdicts")


def _table(frame: Any) -> dict[str, list]:
    labelled = frame.reset_index() if any(frame.index.names) else frame
    split = json.loads(labelled.to_json(orient="split", index=False))
    return {"columns": split["columns"], "rows": split["data"]}


def _study(study: Any) -> dict[str, Any]:
    verdicts = study.verdicts(adjust="holm")
    sentences = [*study.sentences(), *filter(None, [study.multiplicity()])]
    figure = json.loads(study.figure().to_json())
    failed = {"failed": _table(study.failed)} if len(study.failed) else {}
    return failed | {
        "table": _table(verdicts.drop(columns="sentence")),
        "sentences": sentences,
        "trials": _table(study.table),
        "figure": figure,
        "alt": figure_alt(figure, otherwise=" ".join(sentences)),
    }


_KINDS = (
    (_is_number, lambda value: {"value": _number(value)}),
    (_is_numbers, lambda value: {"value": {str(key): _number(number) for key, number in value.items()}}),
    (_is_study, _study),
    (_is_frame, lambda value: {"table": _table(value)}),
)
