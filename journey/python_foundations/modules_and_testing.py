"""Modules and testing.

Built in the page `scripts/02_Python_Foundations/03_modules_and_testing.py`: edit the page, not this file.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["import_graph", "load_module", "mutate"]


def load_module(path: str | Path, name: str, loaded: dict[str, types.ModuleType]) -> types.ModuleType:
    """Make a module from a file, once.

    Parameters
    ----------
    path : str or Path
        The file with its code.
    name : str
    loaded : dict
        The modules that there are; ``sys.modules`` plays this part in Python.

    Returns
    -------
    module
        The one in ``loaded`` if there is one, otherwise a new one. If its code
        raises, it is taken out again.
    """
    if name in loaded:
        return loaded[name]
    module = types.ModuleType(name)
    module.__file__ = str(path)
    loaded[name] = module  # before the code runs: it may import what imports it
    try:
        code = compile(Path(path).read_text(encoding="utf-8"), str(path), "exec")
        exec(code, module.__dict__)
    except BaseException:
        del loaded[name]
        raise
    return module


def import_graph(folder: str | Path) -> dict[str, set[str]]:
    """Which modules of a package import which others of it.

    Parameters
    ----------
    folder : str or Path
        The package; its name is the folder's. Sub-packages are left out.

    Returns
    -------
    dict
        From each module's name, without the package, to the names it imports.

    Raises
    ------
    ValueError
        If there is no ``__init__.py``.
    """
    place = Path(folder)
    if not (place / "__init__.py").is_file():
        raise ValueError(f"{place.name} is no package: it has no __init__.py")
    names = {path.stem for path in place.glob("*.py")}
    graph: dict[str, set[str]] = {}
    for name in sorted(names):
        tree = ast.parse((place / f"{name}.py").read_text(encoding="utf-8"))
        found: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = place.name if node.level else ""
                start = ".".join(filter(None, [base, node.module]))
                found |= {start} | {f"{start}.{a.name}" for a in node.names}
        inside = {f.split(".")[1] for f in found if f.startswith(f"{place.name}.")}
        graph[name] = (inside & names) - {name}
    return graph


_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def _mutants_of(
    node: ast.AST,
) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """What can be changed at a node: a name, how to change it, how to undo it."""
    for field, value in ast.iter_fields(node):
        first = value[0] if isinstance(value, list) and value else value
        if type(first) in _SWAPS:
            new = _SWAPS[type(first)]()
            changed = [new, *value[1:]] if isinstance(value, list) else new
            names = f"{type(first).__name__} to {type(new).__name__}"
            yield (
                names,
                lambda f=field, c=changed: setattr(node, f, c),  # type: ignore[misc]
                lambda f=field, v=value: setattr(node, f, v),  # type: ignore[misc]
            )
        if isinstance(node, ast.Constant) and field == "value" and type(value) is int:
            yield (
                f"{value} to {value + 1}",
                lambda v=value: setattr(node, "value", v + 1),  # type: ignore[misc]
                lambda v=value: setattr(node, "value", v),  # type: ignore[misc]
            )


def mutate(source: str) -> list[tuple[str, str]]:
    """Copies of a program with one small bug each.

    Parameters
    ----------
    source : str
        Python code.

    Returns
    -------
    list of (description, source)
        Operators swapped (+ and -, < and <=, and and or …) and whole numbers moved
        by one. Comments are lost; docstrings stay.

    Raises
    ------
    SyntaxError
        If the source is not Python.
    """
    tree, mutants = ast.parse(source), []
    for node in ast.walk(tree):
        for name, change, undo in _mutants_of(node):
            change()
            mutants.append((f"line {getattr(node, 'lineno', 0)}: {name}", ast.unparse(tree)))
            undo()
    return mutants


# seal: 0e859306bf9abf95
