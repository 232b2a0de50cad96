"""How notebooks are executed: in this very Python, with parameters as they are."""

from __future__ import annotations

from typing import Any


def kernel() -> dict[str, Any]:
    """Return what makes nbclient start this very Python, whatever kernels the machine has registered."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class ThisPython(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _only_the_native_one(self) -> KernelSpecManager:
            return KernelSpecManager(kernel_dirs=[])

    quiet = ["--IPKernelApp.log_level=CRITICAL"]  # a kernel speaks of its loopback connection and of its end
    return {"kernel_name": "python3", "kernel_manager_class": ThisPython, "extra_arguments": quiet}


def let_papermill_write_tuples() -> None:
    """Teach papermill to pass a tuple as a tuple, which it would pass as a string."""
    from papermill.translators import PythonTranslator, papermill_translators

    class WithTuples(PythonTranslator):
        @classmethod
        def translate(cls, val: Any) -> str:
            return repr(val) if isinstance(val, tuple) else super().translate(val)

    papermill_translators.register("python", WithTuples)
