package nsx

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const overlay = "11111111-0000-4000-8000-000000000001"

// world is a running manager and a client that trusts its CA alone.
type world struct {
	t       *testing.T
	manager *Manager
	client  *http.Client
	headers map[string]string
}

func start(t *testing.T) *world {
	t.Helper()
	m, err := Start(Options{Listen: "127.0.0.1:0", User: "admin", Password: "secret", Realization: 40 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(m.Ready.CAPEM))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	return &world{t: t, manager: m, client: client}
}

// call sends a request by basic authentication, or with the headers of a session.
func (w *world) call(method, path, body string) (int, object) {
	w.t.Helper()
	r, err := http.NewRequest(method, "https://"+w.manager.Ready.Server+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.headers == nil {
		r.SetBasicAuth("admin", "secret")
	}
	for name, value := range w.headers {
		r.Header.Set(name, value)
	}
	answer, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var value object
	_ = json.Unmarshal(text, &value)
	return answer.StatusCode, value
}

func (w *world) expect(status int, method, path, body string) object {
	w.t.Helper()
	got, value := w.call(method, path, body)
	if got != status {
		w.t.Fatalf("%s %s: %d instead of %d: %v", method, path, got, status, value)
	}
	return value
}

// hostBody is the body of a transport node with one change.
func hostBody(change func(object)) string {
	var body object
	_ = json.Unmarshal([]byte(`{"resource_type": "TransportNode", "display_name": "a", "tags": [{"scope": "s", "tag": "t"}],
		"node_deployment_info": {"resource_type": "HostNode", "os_type": "UBUNTUKVM", "ip_addresses": ["192.0.2.1"],
			"host_credential": {"username": "u", "password": "p", "thumbprint": "t"}},
		"host_switch_spec": {"resource_type": "StandardHostSwitchSpec", "host_switches": [
			{"transport_zone_endpoints": [{"transport_zone_id": "`+overlay+`"}], "ip_assignment_spec": {"resource_type": "AssignedByDhcp"}}]}}`), &body)
	change(body)
	text, _ := json.Marshal(body)
	return string(text)
}

func asItIs(object) {}

func TestAHostIsMadeRealizedChangedAtItsRevisionAndRemoved(t *testing.T) {
	w := start(t)
	made := w.expect(200, "POST", nodesPath, hostBody(asItIs))
	id := made["id"].(string)
	if text, _ := json.Marshal(made); strings.Contains(string(text), "host_credential") {
		t.Fatalf("the credential is given out: %s", text)
	}
	if state := w.expect(200, "GET", nodesPath+"/"+id+"/state", "")["state"]; state == "success" {
		t.Fatal("realized at once")
	}
	time.Sleep(60 * time.Millisecond)
	if state := w.expect(200, "GET", nodesPath+"/"+id+"/state", "")["state"]; state != "success" {
		t.Fatalf("it is %v", state)
	}
	made["display_name"] = "b"
	body, _ := json.Marshal(made)
	changed := w.expect(200, "PUT", nodesPath+"/"+id, string(body))
	if changed["_revision"] != float64(1) || changed["display_name"] != "b" {
		t.Fatalf("changed to %v", changed)
	}
	w.expect(412, "PUT", nodesPath+"/"+id, string(body))
	w.expect(200, "DELETE", nodesPath+"/"+id+"?force=true", "")
	w.expect(404, "GET", nodesPath+"/"+id, "")
	w.expect(404, "DELETE", nodesPath+"/"+id, "")
}

func TestABodyThatTheRealOneWouldNotTakeIsRefused(t *testing.T) {
	w := start(t)
	info := func(change func(object)) string {
		return hostBody(func(body object) { change(body["node_deployment_info"].(object)) })
	}
	for name, body := range map[string]string{
		"no JSON":         "{",
		"unknown member":  hostBody(func(body object) { body["displayname"] = "a" }),
		"no credential":   info(func(info object) { delete(info, "host_credential") }),
		"no thumbprint":   info(func(info object) { delete(info["host_credential"].(object), "thumbprint") }),
		"wrong system":    info(func(info object) { info["os_type"] = "DEBIAN" }),
		"no address":      info(func(info object) { info["ip_addresses"] = []any{} }),
		"no real address": info(func(info object) { info["ip_addresses"] = []any{"host.example.com"} }),
		"a revision":      hostBody(func(body object) { body["_revision"] = 0 }),
		"no switches":     hostBody(func(body object) { delete(body, "host_switch_spec") }),
		"a long tag":      hostBody(func(body object) { body["tags"] = []any{object{"scope": strings.Repeat("s", 129), "tag": ""}} }),
	} {
		t.Run(name, func(t *testing.T) {
			(&world{t: t, manager: w.manager, client: w.client}).expect(400, "POST", nodesPath, body)
		})
	}
	w.expect(404, "POST", nodesPath, strings.ReplaceAll(hostBody(asItIs), overlay, "11111111-0000-4000-8000-999999999999"))
	w.expect(200, "POST", nodesPath, hostBody(asItIs))
	w.expect(409, "POST", nodesPath, hostBody(asItIs))
}

func TestListsComeInPages(t *testing.T) {
	w := start(t)
	seen, cursor := 0, ""
	for {
		page := w.expect(200, "GET", zonesPath+"?page_size=2"+cursor, "")
		seen += len(page["results"].([]any))
		next := page["cursor"].(string)
		if strings.HasPrefix(next, nullCursor) {
			break
		}
		cursor = "&cursor=" + next
	}
	if seen != len(zones()) {
		t.Fatalf("%d zones", seen)
	}
	w.expect(400, "GET", zonesPath+"?page_size=1001", "")
}

func TestAWrongPasswordLocksTheAccount(t *testing.T) {
	w := start(t)
	w.headers = map[string]string{"Authorization": "Basic d3Jvbmc6d3Jvbmc="}
	for range maxFailures {
		w.expect(403, "GET", zonesPath, "")
	}
	w.headers = nil
	w.expect(403, "GET", zonesPath, "")
	w.control("POST", "/password?password=secret", "")
	w.expect(200, "GET", zonesPath, "")
}

// control calls a control endpoint.
func (w *world) control(method, path, body string) string {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	w.manager.Control().ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	if recorder.Code != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

func TestASessionNeedsItsToken(t *testing.T) {
	w := start(t)
	form := "j_username=admin&j_password=secret"
	r, _ := http.NewRequest("POST", "https://"+w.manager.Ready.Server+"/api/session/create", strings.NewReader(form))
	answer, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	cookie := "JSESSIONID=" + answer.Cookies()[0].Value
	w.headers = map[string]string{"Cookie": cookie}
	if refused := w.expect(403, "GET", zonesPath, ""); refused["error_code"] != float64(98) {
		t.Fatalf("refused with %v", refused)
	}
	w.headers["X-XSRF-TOKEN"] = answer.Header.Get("X-XSRF-TOKEN")
	w.expect(200, "GET", zonesPath, "")
	w.expect(200, "GET", "/api/session/destroy", "")
	w.expect(403, "GET", zonesPath, "")
}

func TestRulesMakeTheNthCallFail(t *testing.T) {
	w := start(t)
	w.control("POST", "/faults", `[{"method": "GET", "path": "/api/v1/transport-zones", "nth": 2, "kind": "429", "retry_after": 1}]`)
	w.expect(200, "GET", zonesPath, "")
	w.expect(429, "GET", zonesPath, "")
	w.expect(200, "GET", zonesPath, "")
	if log := w.control("GET", "/log", ""); !strings.Contains(log, `"GET /api/v1/transport-zones: 429"`) {
		t.Fatal(log)
	}
}
