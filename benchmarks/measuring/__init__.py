"""What the benchmark is made of; `benchmarks/run.py` is its command."""
