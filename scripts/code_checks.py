"""Whether generated code is Python that imports, and runs nothing but declarations then."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

IMPORT_SECONDS = 120
# What the generated modules call while they are imported.
DECLARATIONS = frozenset({
    "TypeVar", "Unset", "UUID", "_attrs_define", "_attrs_field", "classmethod", "dataclass",
    "datetime.date.fromisoformat", "datetime.datetime.fromisoformat", "define", "field", "frozen",
    "overload", "property", "unique",
})  # fmt: skip
# Under a name of its own, since the folder's may be that of another module.
IMPORT_ALL = """\
import importlib.util, pkgutil, sys
name, folder = "generated_package", sys.argv[1]
spec = importlib.util.spec_from_file_location(
    name, f"{folder}/__init__.py", submodule_search_locations=[folder])
sys.modules[name] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
def fail(name):
    raise
for module in pkgutil.walk_packages(package.__path__, name + ".", fail):
    importlib.import_module(module.name)
"""


def list_faults(package: Path) -> Iterator[str]:
    """
    Yield what is wrong with the code of a package, one line each.

    It is imported in a process of its own, and only if nothing else is wrong with it.
    """
    faulty = False
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package)
        for fault in _list_module_faults(path, is_endpoint=module.parts[0] == "api"):
            faulty = True
            yield f"{module.as_posix()}: {fault}"
    if not faulty:
        yield from _import_all(package)


def _list_module_faults(path: Path, *, is_endpoint: bool) -> Iterator[str]:
    source = path.read_bytes()
    try:
        # The syntax tree alone would let two arguments have the same name.
        compile(source, path.name, "exec", dont_inherit=True)
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield f"does not compile: {' '.join(str(error).split())}"
        return
    for called in _list_called(tree):
        if called not in DECLARATIONS:
            yield f"calls {called[:60]!r} while it is imported"
    if is_endpoint:
        yield from _list_overwritten(tree)


def _list_called(node: ast.AST) -> Iterator[str]:
    """Yield what is called, or used as a decorator, outside of the bodies of functions."""
    if isinstance(node, ast.Call):
        yield ast.unparse(node.func)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield from (ast.unparse(d) for d in node.decorator_list if not isinstance(d, ast.Call))
    skipped = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from _list_called(child)


def _list_overwritten(tree: ast.AST) -> Iterator[str]:
    """Yield each argument that its function gives another value."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
            stored = {
                name.id
                for name in ast.walk(function)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
            for name in sorted(arguments & stored):
                yield f"{function.name} overwrites its argument {name!r}"


def _import_all(package: Path) -> Iterator[str]:
    # -I: neither the environment nor the working directory chooses what is imported.
    command = [sys.executable, "-I", "-B", "-c", IMPORT_ALL, str(package)]
    try:
        result = subprocess.run(
            command,
            cwd=package,
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=IMPORT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        yield f"is not imported after {IMPORT_SECONDS} s"
        return
    if result.returncode != 0:
        last = (result.stderr.strip() or f"status {result.returncode}").splitlines()[-1]
        yield f"does not import: {last}"
