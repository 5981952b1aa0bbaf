// Package front is the simulator's face to the network: TLS, the request log, fault rules, strict SOAP and the
// control endpoints, in front of govmomi's simulator.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// ControlPath is where the control endpoints live.
const ControlPath = "/_ctl/"

// Config says how the server listens and whom it lets in.
type Config struct {
	// Listen is the address to listen on; port 0 takes a free one.
	Listen string
	// User and Password are the only credentials accepted.
	User, Password string
	// Latency is added before each API call.
	Latency time.Duration
	// SessionTimeout ends sessions that were idle for so long; 0 keeps them.
	SessionTimeout time.Duration
	// Guests takes the behaviour rules of POST guests; nil when guests are switched off.
	Guests GuestControl
	// Living describes the living guests for GET guests; nil when there are none.
	Living LivingGuests
	// Hosts lets hosts fail and come back.
	Hosts Hosts
	// NSX serves the control endpoints of the NSX Manager below nsx/; nil when there is none.
	NSX http.Handler
	// Also is another listener, whose address the certificate is for too; nil for none.
	Also net.Listener
}

// Server serves one simulated vCenter.
type Server struct {
	// Address is "host:port" as the server listens.
	Address string
	// Identity is what clients need to trust the server.
	Identity *Identity

	model    *simulator.Model
	reg      *simulator.Registry
	client   *vim25.Client
	inner    http.Handler
	http     *http.Server
	log      *Log
	rules    *faultRules
	holds    *holds
	sessions *sessions
	guests   GuestControl
	living   LivingGuests
	latency  atomic.Int64
	// hanging counts the tasks that never end.
	hanging    atomic.Int64
	privileges privileges
	hosts      Hosts

	connections *connections
	listeners   *listeners
}

// Start begins to listen and serves until Close.
func Start(model *simulator.Model, config Config) (*Server, error) {
	identity, err := NewIdentity(config.addresses())
	if err != nil {
		return nil, err
	}
	client, err := vim25.NewClient(context.Background(), model.Service)
	if err != nil {
		return nil, fmt.Errorf("connect to the simulator in process: %w", err)
	}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", config.Listen, err)
	}
	reg := model.Service.Context.Map
	s := &Server{Address: listener.Addr().String(), Identity: identity, model: model, reg: reg, client: client,
		log: NewLog(), rules: &faultRules{}, holds: newHolds(), sessions: newSessions(reg), guests: config.Guests,
		living: config.Living, hosts: config.Hosts}
	s.connections = &connections{log: s.log, counted: map[net.Conn]bool{}}
	s.latency.Store(int64(config.Latency))
	s.mount(config)
	s.listeners = &listeners{open: []net.Listener{listener}}
	if config.Also != nil {
		s.listeners.open = append(s.listeners.open, config.Also)
	}
	s.handle(config.NSX)
	s.listen()
	return s, nil
}

// addresses are those that the certificate is for, beside the loopback ones.
func (c Config) addresses() []net.IP {
	if c.Also == nil {
		return nil
	}
	if address, ok := c.Also.Addr().(*net.TCPAddr); ok {
		return []net.IP{address.IP}
	}
	return nil
}

// mount registers the simulator's endpoints as its own NewServer would, without its listener.
func (s *Server) mount(config Config) {
	service := s.model.Service
	service.Listen = &url.URL{Scheme: "https", Host: s.Address, Path: vim25.Path,
		User: url.UserPassword(config.User, config.Password)}
	service.RegisterSDK(s.reg, vim25.Path+"/vimService")
	service.ServeMux.HandleFunc(vim25.Path+"/vimServiceVersions.xml", service.ServiceVersions)
	service.ServeMux.HandleFunc("/nfc/", simulator.ServeNFC)
	service.ServeMux.HandleFunc("/about", service.About)
	s.inner = service.ServeMux
	manager := s.reg.SessionManager()
	manager.ServiceHostName = s.Address
	if config.SessionTimeout > 0 {
		s.reg.OptionManager().UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{
			&types.OptionValue{Key: "config.vmacore.soap.sessionTimeout", Value: config.SessionTimeout.String()}}})
	}
}

// handle prepares the handlers of all paths.
func (s *Server) handle(nsx http.Handler) {
	mux := http.NewServeMux()
	s.registerControl(mux)
	if nsx != nil {
		mux.Handle(ControlPath+"nsx/", http.StripPrefix(ControlPath+"nsx", nsx))
	}
	mux.HandleFunc(vim25.Path, s.serveAPI)
	mux.HandleFunc(vim25.Path+"/vimService", s.serveAPI)
	mux.HandleFunc("GET "+vim25.Path+"/vimService.wsdl", serveWSDL)
	mux.HandleFunc(folderPath, s.serveFolder)
	mux.Handle("/", s.inner)
	s.http = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0), ConnState: s.connections.state,
		ConnContext: s.connections.tag,
		// vCenter's API speaks HTTP/1.1, and counting connections means nothing with HTTP/2.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{s.Identity.Certificate}, MinVersion: tls.VersionTLS12}}
}

// listen begins to serve on all listeners.
func (s *Server) listen() {
	for _, listener := range s.listeners.open {
		tlsListener := tls.NewListener(listener, s.http.TLSConfig)
		go func() {
			err := s.http.Serve(tlsListener)
			if err != nil && !errors.Is(err, http.ErrServerClosed) && !s.listeners.down.Load() {
				log.Printf("the server ended: %s", err)
			}
		}()
	}
}

// TerminateSessions ends every session and returns how many there were.
func (s *Server) TerminateSessions() int { return s.sessions.terminateAll() }

// Close ends all connections. The inventory stays with its owner.
func (s *Server) Close() { _ = s.http.Close() }

// ControlURL is the base of the control endpoints, without a trailing slash.
func (s *Server) ControlURL() string {
	return "https://" + s.Address + strings.TrimSuffix(ControlPath, "/")
}
