package app

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// traversal is a path of a type; next are the names of the paths to follow from there.
func traversal(name, kind, path string, next ...types.BaseSelectionSpec) types.BaseSelectionSpec {
	return &types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: name}, Type: kind, Path: path, SelectSet: next}
}

func named(name string) types.BaseSelectionSpec { return &types.SelectionSpec{Name: name} }

// everywhere is how oslo.vmware looks for objects: paths that name themselves, each of a type.
func everywhere() types.BaseSelectionSpec {
	folders := named("visitFolders")
	pools := []types.BaseSelectionSpec{named("rp_to_rp"), named("rp_to_vm")}
	return traversal("visitFolders", "Folder", "childEntity", folders,
		traversal("h_to_vm", "HostSystem", "vm", folders),
		traversal("dc_to_hf", "Datacenter", "hostFolder", folders),
		traversal("dc_to_vmf", "Datacenter", "vmFolder", folders),
		traversal("dc_to_df", "Datacenter", "datastoreFolder", folders),
		traversal("cr_to_h", "ComputeResource", "host"),
		traversal("cr_to_ds", "ComputeResource", "datastore"),
		traversal("cr_to_rp", "ComputeResource", "resourcePool", pools...),
		traversal("rp_to_rp", "ResourcePool", "resourcePool", pools...),
		traversal("rp_to_vm", "ResourcePool", "vm", pools...))
}

func TestPathsThatLeadBackSelectEachObjectOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	for kind, want := range map[string]int{"ComputeResource": 2, "HostSystem": 6, "Datastore": 3, "VirtualMachine": 5} {
		spec := types.PropertyFilterSpec{PropSet: []types.PropertySpec{{Type: kind, PathSet: []string{"name"}}},
			ObjectSet: []types.ObjectSpec{{Obj: w.client.ServiceContent.RootFolder, SelectSet: []types.BaseSelectionSpec{everywhere()}}}}
		found := map[types.ManagedObjectReference]bool{}
		res, err := methods.RetrievePropertiesEx(ctx, w.client, &types.RetrievePropertiesEx{This: w.client.ServiceContent.PropertyCollector,
			SpecSet: []types.PropertyFilterSpec{spec}, Options: types.RetrieveOptions{MaxObjects: 2}})
		if err != nil {
			t.Fatal(err)
		}
		n, page := 0, res.Returnval
		for {
			for _, object := range page.Objects {
				found[object.Obj] = true
				n++
			}
			if page.Token == "" {
				break
			}
			next, err := methods.ContinueRetrievePropertiesEx(ctx, w.client, &types.ContinueRetrievePropertiesEx{
				This: w.client.ServiceContent.PropertyCollector, Token: page.Token})
			if err != nil {
				t.Fatal(err)
			}
			page = &next.Returnval
		}
		if n != want || len(found) != want {
			t.Errorf("%d answers of %d objects of type %s, want %d", n, len(found), kind, want)
		}
	}
}

func TestPathsNeedASessionAndTheirNames(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	request := func(selection types.BaseSelectionSpec) *types.RetrievePropertiesEx {
		return &types.RetrievePropertiesEx{This: w.client.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
			PropSet:   []types.PropertySpec{{Type: "Folder", PathSet: []string{"name"}}},
			ObjectSet: []types.ObjectSpec{{Obj: w.client.ServiceContent.RootFolder, SelectSet: []types.BaseSelectionSpec{selection}}}}}}
	}
	_, err := methods.RetrievePropertiesEx(ctx, w.client, request(named("nowhere")))
	wantFault[*types.InvalidArgument](t, err)
	if err := w.client.Logout(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = methods.RetrievePropertiesEx(ctx, w.client, request(everywhere()))
	wantFault[*types.NotAuthenticated](t, err)
}

func TestTheAPIIsDescribedWithoutASession(t *testing.T) {
	t.Parallel()
	w := start(t)
	res, err := w.http().Get("https://" + w.app.Ready.Server + "/sdk/vimService.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`<operation name="RetrievePropertiesEx">`)) {
		t.Errorf("%d, %d bytes, %v", res.StatusCode, len(text), err)
	}
}

