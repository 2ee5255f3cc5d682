"""Routers that span pods: what central Neutron says of them, what each pod must hold, and bringing it there."""
