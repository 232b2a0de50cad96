"""How every lesson opens: badges that lead to its clean copy, and a cell that installs tlkit or says how."""

from __future__ import annotations

REPOSITORY = "tlkit/tlkit"

INSTALL = """\
# On Colab this installs tlkit; elsewhere it does nothing, unless tlkit is missing.
import sys
from importlib.util import find_spec
if "google.colab" in sys.modules:
    %pip install -q --no-deps "tlkit @ git+https://github.com/REPOSITORY" anywidget psygnal
    from google.colab import output
    output.enable_custom_widget_manager()
if not find_spec("tlkit"):
    install = "%pip install 'tlkit[lab] @ git+https://github.com/REPOSITORY'"
    raise RuntimeError(f"tlkit is missing. Run {install} (offline: 'FOLDER[lab]' of a clone), try again.")\
""".replace("REPOSITORY", REPOSITORY)


def badges(name: str) -> str:
    """Return the Markdown of a lesson's two badges; `name` is that of its file."""
    place = f"notebooks/clean/{name}"
    return (
        "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{REPOSITORY}/main?labpath={place})\n"
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{REPOSITORY}/blob/main/{place})"
    )
