"""What the data plane raises."""


class DataplaneError(RuntimeError):
    """A step of the data plane failed; the message says which one and shows the relevant output."""
