package front

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Kinds of injected failures.
const (
	kindFault      = "fault"
	kindTaskFault  = "task_fault"
	kindDropBefore = "drop_before"
	kindDropAfter  = "drop_after"
	kind503        = "503"
	kindDelay      = "delay"
	kindExpire     = "expire_session"
	kindHoldBefore = "hold_before"
	kindHoldAfter  = "hold_after"
	kindHoldTask   = "hold_task"
	kindHoldEach   = "hold_each"
)

// FaultRule makes calls fail. A rule matches by method and by name, lets Nth-1 matches pass and then takes effect
// Count times.
type FaultRule struct {
	// Method is a glob over SOAP method names; empty matches all.
	Method string `json:"method"`
	// Mutating lets the rule match only methods that change the inventory.
	Mutating bool `json:"mutating"`
	// ObjectName is a glob over the object's name and the name the call gives; empty matches all.
	ObjectName string `json:"object_name"`
	// Nth is the first match that fails, from 1; 0 means 1.
	Nth int `json:"nth"`
	// Count is how many matches fail from there on; 0 means 1, -1 means all.
	Count int `json:"count"`
	// Kind is one of fault, task_fault, drop_before, drop_after, 503, delay, expire_session, hold_before, hold_after,
	// hold_task, hold_each, or of those in answers.go.
	Kind string `json:"kind"`
	// Fault is the vSphere type of the fault, for fault, task_fault and fault_after.
	Fault string `json:"fault"`
	// Detail fills fields of the fault, by their vSphere names.
	Detail json.RawMessage `json:"detail"`
	// MS is how long delay waits, or how long the task of task_fault runs, in milliseconds.
	MS int `json:"ms"`
	// Objects is how many objects a page of page holds.
	Objects int `json:"objects"`
	// Varying are keys of ExtraConfig of which each run says something else: hold_each does not tell calls apart by them.
	Varying []string `json:"varying"`

	seen int
}

// faultRules is the list in force; the first rule that takes effect wins.
type faultRules struct {
	mu    sync.Mutex
	rules []*FaultRule
}

// add appends rules after checking them; either all are added or none.
func (f *faultRules) add(rules []*FaultRule) error {
	for i, rule := range rules {
		if err := rule.check(); err != nil {
			return fmt.Errorf("rule %d: %w", i, err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rules...)
	return nil
}

func (f *faultRules) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// match counts the call with every rule it fits and returns the first rule that takes effect.
func (f *faultRules) match(call Call) *FaultRule {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hit *FaultRule
	for _, rule := range f.rules {
		if rule.fits(call) && rule.count() && hit == nil {
			hit = rule
		}
	}
	return hit
}

func (r *FaultRule) check() error {
	switch r.Kind {
	case kindFault, kindTaskFault:
		_, err := r.newFault()
		return err
	case kindDropBefore, kindDropAfter, kind503, kindDelay, kindExpire, kindHoldBefore, kindHoldAfter, kindHoldTask,
		kindHoldEach:
		return nil
	}
	if isAnswerKind(r.Kind) {
		return r.checkAnswer()
	}
	return fmt.Errorf("unknown kind %q", r.Kind)
}

func (r *FaultRule) fits(call Call) bool {
	if !glob(r.Method, call.Method) || r.Mutating && !mutates(call.Method) {
		return false
	}
	return r.ObjectName == "" || glob(r.ObjectName, call.Object) || glob(r.ObjectName, call.Name)
}

// count notes one match and says whether it is one of those that fail.
func (r *FaultRule) count() bool {
	r.seen++
	first := max(r.Nth, 1)
	count := r.Count
	if count == 0 {
		count = 1
	}
	return r.seen >= first && (count < 0 || r.seen < first+count)
}

// newFault makes the rule's fault; its type defaults to a plain vSphere fault.
func (r *FaultRule) newFault() (types.BaseMethodFault, error) {
	name := r.Fault
	if name == "" {
		name = "GenericVmConfigFault"
	}
	kind, ok := vimType(name)
	if !ok {
		return nil, fmt.Errorf("%q is not a vSphere type", name)
	}
	value := reflect.New(kind).Interface()
	fault, ok := value.(types.BaseMethodFault)
	if !ok {
		return nil, fmt.Errorf("%q is not a fault", name)
	}
	if len(r.Detail) > 0 {
		if err := json.Unmarshal(r.Detail, value); err != nil {
			return nil, fmt.Errorf("detail of %s: %w", name, err)
		}
	}
	return fault, nil
}

// inject makes the call fail as the rule says; false means that the call goes on.
func (c *apiCall) inject(rule *FaultRule) bool {
	switch rule.Kind {
	case kindDelay:
		time.Sleep(time.Duration(rule.MS) * time.Millisecond)
		return false
	case kindExpire:
		c.server.sessions.terminate(sessionKey(c.r))
		return false
	case kindDropBefore:
		c.done(kindDropBefore, 0)
		panic(http.ErrAbortHandler)
	case kindDropAfter:
		// The call takes effect, only its reply is lost.
		c.forward(httptest.NewRecorder())
		panic(http.ErrAbortHandler)
	case kindHoldBefore, kindHoldAfter, kindHoldTask, kindHoldEach:
		return c.hold(rule)
	case kind503:
		http.Error(c.w, "no healthy upstream", http.StatusServiceUnavailable)
		c.done(kind503, 0)
		return true
	}
	if isAnswerKind(rule.Kind) {
		return c.injectAnswer(rule)
	}
	return c.injectFault(rule)
}

func (c *apiCall) injectFault(rule *FaultRule) bool {
	fault, err := rule.newFault()
	if err != nil || !c.server.sessions.authenticated(c.r) && c.call.Method != "Login" {
		return false // without a session the simulator says NotAuthenticated, as vCenter would
	}
	kind := reflect.TypeOf(fault).Elem().Name()
	if rule.Kind == kindFault {
		c.done(kind, writeFault(c.w, "injected "+kind, fault))
		return true
	}
	if !strings.HasSuffix(c.call.Method, "_Task") {
		return false
	}
	task := simulator.CreateTask(c.method.This, lowerFirst(strings.TrimSuffix(c.call.Method, "_Task")),
		func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
			time.Sleep(time.Duration(rule.MS) * time.Millisecond)
			return nil, fault
		})
	n := writeTask(c.w, c.call.Method, vc.RunDetached(vc.NewContext(c.server.reg), task))
	c.done("task:"+kind, n)
	return true
}

// glob matches with path.Match's wildcards; an empty pattern matches everything.
func glob(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func newReader(body []byte) io.Reader { return bytes.NewReader(body) }
