"""The gateway: OpenStack's compute, block storage and image APIs over many pods."""
