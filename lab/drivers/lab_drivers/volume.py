"""A volume driver whose volumes are sparse files that keep every byte."""

from pathlib import Path
from typing import Any

from cinder import exception, interface
from cinder.image import image_utils
from cinder.volume import configuration, driver, volume_utils
from oslo_concurrency import processutils
from oslo_config import cfg
from oslo_log import log as logging

from lab_drivers.volume_files import VolumeFiles, gigabytes

LOG = logging.getLogger(__name__)

OPTIONS = [
    cfg.StrOpt("file_volume_path", required=True, help="Directory that holds one file per volume and snapshot."),
    cfg.IntOpt("file_volume_capacity_gb", default=10240, help="Capacity to report; thin files take far less."),
]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)

Json = dict[str, Any]


@interface.volumedriver
class FileVolumeDriver(driver.VolumeDriver):
    """A volume is the file `volume-<id>`, a snapshot the file `snapshot-<id>`; attached, it is the file itself."""

    VERSION = "1.0"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)
        self._files = VolumeFiles(Path(self.configuration.file_volume_path), processutils.execute)

    @classmethod
    def get_driver_options(cls) -> list[cfg.Opt]:
        return OPTIONS

    def check_for_setup_error(self) -> None:
        self._files.prepare()

    # --- volumes and snapshots

    def create_volume(self, volume: Any) -> None:
        self._files.create(volume.name, volume.size)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        self._files.copy(src_vref.name, volume.name)
        self._files.grow(volume.name, volume.size)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        self._files.copy(snapshot.name, volume.name)
        self._files.grow(volume.name, volume.size)

    def delete_volume(self, volume: Any) -> None:
        self._files.delete(volume.name)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        self._files.grow(volume.name, new_size)

    def create_snapshot(self, snapshot: Any) -> None:
        self._files.copy(snapshot.volume.name, snapshot.name)

    def delete_snapshot(self, snapshot: Any) -> None:
        self._files.delete(snapshot.name)

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        self._files.overwrite(snapshot.name, volume.name)
        self._files.grow(volume.name, volume.size)

    def copy_image_to_volume(
        self, context: Any, volume: Any, image_service: Any, image_id: str, disable_sparse: bool = False
    ) -> None:
        image_utils.fetch_to_raw(
            context,
            image_service,
            image_id,
            str(self._files.path(volume.name)),
            self.configuration.volume_dd_blocksize,
            size=volume.size,
            disable_sparse=disable_sparse,
        )
        # Written as a file, the volume got the image's size.
        self._files.grow(volume.name, volume.size)

    # --- connections

    def ensure_export(self, context: Any, volume: Any) -> None:
        """Nothing is exported: the file is where it is."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """Nothing is exported: the file is where it is."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """Nothing is exported: the file is where it is."""

    def initialize_connection(self, volume: Any, connector: Json) -> Json:
        return self._connection(volume.id, volume.name)

    def terminate_connection(self, volume: Any, connector: Json, **kwargs: Any) -> None:
        # A backup is restored into the emptied file, which ends where the backup ends.
        self._files.grow(volume.name, volume.size)

    def create_export_snapshot(self, context: Any, snapshot: Any, connector: Any) -> None:
        """Nothing is exported: the file is where it is."""

    def remove_export_snapshot(self, context: Any, snapshot: Any) -> None:
        """Nothing is exported: the file is where it is."""

    def initialize_connection_snapshot(self, snapshot: Any, connector: Json, **kwargs: Any) -> Json:
        return self._connection(snapshot.id, snapshot.name)

    def terminate_connection_snapshot(self, snapshot: Any, connector: Json, **kwargs: Any) -> None:
        """Nothing to end: a snapshot's file is only read."""

    def local_path(self, volume: Any) -> str:
        return str(self._files.path(volume.name))

    # --- moving and adopting

    def retype(self, context: Any, volume: Any, new_type: Any, diff: Json, host: Json) -> bool:
        """Types differ in nothing that a file would show."""
        return True

    def migrate_volume(self, context: Any, volume: Any, host: Json) -> tuple[bool, Json | None]:
        """Leave the copying to Cinder."""
        return False, None

    def update_migrated_volume(self, ctxt: Any, volume: Any, new_volume: Any, original_volume_status: str) -> Json:
        """Give the copy the name of the original, unless the original is in use under it."""
        if original_volume_status == "available" and not self._files.path(volume.name).exists():
            self._files.rename(new_volume.name, volume.name)
            return {"_name_id": None, "provider_location": None}
        return {"_name_id": new_volume.name_id, "provider_location": None}

    def manage_existing(self, volume: Any, existing_ref: Json) -> None:
        self._files.adopt(self._existing(existing_ref), volume.name)

    def manage_existing_get_size(self, volume: Any, existing_ref: Json) -> int:
        return self._existing_size(existing_ref)

    def unmanage(self, volume: Any) -> None:
        """Leave the file where it is, under a name that `manage` can be given."""

    def get_manageable_volumes(
        self, cinder_volumes: Any, marker: Any, limit: Any, offset: Any, sort_keys: Any, sort_dirs: Any
    ) -> list[Json]:
        managed = {volume["name"]: volume["id"] for volume in cinder_volumes}
        entries = [_manageable(name, size, managed) for name, size in self._files.all() if not _is_snapshot(name)]
        return list(volume_utils.paginate_entries_list(entries, marker, limit, offset, sort_keys, sort_dirs))

    def manage_existing_snapshot(self, snapshot: Any, existing_ref: Json) -> None:
        self._files.adopt(self._existing(existing_ref), snapshot.name)

    def manage_existing_snapshot_get_size(self, snapshot: Any, existing_ref: Json) -> int:
        return self._existing_size(existing_ref)

    def unmanage_snapshot(self, snapshot: Any) -> None:
        """Leave the file where it is, under a name that `manage` can be given."""

    def get_manageable_snapshots(
        self, cinder_snapshots: Any, marker: Any, limit: Any, offset: Any, sort_keys: Any, sort_dirs: Any
    ) -> list[Json]:
        managed = {snapshot["name"]: snapshot["id"] for snapshot in cinder_snapshots}
        entries = [
            {**_manageable(name, size, managed), "source_reference": {}}
            for name, size in self._files.all()
            if _is_snapshot(name)
        ]
        return list(volume_utils.paginate_entries_list(entries, marker, limit, offset, sort_keys, sort_dirs))

    # --- helpers

    def _update_volume_stats(self) -> None:
        capacity = self.configuration.file_volume_capacity_gb
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name") or type(self).__name__,
            "vendor_name": "Triune lab",
            "driver_version": self.VERSION,
            "storage_protocol": "local",
            "total_capacity_gb": capacity,
            "free_capacity_gb": max(0, capacity - self._files.allocated_gb()),
            "provisioned_capacity_gb": self._files.provisioned_gb(),
            "max_over_subscription_ratio": self.configuration.max_over_subscription_ratio,
            "reserved_percentage": self.configuration.reserved_percentage,
            "thin_provisioning_support": True,
            "thick_provisioning_support": False,
            "multiattach": True,
            "online_extend_support": True,
            "sparse_copy_volume": True,
            "QoS_support": False,
        }

    def _connection(self, identifier: str, name: str) -> Json:
        return {
            "driver_volume_type": "local",
            "data": {"volume_id": identifier, "device_path": str(self._files.path(name))},
        }

    def _existing(self, existing_ref: Json) -> str:
        """The name of a file to adopt. Raises ManageExistingInvalidReference when there is no such file."""
        name = existing_ref.get("source-name", "")
        if not name or Path(name).name != name or not self._files.path(name).is_file():
            raise exception.ManageExistingInvalidReference(
                existing_ref=existing_ref, reason="source-name must name a file of this backend"
            )
        return str(name)

    def _existing_size(self, existing_ref: Json) -> int:
        return gigabytes(self._files.path(self._existing(existing_ref)).stat().st_size)


def _is_snapshot(name: str) -> bool:
    return name.startswith("snapshot-")


def _manageable(name: str, size_bytes: int, managed: dict[str, str]) -> Json:
    """One entry of a list of what could be managed."""
    identifier = managed.get(name)
    return {
        "reference": {"source-name": name},
        "size": gigabytes(size_bytes),
        "safe_to_manage": identifier is None,
        "reason_not_safe": "already managed" if identifier else None,
        "cinder_id": identifier,
        "extra_info": None,
    }
