#!/usr/bin/env python3
"""Node agent: makes this machine what its document says, keeps its services running, and reports.

The only ways in and out are guestinfo variables, through VMware Tools. It reads `guestinfo.vio.desired.revision` about
once a second; when that changes it reads the document (`guestinfo.vio.desired`: base64 of gzip of JSON, or `parts:<n>`
with the parts under `guestinfo.vio.desired.1` and so on), whose SHA-256 must be the revision: a document that is being
written does not match yet, and is read again. What the document means is said at `Document` in
`provider/deploy/src/render/document.rs`; the report in `guestinfo.vio.status` is `GuestStatus` in `status.rs`.

What must survive being killed is in the state file: which files and services are ours, which services still have to be
restarted for files that were changed, which actions have run. It is written before what it announces is begun.
"""

import argparse
import base64
import collections
import grp
import hashlib
import http.client
import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zlib

REVISION_KEY = "guestinfo.vio.desired.revision"
DOCUMENT_KEY = "guestinfo.vio.desired"
REPAIR_KEY = "guestinfo.vio.desired.repair"
STATUS_KEY = "guestinfo.vio.status"
DOCUMENT_VERSION = 1
STATUS_VERSION = 1

STATE_PATH = "/var/lib/vio-agent/state.json"
POLICY_PATH = "/usr/sbin/policy-rc.d"
POLICY_MARK = "# made by vio-agent while it installs packages"
UNIT_FOLDERS = ("/etc/systemd/", "/lib/systemd/", "/usr/lib/systemd/", "/usr/local/lib/systemd/", "/etc/init.d/")

POLL_S = 1
IDLE_POLL_S = 2
IDLE_AFTER_S = 120
TORN_READS = 60
ATTEMPTS = 20
MAX_DELAY_S = 30
GIVEN_UP_DELAY_S = 60
PACKAGES_TIMEOUT_S = 1800
# Twice what the longest takes, the first migration of a database, on a machine that does much else; a deadlock ends too.
ACTION_TIMEOUT_S = 900
WAIT_TIMEOUT_S = 60
WAIT_DELAY_S = 5
CHECK_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 5
LOOK_S = 15
# However long a look takes on a busy machine, the next one comes.
LONGEST_LOOK_S = 60
UNHEALTHY_LOOK_S = 2
# An API that starts on a machine that does much else, and waits for its database, answers within less.
SILENT_S = 180
LONGEST_SILENT_S = 1800
MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_PARTS = 1024
MAX_OUTPUT_BYTES = 256 * 1024
MAX_TEXT = 300
MAX_FACTS = 32


class Torn(Exception):
    """The document does not have the revision that it should have."""


class Refused(Exception):
    """The document is whole, but not one that this agent understands."""


class StepFailed(Exception):
    """A step did not succeed; the text says which and why."""


class Superseded(Exception):
    """Another document has come."""


def last_line(text):
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def log(text):
    """Writes a line to the journal."""
    print(text, file=sys.stderr, flush=True)


class Host:
    """The machine: its programs, its clock, its files below a root folder."""

    def __init__(self, root="/"):
        self.root = root

    def path(self, absolute):
        """Where a path of the document is."""
        return os.path.join(self.root, absolute.lstrip("/"))

    def now(self):
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds):
        """Waits."""
        time.sleep(seconds)

    def run(self, argv, timeout_s=None, user=None, env=None, tick=None, errors=True):
        """Runs a program and returns its exit status and output; `tick` is called about once a second meanwhile.

        Output goes to a file: a daemon that inherits a pipe would hold it open for ever.
        """
        with tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=output, cwd="/", start_new_session=True,
                    stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
                    env=env, preexec_fn=become(user) if user else None)
            except FileNotFoundError:
                return 127, "there is no program `%s`" % argv[0]
            except (OSError, subprocess.SubprocessError) as error:
                return 126, "cannot run `%s`: %s" % (argv[0], error)
            code = self.wait(process, timeout_s, tick)
            output.seek(max(0, output.seek(0, os.SEEK_END) - MAX_OUTPUT_BYTES))
            text = output.read().decode("utf-8", "replace")
        return code, text if code != 124 else text + "\nit took longer than %d s" % timeout_s

    def wait(self, process, timeout_s, tick):
        """The exit status of a program, 124 when it was stopped because it took too long."""
        ends = None if timeout_s is None else self.now() + timeout_s
        try:
            while ends is None or self.now() < ends:
                left = 1 if ends is None else max(0.01, min(1, ends - self.now()))
                try:
                    return process.wait(left)
                except subprocess.TimeoutExpired:
                    if tick:
                        tick()
            return 124
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def shell(self, command, timeout_s, user="root", env=None):
        """Runs a command line. It goes in by the environment: other users can read the arguments of a process."""
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            return 126, "there is no user `%s`" % user
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        env = {"PATH": path, "LC_ALL": "C.UTF-8", "HOME": entry.pw_dir, "USER": user, "LOGNAME": user,
               "DEBIAN_FRONTEND": "noninteractive", "VIO_COMMAND": command, **(env or {})}
        runs = 'command="$VIO_COMMAND"; unset VIO_COMMAND; eval "$command"'
        other = None if entry.pw_uid == os.geteuid() else entry
        return self.run(["/bin/sh", "-c", runs], timeout_s, user=other, env=env)


