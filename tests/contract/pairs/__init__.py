"""Pairs of questions and answers of real services, recorded while Tempest talks to a region.

`PYTHONPATH=tests .venv/bin/python -m contract.pairs` records them anew from the lab: Tempest runs against a region
itself, through a proxy in front of each of its services that notes what is said. `contract/test_pairs.py` replays them
through the gateway.
"""
