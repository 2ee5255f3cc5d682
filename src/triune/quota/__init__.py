"""Quotas of the whole cloud: the limits that were set at the top, and how pods come to have them."""
