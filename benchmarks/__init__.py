"""Benchmarks: ratios measured in one run, against simulated pods on the same machine."""
