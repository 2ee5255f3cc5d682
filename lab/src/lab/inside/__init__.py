"""Code that runs inside the OpenStack services' own environment: the standard library, cheroot and OpenStack only."""
