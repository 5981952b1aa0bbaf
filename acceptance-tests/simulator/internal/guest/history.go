package guest

import (
	"encoding/json"
	"path"
	"sync"
	"time"
)

// Kinds of events.
const (
	eventApplying = "applying"
	eventApplied  = "applied"
	eventOff      = "off"
)

// Event is one moment of a guest's life.
type Event struct {
	// AtMS is when it happened, in milliseconds after the guests were installed.
	AtMS int64 `json:"at_ms"`
	// Node is the machine's name.
	Node string `json:"node"`
	// Event is one of the constants above.
	Event string `json:"event"`
	// Revision is that of the document; empty when the machine went off.
	Revision string `json:"revision,omitempty"`
	// Document is the document that was applied.
	Document json.RawMessage `json:"document,omitempty"`
	// packed is the document as it came, which takes little memory.
	packed map[string]string
}

// history remembers what guests have lived through, in order. It is safe for concurrent use.
type history struct {
	mu     sync.Mutex
	start  time.Time
	events []Event
}

func (h *history) add(event Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	event.AtMS = time.Since(h.start).Milliseconds()
	h.events = append(h.events, event)
}

// History returns what the guests of the machines that a glob fits have lived through, in order.
func (g *Guests) History(glob string) (any, error) {
	if _, err := path.Match(glob, ""); err != nil {
		return nil, err
	}
	g.history.mu.Lock()
	events := append([]Event{}, g.history.events...)
	g.history.mu.Unlock()
	out := []Event{}
	for _, event := range events {
		if fits, _ := path.Match(glob, event.Node); glob != "" && !fits {
			continue
		}
		if event.packed != nil {
			if raw, err := readDocument(event.packed); err == nil && json.Valid(raw) {
				event.Document = raw
			}
		}
		out = append(out, event)
	}
	return out, nil
}
