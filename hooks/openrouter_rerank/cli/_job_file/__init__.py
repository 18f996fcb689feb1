"""
The jobs of a file, worked through by the command `batch`.

`run` opens the files, checks the input (`input_check`), skips what is done (`resume`) and sends the
rest (`pending_jobs`). `input` reads the jobs; `output` writes results and failures.
"""
