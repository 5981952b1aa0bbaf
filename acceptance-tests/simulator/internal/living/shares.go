//go:build linux

package living

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shareOut lets guests share the processors as machines on a host do: each has the same part of what all want, however
// many processes it has. Without it a guest that boots a dozen services takes the time of one that serves. A cloud
// counts like four of this machine's processes outside of all groups, among which are the clients that ask it.
func shareOut(group string) error {
	cloud := filepath.Dir(group)
	// In a single tree (version 2) children have shares once their parents give them out.
	for _, parent := range []string{filepath.Dir(cloud), cloud} {
		controllers, _ := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
		if !slices.Contains(strings.Fields(string(controllers)), "cpu") {
			continue
		}
		if err := set(filepath.Join(parent, "cgroup.subtree_control"), "+cpu"); err != nil {
			return err
		}
	}
	if err := set(filepath.Join(cloud, "cpu.weight"), "400"); err != nil {
		return err
	}
	if err := set(filepath.Join(cloud, "cpu.shares"), "4096"); err != nil {
		return err
	}
	// A machine's keepalived runs before everything else on it; in a group of version 1 that takes a part of its own, of
	// which the cloud has as much as forty machines.
	if err := set(filepath.Join(cloud, "cpu.rt_runtime_us"), "400000"); err != nil {
		return err
	}
	return set(filepath.Join(group, "cpu.rt_runtime_us"), "10000")
}

// set writes a control group's file, if the group has it.
func set(file, value string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.WriteFile(file, []byte(value), 0); err != nil {
		return fmt.Errorf("set %s of a control group: %w", filepath.Base(file), err)
	}
	return nil
}
