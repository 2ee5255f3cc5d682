"""What the data plane raises."""

from lab.errors import LabError


class DataplaneError(LabError):
    """A step of the data plane failed; the message says which one, and shows what the failing command said."""
