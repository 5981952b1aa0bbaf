"""The members of the Galera cluster as the election reads them; this machine must be one."""

import importlib.util
import ipaddress
import socket

spec = importlib.util.spec_from_file_location("election", "/usr/local/lib/vio/galera-election.py")
election = importlib.util.module_from_spec(spec)
spec.loader.exec_module(election)
members = election.read_members()
for member in members:
    ipaddress.ip_address(member.address)
own = [member.name for member in members if member.is_self]
assert own == [socket.gethostname()], f"this machine is {socket.gethostname()}, the list says {own}"
