"""The house rules a machine can check: layers, sizes, what may not be called, what is packaged."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"kansci": "kansci", "cli": "kansci_cli", "datasets": "kansci_datasets"}
LAYERS = [
    {"errors", "kernels"},
    {"basis", "data", "expressions", "metrics", "signals"},
    {"models"},
    {"training"},
    {"symbolic", "search", "pde", "inr"},
    {
        "storage",
        "plots",
        "studio",
        "estimators",
        "discovery",
        "evidence",
        "network_source",
        "solution",
        "pde_discovery",
        "representation",
        "compression",
    },  # and every single file: discovery, export, estimators, ...
    {"kansci_datasets"},
    {"kansci_cli"},
]
TOP = 5
LAYER = {part: level for level, parts in enumerate(LAYERS) for part in parts}
SIDEWAYS = {("kernels", "errors"), ("search", "symbolic"), ("pde", "symbolic"), ("inr", "symbolic")}
FRONT = {Path("kansci/models/kan.py"), Path("kansci/models/upward.py")}
"""The network's methods fit and the like keep their usual names; they hand over to the layers
above, which they import when they are called."""
FORBIDDEN = {"print", "eval", "exec", "sympify", "parse_expr", "breakpoint", "__import__"}
FORBIDDEN_MODULES = {"pickle", "dill", "cloudpickle", "marshal", "shelve"}
FORBIDDEN_LOADERS = {("torch", "load"), ("joblib", "load"), ("pandas", "read_pickle"), ("pd", "read_pickle")}

SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
TREES = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def part_of(module):
    """The part of the architecture a dotted module name belongs to; the package itself is None."""
    names = module.split(".")
    if names[0] != "kansci":
        return names[0]
    return names[1] if len(names) > 1 else None


def imports(tree):
    """Every module a file imports by its full name, and the names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            if node.module == "kansci":  # `from kansci import data`
                yield from (f"kansci.{alias.name}" for alias in node.names)
            else:
                yield node.module


def edges():
    """(file, part, part it imports) for imports between the parts of the project."""
    for path, tree in TREES.items():
        dotted = ".".join([FOLDERS[path.parts[0]], *path.with_suffix("").parts[1:]])
        part = part_of(dotted)
        if part in {None, "__init__"}:
            continue  # the front door may name everything
        statements = ast.Module(
            [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], []
        )
        for module in imports(statements if path in FRONT else tree):
            if module.split(".")[0] in FOLDERS.values():
                yield path, part, part_of(module)


def level(part):
    return LAYER.get(part, TOP)


def test_every_package_has_a_layer():
    packages = {path.parts[1] for path in TREES if path.parts[0] == "kansci" and len(path.parts) > 2}
    assert packages - set(LAYER) == set()


def test_imports_go_downwards():
    wrong = [
        f"{path}: {part} imports {other}"
        for path, part, other in edges()
        if other not in {part, None}
        and level(other) >= level(part)
        and (part, other) not in SIDEWAYS
        and not level(part) == level(other) == TOP  # parts of one route, which may not go in a circle
    ]
    assert not wrong


def test_there_is_no_circle():
    graph = {}
    for _, part, other in edges():
        if other not in {part, None}:
            graph.setdefault(part, set()).add(other)
    TopologicalSorter(graph).prepare()


def test_imports_are_absolute_in_kansci_and_relative_beside_it():
    for path, tree in TREES.items():
        relative = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
        own = FOLDERS[path.parts[0]]
        absolute = any(module.split(".")[0] == own for module in imports(tree))
        assert not (relative if own == "kansci" else absolute), path


@pytest.mark.parametrize("folder", [*FOLDERS, "tests"])
def test_files_are_short(folder):
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")
    }
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("path", TREES, ids=str)
def test_nothing_prints_or_runs_text(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else None
            if isinstance(called, ast.Attribute):
                owner = called.value.id if isinstance(called.value, ast.Name) else None
                assert (owner, called.attr) not in FORBIDDEN_LOADERS, node.lineno
                name = called.attr if called.attr in {"sympify", "parse_expr"} else None
            assert name not in FORBIDDEN, f"line {node.lineno} calls {name}"
            for option in node.keywords:
                if option.arg == "allow_pickle":
                    assert getattr(option.value, "value", None) is False, node.lineno
    assert not {module.split(".")[0] for module in imports(TREES[path])} & FORBIDDEN_MODULES


def test_packages_are_listed():
    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = {
        ".".join([FOLDERS[path.relative_to(ROOT).parts[0]], *path.relative_to(ROOT).parts[1:-1]])
        for path in SOURCES
        if path.name == "__init__.py"
    }
    assert set(settings["packages"]) == found
    assert settings["package-dir"] == {name: folder for folder, name in FOLDERS.items()}


def test_every_folder_with_code_is_a_package():
    assert not [path for path in SOURCES if not (path.parent / "__init__.py").exists()]


def at_run_time(tree):
    """The file without what stands under `if TYPE_CHECKING`."""
    body = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        )
    ]
    return ast.Module(body, [])


@pytest.mark.parametrize(
    ("library", "home"), [("matplotlib", "plots"), ("rich", "kansci_cli"), ("typer", "kansci_cli")]
)
def test_a_heavy_library_has_one_home(library, home):
    for path, tree in TREES.items():
        if library in {module.split(".")[0] for module in imports(at_run_time(tree))}:
            dotted = ".".join([FOLDERS[path.parts[0]], *path.with_suffix("").parts[1:]])
            assert part_of(dotted) == home, path
