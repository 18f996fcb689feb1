"""
Run as a process: forks a run of the command for each line of standard input.

The modules are imported once, which takes longer than a small run. A line is a JSON list of
arguments. The answer is a line with the run's process id, and at its end a line with its exit code.
"""

import json
import os
import sys

from openrouter_rerank.cli._app import run

# A run without jobs, since some modules are imported when a run first needs them.
run(["batch", os.devnull, "-o", os.devnull])
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os._exit(run(json.loads(line)))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
