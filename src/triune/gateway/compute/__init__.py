"""The compute API (Nova v2.1) over many pods."""
