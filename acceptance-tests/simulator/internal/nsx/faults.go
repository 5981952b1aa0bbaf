package nsx

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"
)

// Kinds of injected failures.
const (
	kind429        = "429"
	kind503        = "503"
	kindDelay      = "delay"
	kindDropBefore = "drop_before"
	kindDropAfter  = "drop_after"
)

var kinds = []string{kind429, kind503, kindDelay, kindDropBefore, kindDropAfter}

// faultRule makes calls fail. It matches by method and path, lets Nth-1 matches pass and then takes effect Count times.
type faultRule struct {
	// Method is an HTTP method; empty matches all.
	Method string `json:"method"`
	// Path is a glob over the path; empty matches all.
	Path string `json:"path"`
	// Nth is the first match that fails, from 1; 0 means 1.
	Nth int `json:"nth"`
	// Count is how many matches fail from there on; 0 means 1, -1 means all.
	Count int `json:"count"`
	// Kind is one of 429, 503, delay, drop_before, drop_after.
	Kind string `json:"kind"`
	// RetryAfter is the pause in seconds that 429 and 503 ask for; 0 asks for none.
	RetryAfter int `json:"retry_after"`
	// MS is how long delay waits, in milliseconds.
	MS int `json:"ms"`

	seen int
}

func (r *faultRule) check() error {
	if _, err := path.Match(r.Path, ""); err != nil {
		return fmt.Errorf("%q is no glob: %w", r.Path, err)
	}
	if !slices.Contains(kinds, r.Kind) {
		return fmt.Errorf("kind must be one of %q, not %q", kinds, r.Kind)
	}
	return nil
}

// match finds the rule that takes effect on a call.
func (m *Manager) match(r *http.Request) *faultRule {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, rule := range m.rules {
		fits, _ := path.Match(rule.Path, r.URL.Path)
		if (rule.Method != "" && rule.Method != r.Method) || (rule.Path != "" && !fits) {
			continue
		}
		rule.seen++
		first, count := max(rule.Nth, 1), rule.Count
		if count == 0 {
			count = 1
		}
		if rule.seen >= first && (count < 0 || rule.seen < first+count) {
			m.log.inject(r.Method + " " + r.URL.Path + ": " + rule.Kind)
			return rule
		}
	}
	return nil
}

// before does what a rule does before the call; false means that there is no call.
func (m *Manager) before(w http.ResponseWriter, rule *faultRule) bool {
	switch rule.Kind {
	case kindDelay:
		time.Sleep(time.Duration(rule.MS) * time.Millisecond)
	case kindDropBefore:
		hangUp(w)
		return false
	case kind429, kind503:
		status, _ := strconv.Atoi(rule.Kind)
		if rule.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(rule.RetryAfter))
		}
		send(w, status, object{"httpStatus": http.StatusText(status), "error_code": 102, "module_name": "common-services",
			"error_message": "Client has exceeded its request limit."})
		return false
	}
	return true
}

// hangUp breaks the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if connection, _, err := hijacker.Hijack(); err == nil {
			_ = connection.Close()
		}
	}
}
