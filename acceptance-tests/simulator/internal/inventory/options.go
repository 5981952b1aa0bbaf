// Package inventory builds the simulated data center and describes it as text that can be compared.
package inventory

// Sizes of the hardware that every run gets. They leave room for a whole control plane.
const (
	hostCores       = 32
	hostThreads     = 64
	hostMHz         = 2600
	hostMemoryBytes = 256 << 30
	datastoreBytes  = 2 << 40
	datastoreFree   = 1700 << 30
	templateDiskKiB = 10 << 20
)

// Names of the inventory, the same in every run.
const (
	Datacenter      = "dc1"
	MgmtCluster     = "mgmt"
	SharedDatastore = "ds-shared"
	Switch          = "dvs1"
	TemplateFolder  = "templates"
	Template        = "vio-node-template"
)

// portGroups are the distributed port groups of the switch.
var portGroups = []string{"management", "api", "data-trunk"}

// Options says how large the inventory is.
type Options struct {
	// ComputeClusters is the number of clusters beside the management cluster.
	ComputeClusters int
	// Hosts is the number of hosts of each compute cluster.
	Hosts int
	// MgmtHosts is the number of hosts of the management cluster; 0 means as many as Hosts.
	MgmtHosts int
}
