"""
Reranking as tools of MCP, the Model Context Protocol, for assistants and agents.

It needs the extra `mcp`: `pip install "openrouter-rerank[mcp]"`. Without it, importing this module
raises a `ModuleNotFoundError` that says so. The command `openrouter-rerank mcp` runs such a server
over standard input and output.
"""

try:
    from ._server import create_server
except ImportError as error:
    # Version 1 of the package has no such server, and its error says little.
    if (error.name or "").partition(".")[0] != "mcp":
        raise
    raise ModuleNotFoundError(
        "openrouter_rerank.mcp needs the package mcp, version 2 or newer: "
        'run pip install "openrouter-rerank[mcp]"',
        name=error.name,
    ) from error

__all__ = ["create_server"]