def become(entry):
    """What a child does to become a user."""
    def switch():
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    return switch


class Guestinfo:
    """Variables that this machine shares with vCenter."""

    def __init__(self, host):
        self.host = host

    def get(self, key):
        """A value, or None."""
        code, text = self.call("info-get " + key)
        return text.strip() or None if code == 0 else None

    def set(self, key, value):
        """Writes a value; false when that failed."""
        return self.call("info-set %s %s" % (key, value))[0] == 0

    def call(self, message):
        """Says something to VMware Tools by the first of the two programs that is there."""
        code, text = self.host.run(["vmware-rpctool", message], 20, errors=False)
        if code == 127:
            code, text = self.host.run(["vmtoolsd", "--cmd", message], 20, errors=False)
        return code, text

    def document(self, revision):
        """The document of a revision."""
        text = self.get(DOCUMENT_KEY) or ""
        if text.startswith("parts:"):
            if not text[6:].isdigit() or int(text[6:]) > MAX_PARTS:
                raise Torn("`%s` is no count of parts" % text[:40])
            parts = [self.get("%s.%d" % (DOCUMENT_KEY, part + 1)) or "" for part in range(int(text[6:]))]
            text = "".join(parts)
        raw = unpack(text)
        if hashlib.sha256(raw).hexdigest() != revision:
            raise Torn("the configuration does not have the revision %.12s" % revision)
        return Document(revision, raw)


def unpack(text):
    """The bytes behind base64 and gzip."""
    try:
        return zlib.decompressobj(31).decompress(base64.b64decode(text, validate=True), MAX_JSON_BYTES)
    except (ValueError, zlib.error):
        raise Torn("the configuration is not whole") from None


class Document:
    """What the node shall be."""

    def __init__(self, revision, raw):
        try:
            data = json.loads(raw.decode("utf-8"))
            if data["version"] != DOCUMENT_VERSION:
                raise Refused("the configuration has version %s; this agent understands version %d: the node is older "
                              "than the provider, replace it" % (data["version"], DOCUMENT_VERSION))
            self.packages = [str(name) for name in data["packages"]]
            self.files = [File(file) for file in data["files"]]
            self.services = data["services"]
            self.actions = data["actions"]
            self.checks = data["checks"]
            self.names = [service["name"] for service in self.services]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("the configuration cannot be understood: %s %s" % (type(error).__name__, error)) from None
        self.revision = revision
        self.digest = files_digest((file.path, file.content) for file in self.files)

    def tied(self, place, name):
        """The actions that are tied to a service."""
        return [action for action in self.actions if action.get(place) == name]

    def basis(self, action):
        """SHA-256 of what decides what an action does; None for one that does not say what it reads."""
        reads = action.get("reads")
        if not reads:
            return None
        digest = hashlib.sha256(json.dumps([action["command"], action["user"]]).encode("utf-8"))
        digest.update(files_digest((file.path, file.content) for file in self.files if file.path in reads).encode("ascii"))
        return digest.hexdigest()


class File:
    """A file of the document."""

    def __init__(self, data):
        self.path = data["path"]
        self.owner, self.group = data["owner"], data["group"]
        self.mode = int(data["mode"], 8)
        self.content = data["content"].encode("utf-8")
        if not self.path.startswith("/") or ".." in self.path.split("/") or self.path.endswith("/"):
            raise ValueError("%r is no path of a file" % self.path)

    def is_private(self):
        """Whether other users must not read it."""
        return not self.mode & stat.S_IROTH


def files_digest(files):
    """SHA-256 over path, zero byte, content, zero byte of each file, by ascending path."""
    digest = hashlib.sha256()
    for path, content in sorted((path.encode("utf-8"), content) for path, content in files):
        digest.update(path + b"\0" + content + b"\0")
    return digest.hexdigest()


