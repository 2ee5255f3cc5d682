"""OpenStack's own conformance suite, Tempest, against the central region and against a region itself.

`python -m conformance selection` runs what `selection.txt` lists against the central region, `python -m conformance
all` everything of compute, volume and image against both, and writes `docs/reference/tempest.md`.
"""
