"""The work engine: a durable, coalescing journal of what may differ from what is wanted, and the worker that mends."""