def write_atomically(path, content, mode=0o600, uid=None, gid=None):
    """Writes beside the place and renames: the file is the old one or the new one, whenever the power fails."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    beside = os.path.join(folder, ".%s.vio-new" % name)
    if os.path.lexists(beside):
        os.unlink(beside)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        if uid is not None:
            os.fchown(file.fileno(), uid, gid)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    os.rename(beside, path)
    sync_folder(folder)


def sync_folder(folder):
    """Makes a rename in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Disk:
    """The document's files as they are."""

    def __init__(self, host):
        self.host = host
        self.known = {}

    def read(self, path):
        """The content of a file, None when there is none."""
        try:
            with open(self.host.path(path), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def install(self, file):
        """Makes a file what it shall be, touching nothing that is."""
        try:
            uid, gid = pwd.getpwnam(file.owner).pw_uid, grp.getgrnam(file.group).gr_gid
        except KeyError:
            raise StepFailed("`%s` belongs to %s:%s, and one of them is unknown here; does a package lack?"
                             % (file.path, file.owner, file.group)) from None
        path = self.host.path(file.path)
        try:
            if self.read(file.path) != file.content or os.path.islink(path):
                write_atomically(path, file.content, file.mode, uid, gid)
                return
            found = os.stat(path)
            if (found.st_uid, found.st_gid) != (uid, gid):
                os.chown(path, uid, gid)
            if stat.S_IMODE(os.stat(path).st_mode) != file.mode:
                os.chmod(path, file.mode)
        except OSError as error:
            raise StepFailed("cannot write `%s`: %s" % (file.path, error.strerror)) from None

    def remove(self, path):
        """Removes a file."""
        try:
            os.unlink(self.host.path(path))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StepFailed("cannot remove `%s`: %s" % (path, error.strerror)) from None

    def digest(self, document):
        """The digest of the files that are there; they are read again only when something was done to one."""
        signs = [self.sign(file.path) for file in document.files]
        if self.known.get("signs") != (document.revision, signs):
            found = [(file.path, self.read(file.path)) for file in document.files]
            digest = files_digest((path, content) for path, content in found if content is not None)
            self.known = {"signs": (document.revision, signs), "digest": digest}
        return self.known["digest"]

    def sign(self, path):
        try:
            found = os.stat(self.host.path(path))
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class State:
    """What the agent must remember, whatever happens to it."""

    EMPTY = {
        "applied": "",          # revision of the last document that was applied whole
        "target": "",           # revision of the document that was begun last
        "done": [],             # actions that have run for `target`
        "once": [],             # actions of `once` that have succeeded
        "acted": {},            # digest of what an action with `reads` went by when it last succeeded
        "files": [],            # paths that are ours
        "services": [],         # services that are ours
        "dirty": {},            # what services need for files that were changed: restart or reload
        "units_changed": False,  # whether systemd must read its units again
        "repairing": False,     # whether `applied` is being applied again
    }

    def __init__(self, host):
        self.path = host.path(STATE_PATH)
        self.values = json.loads(json.dumps(self.EMPTY))
        try:
            with open(self.path, "rb") as file:
                self.saved = file.read()
            self.values.update(json.loads(self.saved.decode("utf-8")))
        except FileNotFoundError:
            self.saved = b""
        except ValueError:
            log("the state file was unreadable; everything is applied again")
            self.saved = b""

    def __getitem__(self, name):
        return self.values[name]

    def save(self, **changes):
        """Keeps changes; writes only when something is different."""
        self.values.update(changes)
        text = json.dumps(self.values, sort_keys=True).encode("utf-8")
        if text != self.saved:
            write_atomically(self.path, text)
            self.saved = text

    def is_applied(self, document):
        """Whether nothing is left to do: a document that was begun later has changed files."""
        return self["applied"] == self["target"] == document.revision and not self["repairing"]


class Scrubber:
    """Takes secrets out of what is reported: values of the files that others must not read, and what is named so."""

    URL = re.compile(r"(://)[^/\s@'\"]+@")
    NAMED = re.compile(r"(?im)^[ \t\"'-]*[\w.-]*(?:pass|passwd|password|pwd|secret|token|cookie|credential|key)"
                       r"[\"']?[ \t]*[=: \t][ \t]*[\"']?([^\s\"';,]+)")
    INLINE = re.compile(r"(?i)(?:(?:password|passwd|secret|token)[\"']?\s*=\s*|identified\s+by\s+|"
                        r"--[\w-]*(?:password|secret|token)\s+)[\"']?([^\s\"';,)]+)")
    IN_URL = re.compile(r"://[^/\s:@'\"]*:([^/\s@'\"]+)@")
    LONG = re.compile(r"[A-Za-z0-9+/_~-]{12,}")

    def __init__(self, document=None):
        secrets = set()
        if document:
            texts = [(file.content.decode("utf-8"), file.is_private()) for file in document.files]
            texts += [(entry.get("command") or "", True) for entry in document.actions + document.checks]
            public = "\n".join(text for text, private in texts if not private)
            for text, private in texts:
                secrets |= self.named(text)
                secrets |= {word for word in self.words(text) if word not in public} if private else set()
        listed = {word for word in secrets if len(word) >= 4 and word[0] not in "/$"}
        words = sorted(listed, key=lambda word: (-len(word), word))
        self.pattern = re.compile("|".join(map(re.escape, words))) if words else None

    def named(self, text):
        """The values of what is called a secret."""
        found = set(self.NAMED.findall(text) + self.INLINE.findall(text) + self.IN_URL.findall(text))
        return found | {urllib.parse.unquote(word) for word in found}

    def words(self, text):
        """What may be a secret in a text that others must not read."""
        found = {word for word in self.LONG.findall(text) if re.search(r"\d", word) and re.search(r"[A-Za-z]", word)}
        if "PRIVATE KEY" in text:
            found |= {line.strip() for line in text.splitlines() if len(line) >= 16}
        return found | ({text.strip()} if not re.search(r"\s", text.strip()) else set())

    def __call__(self, text):
        text = self.URL.sub(r"\1[hidden]@", text)
        text = self.pattern.sub("[hidden]", text) if self.pattern else text
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        return text if len(text) <= MAX_TEXT else text[:MAX_TEXT - 1] + "…"


class Reporter:
    """The node's report; written when it changed."""

    def __init__(self, guestinfo, state):
        self.guestinfo, self.state = guestinfo, state
        self.scrub = Scrubber()
        self.values = {"phase": "booting", "waiting_for": None, "services": {}, "cluster": {},
                       "files_digest": None, "error": None, "target": "", "unreadable": False}
        self.written = None

    def look(self):
        """Whether vCenter has the report still: it is written again where somebody removed or changed it."""
        if self.guestinfo.get(STATUS_KEY) != self.written:
            self.written = None

    def say(self, **changes):
        """Reports."""
        self.values.update(changes)
        report = dict(self.values, version=STATUS_VERSION, revision=self.state["applied"])
        for name in ("waiting_for", "error"):
            report[name] = self.scrub(report[name]) if report[name] else None
        report["services"] = {name: dict(health, detail=self.scrub(health["detail"]))
                              for name, health in report["services"].items()}
        report["cluster"] = {name: self.scrub(value) for name, value in report["cluster"].items()}
        text = json.dumps(report, sort_keys=True, separators=(",", ":"))
        if text == self.written:
            return
        log("%s%s%s" % (report["phase"], ", waiting for " + report["waiting_for"] if report["waiting_for"] else "",
                        "; " + report["error"] if report["error"] else ""))
        if self.guestinfo.set(STATUS_KEY, text):
            self.written = text


class Unit(collections.namedtuple("Unit", "load active sub file_state type result status_text ended")):
    """A service as systemd sees it."""

    def runs(self):
        """Whether it runs, or is about to."""
        return self.active in ("active", "activating", "reloading", "refreshing")

    def is_up(self):
        """Whether it does its work."""
        # A oneshot that never ran has no result of its own: systemd calls that a success too.
        ran = self.ended not in ("", "0")
        done = self.type == "oneshot" and self.active == "inactive" and self.result == "success" and ran
        return self.active in ("active", "reloading", "refreshing") or done

    def describe(self):
        """Its state in words."""
        if self.load == "not-found":
            return "there is no such unit"
        state = "%s (%s)" % (self.active, self.sub) if self.sub and self.sub != self.active else self.active
        state = state if self.result in ("success", "") else "%s, %s" % (state, self.result)
        return "%s: %s" % (state, self.status_text) if self.status_text and not self.is_up() else state


class Systemd:
    """Services."""

    PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "Type", "Result", "StatusText",
                  "InactiveEnterTimestampMonotonic")

    def __init__(self, host):
        self.host = host

    def call(self, *arguments, **options):
        return self.host.run(["systemctl"] + list(arguments), **options)

    def units(self, names):
        """The state of services, by name."""
        if not names:
            return {}
        code, text = self.call("show", "--property", ",".join(self.PROPERTIES), "--", *names, timeout_s=60, errors=False)
        blocks = text.strip("\n").split("\n\n")
        if code != 0 or len(blocks) != len(names):
            raise StepFailed("systemd does not say how its services are")
        found = {}
        for name, block in zip(names, blocks):
            values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            found[name] = Unit(*(values.get(key, "") for key in self.PROPERTIES))
        return found

    def enable(self, name, unit):
        """Makes a service start with the machine."""
        if unit.load == "not-found":
            raise StepFailed("there is no service `%s`; does a package lack?" % name)
        if unit.file_state in ("disabled", "generated", "bad", ""):
            # A unit may have an old script of its name beside it, without the links that update-rc.d wants to see.
            env = dict(os.environ, SYSTEMCTL_SKIP_SYSV="0" if unit.file_state == "generated" else "1")
            code, text = self.call("enable", name, timeout_s=120, env=env)
            if code != 0:
                raise StepFailed("service `%s` cannot be enabled: %s" % (name, last_line(text)))

    def last_words(self, name):
        """The last line that a service logged."""
        unit = name if "." in name else name + ".service"
        code, text = self.host.run(["journalctl", "-q", "-o", "cat", "-n", "1", "_SYSTEMD_UNIT=" + unit], 20, errors=False)
        return last_line(text) if code == 0 else ""


