"""Speed, measured by hand: `python -m tests.benchmarks [name …]`. Nothing here is part of the test suite."""
