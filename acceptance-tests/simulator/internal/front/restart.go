package front

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// listeners are where the server listens; a restart closes them and opens them again.
type listeners struct {
	// restarting lets one restart happen at a time.
	restarting sync.Mutex
	open       []net.Listener
	// down says that they are closed on purpose.
	down atomic.Bool
}

// Restart does what the death of vCenter and its restart do: connections break, new ones are refused for a time,
// sessions with their views and collectors are gone, and so are tasks: those that are held never act. The inventory
// and the guests stay.
func (s *Server) Restart(down time.Duration) error {
	s.listeners.restarting.Lock()
	defer s.listeners.restarting.Unlock()
	s.listeners.down.Store(true)
	defer s.listeners.down.Store(false)
	for _, listener := range s.listeners.open {
		_ = listener.Close()
	}
	s.connections.breakAll()
	s.TerminateSessions()
	s.holds.loseTasks()
	time.Sleep(down)
	s.forgetTasks()
	for i, listener := range s.listeners.open {
		again, err := net.Listen("tcp", listener.Addr().String())
		if err != nil {
			return fmt.Errorf("listen on %s again: %w", listener.Addr(), err)
		}
		s.listeners.open[i] = again
	}
	s.listen()
	return nil
}

// forgetTasks removes all tasks: a vCenter that starts runs none.
func (s *Server) forgetTasks() {
	ctx := vc.NewContext(s.reg)
	for _, task := range s.reg.AllReference("Task") {
		s.reg.Remove(ctx, task.Reference())
	}
}
