"""Validates Swift's rings, loads its servers as its programs do, and looks for options that none of its code reads.

Usage: swift_servers.py FILE..."""

import configparser
import pathlib
import re
import subprocess
import sys

from swift.common.ring import RingBuilder
from swift.common.wsgi import loadapp

# Swift has no list of its options; each is read from a dictionary by a literal name.
names = subprocess.run(
    ["grep", "-rhoE", "--include=*.py", "['\"][a-z_][a-z0-9_.-]*['\"]", "/usr/lib/python3/dist-packages/swift",
     "/usr/lib/python3/dist-packages/keystonemiddleware", "/usr/lib/python3/dist-packages/keystoneauth1",
     "/usr/lib/python3/dist-packages/eventlet/wsgi.py"],
    check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
known = {name.strip("'\"") for name in names.split()} | {"use", "pipeline"}
# Those of daemons' base classes and of authentication plugins are composed or spelled with dashes.
known |= {name.replace("-", "_") for name in known}
for ring in ("account", "container", "object"):
    RingBuilder.load(f"/etc/swift/{ring}.builder").validate(stats=True)
faults = []
for path in sys.argv[1:]:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(pathlib.Path(path).read_text(encoding="utf-8"))
    for section in parser.sections():
        faults += [f"{path}: nothing reads {section}/{name}" for name in parser[section]
                   if name not in known and name not in parser.defaults()]
    faults += [f"{path}: nothing reads DEFAULT/{name}" for name in parser.defaults() if name not in known]
    if re.search(r"^\[pipeline:main\]", pathlib.Path(path).read_text(encoding="utf-8"), re.M):
        loadapp(path, allow_modify_pipeline=False)
for fault in faults:
    print(fault)
sys.exit(bool(faults))
