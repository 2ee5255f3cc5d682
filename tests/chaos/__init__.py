"""Processes are killed, pods go away and come while people work; nothing is lost and nothing is left over."""
