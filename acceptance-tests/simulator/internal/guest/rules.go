package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Behaviours of a guest.
const (
	behaveNormal     = "normal"
	behaveNeverBoots = "never_boots"
	behaveNeverReady = "never_ready"
	behaveGarbage    = "garbage_status"
	behaveOther      = "other_revision"
	behaveFailed     = "failed"
	behaveUnhealthy  = "unhealthy"
	behaveDrifted    = "drifted"
	behaveFlapping   = "flapping"
)

// flapTime is how long a flapping guest is well, and then unwell.
const flapTime = 300 * time.Millisecond

var behaviours = []string{"", behaveNormal, behaveNeverBoots, behaveNeverReady, behaveGarbage, behaveOther, behaveFailed,
	behaveUnhealthy, behaveDrifted, behaveFlapping}

// Rule says how the guests of some machines behave. The first rule that fits a machine's name counts.
type Rule struct {
	// Name is a glob over machine names; empty fits all.
	Name string `json:"name"`
	// Behaviour is one of the constants above; empty means normal.
	Behaviour string `json:"behaviour"`
	// BootDelayMS and ApplyDelayMS replace the defaults.
	BootDelayMS  *int `json:"boot_delay_ms"`
	ApplyDelayMS *int `json:"apply_delay_ms"`
	// WaitingFor is what a guest that is never ready says it waits for.
	WaitingFor string `json:"waiting_for"`
	// Error is what a failed guest reports.
	Error string `json:"error"`
	// Service is the one that an unhealthy or flapping guest reports; empty means all.
	Service string `json:"service"`
	// Cluster is reported as the cluster's facts.
	Cluster json.RawMessage `json:"cluster"`
}

// ruleBook holds the rules in force.
type ruleBook struct {
	mu    sync.Mutex
	rules []Rule
}

// parseRules reads and checks a JSON list of rules.
func parseRules(raw json.RawMessage) ([]Rule, error) {
	var rules []Rule
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, fmt.Errorf("read the guest rules: %w", err)
	}
	for i, rule := range rules {
		if !slices.Contains(behaviours, rule.Behaviour) {
			return nil, fmt.Errorf("rule %d: unknown behaviour %q, there are %q", i, rule.Behaviour, behaviours[1:])
		}
		if _, err := path.Match(rule.Name, ""); err != nil {
			return nil, fmt.Errorf("rule %d: the name %q is no glob: %w", i, rule.Name, err)
		}
	}
	return rules, nil
}

func (b *ruleBook) set(rules []Rule) {
	b.mu.Lock()
	b.rules = rules
	b.mu.Unlock()
}

// of returns the rule for a machine.
func (b *ruleBook) of(name string) Rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rule := range b.rules {
		if ok, _ := path.Match(rule.Name, name); ok || rule.Name == "" {
			return rule
		}
	}
	return Rule{}
}

// delay returns the rule's own delay, or the default.
func delay(ms *int, standard time.Duration) time.Duration {
	if ms == nil {
		return standard
	}
	return time.Duration(*ms) * time.Millisecond
}

// report turns the status of a healthy node into what the rule wants to be seen.
func (r Rule) report(status Status) string {
	if len(r.Cluster) > 0 {
		status.Cluster = r.Cluster
	}
	switch r.Behaviour {
	case behaveGarbage:
		return "{not json"
	case behaveOther:
		status.Revision = "0000000000000000000000000000000000000000000000000000000000000000"
	case behaveFailed:
		status.Phase, status.Error = phaseFailed, r.Error
		if status.Error == "" {
			status.Error = "the node could not be configured"
		}
	case behaveUnhealthy:
		r.complain(&status)
	case behaveDrifted:
		status.FilesDigest = filesDigest([]File{{Path: "/drifted", Content: status.FilesDigest}})
	}
	return encode(status)
}

// complain makes the status that of a node whose services are not well: as the agent, it then waits for them.
func (r Rule) complain(status *Status) {
	var sick []string
	for name := range status.Services {
		if r.Service == "" || r.Service == name {
			status.Services[name] = Service{Detail: "does not answer"}
			sick = append(sick, name+": does not answer")
		}
	}
	if len(sick) > 0 {
		slices.Sort(sick)
		status.Phase, status.WaitingFor = phaseWaiting, strings.Join(sick, "; ")
	}
}

func encode(status Status) string {
	text, err := json.Marshal(status)
	if err != nil {
		return "{}" // only possible with cluster facts that are not JSON, which parseRules has refused
	}
	return string(text)
}
