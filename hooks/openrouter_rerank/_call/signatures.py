"""The signatures of methods that take `**arguments`, for whoever looks at them at run time."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, ForwardRef, TypeVar, cast

from openrouter_rerank.types import UNSET

from .arguments import RawArguments, RerankArguments

# Those that are neither UNSET nor None.
DEFAULTS = {"unrankable": "raise"}
MethodT = TypeVar("MethodT", bound=Callable[..., object])


def list_arguments(arguments: type) -> Callable[[MethodT], MethodT]:
    """
    Let `inspect`, `help` and mocks see each key of a TypedDict instead of `**arguments`.

    The decorator returns the method itself: a wrapper would be one more frame in each call.
    """
    annotations: dict[str, Any] = arguments.__annotations__
    further = [make_parameter(name, annotations[name]) for name in annotations]

    def describe(method: MethodT) -> MethodT:
        described = cast("Any", method)
        own = signature(method)
        *parameters, variadic = own.parameters.values()
        described.__signature__ = own.replace(parameters=[*parameters, *further])
        del described.__annotations__[variadic.name]
        described.__annotations__ |= annotations
        return method

    return describe


def make_parameter(name: str, annotation: object) -> Parameter:
    """Return a key as a parameter; by default it is UNSET if it may be, and else mostly None."""
    shown = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    default = DEFAULTS.get(name, UNSET if "Unset" in str(shown) else None)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=shown)


list_rerank_arguments = list_arguments(RerankArguments)
list_raw_arguments = list_arguments(RawArguments)
