"""How the documentation's API pages show a method's `**arguments`: each argument by its name."""

from typing import Any

import griffe


class UnpackedArguments(griffe.Extension):
    """
    Replaces `**arguments: Unpack[SomeTypedDict]` by the keys of the TypedDict, inherited ones too.

    griffe's own extension for that takes only the class's own keys, and adds each to the docstring
    a second time.
    """

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """
        Replace the arguments of every function below a package.

        Args:
            pkg: The package, whose names can be resolved by now.
            loader: What loaded it.
            _: Arguments that newer versions of griffe may pass.
        """
        self._visit(pkg, loader.modules_collection)

    def _visit(
        self, place: griffe.Module | griffe.Class, modules: griffe.ModulesCollection
    ) -> None:
        for member in place.members.values():
            if isinstance(member, griffe.Module | griffe.Class):
                self._visit(member, modules)
            elif isinstance(member, griffe.Function):
                _unpack(member, modules)


def _unpack(function: griffe.Function, modules: griffe.ModulesCollection) -> None:
    last = next(reversed([*function.parameters]), None)
    if last is None or last.kind is not griffe.ParameterKind.var_keyword:
        return
    annotation = last.annotation
    if not isinstance(annotation, griffe.ExprSubscript) or annotation.canonical_name != "Unpack":
        return
    keys = annotation.slice
    if not isinstance(keys, griffe.Expr):
        return
    # A docstring that explains them in one go would explain what is not there any more.
    if function.docstring and f" {last.name}:" in function.docstring.value:
        return
    del function.parameters[last.name]
    for name, key in modules[keys.canonical_path].all_members.items():
        function.parameters.add(
            griffe.Parameter(
                name,
                annotation=key.annotation,
                kind=griffe.ParameterKind.keyword_only,
                default="...",
            )
        )