class Packages:
    """Operating system packages."""

    def __init__(self, host):
        self.host = host
        self.policy = host.path(POLICY_PATH)

    def missing(self, names):
        """The packages that are not installed."""
        if not names:
            return []
        query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n"] + names
        _, text = self.host.run(query, 60, errors=False)
        there = {line.split()[0] for line in text.splitlines() if line.endswith(" installed")}
        return [name for name in names if name not in there]

    def install(self, names):
        """Installs packages; their services stay stopped."""
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
        ours = self.forbid_starting()
        try:
            self.host.run(["dpkg", "--force-confold", "--configure", "-a"], PACKAGES_TIMEOUT_S, env=env)
            self.host.run(["apt-get", "update", "-q"], PACKAGES_TIMEOUT_S, env=env)
            code, text = self.host.run(
                ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300",
                 "-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Options::=--force-confdef", "--"] + names,
                PACKAGES_TIMEOUT_S, env=env)
        finally:
            if ours:
                self.clean_up()
        if code != 0:
            raise StepFailed("packages %s cannot be installed: %s" % (", ".join(names), last_line(text)))

    def forbid_starting(self):
        """Debian's way to keep packages from starting services; one that the image has stays."""
        if os.path.exists(self.policy):
            return False
        write_atomically(self.policy, ("#!/bin/sh\n%s\nexit 101\n" % POLICY_MARK).encode(), 0o755)
        return True

    def clean_up(self):
        """Takes our policy away, also one that an agent which was killed left."""
        try:
            with open(self.policy, encoding="utf-8", errors="replace") as file:
                ours = POLICY_MARK in file.read()
        except OSError:
            return
        if ours:
            os.unlink(self.policy)


