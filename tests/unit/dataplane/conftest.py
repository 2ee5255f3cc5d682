"""The drivers run inside nova-compute and cinder-volume; here, they are imported from where they stand."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "lab" / "drivers"))
