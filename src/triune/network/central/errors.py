"""What central Neutron answers when it refuses something for Triune's reasons."""

from neutron_lib import exceptions


class PlacementRefused(exceptions.BadRequest):
    """400: the port may not be in that pod."""

    message = "Port %(port_id)s cannot be placed in pod %(pod_id)s: %(reason)s."


class PortHasServer(exceptions.InUse):
    """409: a port that is a server's cannot leave its pod."""

    message = "Port %(port_id)s is used by server %(server_id)s and cannot leave its pod."


class PlacementChanged(exceptions.Conflict):
    """409: others place the port again and again, each time while this request does."""

    message = "Port %(port_id)s is being placed by another request."


class PresentNetwork(exceptions.InvalidInput):
    """400: the provider attributes of a network that is in a pod stay as they are."""

    message = "Provider attributes of network %(network_id)s cannot be changed while it is used in a region."


class ReservedPort(exceptions.InUse):
    """409: a port that Triune holds is not its project's to change."""

    message = "Port %(port_id)s holds addresses that a region needs for itself; it goes with its network."


class ReservedDevice(exceptions.AdminRequired):
    """403: a device that only Triune names."""

    message = "A device_id that begins with %(prefix)s is not for users."
