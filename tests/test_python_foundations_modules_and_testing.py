"""Modules and testing: Python's own import, packages made on the spot, mutants that must be real."""

import ast
import importlib.util
import json
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.python_foundations.modules_and_testing import import_graph, load_module, mutate

quick = settings(deadline=None, derandomize=True, max_examples=40)


def test_load_module_runs_once_and_equals_importlib(tmp_path):
    path = tmp_path / "m.py"
    path.write_text("import json\ncount = 1\ndef f(x):\n    return json.dumps(x) + __name__\n")
    loaded = {}
    ours = load_module(path, "m", loaded)
    ours.count = 99
    assert load_module(path, "m", loaded) is ours
    assert ours.count == 99
    spec = importlib.util.spec_from_file_location("m", path)
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    assert ours.f([1]) == theirs.f([1]) == json.dumps([1]) + "m"
    assert set(vars(theirs)) - set(vars(ours)) <= {"__cached__"}


def test_a_module_that_fails_is_forgotten(tmp_path):
    path = tmp_path / "m.py"
    path.write_text("1 / 0\n")
    loaded = {}
    with pytest.raises(ZeroDivisionError):
        load_module(path, "m", loaded)
    assert loaded == {}
    path.write_text("def broken(:\n")
    with pytest.raises(SyntaxError):
        load_module(path, "m", loaded)
    path.write_text("ok = True\n")
    assert load_module(path, "m", loaded).ok


def package(tmp_path, **modules):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return folder


def test_every_way_of_importing_is_seen(tmp_path):
    folder = package(
        tmp_path,
        a="import pack.b\nfrom pack import c\n",
        b="from pack.c import thing\nimport json\n",
        c="def late():\n    from . import d\n",
        d="from .a import x\nimport packet\nfrom other.a import y\n",
        e="import a\n",
    )
    graph = import_graph(folder)
    assert graph == {"__init__": set(), "a": {"b", "c"}, "b": {"c"}, "c": {"d"}, "d": {"a"}, "e": set()}


def test_import_graph_refuses(tmp_path):
    with pytest.raises(ValueError, match="no package"):
        import_graph(tmp_path)


def test_mutants_of_a_line():
    found = dict(mutate("def f(a, b):\n    return a + b * 2 < 10 and a != b\n"))
    names = {name.split(": ")[1] for name in found}
    assert names == {
        "Add to Sub",
        "Mult to FloorDiv",
        "Lt to LtE",
        "And to Or",
        "NotEq to Eq",
        "2 to 3",
        "10 to 11",
    }
    assert "a - b * 2 < 10 and a != b" in found["line 2: Add to Sub"]


operators = st.sampled_from(["+", "-", "*", "//", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"])
expressions = st.recursive(
    st.sampled_from(["a", "b", "c", "7", "12"]),
    lambda inner: st.builds(lambda x, o, y: f"({x} {o} {y})", inner, operators, inner),
    max_leaves=8,
)


@quick
@given(expressions)
def test_each_mutant_differs_in_one_place_and_the_source_is_kept(expression):
    source = ast.unparse(ast.parse(f"value = {expression}"))
    n_operators = sum(
        isinstance(n, ast.BinOp | ast.BoolOp | ast.Compare) for n in ast.walk(ast.parse(source))
    )
    numbers = source.count("7") + source.count("12")
    mutants = mutate(source)
    assert len(mutants) == n_operators + numbers
    for _name, text in mutants:
        ast.parse(text)
        assert text != source
        old, new = (list(ast.walk(ast.parse(t))) for t in (source, text))
        changed = sum(
            ast.dump(x) != ast.dump(y)
            for x, y in zip(old, new, strict=True)
            if not list(ast.iter_child_nodes(x))
        )
        assert changed == 1
    assert mutate(source) == mutants


def test_nothing_to_mutate_and_no_python():
    assert mutate("x = 'text'\ny = True\nz = 1.5\n") == []
    with pytest.raises(SyntaxError):
        mutate("def f(:")
