package inventory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// builder carries what the steps of Build share.
type builder struct {
	ctx     context.Context
	model   *simulator.Model
	reg     *simulator.Registry
	client  *vim25.Client
	home    string
	dc      *object.Datacenter
	folders *object.DatacenterFolders
	hosts   map[string][]*simulator.HostSystem
	pools   map[string]*object.ResourcePool
}

// building lets one simulator be built at a time: govmomi shares some templates between all of them.
var building sync.Mutex

// Build creates the inventory. The caller owns the model and must call Remove when done.
func Build(options Options) (*simulator.Model, error) {
	building.Lock()
	defer building.Unlock()
	model := &simulator.Model{ServiceContent: simulator.VPX().ServiceContent, RootFolder: simulator.VPX().RootFolder}
	setAbout(&model.ServiceContent.About)
	if err := model.Create(); err != nil {
		return nil, fmt.Errorf("create the empty vCenter: %w", err)
	}
	b, err := newBuilder(model)
	if err == nil {
		err = b.build(options)
	}
	if err != nil {
		Remove(model)
		return nil, err
	}
	return model, nil
}

// setAbout makes the simulator present itself as a current vCenter instead of 6.5.
func setAbout(about *types.AboutInfo) {
	about.Name = "VMware vCenter Server"
	about.FullName = "VMware vCenter Server 8.0.3 build-24022515"
	about.Version = "8.0.3"
	about.Build = "24022515"
	about.ApiVersion = "8.0.3.0"
	about.InstanceUuid = "5d0e1f3c-6f6b-4b5a-9d5e-76696f73696d"
}

func newBuilder(model *simulator.Model) (*builder, error) {
	ctx := context.Background()
	client, err := vim25.NewClient(ctx, model.Service)
	if err != nil {
		return nil, fmt.Errorf("connect to the simulator in process: %w", err)
	}
	reg := model.Service.Context.Map
	b := &builder{ctx: ctx, model: model, reg: reg, client: client,
		hosts: map[string][]*simulator.HostSystem{}, pools: map[string]*object.ResourcePool{}}
	b.home = home(reg)
	return b, nil
}

// home is the directory that holds the files of all datastores.
func home(reg *simulator.Registry) string {
	for _, setting := range reg.OptionManager().Setting {
		if option := setting.GetOptionValue(); option.Key == "vcsim.home" {
			dir, _ := option.Value.(string)
			return dir
		}
	}
	return ""
}

// Remove deletes the files of a model. Tasks that still run may make new ones meanwhile, so it tries for a while.
func Remove(model *simulator.Model) {
	dir := home(model.Service.Context.Map)
	model.Remove()
	for range 50 {
		if _, err := os.Stat(dir); dir == "" || os.IsNotExist(err) {
			return
		}
		time.Sleep(10 * time.Millisecond)
		_ = os.RemoveAll(dir)
	}
}

func (b *builder) build(options Options) error {
	mgmtHosts := options.MgmtHosts
	if mgmtHosts == 0 {
		mgmtHosts = options.Hosts
	}
	clusters := []clusterPlan{{MgmtCluster, mgmtHosts, "ds-mgmt"}}
	for i := 1; i <= options.ComputeClusters; i++ {
		clusters = append(clusters, clusterPlan{fmt.Sprintf("compute-%d", i), options.Hosts, fmt.Sprintf("ds-compute-%d", i)})
	}
	if err := b.datacenter(); err != nil {
		return fmt.Errorf("create datacenter %s: %w", Datacenter, err)
	}
	for _, plan := range clusters {
		if err := b.cluster(plan); err != nil {
			return fmt.Errorf("create cluster %s: %w", plan.name, err)
		}
	}
	if err := b.datastores(clusters); err != nil {
		return fmt.Errorf("create datastores: %w", err)
	}
	if err := b.network(); err != nil {
		return fmt.Errorf("create switch %s: %w", Switch, err)
	}
	return b.machines(clusters)
}

// clusterPlan is a cluster to be built: its name, its number of hosts and its own datastore.
type clusterPlan struct {
	name      string
	hosts     int
	datastore string
}

