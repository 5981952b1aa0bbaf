package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const (
	// snapshots hold the files of nodes as the product renders them for a cloud of examples.
	snapshots = "../../provider/deploy/src/render/tests/snapshots/deploy__render__tests__documents__%s.snap"
	// exampleUser and examplePassword are that cloud's credentials of vCenter, to be written as oslo.config wants them.
	exampleUser     = "svc$vio@vsphere.local"
	examplePassword = "<vcenter:dc/tenants>"
)

// here turns the example's inventory into the simulator's.
var here = strings.NewReplacer("vcenter.example.org", "198.18.10.2", `"tenants"`, `"compute-1"`, "nfs-1", "ds-compute-1",
	`vsan \(1\)`, "ds-shared", "vsan (1)", "ds-shared", "folder/dc", "dc1")

// rendered are the files of a node of a kind by their paths.
func rendered(t *testing.T, kind string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf(snapshots, kind))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, part := range strings.Split(string(text), "\n=== ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		files[strings.Fields(head)[0]] = here.Replace(body) + "\n"
	}
	return files
}

// write puts a file into the client's root.
func (v *vcenter) write(path, text string) {
	v.t.Helper()
	world := v.world()
	file := fmt.Sprintf("/proc/%d/root%s%s", world.PID, world.ClientRoot, path)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// drive runs one of OpenStack's drivers and returns what it found.
func (v *vcenter) drive(service string) map[string]any {
	v.t.Helper()
	// Without this machine's settings: some say which certificates to trust.
	output, err := v.asClient("env", "-i", "PATH=/usr/sbin:/usr/bin", "python3", "/root/drivers.py", service)
	if err != nil {
		v.t.Fatalf("%v\n%s", err, output)
	}
	lines := strings.Split(output, "\n")
	for _, line := range lines {
		var report map[string]any
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &report) == nil {
			return report
		}
	}
	v.t.Fatalf("no report:\n%s", output)
	return nil
}

func TestOpenStackFindsWhatItNeeds(t *testing.T) {
	root := livingRoot(t)
	v := startLiving(t, program(t), root, "--user", exampleUser, "--password", examplePassword)
	compute, controller := rendered(t, "compute_driver"), rendered(t, "leading_controller")
	v.write("/etc/vio/vcenter-ca.pem", v.ready.CAPEM)
	v.write("/run/lock/nova/here", "")
	v.write("/run/lock/cinder/here", "")
	for _, path := range []string{"/etc/nova/nova.conf", "/etc/nova/nova-compute.conf", "/etc/cinder/cinder.conf"} {
		v.write(path, compute[path])
	}
	for path, text := range controller {
		if strings.Contains(path, "glance") {
			v.write(path, text)
		}
	}
	script, err := os.ReadFile("testdata/drivers.py")
	if err != nil {
		t.Fatal(err)
	}
	v.write("/root/drivers.py", string(script))
	for service, want := range map[string]map[string]any{
		"nova": {"type": "VMware vCenter Server", "vcpus": 256.0, "memory_mb": 1048576.0, "local_gb": 2048.0, "instances": []any{},
			"files": map[string]any{"datastore": "ds-shared", "seen": []any{true, false, []any{"moved"}}, "after": []any{}}},
		"glance": {"same": true, "digest": true, "length": 1048576.0, "size": 1048576.0, "size_by_head": 1048576.0, "unsized": 1048576.0,
			"deleted": true, "uri": "vsphere://198.18.10.2/folder/prod_glance/IMAGE?dsName=ds-shared&dcPath=dc1"},
		"cinder": {"backend": "vsphere", "lazily": nil, "disk_mib": 1024.0, "after": nil,
			"folder": "/dc1/vm/OpenStack/Project (p1)/prod_volumes/volume-VOLUME"},
	} {
		t.Run(service, func(t *testing.T) {
			report := v.drive(service)
			for key, value := range want {
				if !reflect.DeepEqual(report[key], value) {
					t.Errorf("%s is %v, not %v", key, report[key], value)
				}
			}
			t.Log(report)
		})
	}
}
