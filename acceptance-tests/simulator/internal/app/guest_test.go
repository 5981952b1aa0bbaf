package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/types"
)

const document = `{"version":1,"node":"node-1","kind":"controller","release":"7","extra":true,
 "files":[{"path":"/etc/b","content":"two"},{"path":"/etc/a","content":"one","mode":"0600"}],
 "services":[{"name":"nova-api","restart":true},{"name":"mysql"}],"checks":[{"name":"api"}]}`

// report is the status of a guest, decoded.
type report struct {
	Revision    string
	Phase       string
	WaitingFor  string `json:"waiting_for"`
	Error       string
	FilesDigest string `json:"files_digest"`
	Services    map[string]struct{ Healthy bool }
}

func (w *world) report(name string) report {
	w.t.Helper()
	var out report
	_ = json.Unmarshal([]byte(w.facts(name).ExtraConfig["guestinfo.vio.status"]), &out)
	return out
}

// phase waits until a guest reports a phase.
func (w *world) phase(name, phase string) report {
	w.t.Helper()
	var last report
	eventually(w.t, name+" is "+phase, func() bool {
		last = w.report(name)
		return last.Phase == phase
	})
	return last
}

func (w *world) nodeOn(name string, values map[string]string) {
	w.t.Helper()
	spec := w.cloneSpec(values)
	spec.PowerOn = true
	w.clone(name, spec)
}

func TestAGuestBootsAppliesItsDocumentAndReportsReady(t *testing.T) {
	t.Parallel()
	for _, parts := range []int{0, 50} {
		t.Run(fmt.Sprint(parts), func(t *testing.T) {
			w := start(t)
			values := desired(document, parts)
			values["vio.management_address"] = "10.0.0.11/24"
			w.nodeOn("node-1", values)
			got := w.phase("node-1", "ready")
			if got.Revision != values["guestinfo.vio.desired.revision"] || got.Error != "" {
				t.Errorf("report is %+v", got)
			}
			if len(got.Services) != 3 || !got.Services["mysql"].Healthy || !got.Services["api"].Healthy {
				t.Errorf("services are %+v", got.Services)
			}
			sum := sha256.Sum256([]byte("/etc/a\x00one\x00/etc/b\x00two\x00"))
			if got.FilesDigest != hex.EncodeToString(sum[:]) {
				t.Errorf("digest is %s", got.FilesDigest)
			}
			facts := w.facts("node-1")
			if facts.Tools != "guestToolsRunning" || facts.Address != "10.0.0.11" {
				t.Errorf("tools %s, address %s", facts.Tools, facts.Address)
			}
		})
	}
}

func TestTheControlEndpointDecodesTheDocument(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.nodeOn("node-1", desired(document, 0))
	w.phase("node-1", "ready")
	var out struct {
		Guest struct {
			Document struct{ Kind string }
			Status   struct{ Phase string }
		}
	}
	w.get("vm?name=node-1", &out)
	if out.Guest.Document.Kind != "controller" || out.Guest.Status.Phase != "ready" {
		t.Errorf("guest is %+v", out.Guest)
	}
}

func TestAddressesComeFromCloudInitMetadataToo(t *testing.T) {
	t.Parallel()
	w := start(t)
	metadata := "local-hostname: node-1.example\nnetwork:\n  ethernets:\n    ens192:\n      addresses: [10.0.0.21/24]\n"
	values := desired(document, 0)
	values["guestinfo.metadata"] = base64.StdEncoding.EncodeToString([]byte(metadata))
	values["guestinfo.metadata.encoding"] = "base64"
	w.nodeOn("node-1", values)
	w.phase("node-1", "ready")
	if got := w.facts("node-1").Address; got != "10.0.0.21" {
		t.Errorf("address is %s", got)
	}
	if got := w.props(w.vm("node-1")).Guest.HostName; got != "node-1.example" {
		t.Errorf("host name is %s", got)
	}
}

