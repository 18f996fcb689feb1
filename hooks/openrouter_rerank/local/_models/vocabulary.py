"""The vocabulary of BERT's uncased models, which the package brings."""

from openrouter_rerank._data_files import find_data_file, read_data_file

PACKAGE = "openrouter_rerank.local"
FILE = "data/bert-uncased-vocab.txt"


def require_vocabulary() -> None:
    """
    Check that the file is there.

    Raises:
        DataFileError: It is missing from the package.
    """
    find_data_file(PACKAGE, FILE)


def read_vocabulary() -> dict[str, int]:
    """
    Map each token to its id: its line in the file, counted from 0.

    Raises:
        DataFileError: The file is missing from the package.
    """
    lines = read_data_file(PACKAGE, FILE).splitlines()
    return {token: number for number, token in enumerate(lines)}
