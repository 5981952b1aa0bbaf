"""Reads the metadata as cloud-init's data source for VMware does, and renders its network as cloud-init does."""

import json
import os

from cloudinit.cmd.devel import net_convert
from cloudinit.sources import DataSourceVMware

with open("/check/meta-data", encoding="utf-8") as file:
    data = DataSourceVMware.process_metadata(DataSourceVMware.load_json_or_yaml(file.read()))
for name in ("instance-id", "local-hostname"):
    assert data.get(name), f"there is no {name}"
network = data["network"]["config"]
assert network["ethernets"], "there are no interfaces"

os.mkdir("/run/network")
with open("/run/network.json", "w", encoding="utf-8") as file:
    json.dump({"network": network}, file)
arguments = ["-p", "/run/network.json", "-k", "yaml", "-d", "/run/network", "-D", "debian", "-O", "networkd"]
for name, card in network["ethernets"].items():
    arguments += ["-m", f"{name},{card['match']['macaddress']}"]
net_convert.handle_args("net-convert", net_convert.get_parser().parse_args(arguments))
written = os.listdir("/run/network/etc/systemd/network")
assert len(written) == len(network["ethernets"]), f"{written} for {list(network['ethernets'])}"
