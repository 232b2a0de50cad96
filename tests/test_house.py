"""The house stays in order: floors, a light door, clean code, and one place for each fact."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tlkit"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Ground floor first: a module imports from its own floor and those below it.
FLOORS = [
    {"errors"},
    {"system", "figures"},
    {"study"},
    {"training"},
    {"classification"},
    {"vision", "recsys"},
    {"catalogue"},
    {"panels", "course", "lessons"},
    {"exercises"},
    {"findings"},
    {"cli"},
]
MODALITIES = {"classification", "vision", "recsys", "catalogue", "exercises"}
MODALITY_WORDS = re.compile(r"\b(images?|pixels?|photos?|movies?)\b", re.IGNORECASE)
FORMATS = {"course.publish", "course.docs", "course.slides"}  # a notebook's file has such words itself
OUTSIDE = re.compile(r"(^|[\"'`= (])/(home|root|Users|work|opt|tmp)/[A-Za-z0-9]|index[-]url")
CONDA_NAMES = {"torch": "pytorch-cpu"}


def modules() -> dict[str, Path]:
    """Every module but the package's door, by dotted name inside tlkit."""
    found = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path for name, path in found.items() if name != "__init__"}


def imported(path: Path) -> set[str]:
    """The tlkit modules that a module imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    inside = {name.removeprefix("tlkit.") for name in names if name.startswith("tlkit.")}
    return inside & set(modules())


def floor(name: str) -> int:
    top = name.partition(".")[0]
    places = [number for number, rooms in enumerate(FLOORS) if top in rooms]
    assert places, f"say in FLOORS on which floor {top} stands"
    return places[0]


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_from_its_floor_and_below(name):
    upwards = [other for other in imported(modules()[name]) if floor(other) > floor(name)]
    assert upwards == []


def test_no_module_imports_itself_by_a_detour():
    graph = {
        name: {other for other in imported(path) if not name.startswith(f"{other}.")}
        for name, path in modules().items()
    }
    TopologicalSorter(graph).prepare()


def test_importing_tlkit_loads_nothing_heavy():
    code = "import sys, tlkit; print(*{'torch', 'sklearn', 'pandas', 'plotly', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_door_leads_to_every_name_it_lists():
    import tlkit

    for name in tlkit.__all__:
        assert getattr(tlkit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lode_task'"):
        _ = tlkit.lode_task


def concrete(kind: type) -> bool:
    return not any(getattr(getattr(kind, name, None), "__isabstractmethod__", False) for name in dir(kind))


def looked_up() -> list[object]:
    """What readers look up by name: the public names, every recommender and every strategy."""
    import tlkit
    from tlkit import catalogue
    from tlkit.recsys import models

    files = [f"{models.__name__}.{path.stem}" for path in Path(models.__file__).parent.glob("[!_]*.py")]
    held = [(file, thing) for file in files for thing in vars(importlib.import_module(file)).values()]
    own = [kind for file, kind in held if isinstance(kind, type) and kind.__module__ == file]
    recommenders = [kind for kind in own if hasattr(kind, "recommend") and concrete(kind)]
    strategies = [kind for named in catalogue.strategies().values() for kind in named.values()]
    shipped = [kind for kind in strategies if kind.__module__.startswith("tlkit.")]
    assert recommenders and shipped
    return [*(getattr(tlkit, name) for name in tlkit.__all__), *recommenders, *shipped]


def test_what_readers_look_up_shows_its_use():
    silent = [thing.__qualname__ for thing in looked_up() if ">>>" not in (thing.__doc__ or "")]
    assert silent == [], "give it an `Examples` section, which runs as a test"


def test_the_ground_floor_has_few_names():
    names = [path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(names) <= 17, sorted(names)


def test_no_modality_imports_another():
    apart = {"vision", "recsys"}
    for name, path in modules().items():
        room = name.partition(".")[0]
        if room in apart:
            others = {other for other in imported(path) if other.partition(".")[0] in apart - {room}}
            assert others == set(), name


@pytest.mark.parametrize("modality", ["vision", "recsys"])
def test_strategies_are_handed_on_by_their_package(modality):
    package = importlib.import_module(f"tlkit.{modality}.strategies")
    kinds = importlib.import_module(f"tlkit.{modality}.tasks").__dict__
    task = next(kind for kind in kinds.values() if getattr(kind, "strategy_base", None))
    shipped = [kind for kind in task.strategies().values() if kind.__module__.startswith(package.__name__)]
    assert {kind.__name__ for kind in shipped} <= set(package.__all__)
    assert all(getattr(package, kind.__name__) is kind for kind in shipped)


def test_importing_the_package_leaves_torch_as_it_was():
    code = "import torch; torch.set_num_threads(3); import tlkit.vision.tasks; print(torch.get_num_threads())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_each_room_says_what_it_holds():
    rooms = {path.parent for path in modules().values()}
    silent = [room for room in rooms if not ast.get_docstring(ast.parse(_text(room / "__init__.py")))]
    assert silent == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_workflows_are_valid_by_the_schema_of_github():
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*check, *WORKFLOWS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_call_what_there_is():
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
        assert commands
        for script in (word for command in commands for word in command.split() if word.startswith(".ci/")):
            assert (ROOT / script).is_file()


@pytest.mark.parametrize(
    "name",
    sorted(name for name in set(modules()) - FORMATS if name.partition(".")[0] not in MODALITIES),
)
def test_the_core_names_no_modality(name):
    assert MODALITY_WORDS.findall(modules()[name].read_text(encoding="utf-8")) == []


def test_ruff_is_content():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_mypy_is_content():
    done = subprocess.run([sys.executable, "-m", "mypy", "tlkit"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_module_is_longer_than_400_lines():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_nothing_points_outside_the_project():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git repository, so there is no list of files to look through")
    texts = {".py", ".ipynb", ".md", ".toml", ".yml", ".json", ".html", ""}
    found = []
    for path in (ROOT / name for name in listed.stdout.splitlines() if Path(name).suffix in texts):
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [f"{path.name}: {line[:120]}" for line in lines if OUTSIDE.search(line)]
    assert found == []


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement).group()


def floor_of(requirement: str) -> str:
    return requirement.partition(">=")[2]


def test_binder_has_every_package_of_core_and_lab_at_the_same_floor():
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]
    environment = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    conda = {name_of(line): floor_of(line) for line in environment["dependencies"]}
    assert {
        CONDA_NAMES.get(name_of(line), name_of(line)): floor_of(line) for line in needed
    }.items() <= conda.items()


def test_the_readme_knows_the_repository_and_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    repository = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    assert f"https://mybinder.org/v2/gh/{repository}/" in readme
    assert f"https://colab.research.google.com/github/{repository}/" in readme
    assert 'python -m pip install -e ".[lab]" && tlkit run' in readme
    assert re.search(r'^python -m pip install -e "\.\[test\]" && python -m pytest$', readme, re.MULTILINE)
