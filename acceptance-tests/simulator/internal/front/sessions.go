package front

import (
	"net/http"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// sessions knows the sessions that clients opened; govmomi keeps its own list to itself.
type sessions struct {
	reg *simulator.Registry
	mu  sync.Mutex
	// users holds the user of each session by its key.
	users map[string]string
	// numbers holds the number of every session that there has been by its key.
	numbers map[string]int
}

func newSessions(reg *simulator.Registry) *sessions {
	return &sessions{reg: reg, users: map[string]string{}, numbers: map[string]int{}}
}

// opened notes the session that a reply to Login has set.
func (s *sessions) opened(header http.Header, user string) {
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.Name == soap.SessionCookieName {
			s.mu.Lock()
			s.users[cookie.Value] = user
			s.numbers[cookie.Value] = len(s.numbers) + 1
			s.mu.Unlock()
		}
	}
}

// closed forgets a session.
func (s *sessions) closed(key string) {
	s.mu.Lock()
	delete(s.users, key)
	s.mu.Unlock()
}

// alive says whether the simulator still knows the session.
func (s *sessions) alive(key, user string) bool {
	res := s.reg.SessionManager().SessionIsActive(vc.NewContext(s.reg), &types.SessionIsActive{SessionID: key, UserName: user})
	body, ok := res.(*methods.SessionIsActiveBody)
	return ok && body.Res != nil && body.Res.Returnval
}

// open counts the sessions that neither ended nor expired.
func (s *sessions) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, user := range s.users {
		if !s.alive(key, user) {
			delete(s.users, key)
		}
	}
	return len(s.users)
}

// authenticated says whether a request carries a live session.
func (s *sessions) authenticated(r *http.Request) bool {
	key := sessionKey(r)
	s.mu.Lock()
	user, ok := s.users[key]
	s.mu.Unlock()
	return ok && s.alive(key, user)
}

// who returns the number and the user of a request's session; nothing when it carries none.
func (s *sessions) who(r *http.Request) (int, string) {
	key := sessionKey(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.numbers[key], s.users[key]
}

// terminate ends one session as an administrator would.
func (s *sessions) terminate(key string) {
	s.reg.SessionManager().TerminateSession(vc.NewContext(s.reg), &types.TerminateSession{SessionId: []string{key}})
	s.closed(key)
}

// terminateAll ends every session and returns how many there were.
func (s *sessions) terminateAll() int {
	n := s.open()
	s.mu.Lock()
	keys := make([]string, 0, len(s.users))
	for key := range s.users {
		keys = append(keys, key)
	}
	s.mu.Unlock()
	for _, key := range keys {
		s.terminate(key)
	}
	return n
}

func sessionKey(r *http.Request) string {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return ""
	}
	return strings.Trim(cookie.Value, `"`)
}
