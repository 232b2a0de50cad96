"""A soup of two sources: several sources as one value."""

from dataclasses import replace

import pytest
import torch
from conftest import QUICK, learned

import tlkit
from tlkit.errors import BadInput
from tlkit.study.source import Source, Sources
from tlkit.vision.strategies import FineTune


class Soup(FineTune):
    """Start from the mean of two sources' weights (Wortsman et al., arXiv:2203.05482, section 2)."""

    name = "toy soup"
    title = "Soup"
    idea = "Average the weights of several sources, then fine-tune."

    def needed_source(self):
        sources = self.needed_sources()
        self.source.require_same_classes()
        names = sources[0].state
        state = {name: torch.stack([each.state[name].float() for each in sources]).mean(0) for name in names}
        return Source(replace(sources[0].card, name=self.source.name, sha256=""), state)


def test_a_soup_of_two_sources_trains_beside_its_baseline(stripes, marks, usable_again):
    second = tlkit.transfer("finetune", stripes, stripes.task, seed=1, **QUICK).fitted
    both = Sources(stripes, tlkit.Source.from_fitted(second, "again"))
    study = tlkit.compare([Soup(**QUICK)], both, marks, [5], seeds=1, cache=False)
    assert set(study.table["source"]) == {"", "stripes+again"}
    assert set(study.table["strategy"]) == {"scratch", "toy soup"}
    trial = tlkit.transfer(Soup(**QUICK), both, marks.budget(20))
    assert trial.metrics["accuracy"] > 0.8
    usable_again(trial.fitted, marks)


def test_sources_are_two_or_more_alike(stripes, marks):
    other = learned(marks, "marks")
    shop = Source(replace(stripes.card, kind="recsys", architecture={"name": "ALS"}, sha256=""), {})
    with pytest.raises(BadInput, match="two or more sources"):
        Sources(stripes)
    with pytest.raises(BadInput, match="one modality; these are of recsys and vision"):
        Sources(stripes, shop)
    with pytest.raises(BadInput, match="comes twice"):
        Sources(stripes, stripes)
    with pytest.raises(BadInput, match=r"same classes apart: 'stripes' has 3 \(upright.*'marks' 3 \(cross"):
        tlkit.transfer(Soup(**QUICK), Sources(stripes, other), marks.budget(5))
    with pytest.raises(BadInput, match=r"'finetune' takes one source; got 2 \(stripes, marks\)"):
        tlkit.transfer("finetune", Sources(stripes, other), marks.budget(5))
