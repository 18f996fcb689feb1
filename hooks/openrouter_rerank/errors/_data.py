"""The error of a package that is not whole."""


class DataFileError(RuntimeError):
    """
    A file that the package brings is missing: what was built of it holds its code alone.

    It is no failure of a call, and so no `OpenRouterError`. The message names the file and says
    what to do.
    """