class Application:
    """One attempt to make the machine what a document says. Every step may find itself done."""

    def __init__(self, agent, document):
        self.host, self.guestinfo, self.state = agent.host, agent.guestinfo, agent.state
        self.disk, self.systemd, self.packages = agent.disk, agent.systemd, agent.packages
        self.say, self.begin, self.document = agent.progress, agent.begin, document

    def run(self):
        """Applies."""
        if self.state["target"] != self.document.revision:
            self.state.save(target=self.document.revision, done=[])
        self.install_packages()
        self.stop_services()
        self.write_files()
        self.start_services()
        if self.guestinfo.get(REPAIR_KEY):
            self.guestinfo.set(REPAIR_KEY, "")
        self.state.save(applied=self.document.revision, repairing=False)

    def install_packages(self):
        self.begin()
        missing = self.packages.missing(self.document.packages)
        if missing:
            self.say("applying", "packages " + ", ".join(missing))
            self.packages.install(missing)

    def stop_services(self):
        """Stops what the last document had and this one has not."""
        self.begin()
        names = self.document.names
        gone = [name for name in self.state["services"] if name not in names]
        self.state.save(services=sorted(set(names) | set(gone)))
        for name in gone:
            self.say("applying", "service `%s` to stop" % name)
            if self.systemd.units([name])[name].load != "not-found":
                self.drive("disable", name, "--now")
        dirty = {name: verb for name, verb in self.state["dirty"].items() if name in names}
        self.state.save(services=sorted(names), dirty=dirty)

    def write_files(self):
        self.begin()
        self.say("applying", "files")
        wanted = {file.path for file in self.document.files}
        gone = [path for path in self.state["files"] if path not in wanted]
        changed = {path for path in gone if os.path.lexists(self.host.path(path))}
        changed |= {file.path for file in self.document.files if self.disk.read(file.path) != file.content}
        if changed:
            self.mark(changed)
        self.state.save(files=sorted(wanted | set(gone)))
        # What is new comes first: Keystone must not miss a token key that moves from one file to a new one.
        for file in sorted(self.document.files, key=lambda file: os.path.lexists(self.host.path(file.path))):
            self.disk.install(file)
        for path in gone:
            self.disk.remove(path)
        self.state.save(files=sorted(wanted))
        if self.state["units_changed"]:
            if self.systemd.call("daemon-reload", timeout_s=120)[0] != 0:
                raise StepFailed("systemd does not read its units again")
            self.state.save(units_changed=False)

    def mark(self, changed):
        """Notes what the services that run will need, before the first file is touched."""
        units = self.systemd.units(self.document.names)
        dirty = dict(self.state["dirty"])
        for service in self.document.services:
            name = service["name"]
            if not units[name].runs():
                continue
            if changed.intersection(service["restart_on"]):
                dirty[name] = "restart"
            elif changed.intersection(service["reload_on"]):
                dirty.setdefault(name, "reload")
        units_changed = self.state["units_changed"] or any(path.startswith(UNIT_FOLDERS) for path in changed)
        self.state.save(dirty=dirty, units_changed=units_changed)

    def start_services(self):
        """Actions that name no service of the document run first, or last when they come after something."""
        names = self.document.names
        loose = [action for action in self.document.actions
                 if action.get("before") not in names and action.get("after") not in names]
        for action in loose:
            if not action.get("after"):
                self.act(action)
        for name in names:
            for action in self.document.tied("before", name):
                self.act(action)
            self.bring_up(name)
            for action in self.document.tied("after", name):
                self.act(action)
        for action in loose:
            if action.get("after"):
                self.act(action)

    def bring_up(self, name):
        self.begin()
        unit = self.systemd.units([name])[name]
        self.systemd.enable(name, unit)
        verb = self.state["dirty"].get(name) if unit.runs() else None
        if unit.active == "failed":
            self.systemd.call("reset-failed", name, timeout_s=60)
        if verb == "restart":
            self.drive("restart", name)
        elif not unit.is_up():
            self.drive("start", name)
        if verb == "reload":
            self.drive("reload-or-restart", name)
        dirty = {other: verb for other, verb in self.state["dirty"].items() if other != name}
        self.state.save(dirty=dirty)

    def drive(self, verb, name, *options):
        """Has systemd do something, and says meanwhile how far it is. systemd has its own limits of time."""
        word = {"reload-or-restart": "reload", "disable": "stop"}.get(verb, verb)
        self.say("applying", "service `%s` to %s" % (name, word))

        def tick():
            self.stop_if_superseded()
            text = self.systemd.units([name])[name].status_text
            self.say("applying", "service `%s` to %s%s" % (name, word, ": " + text if text else ""))

        code, text = self.systemd.call(verb, *options, name, tick=tick)
        unit = self.systemd.units([name])[name]
        if code != 0 or not (verb == "disable" or unit.is_up()):
            why = self.systemd.last_words(name) or last_line(text)
            raise StepFailed("service `%s` did not %s (%s): %s" % (name, word, unit.describe(), why))

    def act(self, action):
        self.begin()
        name, run, basis = action["name"], action["run"], self.document.basis(action)
        if name in self.state["once" if run == "once" else "done"] or (basis and self.state["acted"].get(name) == basis):
            return
        if run == "wait":
            self.await_others(action)
        else:
            self.say("applying", action["description"])
            code, text = self.host.shell(action["command"], ACTION_TIMEOUT_S, action["user"])
            if code != 0:
                raise StepFailed("action `%s` (%s) ended with status %d: %s"
                                 % (name, action["description"], code, last_line(text)))
        if run == "once":
            self.state.save(once=sorted(self.state["once"] + [name]))
        elif basis:
            self.state.save(acted=dict(self.state["acted"], **{name: basis}))
        else:
            self.state.save(done=self.state["done"] + [name])

    def await_others(self, action):
        delay_s = 1
        self.say("applying", action["description"])
        while self.host.shell(action["command"], WAIT_TIMEOUT_S, action["user"])[0] != 0:
            self.say("waiting", action["description"])
            self.host.sleep(delay_s)
            delay_s = min(delay_s + 1, WAIT_DELAY_S)
            self.stop_if_superseded()

    def stop_if_superseded(self):
        revision = self.guestinfo.get(REVISION_KEY)
        if revision and revision != self.document.revision:
            raise Superseded()