// file calls for a file of a datastore, in a session if there is a key of one.
func (w *world) file(method, query, body, session string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequest(method, "https://"+w.app.Ready.Server+"/folder/"+query, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if session != "" {
		req.Header.Set("Cookie", "vmware_soap_session="+session)
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

func TestFilesOfDatastoresAreKeptForThoseWithASession(t *testing.T) {
	t.Parallel()
	w := start(t)
	user, err := w.client.SessionManager.UserSession(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	const image = "images/one?dcPath=dc1&dsName=ds-shared"
	for _, step := range []struct {
		method, query, body, session string
		status                       int
		text                         string
	}{
		{"PUT", image, "first", "", 401, "log in first\n"},
		{"GET", image, "", user.Key, 404, "there is no such file\n"},
		{"PUT", image, "first", user.Key, 201, ""},
		{"PUT", image, "second", user.Key, 200, ""},
		{"GET", image, "", user.Key, 200, "second"},
		{"GET", "images/one?dcPath=/dc1&dsName=ds-shared", "", user.Key, 200, "second"},
		{"HEAD", image, "", user.Key, 200, ""},
		{"GET", image, "", "", 401, "log in first\n"},
		{"GET", "images/one?dcPath=dc1&dsName=ds-mgmt", "", user.Key, 404, "there is no such file\n"},
		{"GET", "images/one?dcPath=dc2&dsName=ds-shared", "", user.Key, 404, "there is no such datastore\n"},
		{"GET", "images?dcPath=dc1&dsName=ds-shared", "", user.Key, 404, "there is no such file\n"},
		{"DELETE", image, "", user.Key, 204, ""},
		{"GET", image, "", user.Key, 404, "there is no such file\n"},
	} {
		status, text := w.file(step.method, step.query, step.body, step.session)
		if status != step.status || text != step.text {
			t.Errorf("%s %s: %d %q, want %d %q", step.method, step.query, status, text, step.status, step.text)
		}
	}
}

func TestASearchWithoutAPatternFindsEveryFile(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	ds, err := w.finder.Datastore(ctx, "ds-shared")
	if err != nil {
		t.Fatal(err)
	}
	user, err := w.client.SessionManager.UserSession(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.file("PUT", "base/a.vmdk?dcPath=dc1&dsName=ds-shared", "x", user.Key)
	b, err := ds.Browser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]*types.HostDatastoreBrowserSearchSpec{"no specification": nil, "no pattern": {}} {
		result, err := w.wait(b.SearchDatastore(ctx, "[ds-shared] base", spec))
		if err != nil {
			t.Fatal(err)
		}
		if files := result.(types.HostDatastoreBrowserSearchResults).File; len(files) != 1 || files[0].GetFileInfo().Path != "a.vmdk" {
			t.Errorf("%s: %v", name, files)
		}
	}
}

func TestAnExtensionMayTellATimeWithoutAZone(t *testing.T) {
	t.Parallel()
	w := start(t)
	user, err := w.client.SessionManager.UserSession(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	request := `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><RegisterExtension xmlns="urn:vim25">` +
		`<_this type="ExtensionManager">ExtensionManager</_this><extension><description><label>l</label><summary>s</summary></description>` +
		`<key>org.openstack.compute</key><version>1.0</version><lastHeartbeatTime>2026-11-23T10:30:34.5</lastHeartbeatTime></extension>` +
		`</RegisterExtension></e:Body></e:Envelope>`
	if status, text := w.file("POST", "../sdk", request, user.Key); status != http.StatusOK {
		t.Fatal(text)
	}
	res, err := methods.FindExtension(context.Background(), w.client, &types.FindExtension{This: *w.client.ServiceContent.ExtensionManager, ExtensionKey: "org.openstack.compute"})
	if err != nil {
		t.Fatal(err)
	}
	got := res.Returnval
	if got == nil || got.Description.GetDescription().Label != "l" || !got.LastHeartbeatTime.Equal(time.Date(2026, 11, 23, 10, 30, 34, 5e8, time.UTC)) {
		t.Errorf("the extension is %+v", got)
	}
}
