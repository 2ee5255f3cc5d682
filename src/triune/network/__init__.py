"""Networks that span pods: what each pod must hold of central Neutron's networks, and how it gets there."""
