"""
The command `batch`: many jobs, from a file to a file.

The input is read as a stream (`_sources`, `_entries`, `_rows`), checked as far as asked for
(`_checks`) and turned into jobs (`_feed`); `_run` has them worked off. Each outcome is written at
once (`_ledger`, `_records`, `_files`, `_failed`), and read back by the next run (`_recovery`).
"""
