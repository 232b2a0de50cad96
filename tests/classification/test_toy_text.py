"""A new modality through every door: load_task, compare, searches, panel, command line, save and reload."""

import toy_text
from sklearn.model_selection import GridSearchCV

import tlkit
from tlkit import cli

QUICK = {"min_steps": 40, "epochs": 0, "random_state": 0}


def test_the_modality_is_sixty_lines():
    with open(toy_text.__file__, encoding="utf-8") as file:
        assert len(file.readlines()) <= 60


def test_texts_go_through_compare_and_the_source_helps():
    source, food = tlkit.load_source("toy_films"), tlkit.load_task("toy_reviews")
    assert (source.card.kind, source.task.name) == ("toy text", "films")
    study = tlkit.compare(["finetune", "probe", "nearest"], source, food, [1, 10], seeds=3, cache=False)
    mean = study.table.groupby(["budget", "strategy"])["accuracy"].mean()
    assert mean[1, "finetune"] > mean[1, "scratch"] + 0.1
    assert study.table["source_accuracy"].notna().any()
    assert "fine-tuning from films" in " ".join(study.sentences())


def test_texts_go_through_a_search_and_are_a_source_again(tmp_path):
    source, food = tlkit.load_source("toy_films"), tlkit.load_task("toy_reviews")
    search = GridSearchCV(food.strategy("finetune", source=source, **QUICK), {"lr": [1e-3, 1e-2]}, cv=2)
    assert tlkit.transfer(search, source, food.budget(10)).metrics["accuracy"] > 0.6
    fitted = food.fit(food.strategy("finetune", source=source, **QUICK))
    back = tlkit.Source.load(tlkit.Source.from_fitted(fitted, "mine", task=food).save(tmp_path / "mine"))
    assert back.card.classes == ("good", "bad")
    assert back.task.fingerprint == food.fingerprint
    assert tlkit.transfer("probe", back, back.task.budget(5)).metrics["accuracy"] > 0.9


def test_texts_go_through_the_panel_and_the_command_line(capsys):
    source, food = tlkit.load_source("toy_films"), tlkit.load_task("toy_reviews")
    panel = tlkit.panel(source, food)
    study = panel.run(["probe", "nearest"], budget=2, seeds=3)
    assert set(study.table["strategy"]) == {"scratch", "probe", "nearest"}
    assert (
        cli.main(
            [
                "compare",
                "toy_reviews",
                "--source",
                "toy_films",
                "--strategies",
                "probe",
                "--budgets",
                "2",
                "--seeds",
                "2",
            ]
        )
        == 0
    )
    assert "probe" in capsys.readouterr().out
    assert cli.main(["strategies"]) == 0
    assert "For toy text:" in capsys.readouterr().out
