package vcenter

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// browser is a datastore browser that finds every file when a search does not say which: the simulator finds none, and
// dies without a specification.
type browser struct {
	*simulator.HostDatastoreBrowser
}

// SearchDatastoreTask searches one folder.
func (b *browser) SearchDatastoreTask(ctx *simulator.Context, req *types.SearchDatastore_Task) soap.HasFault {
	whole := *req
	whole.SearchSpec = anyFile(req.SearchSpec)
	return b.HostDatastoreBrowser.SearchDatastoreTask(ctx, &whole)
}

// SearchDatastoreSubFoldersTask searches a folder and those below it.
func (b *browser) SearchDatastoreSubFoldersTask(ctx *simulator.Context, req *types.SearchDatastoreSubFolders_Task) soap.HasFault {
	whole := *req
	whole.SearchSpec = anyFile(req.SearchSpec)
	return b.HostDatastoreBrowser.SearchDatastoreSubFoldersTask(ctx, &whole)
}

// anyFile is a search with a pattern.
func anyFile(spec *types.HostDatastoreBrowserSearchSpec) *types.HostDatastoreBrowserSearchSpec {
	var out types.HostDatastoreBrowserSearchSpec
	if spec != nil {
		out = *spec
	}
	if len(out.MatchPattern) == 0 {
		out.MatchPattern = []string{"*"}
	}
	return &out
}
