package front

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Moments at which a call is held.
const (
	// before: the call has come and has not acted.
	before = "before"
	// after: the call and its task have acted, and nobody was told.
	after = "after"
	// running: the task is known to its client, and has not acted.
	running = "running"
)

// Held is a call that waits at a hold rule.
type Held struct {
	Call
	// When is "before", "after" or "running".
	When string `json:"when"`

	key     string
	release chan struct{}
}

// Holds is what the control endpoint shows of held calls.
type Holds struct {
	// Now are the calls that wait at their moment.
	Now []*Held `json:"now"`
	// Coming are calls that are to be held after they have acted, and act.
	Coming int `json:"coming"`
	// Abandoned are the calls whose clients went away while they were held, in that order.
	Abandoned []*Held `json:"abandoned"`
}

// holds keeps the calls that wait. It is safe for concurrent use.
type holds struct {
	mu        sync.Mutex
	now       []*Held
	abandoned []*Held
	// passed counts by a call's key at how many of its moments its client has gone away.
	passed map[string]int
	coming int
	// lost is closed by a restart: what had not acted then never does.
	lost chan struct{}
}

func newHolds() *holds {
	return &holds{passed: map[string]int{}, lost: make(chan struct{})}
}

// keyOf tells calls apart that are repeated by another run: by the name that they give, else by all that they say.
func keyOf(call Call, says string) string {
	key := call.Method + "\x00" + call.Object + "\x00" + call.Name
	if call.Name == "" {
		key += fmt.Sprintf("\x00%x", sha256.Sum256([]byte(says)))
	}
	return key
}

// says is what the call says, without what every run says differently: the version of a machine's configuration that it
// has seen, and the values of these keys of ExtraConfig. Whether those are empty counts.
func (c *apiCall) says(varying []string) string {
	request, ok := c.method.Body.(*types.ReconfigVM_Task)
	if !ok {
		return string(c.body)
	}
	spec := request.Spec
	spec.ChangeVersion, spec.ExtraConfig = "", slices.Clone(spec.ExtraConfig)
	for i, option := range spec.ExtraConfig {
		value := option.GetOptionValue()
		if slices.Contains(varying, value.Key) && value.Value != "" {
			spec.ExtraConfig[i] = &types.OptionValue{Key: value.Key, Value: "varying"}
		}
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return string(c.body)
	}
	return request.This.Value + string(text)
}

// snapshot copies what is held.
func (h *holds) snapshot() Holds {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Holds{Now: append([]*Held{}, h.now...), Coming: h.coming, Abandoned: append([]*Held{}, h.abandoned...)}
}

// releaseAll lets everything go on that waits now.
func (h *holds) releaseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, held := range h.now {
		close(held.release)
	}
	h.now = nil
}

// forget releases all and forgets which calls have been held.
func (h *holds) forget() {
	h.releaseAll()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandoned, h.passed = nil, map[string]int{}
}

// loseTasks ends the tasks that are held: they never act.
func (h *holds) loseTasks() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.lost)
	h.lost = make(chan struct{})
	h.now = nil
}

// moments are those of hold_each, in their order.
var moments = []string{before, after}

// moment decides by hold_each when the call is to be held; "" when its client has gone away at all of its moments.
func (h *holds) moment(key string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if passed := h.passed[key]; passed < len(moments) {
		return moments[passed]
	}
	return ""
}

// comes counts the calls that act before they are held.
func (h *holds) comes(delta int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.coming += delta
}

// enter notes that a call waits at its moment.
func (h *holds) enter(held *Held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held.release = make(chan struct{})
	h.now = append(h.now, held)
}

// leave notes that it does not any more.
func (h *holds) leave(held *Held, abandoned bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, one := range h.now {
		if one == held {
			h.now = append(h.now[:i:i], h.now[i+1:]...)
			break
		}
	}
	if abandoned {
		h.abandoned = append(h.abandoned, held)
		h.passed[held.key] = max(h.passed[held.key], slices.Index(moments, held.When)+1)
	}
}

// wait keeps a call that is held until it is released; false means that its client has gone away.
func (c *apiCall) wait(held *Held) bool {
	holds := c.server.holds
	select {
	case <-held.release:
		holds.leave(held, false)
		return true
	case <-c.r.Context().Done():
		holds.leave(held, true)
		return false
	}
}

// hold makes the call wait as the rule says; false means that it goes on.
func (c *apiCall) hold(rule *FaultRule) bool {
	held := &Held{Call: c.call, When: before, key: keyOf(c.call, c.says(rule.Varying))}
	switch rule.Kind {
	case kindHoldAfter:
		held.When = after
	case kindHoldTask:
		return c.holdTask(held)
	case kindHoldEach:
		if held.When = c.server.holds.moment(held.key); held.When == "" {
			return false
		}
	}
	if held.When == after {
		c.holdAfter(held)
		return true
	}
	c.server.holds.enter(held)
	if c.wait(held) {
		return false
	}
	c.done("abandoned", 0)
	return true
}

// holdAfter lets the call act, and its task end, before it waits.
func (c *apiCall) holdAfter(held *Held) {
	c.server.holds.comes(1)
	reply := httptest.NewRecorder()
	c.forward(reply)
	if task, ok := taskOf(reply.Body.Bytes()); ok {
		vc.Wait(c.server.reg, task)
	}
	c.server.holds.enter(held)
	c.server.holds.comes(-1)
	if c.wait(held) {
		for key, values := range reply.Header() {
			c.w.Header()[key] = values
		}
		c.w.WriteHeader(reply.Code)
		_, _ = c.w.Write(reply.Body.Bytes())
	}
}

// holdTask answers with a task that acts when it is released, and never when vCenter restarts before.
func (c *apiCall) holdTask(held *Held) bool {
	if !strings.HasSuffix(c.call.Method, "_Task") || !c.server.sessions.authenticated(c.r) {
		return false
	}
	held.When = running
	holds := c.server.holds
	holds.enter(held)
	holds.mu.Lock()
	lost := holds.lost
	holds.mu.Unlock()
	// The request ends with its answer, the task goes on.
	later := *c
	later.r, later.done = c.r.Clone(context.Background()), func(string, int) {}
	task := simulator.CreateTask(c.method.This, lowerFirst(strings.TrimSuffix(c.call.Method, "_Task")),
		func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
			select {
			case <-held.release:
			case <-lost:
				return nil, &types.RequestCanceled{}
			}
			holds.leave(held, false)
			reply := httptest.NewRecorder()
			later.forward(reply)
			if started, ok := taskOf(reply.Body.Bytes()); ok {
				return vc.Wait(later.server.reg, started)
			}
			return nil, &types.RequestCanceled{}
		})
	n := writeTask(c.w, c.call.Method, vc.RunDetached(vc.NewContext(c.server.reg), task))
	c.done(outcomeOK, n)
	return true
}

// taskReference finds the task in the answer to a call that started one.
var taskReference = regexp.MustCompile(`<returnval[^>]* type="Task"[^>]*>([^<]+)</returnval>`)

func taskOf(reply []byte) (types.ManagedObjectReference, bool) {
	match := taskReference.FindSubmatch(reply)
	if match == nil {
		return types.ManagedObjectReference{}, false
	}
	return types.ManagedObjectReference{Type: "Task", Value: string(bytes.TrimSpace(match[1]))}, true
}
