"""Run the command as `python -m openrouter_rerank.cli`."""

import sys

from openrouter_rerank.cli import main

if __name__ == "__main__":
    sys.exit(main())
