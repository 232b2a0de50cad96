"""How notebooks are executed: in this very Python, with parameters as they are."""

from __future__ import annotations

import os
import tempfile
from typing import Any


class Kernels:
    """The kernels of one run, which can be ended together.

    Parameters
    ----------
    threads : int, optional
        How many each computes with, unless ``OMP_NUM_THREADS`` says so already.
    execution_timeout : int, optional
        Seconds that a cell may take.

    Attributes
    ----------
    environment : dict
        The variables that they are started with; what lessons keep goes to a file that ends with the run.
    """

    def __init__(self, threads: int | None = None, execution_timeout: int | None = None):
        self.ended = False
        self.execution_timeout = execution_timeout
        share = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
        self._scratch = tempfile.TemporaryDirectory(prefix="tlkit-run-", ignore_cleanup_errors=True)
        kept = {"TLKIT_PROGRESS": os.path.join(self._scratch.name, "predictions.json")}
        self.environment = share | os.environ | kept
        self._started: list[Any] = []

    def options(self) -> dict[str, Any]:
        """Return what makes nbclient start this very Python, whatever kernels the machine has registered."""
        from jupyter_client.kernelspec import KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager
        from traitlets import default

        kernels = self

        class ThisPython(AsyncKernelManager):
            @default("kernel_spec_manager")
            def _only_the_native_one(self) -> KernelSpecManager:
                return KernelSpecManager(kernel_dirs=[])

            async def start_kernel(self, **options: Any) -> None:
                await super().start_kernel(**options, env=kernels.environment)
                kernels._started.append(self)
                if kernels.ended:  # while this one was starting
                    kernels.end()

        # A kernel speaks of its loopback connection and of its end.
        quiet = ["--IPKernelApp.log_level=CRITICAL"]
        return {"kernel_name": "python3", "kernel_manager_class": ThisPython, "extra_arguments": quiet}

    def end(self) -> None:
        """End every kernel at once, and those that are started from now on."""
        self.ended = True
        for manager in list(self._started):
            process = getattr(manager.provisioner, "process", None)
            if process is not None:
                process.kill()


def let_papermill_write_tuples() -> None:
    """Teach papermill to pass a tuple as a tuple, which it would pass as a string."""
    from papermill.translators import PythonTranslator, papermill_translators

    class WithTuples(PythonTranslator):
        @classmethod
        def translate(cls, val: Any) -> str:
            return repr(val) if isinstance(val, tuple) else super().translate(val)

    papermill_translators.register("python", WithTuples)
