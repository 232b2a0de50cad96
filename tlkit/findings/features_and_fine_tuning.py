"""What ``02_features_and_fine_tuning`` finds in its numbers: cost, repaired harm, the worth of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tlkit.figures.wording import score_text, signed_text, size_text

if TYPE_CHECKING:
    from tlkit.study.study import Study


def cheapest(study: Study) -> str:
    """Say which strategy was the most accurate, and what the quickest one gave up for its speed."""
    table = study.table[study.table["strategy"] != study.baseline]
    by_name = table.groupby("strategy", sort=False)
    percent = study.summary.percent
    score, seconds = by_name[study.metric].mean(), by_name["seconds"].median()
    best, quick = score.idxmax(), seconds.idxmin()
    said = f"*{best}* had the highest mean {study.metric}, {score_text(score[best], percent)}"
    if best == quick:
        return f"{said}, and was the quickest."
    lost = size_text(score[best] - score[quick], percent)
    share = seconds[quick] / seconds[best]
    return f"{said}. *{quick}* had {lost} points less, and took {100 * share:.0f} % of the time."


def repaired(verdicts: pd.DataFrame, frozen: str = "head only") -> str:
    """Say how much of the harm of frozen features went away when more of the network trained.

    Parameters
    ----------
    verdicts : DataFrame
        Of one source, with a row for `frozen` and one for each strategy that trains more.
    frozen : str
        The strategy that trains the least.
    """
    gains = verdicts.set_index("strategy")["gain"]
    before, best = gains[frozen], gains.drop(frozen).idxmax()
    if before >= 0:
        return f"There was no harm to repair: *{frozen}* was not below training from scratch."
    said = f"*{frozen}* was {size_text(before, True)} points below training from scratch"
    if gains[best] <= before:
        return f"{said}, and to train more of the network repaired none of it."
    if gains[best] >= 0:
        return f"{said}. *{best}* repaired all of that."
    share = 1 - gains[best] / before
    return f"{said}, *{best}* {size_text(gains[best], True)}: this repaired {100 * share:.0f} % of the harm."


def worth_of_training(learned: float, untrained: float, name: str) -> str:
    """Say what a source's training is worth on a target: its features' score beside that of random ones."""
    apart = learned - untrained
    if apart == 0:
        return f"On this target, what *{name}* learned made no difference to its frozen features."
    way = "better" if apart > 0 else "worse"
    points = size_text(apart, True)
    return f"On this target, what *{name}* learned made its frozen features {points} points {way}."


def effect_of_protection(changes: pd.DataFrame) -> str:
    """Say between which ends protection changed the accuracy, source by source.

    Parameters
    ----------
    changes : DataFrame
        Columns source and gain: against fine-tuning without protection.
    """
    ends = changes.groupby("source", sort=False)["gain"].agg(["min", "max"])
    told = [
        f"from {source} by {signed_text(low, True)} to {signed_text(high, True)} points"
        for source, low, high in ends.itertuples()
    ]
    return f"Protection changed the accuracy of fine-tuning {' and '.join(told)}, depending on the way."
