"""Where a document may come from, and how that place is named."""

from urllib.parse import urlsplit, urlunsplit

from contract.model import ContractError

UPSTREAM_URL = "https://openrouter.ai/openapi.yaml"


class FetchError(ContractError):
    """The document did not come, which says nothing about the contract; another try may help."""


def is_url(source: str) -> bool:
    """Tell whether a source is meant as a URL and not as a file's name."""
    return "://" in source


def describe_source(source: str) -> str:
    """
    Return the source in the form that the contract names it.

    This is a URL without user, password, query and fragment, or a file's bare name.

    Raises:
        ContractError: It is a URL that cannot be read (RFC 3986, section 3).
    """
    if not is_url(source):
        return source.replace("\\", "/").rstrip("/").rpartition("/")[2]
    try:
        parts = urlsplit(source)
    except ValueError as error:
        raise ContractError("the source is not a URL") from error
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
