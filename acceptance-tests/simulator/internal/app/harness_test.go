package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
)

// world is a running simulator with a logged-in client.
type world struct {
	t      *testing.T
	app    *App
	client *govmomi.Client
	finder *find.Finder
}

func options() Options {
	return Options{Listen: "127.0.0.1:0", User: "administrator@vsphere.local", Password: "simulated",
		Inventory: inventory.Options{ComputeClusters: 1, Hosts: 3}, Guests: GuestsPaper, GuestBoot: 20 * time.Millisecond}
}

func start(t *testing.T, opts ...func(*Options)) *world {
	t.Helper()
	o := options()
	for _, change := range opts {
		change(&o)
	}
	a, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	w := &world{t: t, app: a}
	w.client = w.login()
	w.finder = find.NewFinder(w.client.Client, false)
	dc, err := w.finder.Datacenter(context.Background(), "dc1")
	if err != nil {
		t.Fatal(err)
	}
	w.finder.SetDatacenter(dc)
	return w
}

// login opens a session of its own, trusting only the simulator's CA.
func (w *world) login() *govmomi.Client {
	w.t.Helper()
	u, err := url.Parse("https://" + w.app.Ready.Server + "/sdk")
	if err != nil {
		w.t.Fatal(err)
	}
	u.User = url.UserPassword(w.app.Ready.User, w.app.Ready.Password)
	soapClient := soap.NewClient(u, false)
	if err := soapClient.SetRootCAs(w.app.Ready.CAPEMFile); err != nil {
		w.t.Fatal(err)
	}
	vim, err := vim25.NewClient(context.Background(), soapClient)
	if err != nil {
		w.t.Fatal(err)
	}
	client := &govmomi.Client{Client: vim, SessionManager: session.NewManager(vim)}
	if err := client.Login(context.Background(), u.User); err != nil {
		w.t.Fatal(err)
	}
	return client
}

// post calls a control endpoint and fails the test unless it succeeds.
func (w *world) post(path string, body any) {
	w.t.Helper()
	if status, text := w.control(http.MethodPost, path, body); status != http.StatusOK {
		w.t.Fatalf("POST %s: %d %s", path, status, text)
	}
}

// get reads a control endpoint into out.
func (w *world) get(path string, out any) {
	w.t.Helper()
	status, text := w.control(http.MethodGet, path, nil)
	if status != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", path, status, text)
	}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) control(method, path string, body any) (int, string) {
	w.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(method, w.app.Ready.Control+"/"+path, bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.http().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (w *world) http() *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(w.app.Ready.CAPEM))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
}

func (w *world) vm(path string) *object.VirtualMachine {
	w.t.Helper()
	vm, err := w.finder.VirtualMachine(context.Background(), path)
	if err != nil {
		w.t.Fatal(err)
	}
	return vm
}

func (w *world) template() *object.VirtualMachine { return w.vm("/dc1/vm/templates/vio-node-template") }

func (w *world) folder() *object.Folder {
	w.t.Helper()
	folder, err := w.finder.Folder(context.Background(), "/dc1/vm")
	if err != nil {
		w.t.Fatal(err)
	}
	return folder
}

func (w *world) pool(cluster string) types.ManagedObjectReference {
	w.t.Helper()
	pool, err := w.finder.ResourcePool(context.Background(), "/dc1/host/"+cluster+"/Resources")
	if err != nil {
		w.t.Fatal(err)
	}
	return pool.Reference()
}

// cloneSpec clones into the management cluster with these ExtraConfig values.
func (w *world) cloneSpec(extraConfig map[string]string) types.VirtualMachineCloneSpec {
	pool := w.pool("mgmt")
	spec := types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{Pool: &pool},
		Config: &types.VirtualMachineConfigSpec{}}
	for key, value := range extraConfig {
		spec.Config.ExtraConfig = append(spec.Config.ExtraConfig, &types.OptionValue{Key: key, Value: value})
	}
	return spec
}

// clone clones the template and fails the test when that fails.
func (w *world) clone(name string, spec types.VirtualMachineCloneSpec) *object.VirtualMachine {
	w.t.Helper()
	return w.cloneOf(w.template(), name, spec)
}

func (w *world) cloneOf(source *object.VirtualMachine, name string, spec types.VirtualMachineCloneSpec) *object.VirtualMachine {
	w.t.Helper()
	result, err := w.wait(source.Clone(context.Background(), w.folder(), name, spec))
	if err != nil {
		w.t.Fatalf("clone %s: %v", name, err)
	}
	return object.NewVirtualMachine(w.client.Client, result.(types.ManagedObjectReference))
}

func (w *world) wait(t *object.Task, err error) (types.AnyType, error) {
	if err != nil {
		return nil, err
	}
	info, err := t.WaitForResult(context.Background()) // a collector per wait, as waits on one disturb each other
	if err != nil {
		return nil, err
	}
	return info.Result, nil
}

// must fails the test unless the task succeeds.
func (w *world) must(t *object.Task, err error) {
	w.t.Helper()
	if _, err := w.wait(t, err); err != nil {
		w.t.Fatal(err)
	}
}

// props reads a machine.
func (w *world) props(vm *object.VirtualMachine) mo.VirtualMachine {
	w.t.Helper()
	var out mo.VirtualMachine
	if err := property.DefaultCollector(w.client.Client).RetrieveOne(context.Background(), vm.Reference(), nil, &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// facts reads a machine by its control endpoint.
func (w *world) facts(name string) inventory.VM {
	w.t.Helper()
	var out struct{ VM inventory.VM }
	w.get("vm?name="+url.QueryEscape(name), &out)
	return out.VM
}

// wantFault fails the test unless the error is a fault of this type, of the call or of its task.
func wantFault[T types.BaseMethodFault](t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("succeeded, want %T", *new(T))
	}
	var failed task.Error
	if errors.As(err, &failed) {
		if _, ok := failed.Fault().(T); ok {
			return
		}
		t.Fatalf("the task failed with %T, want %T", failed.Fault(), *new(T))
	}
	if soap.IsSoapFault(err) {
		// Faults of calls are decoded as values, those of the types are pointers.
		if want := strings.TrimPrefix(fmt.Sprintf("%T", *new(T)), "*"); fmt.Sprintf("%T", soap.ToSoapFault(err).VimFault()) == want {
			return
		}
		t.Fatalf("the call failed with %T, want %T", soap.ToSoapFault(err).VimFault(), *new(T))
	}
	t.Fatalf("failed with %v, want %T", err, *new(T))
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

// desired packs a document as the provider does, in parts of a size.
func desired(doc string, partSize int) map[string]string {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte(doc))
	_ = writer.Close()
	text := base64.StdEncoding.EncodeToString(packed.Bytes())
	sum := sha256.Sum256([]byte(doc))
	values := map[string]string{"guestinfo.vio.desired.revision": hex.EncodeToString(sum[:]), "guestinfo.vio.desired": text}
	if partSize == 0 {
		return values
	}
	n := 0
	for ; text != ""; n++ {
		part := text[:min(partSize, len(text))]
		values[fmt.Sprintf("guestinfo.vio.desired.%d", n+1)] = part
		text = text[len(part):]
	}
	values["guestinfo.vio.desired"] = fmt.Sprintf("parts:%d", n)
	return values
}

func extraConfig(values map[string]string) []types.BaseOptionValue {
	var list []types.BaseOptionValue
	for key, value := range values {
		list = append(list, &types.OptionValue{Key: key, Value: value})
	}
	return list
}
