"""oslo-config-validator over option data that was generated once, and what it leaves to others: the options of
authentication plugins, groups that are named by their file, and the types of values.

Usage: oslo_options.py FOREIGN FILE,GROUP,DATA... ...   FOREIGN is a group that is not judged; GROUP is the one whose
options the file's named back ends have, or -
"""

import json
import logging
import sys

import yaml
from oslo_config import cfg, validator


class Findings(logging.Handler):
    """What the validator says; what it ignores as unknown to it, it says too."""

    def __init__(self):
        super().__init__()
        self.unknown, self.other = [], []

    def emit(self, record):
        text = record.getMessage()
        if record.name != "root":
            return
        if "is not part of the sample config" in text:
            self.unknown.append(tuple(record.args))
        elif text.startswith("Ignoring missing option"):
            self.unknown.append(tuple(reversed(record.args)))
        else:
            self.other.append(text)


def merged(paths):
    whole = {"options": {}, "deprecated_options": {}}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            part = json.load(file)
        for group, body in part["options"].items():
            whole["options"].setdefault(group, {"opts": []})["opts"].extend(body["opts"])
        for group, options in part["deprecated_options"].items():
            whole["deprecated_options"].setdefault(group, []).extend(options)
    return whole


def of_authentication(group):
    """The options that keystoneauth gives a group which names a plugin."""
    if "auth_type" not in group:
        return set()
    # Here, as it takes longer to import than all else.
    from keystoneauth1 import loading

    options = loading.get_plugin_loader(group["auth_type"][0]).get_options()
    known = {option.dest for option in options} | {option.name.replace("-", "_") for option in options}
    for family in (loading.get_session_conf_options(), loading.get_adapter_conf_options(),
                   loading.get_auth_common_conf_options()):
        known |= {option.dest for option in family}
    return known


def wrong_value(option, value):
    """What is wrong with a value, by the type that its option has; None when nothing is."""
    kind = option["type"]
    try:
        if kind in ("integer value", "port value"):
            number = int(value)
        elif kind == "floating point value":
            number = float(value)
        elif kind == "boolean value":
            return None if value.lower() in ("true", "false", "1", "0", "yes", "no", "on", "off") else "is no boolean"
        else:
            known = [choice[0] for choice in option["choices"]]
            return f"is none of {known}" if known and value not in known else None
    except ValueError:
        return f"is no {kind}"
    low, high = option["min"], option["max"]
    if (low is not None and number < low) or (high is not None and number > high):
        return f"is not from {low} to {high}"
    return None


def faults_of(foreign, path, backends_as, *data):
    known = merged(data)
    sections = {}
    cfg.ConfigParser(path, sections).parse()
    for backend in sections.get("DEFAULT", {}).get("enabled_backends", [""])[0].split(","):
        name = backend.strip().split(":")[0]
        if name and backends_as != "-":
            known["options"][name] = known["options"][backends_as]

    findings = validate(path, known)
    faults = list(findings.other)
    for group, option in findings.unknown:
        if group != foreign and option not in of_authentication(sections[group]):
            faults.append(f"{group}/{option} is no option")
    for group, options in sections.items():
        types = {}
        for option in known["options"].get(group, {"opts": []})["opts"]:
            types[option["name"].replace("-", "_")] = types[option["dest"]] = option
        for name, values in options.items():
            fault = wrong_value(types[name], values[-1]) if name in types else None
            if fault:
                faults.append(f"{group}/{name} = {values[-1]} {fault}")
    return [f"{path}: {fault}" for fault in faults]


def validate(path, known):
    yaml.safe_load = lambda _: known
    findings = Findings()
    log = logging.getLogger()
    log.handlers, log.level = [findings], logging.INFO
    sys.argv = ["oslo-config-validator", "--opt-data", "/dev/null", "--input-file", path]
    validator.main()
    return findings


if __name__ == "__main__":
    foreign, jobs = sys.argv[1], sys.argv[2:]
    found = [fault for job in jobs for fault in faults_of(foreign, *job.split(","))]
    print("\n".join(found))
    sys.exit(bool(found))
