"""A machine in a folder: the agent's own code over fake programs and a clock that tests turn."""

import base64
import contextlib
import gzip
import grp
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import pwd
import sys
import tempfile
import unittest
from unittest import mock

AGENT_PATH = pathlib.Path(__file__).resolve().parent.parent / "vio-agent.py"

USER = pwd.getpwuid(os.geteuid()).pw_name
GROUP = grp.getgrgid(os.getegid()).gr_name


def load_agent():
    """The agent as a module; its file name is no module's."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("vio_agent", AGENT_PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


agent = load_agent()


class Killed(BaseException):
    """The agent is gone, in the midst of something."""


class Machine(agent.Host):
    """A node. What it has survives the agent: files, units, guestinfo."""

    def __init__(self, root):
        super().__init__(str(root))
        self.clock = 1000.0
        self.guestinfo = {}
        self.units = {}
        self.installed = set()
        self.installable = set()
        self.calls = []
        self.looks = []
        self.reports = []
        self.on_sleep = None
        self.kill_in = None
        self.environment = None     # of the program that was run last

    def now(self):
        return self.clock

    def sleep(self, seconds):
        self.clock += seconds
        if self.on_sleep:
            self.on_sleep()

    def effect(self):
        """Something that lasts is about to happen, or has happened."""
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                raise Killed()

    def run(self, argv, timeout_s=None, user=None, env=None, tick=None, errors=True):
        fake = {"vmware-rpctool": self.rpctool, "systemctl": self.systemctl, "dpkg-query": self.dpkg_query,
                "apt-get": self.apt_get}.get(argv[0])
        if fake:
            self.environment = env
            if tick:
                tick()
            return fake(argv[1:])
        if argv[0] in ("dpkg", "journalctl"):
            return 0, "the last words"
        self.effect()
        result = super().run(argv, timeout_s, user, env, tick, errors)
        self.effect()
        return result

    def rpctool(self, arguments):
        verb, _, rest = arguments[0].partition(" ")
        key, _, value = rest.partition(" ")
        if verb == "info-get":
            return (0, self.guestinfo[key] + "\n") if key in self.guestinfo else (1, "No value found\n")
        self.guestinfo[key] = value
        if key == agent.STATUS_KEY:
            self.reports.append(json.loads(value))
        return 0, ""

    def dpkg_query(self, arguments):
        return 1, "".join("%s installed\n" % name for name in sorted(self.installed))

    def apt_get(self, arguments):
        self.calls.append("apt-get " + arguments[0])
        if arguments[0] == "install":
            names = arguments[arguments.index("--") + 1:]
            if not set(names) <= self.installable:
                return 100, "E: Unable to locate package " + names[0]
            self.policy_seen = os.path.exists(self.path(agent.POLICY_PATH))
            self.installed |= set(names)
        return 0, ""

    def systemctl(self, arguments):
        words = [word for word in arguments if not word.startswith("-")]
        if words[0] == "show":
            self.looks.append(self.clock)
            return 0, "\n\n".join(self.show(name) for name in words[2:]) + "\n"
        self.effect()
        self.calls.append(" ".join(arguments))
        code = 0
        for name in words[1:]:
            code = self.units[name].do(words[0], arguments) if name in self.units else 5
        self.effect()
        return code, "" if code == 0 else "Job failed."

    def show(self, name):
        unit = self.units.get(name)
        if unit is None:
            return "LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\nResult=success"
        return ("LoadState=loaded\nActiveState=%s\nSubState=%s\nUnitFileState=%s\nType=notify\nResult=%s\nStatusText=%s"
                % (unit.active, unit.active, unit.file_state, "exit-code" if unit.active == "failed" else "success",
                   unit.status_text))

    def unit(self, name, active="inactive", file_state="disabled"):
        self.units[name] = FakeUnit(active, file_state)
        return self.units[name]

    def power_cycle(self):
        """Services that are enabled come back; a start that was not enabled is forgotten."""
        for unit in self.units.values():
            unit.active = "active" if unit.file_state == "enabled" else "inactive"
        self.guestinfo.pop(agent.STATUS_KEY, None)

    def give(self, document, parts=1):
        """Writes a document as the provider does."""
        raw = json.dumps(document).encode()
        text = base64.b64encode(gzip.compress(raw, mtime=0)).decode()
        size = -(-len(text) // parts)
        if parts > 1:
            for number in range(parts):
                self.guestinfo["%s.%d" % (agent.DOCUMENT_KEY, number + 1)] = text[number * size:(number + 1) * size]
            text = "parts:%d" % parts
        self.guestinfo[agent.DOCUMENT_KEY] = text
        self.guestinfo[agent.REVISION_KEY] = hashlib.sha256(raw).hexdigest()
        return self.guestinfo[agent.REVISION_KEY]

    @property
    def report(self):
        return self.reports[-1]


class FakeUnit:
    """A service; `broken` ones do not start."""

    def __init__(self, active, file_state):
        self.active, self.file_state = active, file_state
        self.status_text, self.broken = "", False
        self.loaded = None          # what it had read when it was started last
        self.reads = lambda: None
        self.enabling = None

    def do(self, verb, arguments):
        if verb == "enable":
            if self.enabling:
                self.enabling()
            self.file_state = "enabled"
        elif verb == "disable":
            self.file_state, self.active = "disabled", "inactive"
        elif verb in ("start", "restart", "reload-or-restart"):
            if self.broken:
                self.active = "failed"
                return 1
            if verb != "start" or self.active != "active":
                self.loaded = self.reads()
            self.active = "active"
        return 0


def file(path, content, mode="0644", owner=USER, group=GROUP):
    return {"path": path, "owner": owner, "group": group, "mode": mode, "content": content}


def service(name, restart_on=(), reload_on=()):
    return {"name": name, "restart_on": list(restart_on), "reload_on": list(reload_on)}


def action(name, command, run="on_change", **ties):
    return dict({"name": name, "description": "do " + name, "run": run, "user": USER, "command": command}, **ties)


def document(files=(), services=(), actions=(), checks=(), packages=()):
    return {"version": 1, "node": "prod-memcache-01", "kind": "memcache", "release": "zed", "packages": list(packages),
            "files": list(files), "services": list(services), "actions": list(actions), "checks": list(checks)}


class MachineTest(unittest.TestCase):
    """A test with a machine."""

    def setUp(self):
        self.machine = Machine(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(contextlib.redirect_stderr(io.StringIO()))

    def enterContext(self, manager):  # unittest has it since Python 3.11
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def agent(self):
        """The agent's process starts."""
        return agent.Agent(self.machine)

    def work(self, running=None, until="ready", steps=400):
        """Lets the agent work until it reports a phase."""
        running = running or self.agent()
        for _ in range(steps):
            delay_s = running.step()
            if self.machine.reports and self.machine.report["phase"] == until:
                return running
            self.machine.sleep(delay_s)
        self.fail("never %s: %s" % (until, self.machine.reports[-1:]))

    def on_disk(self, path):
        with open(self.machine.path(path), encoding="utf-8") as found:
            return found.read()

    def write(self, path, content):
        os.makedirs(os.path.dirname(self.machine.path(path)), exist_ok=True)
        with open(self.machine.path(path), "w", encoding="utf-8") as changed:
            changed.write(content)

    def logging_command(self, word):
        """A command that leaves a trace."""
        return "echo %s >> %s" % (word, self.machine.path("/trace"))

    def trace(self):
        return self.on_disk("/trace").split() if os.path.exists(self.machine.path("/trace")) else []

    def killing_writes(self):
        """Renames and removals count as effects, before and after."""
        rename, unlink = os.rename, os.unlink

        def counted(real):
            def wrapper(*arguments, **options):
                self.machine.effect()
                real(*arguments, **options)
                self.machine.effect()
            return wrapper
        return mock.patch.multiple(agent.os, rename=counted(rename), unlink=counted(unlink))
