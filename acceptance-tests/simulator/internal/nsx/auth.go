package nsx

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
)

// maxFailures locks the account; a real one opens it again after 15 minutes, this one when the password is set.
const maxFailures = 5

// authenticate lets in who gives the right password or has a session.
func (m *Manager) authenticate(r *http.Request) *apiError {
	if token, ok := m.sessions[sessionOf(r)]; ok {
		if r.Header.Get("X-XSRF-TOKEN") != token {
			return refuse(http.StatusForbidden, 98, "the XSRF token is missing or wrong")
		}
		return nil
	}
	user, password, _ := r.BasicAuth()
	return m.check(user, password)
}

func (m *Manager) check(user, password string) *apiError {
	if m.failures < maxFailures && user == m.options.User && password == m.options.Password {
		m.failures = 0
		return nil
	}
	m.failures++
	return refuse(http.StatusForbidden, 403, "The credentials were incorrect or the account specified has been locked.")
}

// createSession answers with the cookie and the token that later calls must carry.
func (m *Manager) createSession(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	form, err := url.ParseQuery(string(body))
	if r.Method != http.MethodPost || err != nil {
		return refuse(http.StatusBadRequest, 255, "a session is made by a POST of a form")
	}
	if err := m.check(form.Get("j_username"), form.Get("j_password")); err != nil {
		return err
	}
	id, token := random(), random()
	m.sessions[id] = token
	http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: id, Path: "/", Secure: true, HttpOnly: true})
	w.Header().Set("X-XSRF-TOKEN", token)
	return nil
}

func sessionOf(r *http.Request) string {
	cookie, err := r.Cookie("JSESSIONID")
	if err != nil {
		return ""
	}
	return cookie.Value
}

func random() string {
	bytes := make([]byte, 16)
	_, _ = rand.Read(bytes)
	return hex.EncodeToString(bytes)
}