func TestANewDocumentIsAppliedToARunningNode(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.nodeOn("node-1", desired(document, 0))
	w.phase("node-1", "ready")
	next := desired(strings.Replace(document, "one", "three", 1), 0)
	w.must(w.vm("node-1").Reconfigure(context.Background(), types.VirtualMachineConfigSpec{ExtraConfig: extraConfig(next)}))
	eventually(t, "the new revision is applied", func() bool {
		got := w.report("node-1")
		return got.Phase == "ready" && got.Revision == next["guestinfo.vio.desired.revision"]
	})
}

func TestADocumentThatIsNotItsRevisionIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	values := desired(document, 0)
	values["guestinfo.vio.desired.revision"] = strings.Repeat("0", 64)
	w.nodeOn("node-1", values)
	if got := w.phase("node-1", "failed"); !strings.Contains(got.Error, "revision") {
		t.Errorf("error is %q", got.Error)
	}
}

func TestAFileEditedByHandShowsAndIsRepairedAlone(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.nodeOn("node-1", desired(document, 0))
	good := w.phase("node-1", "ready").FilesDigest
	w.post("vm/edit-file?name=node-1&path=/etc/a&content=edited", nil)
	eventually(t, "the edit shows", func() bool {
		got := w.report("node-1")
		return got.Phase == "ready" && got.FilesDigest != good
	})
	repair := map[string]string{"guestinfo.vio.desired.repair": "requested"}
	w.must(w.vm("node-1").Reconfigure(context.Background(), types.VirtualMachineConfigSpec{ExtraConfig: extraConfig(repair)}))
	eventually(t, "the file is back", func() bool {
		got := w.report("node-1")
		return got.Phase == "ready" && got.FilesDigest == good
	})
	var out struct {
		Guest struct{ Applications, Repairs int }
	}
	w.get("vm?name=node-1", &out)
	key := w.facts("node-1").ExtraConfig["guestinfo.vio.desired.repair"]
	if out.Guest.Applications != 1 || out.Guest.Repairs != 1 || key != "" {
		t.Errorf("guest is %+v, the request is %q", out.Guest, key)
	}
}

func TestWatchersSeeTheStatusUnderItsKeyAndUnderExtraConfig(t *testing.T) {
	t.Parallel()
	for _, path := range []string{`config.extraConfig["guestinfo.vio.status"]`, "config.extraConfig"} {
		t.Run(path, func(t *testing.T) {
			w := start(t)
			vm := w.clone("node-1", w.cloneSpec(desired(document, 0)))
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			power := w.login()
			go func() { _, _ = methodsPowerOn(power, vm.Reference()) }()
			seen := false
			err := property.Wait(ctx, property.DefaultCollector(w.client.Client), vm.Reference(), []string{path}, func(changes []types.PropertyChange) bool {
				for _, change := range changes {
					seen = seen || strings.Contains(fmt.Sprintf("%+v", flatten(change.Val)), `"phase":"ready"`)
				}
				return seen
			})
			if err != nil || !seen {
				t.Errorf("never saw it: %v", err)
			}
		})
	}
}

// flatten shows the options behind pointers.
func flatten(value types.AnyType) []types.OptionValue {
	var out []types.OptionValue
	switch v := value.(type) {
	case types.OptionValue:
		out = append(out, v)
	case types.ArrayOfOptionValue:
		for _, option := range v.OptionValue {
			out = append(out, *option.GetOptionValue())
		}
	}
	return out
}

func TestPowerOffStopsToolsAndKeepsTheStatus(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.nodeOn("node-1", desired(document, 0))
	w.phase("node-1", "ready")
	version := w.props(w.vm("node-1")).Config.ChangeVersion
	w.must(w.vm("node-1").PowerOff(context.Background()))
	facts := w.facts("node-1")
	if facts.Tools != "guestToolsNotRunning" || facts.Address != "" || w.report("node-1").Phase != "ready" {
		t.Errorf("after power-off: %+v", facts)
	}
	if got := w.props(w.vm("node-1")).Config.ChangeVersion; got != version {
		t.Errorf("guest and power changed changeVersion from %s to %s", version, got)
	}
}

