package front

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/soapcheck"
)

// outcomeOK is the outcome of a call without a fault.
const outcomeOK = "ok"

// maxRequestBytes bounds what one request may send; vCenter's own limit is of this order.
const maxRequestBytes = 64 << 20

// apiCall is one SOAP request on its way through the front.
type apiCall struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	body   []byte
	method *simulator.Method
	call   Call
	done   func(outcome string, bytesOut int)
}

// serveAPI is the way of every SOAP call: latency, decoding, log, strictness, fault rules, and then the simulator.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.connections.carries(r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	if latency := time.Duration(s.latency.Load()); latency > 0 {
		time.Sleep(latency)
	}
	c := &apiCall{server: s, w: w, r: r, body: body}
	checked, refusal := soapcheck.Body(body)
	if refusal == nil {
		c.body = checked
	}
	c.method, err = simulator.UnmarshalBody(vimType, c.body)
	if err != nil {
		c.call, refusal = Call{Method: "(unreadable)"}, err
	} else {
		c.call = describe(s.reg, c.method)
		if mutates(c.method.Name) {
			c.call.mutation = s.mutation(r, c.method)
		}
	}
	c.done = s.log.begin(c.call, len(body))
	c.serve(refusal)
}

// serve refuses the call, or lets fault rules and then the simulator have it.
func (c *apiCall) serve(decodeErr error) {
	if decodeErr != nil {
		c.server.log.violation(fmt.Sprintf("%s: %s", c.call.Method, decodeErr))
		n := writeFault(c.w, decodeErr.Error(), &types.InvalidRequest{})
		c.done("InvalidRequest", n)
		return
	}
	if c.forbidden() {
		return
	}
	if rule := c.server.rules.match(c.call); rule != nil {
		c.server.log.injected(fmt.Sprintf("%s %s %s: %s", c.call.Method, c.call.Object, c.call.Name, rule.Kind))
		if c.inject(rule) {
			return
		}
	}
	c.forward(c.w)
}

// forward runs the call in the simulator and sends its reply to w.
func (c *apiCall) forward(w http.ResponseWriter) {
	c.r.Body = io.NopCloser(newReader(c.body))
	reply := httptest.NewRecorder()
	c.server.inner.ServeHTTP(reply, c.r)
	outcome := outcomeOK
	if reply.Code != http.StatusOK {
		outcome = faultType(reply.Body.Bytes())
	}
	c.noteSession(reply, outcome)
	for key, values := range reply.Header() {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	n := reply.Body.Len()
	c.done(outcome, n)
	w.WriteHeader(reply.Code)
	_, _ = w.Write(reply.Body.Bytes())
}

// noteSession keeps the list of sessions up to date.
func (c *apiCall) noteSession(reply *httptest.ResponseRecorder, outcome string) {
	if outcome != outcomeOK {
		return
	}
	switch request := c.method.Body.(type) {
	case *types.Login:
		c.server.sessions.opened(reply.Header(), request.UserName)
	case *types.Logout:
		c.server.sessions.closed(sessionKey(c.r))
	}
}
