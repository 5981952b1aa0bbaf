package front

import (
	"sort"
	"strings"
	"sync"
	"time"
)

// Call is one API call as the log remembers it.
type Call struct {
	// Seq counts all API calls from 1.
	Seq int `json:"seq"`
	// Method is the SOAP method, as in "CloneVM_Task".
	Method string `json:"method"`
	// Type is the type of the object the method was called on.
	Type string `json:"type"`
	// Object is the inventory name of that object; empty for managers.
	Object string `json:"object,omitempty"`
	// Name is the name that the call gives to something: a clone, a folder, a rule.
	Name string `json:"name,omitempty"`
	// AtMS is when the call came, in milliseconds after the start or the last reset.
	AtMS int64 `json:"at_ms"`
	// Outcome is "ok", a fault's type, or the kind of the injected failure.
	Outcome string `json:"outcome"`

	// mutation tells more of a call that changes the inventory.
	mutation *Mutation
}

// Snapshot is the log as the control endpoint shows it.
type Snapshot struct {
	Calls     int            `json:"calls"`
	Methods   map[string]int `json:"methods"`
	Mutations []Call         `json:"mutations"`
	Faults    map[string]int `json:"faults"`
	// Privileges are those that the calls needed, with how often.
	Privileges      map[string]int `json:"privileges"`
	Violations      []string       `json:"violations"`
	Injected        []string       `json:"injected"`
	BytesIn         int64          `json:"bytes_in"`
	BytesOut        int64          `json:"bytes_out"`
	Connections     int            `json:"connections"`
	ConnectionsOpen int            `json:"connections_open"`
	Logins          int            `json:"logins"`
	Logouts         int            `json:"logouts"`
	SessionsOpen    int            `json:"sessions_open"`
	MaxInFlight     int            `json:"max_in_flight"`
}

// Log counts what clients do. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	start    time.Time
	seq      int
	inFlight int
	snap     Snapshot
	// generation tells calls that began before a reset from those after it.
	generation int
}

// NewLog returns an empty log.
func NewLog() *Log {
	l := &Log{}
	l.clear()
	return l
}

// clear empties the log. Open connections stay counted; calls in flight begin a new maximum.
func (l *Log) clear() {
	l.start, l.seq = time.Now(), 0
	l.generation++
	l.snap = Snapshot{Methods: map[string]int{}, Faults: map[string]int{}, Privileges: map[string]int{}, Mutations: []Call{},
		Violations: []string{}, Injected: []string{}, ConnectionsOpen: l.snap.ConnectionsOpen, MaxInFlight: l.inFlight}
}

// Reset forgets everything but the connections that are open.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
}

// begin notes a call and returns the function that notes its end.
func (l *Log) begin(call Call, bytesIn int) func(outcome string, bytesOut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	call.Seq, call.AtMS = l.seq, time.Since(l.start).Milliseconds()
	l.snap.Calls++
	l.snap.Methods[call.Method]++
	l.snap.BytesIn += int64(bytesIn)
	l.inFlight++
	l.snap.MaxInFlight = max(l.snap.MaxInFlight, l.inFlight)
	generation := l.generation
	return func(outcome string, bytesOut int) { l.end(generation, call, outcome, bytesOut) }
}

func (l *Log) end(generation int, call Call, outcome string, bytesOut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	if generation != l.generation {
		return
	}
	l.snap.BytesOut += int64(bytesOut)
	call.Outcome = outcome
	if outcome != outcomeOK {
		l.snap.Faults[outcome]++
	}
	if mutates(call.Method) {
		l.snap.Mutations = append(l.snap.Mutations, call)
	}
	if outcome == outcomeOK {
		switch {
		case strings.HasPrefix(call.Method, "Login"):
			l.snap.Logins++
		case call.Method == "Logout":
			l.snap.Logouts++
		}
	}
}

// violation notes a request that a real vCenter would have refused to read.
func (l *Log) violation(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snap.Violations = append(l.snap.Violations, text)
}

// privilege notes that a call needed a privilege.
func (l *Log) privilege(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snap.Privileges[name]++
}

// injected notes that a fault rule took effect.
func (l *Log) injected(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snap.Injected = append(l.snap.Injected, text)
}

// connection counts a connection that opened (1) or closed (-1).
func (l *Log) connection(delta int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snap.ConnectionsOpen += delta
	if delta > 0 {
		l.snap.Connections++
	}
}

// Snapshot returns a copy of the log, mutations in the order in which they came.
func (l *Log) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	snap := l.snap
	snap.Methods, snap.Faults = copyCounts(snap.Methods), copyCounts(snap.Faults)
	snap.Privileges = copyCounts(snap.Privileges)
	snap.Mutations = append([]Call{}, snap.Mutations...)
	snap.Violations = append([]string{}, snap.Violations...)
	snap.Injected = append([]string{}, snap.Injected...)
	sort.Slice(snap.Mutations, func(i, j int) bool { return snap.Mutations[i].Seq < snap.Mutations[j].Seq })
	return snap
}

func copyCounts(counts map[string]int) map[string]int {
	out := make(map[string]int, len(counts))
	for key, n := range counts {
		out[key] = n
	}
	return out
}

// readOnlyPrefixes are the beginnings of method names that change nothing but the caller's session.
var readOnlyPrefixes = []string{"Retrieve", "ContinueRetrieve", "Query", "Find", "WaitFor", "CancelWait", "Login", "Logout",
	"SessionIsActive", "CurrentTime", "Fetch", "Check", "Get", "Has", "CreateFilter", "CreatePropertyCollector",
	"CreateListView", "CreateContainerView", "CreateInventoryView", "ModifyListView", "ResetListView",
	"DestroyPropertyFilter", "DestroyPropertyCollector", "DestroyView", "Validate", "PlaceVm", "Recommend"}

// mutates says whether a method changes the inventory.
func mutates(method string) bool {
	for _, prefix := range readOnlyPrefixes {
		if strings.HasPrefix(method, prefix) {
			return false
		}
	}
	return true
}
