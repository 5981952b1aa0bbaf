package nsx

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// apiError is what a refused call is answered with.
type apiError struct {
	status  int
	code    int
	message string
}

func (e *apiError) Error() string { return e.message }

func refuse(status, code int, format string, arguments ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, arguments...)}
}

// object is a JSON object.
type object = map[string]any

const (
	nodesPath  = "/api/v1/transport-nodes"
	zonesPath  = "/api/v1/transport-zones"
	maxPage    = 1000
	nullCursor = "0000"
)

// serve answers one call: faults first, then who asks, then what.
func (m *Manager) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	call := m.log.begin(r)
	rule := m.match(r)
	if rule != nil && !m.before(w, rule) {
		call.done(rule.Kind)
		return
	}
	answer, err := m.answer(w, r, body)
	status := http.StatusOK
	if err != nil {
		status = err.status
		answer = object{"httpStatus": strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_")),
			"error_code": err.code, "module_name": "common-services", "error_message": err.message}
	}
	call.done(strconv.Itoa(status))
	if rule != nil && rule.Kind == kindDropAfter {
		hangUp(w)
		return
	}
	send(w, status, answer)
}

func send(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// answer does what a call asks for.
func (m *Manager) answer(w http.ResponseWriter, r *http.Request, body []byte) (any, *apiError) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.URL.Path == "/api/session/create" {
		return nil, m.createSession(w, r, body)
	}
	if err := m.authenticate(r); err != nil {
		return nil, err
	}
	id, rest, below := strings.Cut(strings.TrimPrefix(r.URL.Path, nodesPath+"/"), "/")
	switch {
	case r.URL.Path == "/api/session/destroy":
		delete(m.sessions, sessionOf(r))
		return nil, nil
	case r.URL.Path == zonesPath && r.Method == http.MethodGet:
		return page(r.URL.Query(), m.zoneList())
	case r.URL.Path == nodesPath && r.Method == http.MethodGet:
		return page(r.URL.Query(), m.nodeList(r.URL.Query()))
	case r.URL.Path == nodesPath && r.Method == http.MethodPost:
		return m.create(body)
	case r.URL.Path == nodesPath+"/state" && r.Method == http.MethodGet:
		return m.states(r.URL.Query())
	case !strings.HasPrefix(r.URL.Path, nodesPath+"/"):
		return nil, refuse(http.StatusNotFound, 404, "there is no %s", r.URL.Path)
	case below && rest == "state" && r.Method == http.MethodGet:
		return m.state(id)
	case below:
		return nil, refuse(http.StatusNotFound, 404, "there is no %s", r.URL.Path)
	}
	return m.one(r, id, body)
}

// one serves a single transport node.
func (m *Manager) one(r *http.Request, id string, body []byte) (any, *apiError) {
	switch r.Method {
	case http.MethodGet:
		found, err := m.find(id)
		if err != nil {
			return nil, err
		}
		return found.shown(), nil
	case http.MethodPut:
		return m.update(id, body)
	case http.MethodDelete:
		return nil, m.delete(id, r.URL.Query().Get("force") == "true")
	}
	return nil, refuse(http.StatusMethodNotAllowed, 405, "%s is not allowed there", r.Method)
}

// page cuts the part out of a list that a client asks for.
func page(query url.Values, all []object) (any, *apiError) {
	size := maxPage
	if text := query.Get("page_size"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 1 || asked > maxPage {
			return nil, refuse(http.StatusBadRequest, 255, "page_size must be 1 to %d, not %s", maxPage, text)
		}
		size = asked
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i]["id"].(string) < all[j]["id"].(string) })
	start, err := strconv.Atoi(strings.TrimPrefix(query.Get("cursor"), "c"))
	if query.Get("cursor") != "" && (err != nil || start > len(all)) {
		return nil, refuse(http.StatusBadRequest, 255, "the cursor is not one of this list")
	}
	end := min(start+size, len(all))
	answer := object{"results": all[start:end], "result_count": len(all), "cursor": nullCursor}
	if end < len(all) {
		answer["cursor"] = "c" + strconv.Itoa(end)
	}
	return answer, nil
}
