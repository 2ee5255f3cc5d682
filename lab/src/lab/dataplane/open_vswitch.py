"""One userspace Open vSwitch in a namespace of its own."""

from dataclasses import dataclass
from pathlib import Path

from lab.dataplane import plan
from lab.dataplane.command import run
from lab.dataplane.daemon import Daemon
from lab.dataplane.namespace import Namespace

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


@dataclass(frozen=True)
class OpenVSwitch:
    """The database server and the switch; two switches cannot share a namespace, both would own `ovs-netdev`."""

    namespace: Namespace
    directory: Path
    run_directory: Path
    log_directory: Path

    @property
    def socket(self) -> Path:
        return self.directory / "db.sock"

    @property
    def database(self) -> Path:
        return self.directory / "conf.db"

    @property
    def daemons(self) -> tuple[Daemon, Daemon]:
        """In the order in which they start."""
        return (
            self._daemon("ovsdb", ("ovsdb-server", f"--remote=punix:{self.socket}", str(self.database))),
            self._daemon("vswitchd", ("ovs-vswitchd", "--disable-system", plan.unix(self.socket))),
        )

    def up(self, configuration: plan.Commands) -> None:
        """Start what does not run and apply the configuration; returns when the switch has taken it over."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self.database.exists():
            run(["ovsdb-tool", "create", str(self.database), SCHEMA])
        database, switch = self.daemons
        if database.start():
            self.control("--no-wait", "init")
        switch.start()
        self.control(*plan.joined(configuration))

    def down(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.stop()

    def control(self, *arguments: str) -> str:
        """Run `ovs-vsctl` against this switch."""
        return run(["ovs-vsctl", f"--db={plan.unix(self.socket)}", "--timeout=20", *arguments])

    def _daemon(self, role: str, argv: tuple[str, ...]) -> Daemon:
        return Daemon(
            name=f"{self.namespace.name}-{role}",
            argv=argv,
            run_directory=self.run_directory,
            log_directory=self.log_directory,
            control_socket=self.directory / f"{role}.ctl",
            namespace=self.namespace,
            # The switch puts its bridges' management sockets there, where ovn-controller looks for them.
            environment={"OVS_RUNDIR": str(self.directory), "OVS_DBDIR": str(self.directory)},
        )
