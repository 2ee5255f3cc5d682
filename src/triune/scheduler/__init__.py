"""Choosing the pod of a new resource, as Nova's scheduler chooses a host: filters, then weighers."""
