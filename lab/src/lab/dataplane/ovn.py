"""The OVN of one pod: both databases, northd and the chassis' controller, reached over unix sockets."""

from dataclasses import dataclass
from pathlib import Path

from lab.dataplane import plan
from lab.dataplane.command import run
from lab.dataplane.daemon import Daemon

SCHEMAS = Path("/usr/share/ovn")


@dataclass(frozen=True)
class Ovn:
    """OVN needs no namespace: unix sockets reach into all of them."""

    host: str
    region_directory: Path
    run_directory: Path
    log_directory: Path

    @property
    def directory(self) -> Path:
        return self.region_directory / "ovn"

    @property
    def databases(self) -> dict[str, Path]:
        """Database by short name, with the socket that serves it."""
        return {
            "nb": plan.northbound_socket(self.region_directory),
            "sb": plan.southbound_socket(self.region_directory),
        }

    @property
    def servers(self) -> dict[str, Daemon]:
        return {
            name: self._daemon(f"ovn-{name}", ("ovsdb-server", f"--remote=punix:{socket}", str(self._file(name))))
            for name, socket in self.databases.items()
        }

    @property
    def northd(self) -> Daemon:
        remotes = (f"--ovn{name}-db={plan.unix(socket)}" for name, socket in self.databases.items())
        return self._daemon("ovn-northd", ("ovn-northd", *remotes))

    @property
    def controller(self) -> Daemon:
        switch = plan.ovs_database_socket(self.region_directory)
        return self._daemon("ovn-controller", ("ovn-controller", plan.unix(switch)))

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """In the order in which they start."""
        return (*self.servers.values(), self.northd, self.controller)

    def up_databases(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for name, server in self.servers.items():
            if not self._file(name).exists():
                run(["ovsdb-tool", "create", str(self._file(name)), str(SCHEMAS / f"ovn-{name}.ovsschema")])
            if server.start():
                run([f"ovn-{name}ctl", f"--db={plan.unix(self.databases[name])}", "--timeout=20", "init"])

    def up_controllers(self) -> None:
        """Start northd and the chassis; the pod's switch must be configured before."""
        self.northd.start()
        self.controller.start()

    def down(self) -> None:
        # Ended by a signal, ovn-controller leaves its chassis registered, so Neutron finds it again at the next start.
        for daemon in reversed(self.daemons):
            daemon.stop()

    def _file(self, name: str) -> Path:
        return self.directory / f"{name}.db"

    def _daemon(self, role: str, argv: tuple[str, ...]) -> Daemon:
        return Daemon(
            name=f"{self.host}-{role}",
            argv=argv,
            run_directory=self.run_directory,
            log_directory=self.log_directory,
            # ovn-controller has no option for it; its socket is made in OVN_RUNDIR.
            control_socket=None if role == "ovn-controller" else self.directory / f"{role}.ctl",
            environment={
                "OVN_RUNDIR": str(self.directory),
                "OVN_DBDIR": str(self.directory),
                "OVS_RUNDIR": str(self.region_directory / "ovs"),
            },
        )
