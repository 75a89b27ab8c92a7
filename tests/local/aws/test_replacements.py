"""Replacements of moto's code: declared, and refused where moto's code is another."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.errors import MotoChanged
from orchestrator.local.aws import replacements
from orchestrator.local.aws.replacements import adds, digest_of, replaces
from orchestrator.local.aws.server import EmbeddedAws

ADAPTERS = Path(replacements.__file__).parent

#: Methods that change a list, a set or a dictionary.
MUTATORS = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}

#: A slot of jsonata-python's own for the evaluator of a thread, and what is another while moto is imported.
ALLOWED = {
    "jsonata.py: Jsonata.CURRENT.jsonata",
    "imports.py: boto3.Session",
    # Not moto's: how botocore reads the descriptions of services.
    "imports.py: JSONFileLoader._load_file",
    # For as long as a test wants requests to be refused; then moto's own is back.
    "refusals.py: BaseResponse._dispatch",
}


class Moto:
    """Stands for a class of moto's."""

    def answer(self) -> str:
        return "moto's"

    @staticmethod
    def question() -> str:
        return "moto's"


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacements, "_declared", [])
    for name in ("answer", "question"):
        monkeypatch.setattr(Moto, name, vars(Moto)[name])


def test_what_is_decorated_takes_the_place() -> None:
    @replaces(Moto, "answer", digest=digest_of(Moto.answer))
    def answer(self: object) -> str:
        return "ours"

    replacements.check()
    assert Moto().answer() == "ours"


def test_another_source_than_the_declared_one_is_named_with_its_place_and_new_digest() -> None:
    actual = digest_of(Moto.answer)
    replaces(Moto, "answer", digest="0123456789ab")(lambda self: "ours")
    with pytest.raises(MotoChanged) as refused:
        replacements.check()
    (said,) = refused.value.changed
    assert "tests.local.aws.test_replacements.Moto.answer" in said
    assert "test_replacements.py:" in said
    assert actual in said


def test_the_embedded_aws_does_not_start_on_a_moto_that_has_changed() -> None:
    replaces(Moto, "answer", digest="0123456789ab")(lambda self: "ours")
    with pytest.raises(MotoChanged, match=r"Moto\.answer"):
        EmbeddedAws().start()


def test_an_addition_that_moto_has_by_now_is_named() -> None:
    adds(Moto, "answer")(lambda self: "ours")
    with pytest.raises(MotoChanged, match=r"Moto\.answer"):
        replacements.check()


def test_an_addition_to_a_table_of_moto_is_declared_as_well() -> None:
    table = {"known": "moto's"}
    adds(table, "new")("ours")
    replacements.check()
    assert table == {"known": "moto's", "new": "ours"}
    adds(table, "known")("ours")
    with pytest.raises(MotoChanged, match="known"):
        replacements.check()


def test_a_second_replacement_stands_on_the_same_code_of_moto() -> None:
    digest = digest_of(Moto.answer)
    for said in ("first", "second"):
        replaces(Moto, "answer", digest=digest)(lambda self, said=said: said)
    replacements.check()
    assert Moto().answer() == "second"


def test_a_digest_is_of_the_source_whatever_stands_around_a_function() -> None:
    assert digest_of(vars(Moto)["question"]) == digest_of(Moto.question)
    assert digest_of(Moto.question) != digest_of(Moto.answer)
    assert digest_of(True) != digest_of(False)
    assert digest_of({"a": 1}) == digest_of({"b": 2}), "what a store holds is no code"


def test_the_new_digests_are_written_into_the_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "adapter.py"
    source.write_text(
        'adds(Other, "x")(1)\n\n\n@replaces(Moto, "answer", digest="0123456789ab")\ndef answer(self): ...\n'
    )
    actual = digest_of(Moto.answer)

    def adapt() -> None:
        code = compile(source.read_text(), str(source), "exec")
        exec(code, {"replaces": replaces, "adds": adds, "Moto": Moto, "Other": SimpleNamespace()})

    assert replacements.main(adapt, []) == 1
    assert "1 of code that has changed" in capsys.readouterr().out
    assert replacements.main(lambda: None, ["--write"]) == 0
    assert f'@replaces(Moto, "answer", digest="{actual}")' in source.read_text()


def foreign_names(tree: ast.Module) -> set[str]:
    """What a module imports from outside the project and Python, and what is set to that."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported = [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [(alias.asname or alias.name, node.module or "") for alias in node.names]
        else:
            continue
        own = {"orchestrator", "__future__", *sys.stdlib_module_names}
        names |= {name for name, module in imported if module.partition(".")[0] not in own}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=alias)], value=ast.Name(id=name)) if name in names:
                names.add(alias)
            case ast.For(target=ast.Name(id=alias), iter=ast.Tuple(elts=[ast.Name(id=name), *_])) if name in names:
                names.add(alias)
    return names


def root(node: ast.expr) -> str | None:
    """The name that a chain of attributes, subscripts and calls begins with."""
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner):
                node = inner
            case ast.Call(func=ast.Name(id="vars" | "getattr"), args=[inner, *_]):
                node = inner
            case _:
                return None
    return node.id


def changes(tree: ast.Module) -> Iterator[ast.expr]:
    """Every attribute, item or collection of something foreign that a module changes by itself."""
    foreign = foreign_names(tree)
    for node in ast.walk(tree):
        touched: list[ast.expr] = []
        match node:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                for target in targets:
                    touched += target.elts if isinstance(target, ast.Tuple) else [target]
                touched = [one for one in touched if not isinstance(one, ast.Name)]
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target) if not isinstance(target, ast.Name):
                touched = [target]
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, *_]):
                touched = [target]
            case ast.Call(func=ast.Attribute(attr=name, value=target)) if name in MUTATORS:
                touched = [target]
        yield from (one for one in touched if root(one) in foreign)


@pytest.mark.parametrize(
    "change",
    [
        "Queue.add = f",
        "Queue.add, other = f, g",
        "setattr(Queue, 'add', f)",
        "vars(Queue)['add'] = f",
        "Queue.TABLE.update({})",
        "Queue.TABLE['x'] = 1",
        "queue = Queue\nqueue.add = f",
        "for kind in (Queue, Other):\n    kind.add = f",
        "del Queue.add",
        "Queue.count += 1",
    ],
)
def test_an_undeclared_change_is_seen(change: str) -> None:
    assert list(changes(ast.parse(f"from moto.sqs.models import Queue\n{change}")))


def test_no_adapter_changes_anything_of_moto_undeclared() -> None:
    files = sorted(ADAPTERS.rglob("*.py"))
    assert len(files) > 20
    found = {f"{file.name}: {ast.unparse(one)}" for file in files for one in changes(ast.parse(file.read_text()))}
    assert found == ALLOWED


@pytest.mark.proof
def test_nothing_of_moto_is_another_after_the_adapters_than_what_they_declare() -> None:
    program = """
import sys
from orchestrator.local.aws import replacements, server

def owners():
    for module in [m for n, m in list(sys.modules.items()) if n.partition(".")[0] in {"moto", "jsonata"}]:
        yield module.__name__, module
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield f"{module.__name__}.{value.__qualname__}", value

def state():
    return {
        f"{label}.{name}": id(value)
        for label, owner in owners()
        for name, value in list(vars(owner).items())
        if not name.startswith("_abc") and name not in {"__annotations__", "__builtins__", "__doc__"}
    }

before = state()
server.adapt()
after = state()
changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
declared = {one.name for one in replacements.declared()}
print(*sorted(changed - declared))
assert len(changed & declared) > 90
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
