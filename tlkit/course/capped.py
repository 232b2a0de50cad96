"""An engine of papermill's that keeps only so much of what a cell puts out."""

from __future__ import annotations

import json
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from tlkit.course.handed_in import CUT_SHORT, LESSON

LIMIT = 1_000_000  # characters of JSON that a cell may put out: ten figures, or 10,000 lines
ENGINE = "capped"
_SHOWN = {"stream", "display_data", "execute_result", "update_display_data", "error"}


class _CappedClient(PapermillNotebookClient):
    """Drops what a cell puts out beyond `LIMIT`, and says so once, in the cell."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._sizes: dict[int, int] = {}

    def process_message(self, message: dict[str, Any], cell: Any, cell_index: int) -> Any:
        content = message["content"]
        if message["msg_type"] in _SHOWN and LESSON not in content.get("data", {}):
            before = self._sizes.get(cell_index, 0)
            self._sizes[cell_index] = before + len(json.dumps(content, default=str))
            if before > LIMIT:
                return None
            if self._sizes[cell_index] > LIMIT:
                told = {"name": "stderr", "text": CUT_SHORT}
                message = {**message, "msg_type": "stream", "content": told}
        return super().process_message(message, cell, cell_index)


class _CappedEngine(NBClientEngine):
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        execution_timeout: int | None = None,
        start_timeout: int = 60,
        **options: Any,
    ) -> Any:
        unused = {"input_path", "stdout_file", "stderr_file"}
        wanted = {name: value for name, value in options.items() if name not in unused}
        times = {"timeout": execution_timeout, "startup_timeout": start_timeout}
        return _CappedClient(nb_man, kernel_name=kernel_name, **times, **wanted).execute()


papermill_engines.register(ENGINE, _CappedEngine)
