//go:build linux

package living

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// clientRoot is the root file system of the tests' client, which has OpenStack's command line.
func (g *Guests) clientRoot() string { return filepath.Join(g.cloud.dir, "client/root") }

// furnishClient mounts the client's root file system. Whoever enters it changes its own overlay only.
func (g *Guests) furnishClient() error {
	root, err := g.overlay(filepath.Join(g.cloud.dir, "client"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "etc/hosts"), []byte("127.0.0.1 localhost client\n"), 0o644); err != nil {
		return fmt.Errorf("write the client's /etc/hosts: %w", err)
	}
	for _, dir := range []string{"proc", "dev", "sys"} {
		if err := unix.Mount("/"+dir, filepath.Join(root, dir), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount /%s for the client: %w", dir, err)
		}
	}
	return nil
}
