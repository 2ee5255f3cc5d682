"""OpenStack's own conformance suite, Tempest, against the central region.

`python -m conformance selection` runs what `selection.txt` lists, `python -m conformance all` everything of compute,
volume and image; what does not pass there is run in a region itself as well, and `docs/reference/tempest.md` says where
the two differ.
"""
