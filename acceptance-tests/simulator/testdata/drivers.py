#!/usr/bin/python3
"""Runs OpenStack's own VMware drivers against vCenter, configured by the files that a node has in /etc.

Argument: nova, glance or cinder. Prints one line of JSON with what was found; fails with the driver's exception.
"""

import hashlib
import io
import json
import os
import sys
import uuid


def nova():
    """What nova-compute does when it starts, then what a boot from an image does with files."""
    from nova import config, objects, utils
    import nova.conf
    CONF = nova.conf.CONF
    config.parse_args(["nova-compute", "--config-file=/etc/nova/nova.conf", "--config-file=/etc/nova/nova-compute.conf"])
    objects.register_all()
    from nova.compute import provider_tree
    from nova.virt import driver
    compute = driver.load_compute_driver(None)
    compute.init_host(CONF.host)
    node, = compute.get_available_nodes()
    resources = compute.get_available_resource(node)
    tree = provider_tree.ProviderTree()
    tree.new_root(node, str(uuid.uuid4()))
    compute.update_provider_tree(tree, node)
    inventory = {name: one["total"] for name, one in tree.data(node).inventory.items()}
    return {"node": node, "type": resources["hypervisor_type"], "version": resources["hypervisor_version"],
            "vcpus": resources["vcpus"], "memory_mb": resources["memory_mb"], "local_gb": resources["local_gb"],
            "inventory": inventory, "instances": compute.list_instances(), "files": files(compute)}


def files(compute):
    """Keeps an image in the image cache as the driver does, and removes it."""
    from nova.virt.vmwareapi import ds_util, vm_util
    from oslo_vmware import vim_util
    session = compute._session
    store = ds_util.get_datastore(session, compute._cluster_ref, compute._datastore_regex)
    datacenter = ds_util.get_dc_info(session, store.ref).ref
    browser = session._call_method(vim_util, "get_object_property", store.ref, "browser")
    base = store.build_path("smoke_base")
    ds_util.mkdir(session, base.join("image"), datacenter)
    # The driver divides the image's size by 1024, and sends the quotient as it is.
    vm_util.create_virtual_disk(session, datacenter, "lsiLogic", "preallocated", str(base.join("image", "a.vmdk")), 2097152 / 1024)
    ds_util.disk_copy(session, datacenter, base.join("image", "a.vmdk"), str(base.join("image", "b.vmdk")))
    ds_util.file_move(session, datacenter, base.join("image"), base.join("moved"))
    seen = [ds_util.file_exists(session, browser, base.join("moved"), "b.vmdk"),
            ds_util.file_exists(session, browser, base.join("image"), "b.vmdk"),
            sorted(ds_util.get_sub_folders(session, browser, base))]
    ds_util.file_delete(session, base, datacenter)
    return {"datastore": store.name, "seen": seen, "after": sorted(ds_util.get_sub_folders(session, browser, base))}


def glance():
    """Keeps an image in the store of vCenter's datastores; reads it back as another controller, with a session of its own."""
    import glance_store
    from glance.common import config, wsgi
    conf = config.CONF
    config.parse_args(args=["--config-file=/etc/glance/glance-api.conf"])
    backend, = [name for name, kind in conf.enabled_backends.items() if kind == "vsphere"]
    wsgi.initialize_multi_store()
    image, data = str(uuid.uuid4()), os.urandom(1 << 20)
    uri, size, _, digest, _ = glance_store.add_with_multihash(conf, image, io.BytesIO(data), len(data), backend, "sha256")
    wsgi.initialize_multi_store()
    chunks, length = glance_store.get(uri, backend)
    read = b"".join(chunks)
    report = {"uri": uri.replace(image, "IMAGE"), "size": size, "length": length, "same": read == data,
              "digest": digest == hashlib.sha256(data).hexdigest(), "size_by_head": glance_store.get_size_from_uri_and_backend(uri, backend)}
    # An upload that comes without a length.
    unsized, *_ = glance_store.add_with_multihash(conf, str(uuid.uuid4()), io.BytesIO(data), 0, backend, "sha256")
    report["unsized"] = glance_store.get_size_from_uri_and_backend(unsized, backend)
    for one in uri, unsized:
        glance_store.delete(one, backend)
    try:
        glance_store.get(uri, backend)
    except glance_store.NotFound:
        report["deleted"] = True
    return report


def cinder():
    """What cinder-volume does when it starts, then a volume and its backing, from its creation to its removal."""
    from cinder import context, objects, version
    objects.register_all()
    from oslo_config import cfg
    from oslo_utils import importutils
    from cinder.volume import configuration
    import cinder.volume.manager
    conf = cfg.CONF
    conf(["--config-file=/etc/cinder/cinder.conf"], project="cinder", version=version.version_string())
    backend, = conf.enabled_backends
    settings = configuration.Configuration(cinder.volume.manager.volume_backend_opts, config_group=backend)
    driver = importutils.import_object(settings.volume_driver, configuration=settings, host=f"{conf.host}@{backend}", db=None)
    driver.do_setup(context.get_admin_context())
    driver.check_for_setup_error()
    driver.init_capabilities()
    stats = driver.get_volume_stats(refresh=True)
    volume = objects.Volume(id=str(uuid.uuid4()), size=1, volume_type_id=None, project_id="p1", display_name="v", _name_id=None)
    driver.create_volume(volume)
    lazily = driver.volumeops.get_backing(volume.name, volume.id)
    info = driver._initialize_connection(volume, {"host": "h"})
    backing = driver.volumeops.get_backing(volume.name, volume.id)
    report = {"backend": stats["volume_backend_name"], "lazily": lazily, "connection": sorted(info["data"]),
              "disk_mib": driver.volumeops.get_disk_size(backing) >> 20, "disk": driver.volumeops.get_vmdk_path(backing).replace(volume.id, "VOLUME"),
              "folder": driver.volumeops.get_inventory_path(backing).replace(volume.id, "VOLUME")}
    driver.delete_volume(volume)
    report["after"] = driver.volumeops.get_backing(volume.name, volume.id)
    return report


if __name__ == "__main__":
    print(json.dumps({"nova": nova, "glance": glance, "cinder": cinder}[sys.argv[1]](), default=str, sort_keys=True))
