package front

import (
	"fmt"
	"net/http"
	"strconv"
)

// clusterCapacity limits the memory of machines that run in a cluster: ?name=CLUSTER&memory_mib=N.
func (s *Server) clusterCapacity(r *http.Request) (any, error) {
	mib, err := number(r, "memory_mib")
	if err != nil {
		return nil, err
	}
	return did(s.hosts.LimitMemory(r.URL.Query().Get("name"), mib))
}

// datastoreCapacity limits what new machines may take of a datastore: ?name=DATASTORE&gib=N.
func (s *Server) datastoreCapacity(r *http.Request) (any, error) {
	gib, err := number(r, "gib")
	if err != nil {
		return nil, err
	}
	return did(s.hosts.LimitSpace(r.URL.Query().Get("name"), gib))
}

func number(r *http.Request, name string) (int64, error) {
	n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
	if err != nil || n < 0 {
		return 0, badRequest{fmt.Errorf("%s must be a number, got %q", name, r.URL.Query().Get(name))}
	}
	return n, nil
}
