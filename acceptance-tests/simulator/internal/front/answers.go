package front

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Kinds of injected failures in which the call reaches the server, and the answer or what comes after it is bad.
const (
	// kindFaultAfter: the call, with its task, does its work, and then fails.
	kindFaultAfter = "fault_after"
	// kindTaskHangs: the call starts a task that does nothing and never ends.
	kindTaskHangs = "task_hangs"
	// kindTruncated: the call takes effect, and half of its answer comes.
	kindTruncated = "truncated"
	// kindMalformed: the call takes effect, and a proxy's page comes in place of its answer.
	kindMalformed = "malformed"
	// kindGone: the collector or view that the call is made on is destroyed before it.
	kindGone = "gone"
	// kindPage: the answer of a read holds so many objects at most; the others come in further pages.
	kindPage = "page"
)

// answerKinds are the kinds of this file.
var answerKinds = []string{kindFaultAfter, kindTaskHangs, kindTruncated, kindMalformed, kindGone, kindPage}

// checkAnswer refuses a rule of this file's kinds that cannot be meant.
func (r *FaultRule) checkAnswer() error {
	if r.Kind == kindPage && r.Objects < 1 {
		return fmt.Errorf("%s needs objects of at least 1", kindPage)
	}
	_, err := r.newFault()
	return err
}

// injectAnswer makes the call fail as a rule of this file's kinds says; false means that the call goes on.
func (c *apiCall) injectAnswer(rule *FaultRule) bool {
	switch rule.Kind {
	case kindFaultAfter:
		return c.faultAfter(rule)
	case kindTaskHangs:
		return c.hang()
	case kindTruncated:
		reply := httptest.NewRecorder()
		c.forward(reply)
		c.send(reply.Code, reply.Body.Bytes()[:reply.Body.Len()/2])
		return true
	case kindMalformed:
		c.forward(httptest.NewRecorder())
		c.send(http.StatusOK, []byte("<html><head><title>Gateway</head><body><p>The service is being moved<br></body></html>"))
		return true
	case kindGone:
		c.destroyThis()
	case kindPage:
		c.body = pageOptions.ReplaceAll(c.body, fmt.Appendf(nil, "<options><maxObjects>%d</maxObjects></options>", rule.Objects))
	}
	return false
}

// send answers with these bytes, which are whole as far as HTTP knows.
func (c *apiCall) send(status int, body []byte) {
	c.w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

// startedTask finds the task in the answer to a method that starts one.
var startedTask = regexp.MustCompile(`<returnval[^>]*type="Task"[^>]*>([^<]+)</returnval>`)

// pageOptions are the options of a call that reads properties.
var pageOptions = regexp.MustCompile(`<options>.*</options>|<options\s*/>`)

// faultAfter lets the call do its work, and tells that it failed.
func (c *apiCall) faultAfter(rule *FaultRule) bool {
	fault, err := rule.newFault()
	if err != nil {
		return false
	}
	reply := httptest.NewRecorder()
	c.forward(reply)
	if reply.Code != http.StatusOK {
		c.send(reply.Code, reply.Body.Bytes())
		return true
	}
	kind := reflect.TypeOf(fault).Elem().Name()
	match := startedTask.FindSubmatch(reply.Body.Bytes())
	if match == nil {
		writeFault(c.w, "injected "+kind, fault)
		return true
	}
	reg := c.server.reg
	worked := types.ManagedObjectReference{Type: "Task", Value: string(match[1])}
	task := c.newTask(func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if _, failed := vc.Wait(reg, worked); failed != nil {
			return nil, failed
		}
		return nil, fault
	})
	writeTask(c.w, c.call.Method, vc.RunDetached(vc.NewContext(reg), task))
	return true
}

// hang starts a task that never ends. Nothing runs: it only says that it does.
func (c *apiCall) hang() bool {
	if !c.isTask() || !c.server.sessions.authenticated(c.r) {
		return false
	}
	ref := types.ManagedObjectReference{Type: "Task", Value: fmt.Sprintf("task-hangs-%d", c.server.hanging.Add(1))}
	task := c.newTask(nil)
	task.Self = ref
	task.Info.Key, task.Info.Task, task.Info.State = ref.Value, ref, types.TaskInfoStateRunning
	c.server.reg.Put(task)
	c.done("task:hangs", writeTask(c.w, c.call.Method, ref))
	return true
}

// isTask says whether the method starts a task.
func (c *apiCall) isTask() bool { return strings.HasSuffix(c.call.Method, "_Task") }

// newTask makes a task of this call that runs as given.
func (c *apiCall) newTask(run func(*simulator.Task) (types.AnyType, types.BaseMethodFault)) *simulator.Task {
	return simulator.CreateTask(c.method.This, lowerFirst(strings.TrimSuffix(c.call.Method, "_Task")), run)
}

// destroyThis destroys the object of the call in the call's own session, as only that session knows it.
func (c *apiCall) destroyThis() {
	method := "DestroyView"
	if c.method.This.Type == "PropertyCollector" {
		method = "DestroyPropertyCollector"
	}
	body := envelopeHead + fmt.Sprintf(`<%s xmlns="urn:vim25"><_this type="%s">%s</_this></%s>`, method, c.method.This.Type,
		c.method.This.Value, method) + envelopeTail
	request := c.r.Clone(c.r.Context())
	request.Body = io.NopCloser(strings.NewReader(body))
	c.server.inner.ServeHTTP(httptest.NewRecorder(), request)
}

func isAnswerKind(kind string) bool { return slices.Contains(answerKinds, kind) }
