"""The parts of the benchmark; `benchmarks/run.py` is its command."""