func (b *builder) datacenter() error {
	dc, err := object.NewRootFolder(b.client).CreateDatacenter(b.ctx, Datacenter)
	if err != nil {
		return err
	}
	b.dc = dc
	b.folders, err = dc.Folders(b.ctx)
	return err
}

// wait waits for a task that object's methods started.
func (b *builder) wait(task *object.Task, err error) (types.AnyType, error) {
	if err != nil {
		return nil, err
	}
	result, fault := vc.Wait(b.reg, task.Reference())
	if fault != nil {
		return nil, fmt.Errorf("task %s failed: %T", task.Reference().Value, fault)
	}
	return result, nil
}

func (b *builder) cluster(plan clusterPlan) error {
	cluster, err := b.folders.HostFolder.CreateCluster(b.ctx, plan.name, types.ClusterConfigSpecEx{})
	if err != nil {
		return err
	}
	config := b.reg.Get(cluster.Reference()).(*simulator.ClusterComputeResource).ConfigurationEx.(*types.ClusterConfigInfoEx)
	config.DrsConfig.DefaultVmBehavior = types.DrsBehaviorFullyAutomated
	config.DasConfig.Enabled = types.NewBool(true)
	for i := 1; i <= plan.hosts; i++ {
		spec := types.HostConnectSpec{HostName: fmt.Sprintf("%s-esx-%d", plan.name, i)}
		result, err := b.wait(cluster.AddHost(b.ctx, spec, true, nil, nil))
		if err != nil {
			return err
		}
		host := b.reg.Get(result.(types.ManagedObjectReference)).(*simulator.HostSystem)
		sizeHost(host)
		b.hosts[plan.name] = append(b.hosts[plan.name], host)
	}
	pool, err := cluster.ResourcePool(b.ctx)
	if err != nil {
		return err
	}
	b.pools[plan.name] = pool
	b.sizeCluster(cluster.Reference(), plan.hosts)
	return nil
}

// datastores makes one datastore for each cluster and one that all hosts mount.
func (b *builder) datastores(clusters []clusterPlan) error {
	var all []*simulator.HostSystem
	for _, plan := range clusters {
		all = append(all, b.hosts[plan.name]...)
		if err := b.datastore(plan.datastore, b.hosts[plan.name]); err != nil {
			return err
		}
	}
	return b.datastore(SharedDatastore, all)
}

func (b *builder) datastore(name string, hosts []*simulator.HostSystem) error {
	dir := filepath.Join(b.home, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	var datastore types.ManagedObjectReference
	for _, host := range hosts {
		res, err := methods.CreateLocalDatastore(b.ctx, b.client, &types.CreateLocalDatastore{
			This: *host.ConfigManager.DatastoreSystem, Name: name, Path: dir})
		if err != nil {
			return err
		}
		if datastore.Value == "" {
			datastore = res.Returnval
		}
	}
	sizeDatastore(b.findDatastore(name), dir)
	return nil
}

func (b *builder) findDatastore(name string) *simulator.Datastore {
	for _, entity := range b.reg.All("Datastore") {
		if ds := entity.(*simulator.Datastore); ds.Name == name {
			return ds
		}
	}
	return nil
}

// network makes the distributed switch, its port groups and joins every host to it.
func (b *builder) network() error {
	spec := types.DVSCreateSpec{ConfigSpec: &types.VMwareDVSConfigSpec{DVSConfigSpec: types.DVSConfigSpec{Name: Switch}}}
	result, err := b.wait(b.folders.NetworkFolder.CreateDVS(b.ctx, spec))
	if err != nil {
		return err
	}
	dvs := object.NewDistributedVirtualSwitch(b.client, result.(types.ManagedObjectReference))
	members := &types.DVSConfigSpec{}
	for _, entity := range b.reg.All("HostSystem") {
		members.Host = append(members.Host, types.DistributedVirtualSwitchHostMemberConfigSpec{
			Operation: string(types.ConfigSpecOperationAdd), Host: entity.Reference()})
	}
	if _, err := b.wait(dvs.Reconfigure(b.ctx, members)); err != nil {
		return err
	}
	for _, name := range portGroups {
		if _, err := b.wait(dvs.AddPortgroup(b.ctx, []types.DVPortgroupConfigSpec{portGroupSpec(name)})); err != nil {
			return err
		}
	}
	return nil
}
