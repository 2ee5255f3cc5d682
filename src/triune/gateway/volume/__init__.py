"""The block storage API (Cinder v3) over many pods."""
