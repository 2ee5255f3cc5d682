"""End to end: the real clients against the real lab."""
