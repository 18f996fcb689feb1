"""A contract from its file, as generate, diff and drift read it."""

from pathlib import Path

from contract.model import ContractError, JsonObject, is_object
from contract.names import refuse_unreadable_names

from .loading import parse_document, read_source


def load_contract(path: Path) -> JsonObject:
    """
    Read a contract.

    Raises:
        ContractError: It is not an OpenAPI document with paths, it is too large, too deep or grows
            too large through its aliases, or a name in it is unreadable.
        OSError: The file cannot be read.
    """
    try:
        document = refuse_unreadable_names(parse_document(read_source(path)))
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
    if not is_object(document.get("paths")):
        raise ContractError(f"{path} is not an OpenAPI document with paths")
    return document
