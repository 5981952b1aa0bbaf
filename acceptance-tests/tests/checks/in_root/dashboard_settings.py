"""Which of the dashboard's settings nothing reads: dashboard.py FILE. Django itself takes any name."""

import ast
import importlib
import pathlib
import re
import sys

known = set()
for module in ("django.conf.global_settings", "openstack_dashboard.defaults", "horizon.defaults", "openstack_auth.defaults"):
    known |= set(vars(importlib.import_module(module)))
known |= set(re.findall(r"^#?\s*([A-Z][A-Z0-9_]+)\s*=", pathlib.Path(
    "/etc/openstack-dashboard/local_settings.py").read_text(encoding="utf-8"), re.M))
with open(sys.argv[1], encoding="utf-8") as file:
    tree = ast.parse(file.read())
unknown = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets} - known
for name in sorted(unknown):
    print(f"{sys.argv[1]}: nothing reads {name}")
sys.exit(bool(unknown))
