"""Triune: many OpenStack clouds as one."""
