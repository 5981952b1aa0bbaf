package guest

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// disk is what survives of a guest when its machine is powered off.
type disk struct {
	// applied is the revision of the last document that was applied whole, files are its files as they shall be.
	applied string
	files   []File
	// edited has the content of files that were changed by hand.
	edited map[string]string
	// applications and repairs count the documents that were applied, and the repairs of changed files.
	applications, repairs int
}

// digest is the digest of the files as they are.
func (d *disk) digest() string {
	files := slices.Clone(d.files)
	for i, file := range files {
		if content, ok := d.edited[file.Path]; ok {
			files[i].Content = content
		}
	}
	return filesDigest(files)
}

// apply writes the files of a document, unless it is the one that was applied last.
func (d *disk) apply(revision string, files []File) {
	if d.applied != revision {
		d.applied, d.files, d.edited = revision, files, nil
		d.applications++
	}
}

// repair puts changed files back.
func (d *disk) repair() {
	d.edited = nil
	d.repairs++
}

// withDisk uses the disk of a machine, which is empty at first.
func (g *Guests) withDisk(ref types.ManagedObjectReference, use func(*disk)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.disks[ref] == nil {
		g.disks[ref] = &disk{}
	}
	use(g.disks[ref])
}

// EditFile changes a file of a machine's applied document, as somebody who is logged in there might.
func (g *Guests) EditFile(vm *simulator.VirtualMachine, path, content string) error {
	found := false
	g.withDisk(vm.Self, func(d *disk) {
		found = slices.ContainsFunc(d.files, func(file File) bool { return file.Path == path })
		if found && d.edited == nil {
			d.edited = map[string]string{}
		}
		if found {
			d.edited[path] = content
		}
	})
	if !found {
		return fmt.Errorf("the document that was applied has no file %q", path)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if one, ok := g.running[vm.Self]; ok {
		one.wake(false)
	}
	return nil
}
