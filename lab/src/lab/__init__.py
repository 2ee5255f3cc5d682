"""The lab: real OpenStack regions on one machine."""
