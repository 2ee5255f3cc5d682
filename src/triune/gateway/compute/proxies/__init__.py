"""Nova's old proxies to the network service, answered from central Neutron: one noun per file, `table` lists them.

They end with microversion 2.35, those among the actions on servers with 2.43. Forms, texts and status codes:
nova/api/openstack/compute/networks.py, tenant_networks.py, security_groups.py, floating_ips.py, floating_ip_pools.py;
nova/network/neutron.py and security_group_api.py, release 34.
"""
