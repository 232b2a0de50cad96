"""Pictures of stripes and of marks, a source that knows them, and the same stripes in another light."""

import numpy as np
import pytest

import tlkit
from tlkit.study.register import tasks
from tlkit.vision.strategies import Scratch
from tlkit.vision.tasks import ImageTask

ROW, COLUMN = np.mgrid[:16, :16]
PATTERNS = {
    "stripes": {"upright": COLUMN % 4 < 2, "level": ROW % 4 < 2, "slanted": (ROW + COLUMN) % 4 < 2},
    "marks": {
        "cross": (abs(ROW - 8) < 2) | (abs(COLUMN - 8) < 2),
        "block": (abs(ROW - 8) < 4) & (abs(COLUMN - 8) < 4),
        "frame": (abs(ROW - 8) > 5) | (abs(COLUMN - 8) > 5),
    },
}


@tasks.named("toy_patterns")
def toy_patterns(kind="stripes", light=60, noise=120, n=60, seed=0):
    """Noisy 16x16 patterns of three classes, `n` to learn from and 150 to be tested on."""
    draw, names = np.random.default_rng(seed), PATTERNS[kind]
    y = np.arange(n + 150) % 3
    clear = np.stack(list(names.values()))[y] * float(light)
    X = (clear + draw.uniform(0, noise, clear.shape)).clip(0, 255).astype(np.uint8)[:, None]
    return ImageTask(X[:n], y[:n], X[n:], y[n:], tuple(names), f"toy {kind}")


ARCHITECTURE = {"name": "convnet", "width": 4}
QUICK = {"min_steps": 60, "epochs": 0, "augment": "none"}


def learned(task, name, seed=0):
    scratch = Scratch(architecture=ARCHITECTURE, random_state=seed, **QUICK)
    return tlkit.Source.from_fitted(task.fit(scratch), name, task=task)


@pytest.fixture(scope="session")
def stripes():
    """A source that tells stripes apart, saved with how its task is loaded."""
    return learned(tlkit.load_task("toy_patterns", n=300), "stripes")


@pytest.fixture(scope="session")
def marks():
    """The target of other classes."""
    return tlkit.load_task("toy_patterns", kind="marks")


@pytest.fixture
def usable_again(tmp_path):
    """Make a source of what was fitted, save it, and transfer from what was read back."""

    def check(fitted, task):
        made = tlkit.Source.from_fitted(fitted, "made", task=task)
        back = tlkit.Source.load(made.save(tmp_path / "made"))
        assert not [name for name in back.state if name.startswith("auxiliary")]
        assert back.card.kind == "vision"
        assert back.task.fingerprint == task.fingerprint
        trial = tlkit.transfer("probe", back, task.budget(5))
        assert trial.metrics["accuracy"] > 0.6
        return back

    return check
