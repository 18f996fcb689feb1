"""What has to be there before a connection can be opened: certificates and their files."""

import functools
import os
import ssl
from pathlib import Path

import httpcore
import httpx

HTTP_1_1 = "http/1.1"
# httpx looks at the second only without the first.
TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

Verify = ssl.SSLContext | bool


class SetupError(httpx.ConnectError):
    """A file or a package is missing, or a setting cannot be used; another try cannot help."""


class SetupValueError(SetupError):
    """A variable of the environment has a value that cannot be used."""


def check_libraries() -> None:
    """
    Check that httpx and httpcore belong together, which `httpx2.alias_httpx()` may not achieve.

    Raises:
        RuntimeError: They do not, so that neither would know the errors of the other.
    """
    if httpx.__name__ == "httpx2" and httpcore.__name__ == "httpcore":
        raise RuntimeError(
            "httpx is httpx2, but httpcore is not httpcore2: call httpx2.alias_httpx() before"
            " anything imports httpcore"
        )


def check_verify(verify: object) -> None:
    """
    Check an argument.

    Raises:
        TypeError: It is neither a TLS context nor a bool.
    """
    if not isinstance(verify, ssl.SSLContext | bool):
        kind = type(verify).__name__
        raise TypeError(
            f"verify: expected bool or ssl.SSLContext, got {kind}; for a file of certificates pass "
            "ssl.create_default_context(cafile=...) or set SSL_CERT_FILE"
        )


def check_certificates(verify: Verify) -> None:
    """
    Check that what the environment names is there, without reading the certificates.

    Raises:
        SetupError: `SSL_CERT_FILE` or `SSL_CERT_DIR` names what cannot be read.
    """
    if verify is not True:
        return
    file, folder = (os.environ.get(name) for name in TLS_VARIABLES)
    try:
        if file:
            with Path(file).open("rb"):
                return
        if folder:
            next(Path(folder).iterdir(), None)
    except OSError as error:
        raise SetupError(describe(error)) from error


def make_tls_context(verify: Verify) -> ssl.SSLContext:
    """
    Return the context for `verify`; it is cached, since reading the certificates takes 20 ms.

    Raises:
        SetupError: `SSL_CERT_FILE` or `SSL_CERT_DIR` names what cannot be used.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    check_certificates(verify)
    try:
        return _make_tls_context(verify, tuple(os.environ.get(name) for name in TLS_VARIABLES))
    except OSError as error:
        raise SetupError(describe(error)) from error


@functools.cache
def _make_tls_context(verify: bool, environment: tuple[str | None, ...]) -> ssl.SSLContext:  # noqa: ARG001 - the environment is part of the cache key
    context = httpx.create_ssl_context(verify=verify)
    context.set_alpn_protocols([HTTP_1_1])
    return context


def describe(error: OSError) -> str:
    """Say which variable names which file, and what is wrong with it."""
    name = next((name for name in TLS_VARIABLES if os.environ.get(name)), "certificates")
    return f"{name}: cannot use {os.environ.get(name)}: {error.strerror or error}"