class Health:
    """What services and checks say."""

    FACT = re.compile(r"^([a-z][a-z0-9_]{0,63})[=\t](.{1,100})$")

    def __init__(self, host):
        self.host = host
        self.services, self.cluster = {}, {}

    def note(self, name, healthy, detail):
        """A check may have the name of a service: then both must be healthy."""
        before = self.services.get(name)
        if before is None or (before["healthy"] and not healthy):
            self.services[name] = {"healthy": healthy, "detail": detail}

    def check(self, check):
        """Runs a check; returns whether all is well."""
        probe = {"tcp": self.tcp, "http": self.http, "command": self.command}.get(check["kind"])
        try:
            detail = probe(check) if probe else "this agent knows no check `%s`" % check["kind"]
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            detail = "port %s: %s" % (check.get("port"), reason)
        self.note(check["name"], not detail, detail)
        return not detail

    def tcp(self, check):
        with socket.create_connection((check["address"], check["port"]), CONNECT_TIMEOUT_S):
            return ""

    def http(self, check):
        connection = http.client.HTTPConnection(check["address"], check["port"], timeout=CHECK_TIMEOUT_S)
        try:
            connection.request("GET", check.get("path") or "/", headers={"User-Agent": "vio-agent"})
            status = connection.getresponse().status
        finally:
            connection.close()
        return "" if status < 400 else "port %d answers with status %d" % (check["port"], status)

    def command(self, check):
        """What a check prints as `name=value`, or with a tab between, is a fact of the cluster."""
        code, text = self.host.shell(check["command"], CHECK_TIMEOUT_S)
        for name, value in filter(None, (map_fact(self.FACT.match(line)) for line in text.splitlines()[:MAX_FACTS])):
            self.cluster[name] = value
        return "" if code == 0 else "exit status %d: %s" % (code, last_line(text))

    def complaint(self):
        """What is unhealthy, in words; empty when nothing is."""
        sick = ["%s: %s" % (name, health["detail"]) for name, health in sorted(self.services.items())
                if not health["healthy"]]
        return "; ".join(sick[:3]) + ("; and %d more" % (len(sick) - 3) if len(sick) > 3 else "")


