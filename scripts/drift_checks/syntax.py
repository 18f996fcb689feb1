"""What Python sources define, found without importing them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from contract.model import ContractError

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def parse_module(path: Path) -> ast.Module:
    """
    Parse a module.

    Raises:
        ContractError: It is not Python.
        OSError: It cannot be read.
    """
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise ContractError(f"{path} is not Python: {error}") from error


def find_definitions(module: ast.Module, name: str) -> list[Definition]:
    """
    Return the functions or classes of a name such as `encode_request` or `Rerank.rerank`.

    Overloads have the same name, so there can be several.
    """
    scopes: list[ast.Module | Definition] = [module]
    for step in name.split("."):
        scopes = [
            node
            for scope in scopes
            for node in scope.body
            if isinstance(node, Definition) and node.name == step
        ]
    return [scope for scope in scopes if not isinstance(scope, ast.Module)]


def list_keywords(definition: Definition) -> dict[str, int]:
    """Return the line of each argument of a function, or of each key of a `TypedDict`, by name."""
    if isinstance(definition, ast.ClassDef):
        fields = [node for node in definition.body if isinstance(node, ast.AnnAssign)]
        return {node.target.id: node.lineno for node in fields if isinstance(node.target, ast.Name)}
    arguments = [*definition.args.args, *definition.args.kwonlyargs]
    return {argument.arg: argument.lineno for argument in arguments}


def find_value(module: ast.Module, name: str, path: Path) -> ast.expr:
    """
    Return the expression that a module assigns to a name at its top level.

    Raises:
        ContractError: It assigns nothing to that name.
    """
    for node in module.body:
        if isinstance(node, ast.AnnAssign):
            targets: list[ast.expr] = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        else:
            continue
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if name in names and node.value is not None:
            return node.value
    raise ContractError(f"{path} assigns nothing to {name}")


def list_constants(value: ast.expr) -> dict[str | int, int]:
    """
    Return the line of each constant of a list or tuple, or of each constant key of a mapping.

    The mapping may stand in a call that wraps it, such as `MappingProxyType({...})`.
    """
    mapping = next((node for node in ast.walk(value) if isinstance(node, ast.Dict)), None)
    entries = ast.walk(value) if mapping is None else mapping.keys
    return {
        node.value: node.lineno
        for node in entries
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int)
    }


def list_values(value: ast.expr) -> dict[str, int]:
    """Return the line of each text among the values of a mapping."""
    return {
        node.value: node.lineno
        for mapping in ast.walk(value)
        if isinstance(mapping, ast.Dict)
        for node in mapping.values
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def list_imports(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the name and the line of each absolute import."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "", node.lineno)
