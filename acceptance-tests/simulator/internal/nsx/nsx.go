// Package nsx is a small simulated NSX Manager: as much of the NSX-T manager API (/api/v1) as registering hosts as
// transport nodes needs, and as strict about it as the real one is known to be.
//
// Where the facts come from. [D] is the published API reference, developer.broadcom.com/xapis/nsx-t-data-center-rest-api
// (versions 2.2, 3.2 and 4.2, and the copies of its pages at vdc-download.vmware.com), by the name of the page or type;
// [L] is Neutron's client of the API, github.com/openstack-archive/vmware-nsxlib, folder vmware_nsxlib/v3. No real manager was
// asked; what is a guess says so.
//
//   - A transport node of host type is made by one POST with node_deployment_info of type HostNode; "The request should
//     provide node_deployment_info" [D, Create a Transport Node; vdc-download copy of 3.x].
//   - HostNode: os_type is required; "It is mandatory to provide credentials while adding host to MP to create transport
//     node"; ip_addresses "is mandatory for all nodes except for automatic deployment of edge virtual machine" [D,
//     HostNode]. Credentials are username, password, and for KVM hosts the SSH key fingerprint as thumbprint: "If
//     thumbprint is not provided then connection to host may not be established and API call will fail" [D,
//     HostNodeLoginCredential]. A password is a secure_string and never given out again.
//   - host_switch_spec is of type StandardHostSwitchSpec, or of PreconfiguredHostSwitchSpec for KVM hosts with one switch at
//     most, whose host_switch_id is required [D, StandardHostSwitchSpec, PreconfiguredHostSwitchSpec, PreconfiguredHostSwitch].
//     host_switch_id of an NVDS is system generated [D, StandardHostSwitch].
//   - Types with "additionalProperties: false" take no member that they do not have [D, HostNode, HostNodeLoginCredential].
//   - "PUT operations must include the current _revision of the resource ... If the _revision provided in a PUT request is
//     missing or stale, the operation will be rejected" [D, _revision of every resource]; with 412 [L, client.py:
//     PRECONDITION_FAILED is StaleRevision].
//   - Tags have a scope of at most 128 and a tag of at most 256 characters; a display_name has at most 255 [D, Tag,
//     ManagedResource].
//   - Lists are pages of at most 1000 with an opaque cursor; transport nodes are chosen by node_types [D,
//     ListRequestParameters, TransportNodeListParameters]; a cursor that begins with 0000 is
//     the end [L, client.py: NULL_CURSOR_PREFIX].
//   - States are pending, in_progress, success, failed, partial_success, orphaned [D, TransportNodeStateParameters]. The list
//     of all states "If this API is called multiple times in parallel then it will fail with error indicating that another
//     request is already in progress" [D, List transport nodes by realized state]; the status 409 of that is our guess.
//   - DELETE with force=true removes a node whatever becomes of its host; with unprepare_host=false "host will be deleted
//     without uninstalling the NSX components" [D, Delete a Transport Node].
//   - Basic authentication is enabled by default; beyond 40 concurrent requests the answer is 503, beyond 100 requests a
//     second 429 [D, HttpServiceProperties; L, client.py: TOO_MANY_REQUESTS is asked again]. Here both are told to happen.
//   - Sessions: POST /api/session/create with j_username and j_password as a form, answered with the cookie JSESSIONID and
//     the header X-XSRF-TOKEN, both of which later calls carry [L, cluster.py]; a wrong token is answered with 403 and error
//     code 98 [L, client.py: BadXSRFToken].
//   - Errors are {httpStatus, error_code, module_name, error_message, related_errors} [D, ApiError; L, client.py]; a missing
//     object is 404 [L, client.py: ResourceNotFound]. That refused credentials have status and code 403 is our guess; the
//     provider takes 401 for the same. The account is locked after five failures, for 900 seconds [D,
//     AuthenticationPolicyProperties: api_max_auth_failures, api_failed_auth_lockout_period]. Other codes are our own.
//   - Two hosts of one address are refused; that the status is 409 is our guess.
package nsx

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/front"
)

// Options says how the manager starts.
type Options struct {
	// Listen is the address to listen on; empty means that there is no manager.
	Listen string
	// User and Password are the only credentials accepted.
	User, Password string
	// Realization is how long a transport node takes to be configured.
	Realization time.Duration
}

// Ready is what a harness needs to know.
type Ready struct {
	Server   string `json:"server"`
	User     string `json:"user"`
	Password string `json:"password"`
	CAPEM    string `json:"ca_pem"`
}

// Manager is a running simulated NSX Manager.
type Manager struct {
	// Ready tells how to reach it.
	Ready Ready

	mu       sync.Mutex
	options  Options
	failures int
	sessions map[string]string
	zones    []zone
	nodes    map[string]*node
	made     int
	// failing is the reason that new realizations fail for; empty when they succeed.
	failing string
	listing bool
	rules   []*faultRule
	log     *callLog
	http    *http.Server
}

// Start begins to listen and serves until Close.
func Start(options Options) (*Manager, error) {
	identity, err := front.NewIdentity(nil)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", options.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", options.Listen, err)
	}
	m := &Manager{options: options, sessions: map[string]string{}, zones: zones(), nodes: map[string]*node{}, log: newLog(),
		Ready: Ready{Server: listener.Addr().String(), User: options.User, Password: options.Password, CAPEM: identity.CAPEM}}
	m.populate()
	m.http = &http.Server{Handler: http.HandlerFunc(m.serve), ErrorLog: log.New(io.Discard, "", 0),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{identity.Certificate}, MinVersion: tls.VersionTLS12}}
	go func() {
		err := m.http.Serve(tls.NewListener(listener, m.http.TLSConfig))
		if err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Printf("the NSX Manager ended: %s", err)
		}
	}()
	return m, nil
}

// Close ends all connections.
func (m *Manager) Close() { _ = m.http.Close() }
