"""Which database member begins the cluster: three members on loopback addresses run the program itself."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import socket
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

PROGRAM = pathlib.Path(__file__).resolve().parents[4] / "schemas/releases/common/galera/election.py.j2"
HISTORY, OTHER_HISTORY = "6b1e9f2c-0000-11ee-8000-000000000001", "6b1e9f2c-0000-11ee-8000-000000000002"
GRASTATE = "# GALERA saved state\nversion: 2.1\nuuid:    %s\nseqno:   %d\nsafe_to_bootstrap: %d\n"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Member:
    """A member's disk and its run of the program; each has its own copy of the module."""

    def __init__(self, folder, name, address, ports, members):
        self.folder, self.name, self.address = pathlib.Path(folder) / name, name, address
        self.folder.mkdir()
        sys.dont_write_bytecode = True
        loader = importlib.machinery.SourceFileLoader("election", str(PROGRAM))
        self.program = importlib.util.module_from_spec(importlib.util.spec_from_loader("election", loader))
        loader.exec_module(self.program)
        self.program.MEMBERS, self.program.DATA = str(self.folder / "members"), str(self.folder)
        self.program.VERDICT, self.program.ROUND_S = str(self.folder / "run/galera.env"), 0.02
        self.program.GROUP_PORT, self.program.ELECTION_PORT = ports
        lines = ["%s %s%s" % (other, where, " self" if other == name else "") for other, where in members.items()]
        (self.folder / "members").write_text("\n".join(lines) + "\n")
        self.thread = threading.Thread(target=self.program.main, daemon=True)

    def state(self, history, seqno, last=0):
        (self.folder / "grastate.dat").write_text(GRASTATE % (history, seqno, last))
        return self

    def verdict(self):
        path = self.folder / "run/galera.env"
        return None if not path.exists() else "begin" if "--wsrep-new-cluster" in path.read_text() else "join"

    def serve(self):
        """The server starts: it answers its group."""
        return socket.create_server((self.address, self.program.GROUP_PORT))


@unittest.skipUnless(sys.platform == "linux", "the members need loopback addresses of their own")
class Elections(unittest.TestCase):
    def setUp(self):
        output = contextlib.redirect_stdout(io.StringIO())
        output.__enter__()
        self.addCleanup(output.__exit__, None, None, None)
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        addresses = {"db1": "127.0.0.11", "db2": "127.0.0.12", "db3": "127.0.0.13"}
        ports = (free_port(), free_port())
        self.members = {name: Member(held.name, name, address, ports, addresses) for name, address in addresses.items()}

        self.addCleanup(self.stop)

    def stop(self):
        """Who still asks leaves."""
        for member in self.members.values():
            member.program.read_members = sys.exit
            if member.thread.is_alive():
                member.thread.join()

    def start(self, *names):
        for name in names or self.members:
            self.members[name].thread.start()

    def settle(self, name, expected):
        for _ in range(500):
            if self.members[name].verdict() is not None and not self.members[name].thread.is_alive():
                break
            time.sleep(0.02)
        self.assertEqual(self.members[name].verdict(), expected)

    def finish(self, elected):
        """The elected one begins, its server answers, the others join."""
        self.start()
        self.settle(elected, "begin")
        others = [name for name in self.members if name != elected]
        self.assertEqual([self.members[name].verdict() for name in others], [None, None])
        self.serve(elected)
        for name in others:
            self.settle(name, "join")

    def serve(self, name):
        server = self.members[name].serve()
        self.addCleanup(server.close)
        return server

    def test_in_a_new_deployment_the_first_member_begins(self):
        self.finish("db1")

    def test_after_all_went_down_the_most_advanced_member_begins(self):
        for name, seqno in (("db1", 40), ("db2", 42), ("db3", 41)):
            self.members[name].state(HISTORY, seqno)
        (self.members["db2"].folder / "gvwstate.dat").write_text("my_uuid: x\n")
        self.finish("db2")
        state = (self.members["db2"].folder / "grastate.dat").read_text()
        self.assertIn("safe_to_bootstrap: 1\n", state)
        self.assertFalse((self.members["db2"].folder / "gvwstate.dat").exists())

    def test_of_equals_the_one_that_left_last_begins(self):
        for name in self.members:
            self.members[name].state(HISTORY, 40, int(name == "db3"))
        self.finish("db3")

    def test_a_replaced_member_never_begins_while_others_have_data(self):
        self.members["db2"].state(HISTORY, 7)
        self.members["db3"].state(HISTORY, 9)
        self.finish("db3")

    def test_after_a_crash_the_position_comes_from_the_storage_engine(self):
        for name, seqno in (("db1", 5), ("db2", 6), ("db3", 9)):
            member = self.members[name].state(HISTORY, -1)
            answer = mock.Mock(stdout="--wsrep_start_position=%s:%d\n" % (HISTORY, seqno))
            member.program.subprocess = mock.Mock(run=mock.Mock(return_value=answer))
        self.finish("db3")

    def test_a_running_member_is_joined_at_once_and_its_view_kept(self):
        self.members["db1"].state(HISTORY, -1)
        view = self.members["db1"].folder / "gvwstate.dat"
        view.write_text("my_uuid: x\n")
        self.serve("db2")
        self.start("db1")
        self.settle("db1", "join")
        self.assertTrue(view.exists())

    def test_nobody_begins_while_one_is_silent(self):
        for name in self.members:
            self.members[name].state(HISTORY, 40)
        self.start("db1", "db2")
        time.sleep(0.5)
        self.assertEqual([self.members[name].verdict() for name in ("db1", "db2")], [None, None])
        self.start("db3")
        self.settle("db1", "begin")

    def test_the_one_that_left_last_waits_for_the_silent_only_so_long(self):
        self.members["db1"].program.SILENCE_S = self.members["db2"].program.SILENCE_S = 0.2
        self.members["db1"].state(HISTORY, 40)
        self.members["db2"].state(HISTORY, 41, 1)
        self.start("db1", "db2")
        self.settle("db2", "begin")
        self.assertIsNone(self.members["db1"].verdict())

    def test_different_histories_are_left_to_an_administrator(self):
        self.members["db1"].state(HISTORY, 1)
        self.members["db2"].state(OTHER_HISTORY, 2)
        self.start()
        time.sleep(0.5)
        self.assertEqual([member.verdict() for member in self.members.values()], [None] * 3)

    def test_a_single_member_begins_each_time(self):
        member = self.members["db1"].state(HISTORY, 3)
        (member.folder / "members").write_text("db1 127.0.0.11 self\n")
        self.start("db1")
        self.settle("db1", "begin")

    def test_an_administrator_overrules(self):
        self.members["db1"].state(HISTORY, 1)
        with mock.patch.dict(os.environ, {"_WSREP_NEW_CLUSTER": "--wsrep-new-cluster"}):
            self.members["db1"].program.main()
        self.assertEqual(self.members["db1"].verdict(), "join")

    def test_what_was_decided_before_is_no_administrators_word(self):
        self.members["db1"].state(HISTORY, 1)
        decided = {"_WSREP_NEW_CLUSTER": "--wsrep-new-cluster", "VIO_ELECTED": "1"}
        with mock.patch.dict(os.environ, decided):
            self.start("db1")
            time.sleep(0.3)
        self.assertIsNone(self.members["db1"].verdict(), "it asks the others again")


if __name__ == "__main__":
    unittest.main()
