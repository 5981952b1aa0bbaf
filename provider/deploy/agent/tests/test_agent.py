"""What the agent promises. Run with `python3 -m unittest` in this folder."""

import http.server
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

from fakes import AGENT_PATH, USER, Killed, Machine, MachineTest, action, agent, document, file, service


class Applying(MachineTest):
    def test_files_services_and_actions_are_applied_in_order(self):
        self.machine.unit("one"), self.machine.unit("two")
        revision = self.machine.give(document(
            files=[file("/etc/one/a.conf", "a = 1\n", "0640")], services=[service("one"), service("two")],
            actions=[action("after_one", self.logging_command("after-one"), after="one"),
                     action("before_two", self.logging_command("before-two"), before="two"),
                     action("before_one", self.logging_command("before-one"), before="one")]))
        self.work()
        self.assertEqual(self.on_disk("/etc/one/a.conf"), "a = 1\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.machine.path("/etc/one/a.conf")).st_mode), 0o640)
        self.assertEqual(self.trace(), ["before-one", "after-one", "before-two"])
        self.assertEqual(self.machine.calls, ["enable one", "start one", "enable two", "start two"])
        self.assertEqual(self.machine.report["revision"], revision)
        self.assertEqual(self.machine.report["services"], {"one": {"healthy": True, "detail": ""},
                                                           "two": {"healthy": True, "detail": ""}})
        self.assertIsNone(self.machine.report["waiting_for"])

    def test_a_second_application_does_nothing(self):
        self.machine.unit("one")
        wanted = document(files=[file("/a", "1")], services=[service("one", ["/a"])],
                          actions=[action("once", self.logging_command("once"), "once", before="one")])
        self.machine.give(wanted)
        self.work()
        before = os.stat(self.machine.path("/a")).st_ino
        os.unlink(self.machine.path(agent.STATE_PATH))
        del self.machine.calls[:]
        os.unlink(self.machine.path("/trace"))
        self.work()
        self.assertEqual(self.machine.calls, [])
        self.assertEqual(os.stat(self.machine.path("/a")).st_ino, before)

    def test_only_what_changed_is_restarted_or_reloaded(self):
        for name in ("restarts", "reloads", "stays"):
            self.machine.unit(name)
        services = [service("restarts", ["/a"]), service("reloads", ["/c"], ["/a"]), service("stays", ["/b"])]
        self.machine.give(document([file("/a", "1"), file("/b", "1")], services))
        running = self.work()
        del self.machine.calls[:]
        self.machine.give(document([file("/a", "2"), file("/b", "1")], services))
        running.step()
        self.work(running)
        self.assertEqual(self.machine.calls, ["restart restarts", "reload-or-restart reloads"])

    def test_a_service_that_an_action_started_is_not_restarted(self):
        unit = self.machine.unit("one")
        flag = self.machine.path("/started")
        self.machine.give(document([file("/a", "1")], [service("one", ["/a"])],
                                   [action("start", "touch " + flag, before="one")]))
        shell = self.machine.shell

        def starting(*arguments, **options):
            unit.active = "active"
            return shell(*arguments, **options)
        self.machine.shell = starting
        self.work()
        self.assertEqual(self.machine.calls, ["enable one"])

    def test_new_files_are_there_before_others_change_or_go(self):
        self.machine.give(document([file("/keys/0", "second"), file("/keys/1", "first")]))
        self.work()
        self.machine.give(document([file("/keys/0", "third"), file("/keys/2", "second")]))
        seen, install = [], agent.Disk.install

        def look(disk, wanted):
            install(disk, wanted)
            seen.append({self.on_disk("/keys/" + name) for name in os.listdir(self.machine.path("/keys"))})

        with mock.patch.object(agent.Disk, "install", look):
            self.work()
        self.assertEqual(seen, [{"second", "first"}, {"third", "second", "first"}])
        self.assertEqual(sorted(os.listdir(self.machine.path("/keys"))), ["0", "2"])

    def test_a_file_and_a_service_that_left_the_document_go(self):
        self.machine.unit("stays"), self.machine.unit("goes")
        both = [service("stays", ["/old"]), service("goes")]
        self.machine.give(document([file("/a", "1"), file("/old", "1")], both))
        running = self.work()
        del self.machine.calls[:]
        self.machine.give(document([file("/a", "1")], both[:1]))
        running.step()
        self.work(running)
        self.assertEqual(self.machine.calls, ["disable --now goes", "restart stays"])
        self.assertFalse(os.path.exists(self.machine.path("/old")))
        self.assertEqual(self.machine.units["goes"].file_state, "disabled")

    def test_actions_of_once_run_once_and_of_on_change_with_each_document(self):
        self.machine.unit("one")
        actions = [action("once", self.logging_command("once"), "once", before="one"),
                   action("change", self.logging_command("change"), after="one")]
        for content in ("1", "2"):
            self.machine.give(document([file("/a", content)], [service("one")], actions))
            self.work()
        self.assertEqual(self.trace(), ["once", "change", "change"])

    def test_an_action_that_says_what_it_reads_runs_again_only_for_that(self):
        self.machine.unit("one")
        def give(read, other, command="a"):
            self.machine.give(document([file("/read", read), file("/other", other)], [service("one")],
                                       [action("act", self.logging_command(command), before="one", reads=["/read"])]))
            self.work()
        give("1", "1")
        give("1", "2")
        self.assertEqual(self.trace(), ["a"])
        give("2", "2")
        give("2", "2", "b")
        self.assertEqual(self.trace(), ["a", "a", "b"])

    def test_an_action_that_failed_runs_again_although_nothing_it_reads_has_changed(self):
        self.machine.unit("one")
        failing = action("act", self.logging_command("act") + "; exit 1", before="one", reads=["/read"])
        self.machine.give(document([file("/read", "1")], [service("one")], [failing]))
        self.work(until="failed")
        self.assertEqual(len(self.trace()), agent.ATTEMPTS)

    def test_units_are_read_again_when_one_changed(self):
        self.machine.unit("one")
        self.machine.give(document([file("/etc/systemd/system/one.service.d/vio.conf", "[Service]\n")], [service("one")]))
        self.work()
        self.assertEqual(self.machine.calls, ["daemon-reload", "enable one", "start one"])

    def test_a_unit_is_enabled_without_the_script_of_its_name(self):
        seen = []
        for name, file_state in (("native", "disabled"), ("script", "generated")):
            unit = self.machine.unit(name, file_state=file_state)
            unit.enabling = lambda: seen.append(self.machine.environment["SYSTEMCTL_SKIP_SYSV"])
        self.machine.give(document(services=[service("native"), service("script")]))
        self.work()
        self.assertEqual(seen, ["1", "0"])

    def test_long_documents_come_in_parts(self):
        self.machine.give(document([file("/a", "x" * 5000)]), parts=3)
        self.work()
        self.assertEqual(len(self.on_disk("/a")), 5000)

    def test_a_mode_is_mended_without_a_restart(self):
        self.machine.unit("one")
        self.machine.give(document([file("/a", "1", "0600")], [service("one", ["/a"])]))
        running = self.work()
        os.chmod(self.machine.path("/a"), 0o644)
        del self.machine.calls[:]
        self.machine.give(document([file("/a", "1", "0600"), file("/b", "1")], [service("one", ["/a"])]))
        running.step()
        self.work(running)
        self.assertEqual(stat.S_IMODE(os.stat(self.machine.path("/a")).st_mode), 0o600)
        self.assertEqual(self.machine.calls, [])


class InstallingPackages(MachineTest):
    def test_missing_packages_are_installed_and_start_nothing(self):
        self.machine.installed, self.machine.installable = {"chrony"}, {"haproxy"}
        self.machine.give(document(packages=["chrony", "haproxy"]))
        self.work()
        self.assertEqual(self.machine.calls, ["apt-get update", "apt-get install"])
        self.assertTrue(self.machine.policy_seen)
        self.assertFalse(os.path.exists(self.machine.path(agent.POLICY_PATH)))

    def test_nothing_is_asked_of_apt_when_nothing_is_missing(self):
        self.machine.installed = {"chrony"}
        self.machine.give(document(packages=["chrony"]))
        self.work()
        self.assertEqual(self.machine.calls, [])

    def test_a_policy_of_the_image_stays(self):
        self.write(agent.POLICY_PATH, "#!/bin/sh\nexit 101\n")
        self.machine.installable = {"haproxy"}
        self.machine.give(document(packages=["haproxy"]))
        self.work()
        self.assertEqual(self.on_disk(agent.POLICY_PATH), "#!/bin/sh\nexit 101\n")

    def test_a_package_that_is_nowhere_is_named(self):
        self.machine.give(document(packages=["haproxyy"]))
        self.work(until="failed")
        self.assertIn("haproxyy", self.machine.report["error"])


class Failing(MachineTest):
    def failing(self):
        self.machine.unit("one")
        return document([file("/a", "1")], [service("one")], [action("bad", "echo no luck; exit 3", after="one")])

    def test_a_failing_action_is_tried_a_bounded_number_of_times_and_then_named(self):
        self.machine.give(self.failing())
        running = self.work(until="failed")
        self.assertEqual(running.attempts, agent.ATTEMPTS)
        self.assertEqual(self.machine.report["error"], "action `bad` (do bad) ended with status 3: no luck")
        self.assertEqual(self.machine.report["revision"], "")
        count = len(self.machine.reports)
        for _ in range(300):
            self.machine.sleep(running.step())
        self.assertEqual(len(self.machine.reports), count, "having given up is said once")

    def test_before_giving_up_it_says_which_attempt_it_waits_for(self):
        self.machine.give(self.failing())
        running = self.agent()
        while not (self.machine.reports and self.machine.report["error"]):
            running.step()
        self.assertEqual(self.machine.report["phase"], "applying")
        self.assertEqual(self.machine.report["waiting_for"], "attempt 2 of 20")

    def test_an_error_stays_until_its_step_is_past_and_no_longer(self):
        flag = self.machine.path("/luck")
        self.machine.give(document(services=[], actions=[
            action("first", "true"), action("bad", "test -e %s || { echo no luck; exit 3; }" % flag),
            action("late", "true")]))
        running = self.agent()
        while running.attempts < 3:
            self.machine.sleep(running.step())
        tried_again = [report for report in self.machine.reports if report["waiting_for"] == "do bad"]
        self.assertEqual([bool(report["error"]) for report in tried_again], [False, True, True])
        self.write("/luck", "")
        self.work(running)
        late = [report for report in self.machine.reports if report["waiting_for"] == "do late"]
        self.assertEqual([(report["phase"], report["error"]) for report in late], [("applying", None)])
        self.assertIsNone(self.machine.report["error"])

    def test_a_new_document_ends_the_failure(self):
        self.machine.give(self.failing())
        running = self.work(until="failed")
        self.machine.give(document([file("/a", "1")], [service("one")]))
        self.work(running)
        self.assertIsNone(self.machine.report["error"])

    def test_what_heals_is_applied_also_after_giving_up(self):
        self.machine.unit("one").broken = True
        self.machine.give(document(services=[service("one")]))
        running = self.work(until="failed")
        self.assertIn("service `one` did not start (failed, exit-code): the last words", self.machine.report["error"])
        self.machine.units["one"].broken = False
        self.work(running)

    def test_a_wait_has_no_bound_and_says_what_it_waits_for(self):
        self.machine.unit("one")
        flag = self.machine.path("/others")
        self.machine.give(document(services=[service("one")],
                                   actions=[action("others", "test -e " + flag, "wait", before="one")]))
        sleeps = []

        def later():
            sleeps.append(1)
            if len(sleeps) == 30:
                self.write("/others", "")
        self.machine.on_sleep = later
        self.work()
        waits = [report for report in self.machine.reports if report["phase"] == "waiting"]
        self.assertEqual([report["waiting_for"] for report in waits], ["do others"])

    def test_a_wait_ends_when_another_document_comes(self):
        self.machine.unit("one")
        self.machine.give(document(services=[service("one")], actions=[action("others", "false", "wait", before="one")]))
        self.machine.on_sleep = lambda: self.machine.give(document(services=[service("one")]))
        self.work()

    def test_a_command_that_hangs_is_stopped(self):
        code, text = agent.Host().shell("sleep 60", 0.2, USER)
        self.assertEqual(code, 124)
        self.assertIn("longer", text)

    def test_an_unknown_user_is_named(self):
        self.machine.give(document([file("/a", "1", owner="nobody-knows")]))
        self.work(until="failed")
        self.assertIn("nobody-knows", self.machine.report["error"])

    def test_a_service_that_does_not_exist_is_named(self):
        self.machine.give(document(services=[service("nothing")]))
        self.work(until="failed")
        self.assertIn("`nothing`", self.machine.report["error"])


class TornDocuments(MachineTest):
    def test_a_document_that_is_being_written_is_read_again(self):
        self.machine.give(document([file("/a", "1")]))
        whole = self.machine.guestinfo[agent.DOCUMENT_KEY]
        self.machine.guestinfo[agent.DOCUMENT_KEY] = whole[:40]
        running = self.work(until="waiting")
        self.assertFalse(os.path.exists(self.machine.path("/a")))
        self.machine.guestinfo[agent.DOCUMENT_KEY] = whole
        self.work(running)

    def test_the_old_document_under_the_new_revision_is_not_applied_again(self):
        self.machine.give(document([file("/a", "1")]))
        running = self.work()
        old = self.machine.guestinfo[agent.DOCUMENT_KEY]
        self.machine.give(document([file("/a", "2")]))
        new, self.machine.guestinfo[agent.DOCUMENT_KEY] = self.machine.guestinfo[agent.DOCUMENT_KEY], old
        self.work(running, until="waiting")
        self.machine.guestinfo[agent.DOCUMENT_KEY] = new
        self.work(running)
        self.assertEqual(self.on_disk("/a"), "2")

    def test_a_missing_part_is_waited_for(self):
        self.machine.give(document([file("/a", "x" * 3000)]), parts=2)
        last = self.machine.guestinfo.pop(agent.DOCUMENT_KEY + ".2")
        running = self.work(until="waiting")
        self.machine.guestinfo[agent.DOCUMENT_KEY + ".2"] = last
        self.work(running)

    def test_one_that_never_becomes_whole_is_a_failure_that_heals(self):
        self.machine.give(document([file("/a", "1")]))
        whole, self.machine.guestinfo[agent.DOCUMENT_KEY] = self.machine.guestinfo[agent.DOCUMENT_KEY], "no base64!"
        running = self.work(until="failed")
        self.assertTrue(self.machine.report["unreadable"])
        self.machine.guestinfo[agent.DOCUMENT_KEY] = whole
        self.work(running)
        self.assertFalse(self.machine.report["unreadable"])

    def test_a_version_of_the_future_is_refused(self):
        self.machine.give(dict(document(), version=2))
        self.work(until="failed")
        self.assertFalse(self.machine.report["unreadable"], "writing it again would not help")
        self.assertIn("version 2", self.machine.report["error"])

    def test_a_path_that_leaves_its_folder_is_refused(self):
        self.machine.give(document([file("/etc/../../outside", "1")]))
        self.work(until="failed")

    def test_without_a_document_it_is_booting(self):
        running = self.agent()
        running.step()
        self.assertEqual((self.machine.report["phase"], self.machine.report["waiting_for"]),
                         ("booting", "the node's configuration"))


class Drift(MachineTest):
    def setUp(self):
        super().setUp()
        self.machine.unit("one"), self.machine.unit("two")
        self.machine.give(document([file("/a", "1"), file("/b", "1")], [service("one", ["/a"]), service("two", ["/b"])]))
        self.running = self.work()
        self.good = self.machine.report["files_digest"]
        del self.machine.calls[:]

    def looked_again(self):
        self.machine.sleep(60)
        self.running.step()
        return self.machine.report

    def test_a_file_edited_by_hand_shows_in_the_digest_and_stays(self):
        self.write("/a", "edited")
        report = self.looked_again()
        self.assertNotEqual(report["files_digest"], self.good)
        self.assertEqual(report["phase"], "ready")
        self.assertEqual((self.on_disk("/a"), self.machine.calls), ("edited", []))
        self.write("/a", "1")
        self.assertEqual(self.looked_again()["files_digest"], self.good)

    def test_a_file_that_is_missing_is_left_out_of_the_digest(self):
        os.unlink(self.machine.path("/a"))
        self.assertEqual(self.looked_again()["files_digest"], agent.files_digest([("/b", b"1")]))

    def test_a_repair_that_is_asked_for_touches_that_file_and_its_service_alone(self):
        untouched = os.stat(self.machine.path("/b")).st_ino
        self.write("/a", "edited")
        self.machine.guestinfo[agent.REPAIR_KEY] = "please"
        self.looked_again()
        self.work(self.running)
        self.assertEqual(self.machine.report["files_digest"], self.good)
        self.assertEqual(self.machine.calls, ["restart one"])
        self.assertEqual(os.stat(self.machine.path("/b")).st_ino, untouched)
        self.assertEqual(self.machine.guestinfo[agent.REPAIR_KEY], "")
        self.write("/a", "edited")
        self.looked_again()
        self.assertEqual(self.on_disk("/a"), "edited", "one request is one repair")

    def test_a_request_without_a_changed_file_does_not_wait_for_one(self):
        self.machine.guestinfo[agent.REPAIR_KEY] = "please"
        self.looked_again()
        self.assertEqual((self.machine.guestinfo[agent.REPAIR_KEY], self.machine.calls), ("", []))
        self.write("/a", "edited")
        self.looked_again()
        self.assertEqual(self.on_disk("/a"), "edited")

    def test_a_repair_survives_being_killed_at_every_effect(self):
        for kill_in in range(200):
            self.write("/a", "edited")
            self.machine.guestinfo[agent.REPAIR_KEY] = "please"
            del self.machine.calls[:]
            self.machine.sleep(60)
            self.machine.kill_in = kill_in
            killed = False
            with self.killing_writes():
                try:
                    self.work(self.agent())
                    self.machine.sleep(60)
                    self.work(self.agent())
                except Killed:
                    killed = True
                self.machine.kill_in = None
            self.work(self.agent())
            self.assertEqual((self.on_disk("/a"), self.machine.guestinfo[agent.REPAIR_KEY]), ("1", ""))
            self.assertIn("restart one", self.machine.calls)
            self.assertNotIn("restart two", self.machine.calls)
            if not killed:
                return
        self.fail("the repair has no end")


class BeingKilled(MachineTest):
    def test_killed_at_every_effect_it_converges(self):
        services = [service("one", ["/etc/one"]), service("two", ["/etc/two"])]
        first = document([file("/etc/one", "1"), file("/etc/two", "1"), file("/etc/old", "1")], services)
        second = document([file("/etc/one", "2"), file("/etc/two", "1"), file("/etc/new", "1")], services,
                          [action("act", self.logging_command("act"), "once", before="one")])
        kills = 0
        while True:
            machine = self.machine = Machine(self.machine.root)
            for name in ("one", "two"):
                machine.unit(name).reads = lambda name=name: self.on_disk("/etc/" + name)
            machine.give(first)
            self.forget()
            self.work()
            machine.give(second)
            machine.kill_in = kills
            with self.killing_writes():
                try:
                    self.work()
                    self.assertGreater(kills, 15)
                    return
                except Killed:
                    machine.kill_in = None
                    self.work()
            self.check_second(machine)
            kills += 1

    def forget(self):
        for path in (agent.STATE_PATH, "/trace", "/etc/new"):
            if os.path.exists(self.machine.path(path)):
                os.unlink(self.machine.path(path))

    def check_second(self, machine):
        self.assertEqual((self.on_disk("/etc/one"), self.on_disk("/etc/new")), ("2", "1"))
        self.assertFalse(os.path.exists(machine.path("/etc/old")))
        self.assertEqual(machine.units["one"].loaded, "2", "what changed has been restarted")
        self.assertNotIn("restart two", machine.calls)
        self.assertIn("act", self.trace())
        self.assertEqual(sorted(os.listdir(machine.path("/etc"))), ["new", "one", "two"])

    def test_a_document_that_was_begun_is_undone_when_the_one_before_returns(self):
        self.machine.unit("one")
        first = document([file("/a", "1")], [service("one", ["/a"])])
        self.machine.give(first)
        self.work()
        self.machine.give(document([file("/a", "2")], [service("one", ["/a"])], [action("bad", "false", after="one")]))
        self.work(until="failed")
        self.machine.give(first)
        self.work()
        self.assertEqual(self.on_disk("/a"), "1")
        self.assertEqual(self.machine.calls[-1], "restart one")


class PowerCycles(MachineTest):
    def test_after_a_power_cycle_it_looks_and_reports_without_doing_anything(self):
        self.machine.unit("one")
        self.machine.give(document([file("/a", "1")], [service("one", ["/a"])],
                                   [action("change", self.logging_command("change"), before="one")]))
        self.work()
        del self.machine.calls[:], self.machine.reports[:]
        self.machine.power_cycle()
        self.work()
        self.assertEqual((self.machine.calls, self.trace()), ([], ["change"]))
        self.assertEqual([report["phase"] for report in self.machine.reports], ["booting", "ready"])

    def test_a_dead_service_is_started_again_more_and_more_seldom(self):
        unit = self.machine.unit("one")
        self.machine.give(document(services=[service("one")]))
        running = self.work()
        del self.machine.calls[:]
        unit.active, unit.broken = "failed", True
        self.machine.sleep(60)
        begun = self.machine.now()
        while self.machine.now() < begun + 600:
            self.machine.sleep(running.step())
        starts = self.machine.calls.count("start --no-block one")
        self.assertTrue(8 < starts < 25, starts)
        self.assertEqual(self.machine.report["phase"], "waiting")
        self.assertIn("one: failed", self.machine.report["waiting_for"])
        unit.broken = False
        self.work(running)

    def silent_for(self, running, seconds):
        """How often a service was restarted meanwhile."""
        del self.machine.calls[:]
        until = self.machine.now() + seconds
        while self.machine.now() < until:
            self.machine.sleep(running.step())
        return self.machine.calls.count("restart --no-block one")

    def test_a_service_that_runs_and_does_not_answer_is_restarted_more_and_more_seldom(self):
        unit = self.machine.unit("one")
        answers = self.machine.path("/answers")
        look = {"name": "api", "kind": "command", "command": "test -e " + answers, "service": "one"}
        other = {"name": "other", "kind": "command", "command": "false"}
        self.write("/answers", "")
        self.machine.give(document(services=[service("one"), service("two")], checks=[look]))
        self.machine.unit("two")
        running = self.work()
        os.unlink(answers)
        self.assertEqual(self.silent_for(running, agent.SILENT_S - 5), 0)
        self.assertEqual(self.silent_for(running, 15), 1)
        self.assertEqual(self.silent_for(running, agent.SILENT_S + 10), 0)
        self.assertEqual(self.silent_for(running, agent.SILENT_S), 1)
        self.assertIn(self.silent_for(running, 20 * agent.LONGEST_SILENT_S), range(20, 24))
        self.assertEqual(self.machine.calls, ["restart --no-block one"] * len(self.machine.calls))
        self.write("/answers", "")
        self.work(running)
        self.machine.give(document(services=[service("one")], checks=[look, other]))
        self.work(running, until="waiting")
        self.assertEqual(self.silent_for(running, 3 * agent.SILENT_S), 0, "another check is not its own")
        os.unlink(answers)
        self.assertEqual(self.silent_for(running, agent.SILENT_S - 5), 0, "what it answered meanwhile counts")
        unit.active = "activating"
        self.assertEqual(self.silent_for(running, 3 * agent.SILENT_S), 0, "it starts")

    def test_a_service_that_starts_says_how_far_it_is(self):
        unit = self.machine.unit("one", "activating", "enabled")
        unit.status_text = "waiting for prod-database-03"
        self.machine.give(document())
        self.work()
        self.machine.give(document(services=[service("one")]))
        running = self.agent()
        unit.do = lambda verb, arguments: setattr(unit, "active", "active") or 0
        self.work(running)
        said = [report["waiting_for"] for report in self.machine.reports]
        self.assertIn("service `one` to start: waiting for prod-database-03", said)


class Checks(MachineTest):
    def checked(self, check, until):
        self.machine.give(document(checks=[check]))
        self.work(until=until)
        return self.machine.report["services"][check["name"]]

    def test_tcp(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            check = {"name": "amqp", "kind": "tcp", "address": "127.0.0.1", "port": port}
            self.assertTrue(self.checked(check, "ready")["healthy"])
        detail = self.checked(dict(check, name="gone"), "waiting")["detail"]
        self.assertEqual(detail, "port %d: Connection refused" % port)

    def test_http(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(300 if self.path == "/v3" else 503)
                self.end_headers()

            def log_message(self, *arguments):
                pass
        with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.server_address[1]
            check = {"name": "api", "kind": "http", "address": "127.0.0.1", "port": port, "path": "/v3"}
            self.assertTrue(self.checked(check, "ready")["healthy"])
            sick = self.checked(dict(check, path="/other"), "waiting")
            self.assertEqual(sick["detail"], "port %d answers with status 503" % port)
            server.shutdown()

    def test_command_and_the_facts_that_it_prints(self):
        check = {"name": "galera", "kind": "command",
                 "command": "printf 'wsrep_cluster_size\\t3\\nwsrep_ready=ON\\nsome words\\n'"}
        self.checked(check, "ready")
        self.assertEqual(self.machine.report["cluster"], {"wsrep_cluster_size": "3", "wsrep_ready": "ON"})

    def test_an_unhealthy_check_is_what_the_node_waits_for(self):
        self.checked({"name": "galera", "kind": "command", "command": "echo not yet; exit 1"}, "waiting")
        self.assertEqual(self.machine.report["waiting_for"], "galera: exit status 1: not yet")

    def test_a_check_that_fails_once_is_not_news(self):
        check = "test ! -e %s || { rm %s; exit 1; }" % ((self.machine.path("/once"),) * 2)
        self.machine.give(document(checks=[{"name": "busy", "kind": "command", "command": check}]))
        running = self.work()
        self.write("/once", "")
        count = len(self.machine.reports)
        for _ in range(200):
            self.machine.sleep(running.step())
        self.assertFalse(os.path.exists(self.machine.path("/once")), "nobody looked")
        self.assertEqual([report["phase"] for report in self.machine.reports[count:]], [])

    def test_a_check_and_a_service_of_one_name_must_both_be_healthy(self):
        self.machine.unit("one")
        self.machine.give(document(services=[service("one")],
                                   checks=[{"name": "one", "kind": "command", "command": "exit 1"}]))
        self.work(until="waiting")
        self.assertFalse(self.machine.report["services"]["one"]["healthy"])


class Secrets(MachineTest):
    FILES = [
        file("/etc/keystone/keystone.conf",
             "[database]\nconnection = mysql+pymysql://keystone:Sup3rSecret%21@198.18.10.10/keystone\n"
             "memcache_secret_key = correct-horse\n", "0640"),
        file("/etc/keystone/admin-password", "hunter2!\n", "0400"),
        file("/etc/vio/databases.sql", "ALTER USER 'nova'@'%' IDENTIFIED BY 'Zm9vYmFyYmF6MTIz';\n", "0600"),
        file("/etc/open.conf", "password = plainly\n", "0644"),
        file("/etc/hosts", "198.18.10.21 prod-database-01\n", "0644"),
        file("/etc/haproxy/public.pem", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqG\n-----END PRIVATE KEY-----\n", "0600"),
    ]
    WORDS = ["Sup3rSecret%21", "Sup3rSecret!", "correct-horse", "hunter2!", "Zm9vYmFyYmF6MTIz", "plainly", "MIGHAgEAMBMGByqG",
             "InTheCommand77"]

    def test_no_secret_is_in_a_report_the_state_or_the_log(self):
        self.machine.unit("one")
        noise = "echo 'denied at mysql://keystone:Sup3rSecret%21@db: " + " ".join(self.WORDS) + "'; exit 1"
        self.machine.give(document(self.FILES, [service("one")],
                                   [action("bad", "login --password=InTheCommand77; " + noise, after="one")]))
        self.work(until="failed")
        self.assertIn("denied at mysql://[hidden]@db", self.machine.report["error"])
        told = json.dumps(self.machine.reports) + self.on_disk(agent.STATE_PATH) + sys.stderr.getvalue()
        self.assertEqual([word for word in self.WORDS if word in told], [])

    def test_what_everybody_may_read_is_told(self):
        scrub = agent.Scrubber(agent.Document("r", json.dumps(document(self.FILES)).encode()))
        self.assertEqual(scrub("prod-database-01 refused keystone"), "prod-database-01 refused keystone")

    def test_facts_and_details_are_scrubbed_and_bounded(self):
        check = {"name": "c", "kind": "command", "command": "echo fact=hunter2!; echo; echo %s; exit 1" % ("x" * 9000)}
        self.machine.give(document(self.FILES, checks=[check]))
        self.work(until="waiting")
        self.assertEqual(self.machine.report["cluster"], {"fact": "[hidden]"})
        self.assertLessEqual(len(self.machine.report["services"]["c"]["detail"]), agent.MAX_TEXT)

    def test_a_secret_is_no_argument_of_a_process(self):
        code, text = self.machine.shell("tr '\\0' ' ' < /proc/$$/cmdline; : InTheCommand77", 20, USER)
        self.assertEqual(code, 0)
        self.assertNotIn("InTheCommand77", text)

    def test_private_files_are_never_readable_by_others(self):
        self.machine.give(document(self.FILES))
        modes = []

        def rename(old, new, real=os.rename):
            modes.append((os.path.basename(new), stat.S_IMODE(os.stat(old).st_mode)))
            real(old, new)
        with mock.patch.object(agent.os, "rename", rename):
            self.work()
        self.assertIn(("admin-password", 0o400), modes)


class Reports(MachineTest):
    def test_a_report_is_written_only_when_it_changed(self):
        self.machine.unit("one")
        self.machine.give(document(services=[service("one")]))
        running = self.work()
        count = len(self.machine.reports)
        looks = len(self.machine.looks)
        for _ in range(600):
            self.machine.sleep(running.step())
        self.assertEqual(len(self.machine.reports), count)
        self.assertLess(len(self.machine.looks) - looks, 100, "looking gets rarer")

    def test_a_report_that_vcenter_has_not_any_more_is_written_again(self):
        self.machine.unit("one")
        self.machine.give(document(services=[service("one")]))
        running = self.work()
        for remains in (None, "{}"):
            self.machine.guestinfo.pop(agent.STATUS_KEY)
            if remains:
                self.machine.guestinfo[agent.STATUS_KEY] = remains
            for _ in range(60):
                self.machine.sleep(running.step())
            self.assertEqual(json.loads(self.machine.guestinfo[agent.STATUS_KEY])["phase"], "ready")

    def test_every_report_that_is_not_ready_says_what_it_waits_for_or_what_failed(self):
        self.machine.unit("one")
        self.machine.give(document([file("/a", "1")], [service("one")], [action("bad", "exit 1", after="one")]))
        running = self.work(until="failed")
        self.machine.give(document(services=[service("one")]))
        self.work(running)
        for report in self.machine.reports:
            self.assertTrue(report["phase"] == "ready" or report["waiting_for"] or report["error"], report)

    def test_a_report_that_could_not_be_written_is_written_later(self):
        real, self.machine.rpctool = self.machine.rpctool, lambda arguments: (1, "")
        running = self.agent()
        running.step()
        self.machine.rpctool = real
        running.step()
        self.assertEqual(self.machine.report["phase"], "booting")


RPCTOOL = """#!/bin/sh
set -- $1
folder={folder}/guestinfo
case "$1" in
info-get) cat "$folder/$2" 2>/dev/null || {{ echo "No value found" >&2; exit 1; }} ;;
info-set) key=$2; shift 2; printf '%s' "$*" > "$folder/$key.new" && mv "$folder/$key.new" "$folder/$key" ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "$*" >> {folder}/systemctl.log
case "$1" in
show) for name in $(echo "$*" | sed 's/.* -- //'); do
    [ -e {folder}/up ] && state=active || state=inactive
    [ -z "$later" ] || echo
    later=1
    printf 'LoadState=loaded\\nActiveState=%s\\nSubState=x\\nUnitFileState=enabled\\nType=simple\\nResult=success\\n' $state
  done ;;
start) touch {folder}/up ;;
esac
"""


class AsAProcess(unittest.TestCase):
    """The agent itself, with programs on PATH, killed and started again."""

    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        (self.folder / "guestinfo").mkdir()
        (self.folder / "bin").mkdir()
        for name, text in (("vmware-rpctool", RPCTOOL), ("systemctl", SYSTEMCTL)):
            program = self.folder / "bin" / name
            program.write_text(text.format(folder=self.folder))
            program.chmod(0o755)

    def start(self):
        env = dict(os.environ, PATH="%s:%s" % (self.folder / "bin", os.environ["PATH"]))
        process = subprocess.Popen([sys.executable, str(AGENT_PATH), "--root", str(self.folder / "root")], env=env,
                                   stderr=subprocess.PIPE, universal_newlines=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, phase, revision):
        status = self.folder / "guestinfo" / agent.STATUS_KEY
        for _ in range(300):
            report = json.loads(status.read_text()) if status.exists() else {}
            if (report.get("phase"), report.get("revision")) == (phase, revision):
                return report
            time.sleep(0.1)
        self.fail("no report of %s: %s" % (phase, report))

    def give(self, wanted):
        machine = Machine(self.folder)
        revision = machine.give(wanted)
        for key, value in machine.guestinfo.items():
            (self.folder / "guestinfo" / key).write_text(value)
        return revision

    def test_it_applies_reports_and_goes_on_after_a_kill(self):
        process = self.start()
        wanted = document([file("/etc/a", "1")], [service("one", ["/etc/a"])])
        self.wait_for("ready", self.give(wanted))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wanted["files"][0]["content"] = "2"
        revision = self.give(wanted)
        self.start()
        report = self.wait_for("ready", revision)
        self.assertEqual(report["files_digest"], agent.files_digest([("/etc/a", b"2")]))
        self.assertIn("restart one\n", (self.folder / "systemctl.log").read_text())


if __name__ == "__main__":
    unittest.main()
