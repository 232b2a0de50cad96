"""The baseline: nothing is transferred."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlkit.classification.networks import Classifier, headless, require_drawn
from tlkit.classification.strategies.gradient import GradientStrategy
from tlkit.study.source import Card, Source
from tlkit.study.strategy import hyperparameters


@hyperparameters
class Scratch(GradientStrategy):
    """Train an architecture from random weights; see `GradientStrategy` for the parameters not named here.

    Same network, data, augmentation and steps as fine-tuning: only the start differs.

    Parameters
    ----------
    source : Source or Sources, optional
        Whose architecture it is, the first one's of several; its weights are not used.
    architecture : str or dict, optional
        A name, or a name and parameters, such as ``{"name": "convnet", "width": 32}``: then it needs no
        source.

    Examples
    --------
    >>> import tlkit
    >>> from tlkit.vision.strategies import Scratch
    >>> source, task = tlkit.load_source("glyphs"), tlkit.load_task("digits").budget(1)
    >>> trial = tlkit.transfer(Scratch(min_steps=5, epochs=0), source, task)
    >>> trial.fitted.predict_proba(task.X_test[:3]).shape
    (3, 10)
    """

    title = "Training from scratch"
    idea = "Start from random weights: what the target's labels teach by themselves."

    architecture: str | Mapping[str, Any] | None = None

    def needed_source(self) -> Source:
        """Return a source without weights: its card says what to build."""
        if self.architecture is None:
            card = self.needed_sources()[0].card
            return Source(Card("", "", headless(card.architecture), card.inputs), {})
        chosen = self.architecture
        architecture = {"name": chosen} if isinstance(chosen, str) else dict(chosen)
        inputs = self.inputs_for(architecture, getattr(self, "shape_", None))
        return Source(Card("", "", architecture, inputs), {})

    @property
    def uses_source(self) -> bool:
        """Its architecture is no knowledge."""
        return False

    def build(self, source: Source, n_classes: int) -> Classifier:
        """Build the network with random weights."""
        return require_drawn(self.network(source.card.architecture, source.card.inputs, n_classes))

    def identity(self) -> dict[str, Any]:
        """Every parameter, but of a source its architecture alone: its weights are not used."""
        if self.architecture is not None:
            return super().identity()
        return super().identity() | {"source": self.needed_source().fingerprint}
