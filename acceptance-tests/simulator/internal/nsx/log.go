package nsx

import (
	"net/http"
	"regexp"
	"sync"
)

// callLog counts what clients ask.
type callLog struct {
	mu   sync.Mutex
	data logData
}

// logData is the log as the control endpoint gives it.
type logData struct {
	Calls int `json:"calls"`
	// Methods counts calls by method and path, with {id} in place of ids.
	Methods map[string]int `json:"methods"`
	// Mutations are the calls that are no reads, in the order in which they came.
	Mutations []*mutation `json:"mutations"`
	// Refused counts answers that are errors, by status.
	Refused map[string]int `json:"refused"`
	// Injected are the fault rules that took effect.
	Injected []string `json:"injected"`
}

type mutation struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Outcome is the status, or the kind of the injected failure.
	Outcome string `json:"outcome"`
}

// loggedCall is a call that has begun.
type loggedCall struct {
	log      *callLog
	mutation *mutation
}

var ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func newLog() *callLog {
	l := &callLog{}
	l.reset()
	return l
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data = logData{Methods: map[string]int{}, Mutations: []*mutation{}, Refused: map[string]int{}, Injected: []string{}}
}

func (l *callLog) begin(r *http.Request) *loggedCall {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := ids.ReplaceAllString(r.URL.Path, "{id}")
	l.data.Calls++
	l.data.Methods[r.Method+" "+path]++
	call := &loggedCall{log: l, mutation: &mutation{Method: r.Method, Path: path}}
	if r.Method != http.MethodGet {
		l.data.Mutations = append(l.data.Mutations, call.mutation)
	}
	return call
}

func (c *loggedCall) done(outcome string) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.mutation.Outcome = outcome
	if outcome != "200" {
		c.log.data.Refused[outcome]++
	}
}

func (l *callLog) inject(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data.Injected = append(l.data.Injected, what)
}
