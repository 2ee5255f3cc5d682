"""Triune's own admin API, v1.0 (service type `tricircle`)."""
