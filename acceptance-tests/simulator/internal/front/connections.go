package front

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// connectionKey finds the connection in the context of a request.
type connectionKey struct{}

// connections counts the connections that carry API calls; those of control calls are none of the log's business.
type connections struct {
	log     *Log
	mu      sync.Mutex
	counted map[net.Conn]bool
}

// tag lets the requests of a connection know it.
func (c *connections) tag(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// carries notes that a connection carries an API call.
func (c *connections) carries(r *http.Request) {
	conn, ok := r.Context().Value(connectionKey{}).(net.Conn)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.counted[conn] {
		c.counted[conn] = true
		c.log.connection(1)
	}
}

// state notes that a connection has closed.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted[conn] {
		delete(c.counted, conn)
		c.log.connection(-1)
	}
}

// breakAll closes the connections that carry API calls.
func (c *connections) breakAll() {
	c.mu.Lock()
	all := make([]net.Conn, 0, len(c.counted))
	for conn := range c.counted {
		all = append(all, conn)
	}
	c.mu.Unlock()
	for _, conn := range all {
		_ = conn.Close()
	}
}