func TestShutdownNeedsToolsAndTakesAMoment(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	w.post("guests", []map[string]any{{"name": "silent", "behaviour": "never_boots"}})
	w.nodeOn("silent", nil)
	wantFault[*types.ToolsUnavailable](t, w.vm("silent").ShutdownGuest(ctx))
	w.nodeOn("node-1", nil)
	eventually(t, "tools run", func() bool { return w.facts("node-1").Tools == "guestToolsRunning" })
	if err := w.vm("node-1").ShutdownGuest(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.facts("node-1").Power; got != "poweredOn" {
		t.Errorf("power is %s at once", got)
	}
	eventually(t, "the guest is down", func() bool { return w.facts("node-1").Power == "poweredOff" })
	wantFault[*types.InvalidPowerState](t, w.vm("node-1").ShutdownGuest(ctx))
}

func TestGuestsMisbehaveOnDemand(t *testing.T) {
	t.Parallel()
	w := start(t)
	values := desired(document, 0)
	revision := values["guestinfo.vio.desired.revision"]
	cases := map[string]struct {
		rule map[string]any
		is   func(raw string, got report) bool
	}{
		"never-ready": {map[string]any{"behaviour": "never_ready", "waiting_for": "quorum"},
			func(_ string, got report) bool { return got.Phase == "applying" && got.WaitingFor == "quorum" }},
		"garbage": {map[string]any{"behaviour": "garbage_status"}, func(raw string, _ report) bool { return raw == "{not json" }},
		"other": {map[string]any{"behaviour": "other_revision"},
			func(_ string, got report) bool { return got.Phase == "ready" && got.Revision != revision }},
		"failed": {map[string]any{"behaviour": "failed", "error": "no disk"},
			func(_ string, got report) bool { return got.Phase == "failed" && got.Error == "no disk" }},
		"sick": {map[string]any{"behaviour": "unhealthy", "service": "mysql"},
			func(_ string, got report) bool {
				return got.Phase == "waiting" && got.WaitingFor == "mysql: does not answer" && !got.Services["mysql"].Healthy &&
					got.Services["nova-api"].Healthy
			}},
	}
	var rules []map[string]any
	for name, c := range cases {
		rule := maps.Clone(c.rule)
		rule["name"] = name + "-*"
		rules = append(rules, rule)
	}
	w.post("guests", rules)
	for name, c := range cases {
		w.nodeOn(name+"-1", values)
		eventually(t, name, func() bool {
			return c.is(w.facts(name + "-1").ExtraConfig["guestinfo.vio.status"], w.report(name+"-1"))
		})
	}
	w.post("guests", []any{})
	for name := range cases {
		eventually(t, name+" recovers", func() bool {
			got := w.report(name + "-1")
			return got.Phase == "ready" && got.Revision == revision && got.Services["mysql"].Healthy
		})
	}
}

func TestAFlappingGuestIsWellAndUnwellInTurn(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("guests", []map[string]any{{"name": "node-*", "behaviour": "flapping"}})
	w.nodeOn("node-1", desired(document, 0))
	for range 2 {
		w.phase("node-1", "ready")
		w.phase("node-1", "waiting")
	}
	w.post("guests", []any{})
	w.phase("node-1", "ready")
	time.Sleep(700 * time.Millisecond)
	w.phase("node-1", "ready")
}

func TestWithoutGuestsNothingBoots(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *Options) { o.Guests = GuestsNone })
	w.nodeOn("node-1", desired(document, 0))
	time.Sleep(150 * time.Millisecond)
	if facts := w.facts("node-1"); facts.Tools == "guestToolsRunning" || facts.ExtraConfig["guestinfo.vio.status"] != "" {
		t.Errorf("node-1 is %+v", facts)
	}
}

func TestTheHistoryTellsWhatAGuestAppliedAndWhenItWentOff(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.nodeOn("node-1", desired(document, 0))
	w.phase("node-1", "ready")
	w.post("vm/power-off?name=node-1", nil)
	var events []struct {
		Node, Event, Revision string
		Document              map[string]any
	}
	w.get("guests/history?name=node-*", &events)
	var story []string
	for _, event := range events {
		story = append(story, event.Node+" "+event.Event)
	}
	if got := strings.Join(story, ", "); got != "node-1 applying, node-1 applied, node-1 off" {
		t.Fatalf("the history is %q", got)
	}
	if events[1].Document["kind"] != "controller" || events[1].Revision == "" {
		t.Fatalf("the guest applied %v", events[1])
	}
}
