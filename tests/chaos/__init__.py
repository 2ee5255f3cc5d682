"""Processes are killed while people work; afterwards nothing is lost and nothing is left over."""
