"""The lab's drivers, loaded by nova-compute and cinder-volume."""
