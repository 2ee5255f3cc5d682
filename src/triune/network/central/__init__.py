"""What runs inside central neutron-server: where ports may be, and which keys of the journal a change touches."""