def map_fact(match):
    return match.groups() if match else None


class Agent:
    """Watches, applies, supervises. `step` does what is due and returns after how many seconds more is."""

    def __init__(self, host):
        self.host = host
        self.guestinfo, self.disk = Guestinfo(host), Disk(host)
        self.systemd, self.packages = Systemd(host), Packages(host)
        self.state = State(host)
        self.report = Reporter(self.guestinfo, self.state)
        self.document = None
        self.unreadable = 0     # reads in a row that found no whole document
        self.attempts = 0       # failed applications of this document in a row
        self.steps = 0          # steps that the application has begun; those that find themselves done count
        self.failed_step = 0    # the step at which the last application failed
        self.due = 0            # when to apply or to look again
        self.look_s = UNHEALTHY_LOOK_S
        self.doubted = False    # the last look found something that was not well, and that is not said yet
        self.idle_since = host.now()
        self.starts = {}        # services that were dead: (starts so far, when to start it again)
        self.silent = {}        # services that run and do not answer: (restarts so far, since when)

    def run(self):
        """Works until it is stopped."""
        self.packages.clean_up()
        self.report.say(phase="booting", waiting_for="VMware Tools to hand over the node's configuration")
        while True:
            try:
                delay_s = self.step()
            except StepFailed as error:
                delay_s = self.fail(str(error))
            except Exception as error:  # the node must go on reporting, whatever it meets
                delay_s = self.fail("%s: %s" % (type(error).__name__, error))
            self.host.sleep(delay_s)

    def step(self):
        revision = self.guestinfo.get(REVISION_KEY)
        if revision and (self.document is None or self.document.revision != revision):
            delay_s = self.take(revision)
            if delay_s is not None:
                return delay_s
        if self.document is None:
            self.report.say(phase="booting", waiting_for="the node's configuration")
            return IDLE_POLL_S if self.host.now() - self.idle_since > IDLE_AFTER_S else POLL_S
        if self.host.now() < self.due:
            return IDLE_POLL_S if self.host.now() - self.idle_since > IDLE_AFTER_S else POLL_S
        if not self.state.is_applied(self.document):
            return self.apply()
        return self.supervise()

    def take(self, revision):
        """Reads the document of a revision; returns when to try again, None when it is there."""
        try:
            self.document = self.guestinfo.document(revision)
        except (Torn, Refused) as error:
            self.unreadable += 1
            final = isinstance(error, Refused) or self.unreadable > TORN_READS
            self.report.say(phase="failed" if final else "waiting", error=str(error) if final else None, target=revision,
                            unreadable=isinstance(error, Torn),
                            waiting_for=None if final else "the whole configuration of revision %.12s" % revision)
            return POLL_S if self.unreadable <= TORN_READS else MAX_DELAY_S
        self.report.scrub = Scrubber(self.document)
        self.unreadable = self.attempts = self.due = self.failed_step = 0
        self.look_s = UNHEALTHY_LOOK_S
        self.doubted = False
        self.starts, self.silent = {}, {}
        self.idle_since = self.host.now()
        phase = "booting" if self.state.is_applied(self.document) else "applying"
        self.report.say(phase=phase, error=None, target=revision, unreadable=False, services={}, cluster={}, files_digest=None,
                        waiting_for="its services to be looked at")
        return None

    def begin(self):
        """Counts a step. Its order in a document is the same in every attempt."""
        self.steps += 1

    def progress(self, phase, waiting_for):
        """Reports a step, unless the agent has given up: then only success is news. An error is past with its step."""
        if self.attempts < ATTEMPTS:
            error = self.report.values["error"] if self.steps <= self.failed_step else None
            self.report.say(phase=phase, waiting_for=waiting_for, error=error)

    def apply(self):
        self.steps = 0
        try:
            Application(self, self.document).run()
        except Superseded:
            return 0
        except (StepFailed, OSError) as error:
            return self.fail(str(error))
        self.attempts = self.due = self.failed_step = 0
        self.report.say(phase="applying", waiting_for="its services to be looked at", error=None,
                        files_digest=self.disk.digest(self.document))
        return 0

    def fail(self, reason):
        """Counts a failed attempt and says when the next one is."""
        self.attempts += 1
        self.failed_step = self.steps
        if self.attempts >= ATTEMPTS:
            delay_s = GIVEN_UP_DELAY_S
            self.report.say(phase="failed", waiting_for=None, error=reason)
        else:
            delay_s = min(2 ** (self.attempts - 1), MAX_DELAY_S)
            self.report.say(phase="applying", error=reason,
                            waiting_for="attempt %d of %d" % (self.attempts + 1, ATTEMPTS))
        self.due = self.host.now() + delay_s
        return min(delay_s, POLL_S)

    def supervise(self):
        """Looks at services, checks and files, starts what is dead, repairs what it is asked to."""
        begun = self.host.now()
        digest = self.disk.digest(self.document)
        if self.guestinfo.get(REPAIR_KEY):
            if digest == self.document.digest:
                self.guestinfo.set(REPAIR_KEY, "")  # or it would repair what is changed later, unseen
            else:
                log("files are not as they should be, and a repair is asked for")
                self.state.save(repairing=True, done=[])
                return 0
        health = Health(self.host)
        units = self.systemd.units(self.document.names)
        for name, unit in units.items():
            health.note(name, unit.is_up(), "" if unit.is_up() else unit.describe())
            self.revive(name, unit)
        sick = [check.get("service") for check in self.document.checks if not health.check(check)]
        self.rouse([name for name, unit in units.items() if name in sick and unit.is_up()])
        complaint = health.complaint()
        self.attempts = 0
        # A busy machine may not answer once. What is not well at two looks in a row is said.
        self.doubted = bool(complaint) and not self.doubted and self.report.values["phase"] == "ready"
        if self.doubted:
            self.due = self.host.now() + UNHEALTHY_LOOK_S
            return POLL_S
        self.report.look()
        self.report.say(phase="waiting" if complaint else "ready", waiting_for=complaint or None, error=None,
                        services=health.services, cluster=health.cluster, files_digest=digest)
        now = self.host.now()
        # A cluster settles for some time after its members are ready. Looking must not keep a small machine busy.
        self.look_s = UNHEALTHY_LOOK_S if complaint else min(2 * self.look_s, LOOK_S)
        self.due = now + max(self.look_s, min(4 * (now - begun), LONGEST_LOOK_S))
        return POLL_S

    def revive(self, name, unit):
        """Starts a service that is dead, more and more seldom."""
        if unit.is_up():
            self.starts.pop(name, None)
            return
        count, due = self.starts.get(name, (0, 0))
        if unit.runs() or unit.load == "not-found" or self.host.now() < due:
            return
        log("service `%s` is dead: %s" % (name, self.report.scrub(unit.describe())))
        self.systemd.enable(name, unit)
        self.systemd.call("reset-failed", name, timeout_s=60)
        self.systemd.call("start", "--no-block", name, timeout_s=60)
        self.starts[name] = (count + 1, self.host.now() + min(2 ** count, GIVEN_UP_DELAY_S))

    def rouse(self, names):
        """Restarts services that run and have not answered for long, more and more seldom."""
        now = self.host.now()
        self.silent = {name: self.silent.get(name, (0, now)) for name in names}
        for name, (count, since) in self.silent.items():
            if now - since >= min(SILENT_S * 2 ** count, LONGEST_SILENT_S):
                log("service `%s` runs and has not answered for %d s: it is restarted" % (name, now - since))
                self.systemd.call("restart", "--no-block", name, timeout_s=60)
                self.silent[name] = (count + 1, now)


def main():
    parser = argparse.ArgumentParser(description="Makes this machine what its document in guestinfo says.")
    parser.add_argument("--root", default="/", help="folder that stands for / (tests)")
    Agent(Host(parser.parse_args().root)).run()


if __name__ == "__main__":
    main()
