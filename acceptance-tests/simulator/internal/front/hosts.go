package front

import "net/http"

// Hosts is what the control endpoints need to let hosts fail and come back, and to let room run out.
type Hosts interface {
	// FailHost takes a host away with its machines, which start elsewhere if so asked.
	FailHost(name string, restart bool) error
	// RecoverHost brings a host back.
	RecoverHost(name string) error
	// EvacuateHost moves the running machines of a host elsewhere.
	EvacuateHost(name string) error
	// LimitMemory limits the memory of the machines that run in a cluster.
	LimitMemory(cluster string, mib int64) error
	// LimitSpace limits what new machines may take of a datastore.
	LimitSpace(datastore string, gib int64) error
}

// hostFail takes a host away: ?name=HOST[&ha=false].
func (s *Server) hostFail(r *http.Request) (any, error) {
	query := r.URL.Query()
	return did(s.hosts.FailHost(query.Get("name"), query.Get("ha") != "false"))
}

// hostRecover brings a host back: ?name=HOST.
func (s *Server) hostRecover(r *http.Request) (any, error) {
	return did(s.hosts.RecoverHost(r.URL.Query().Get("name")))
}

// hostEvacuate moves the machines of a host in maintenance mode elsewhere: ?name=HOST.
func (s *Server) hostEvacuate(r *http.Request) (any, error) {
	return did(s.hosts.EvacuateHost(r.URL.Query().Get("name")))
}

func did(err error) (any, error) {
	if err != nil {
		return nil, badRequest{err}
	}
	return done, nil
}
