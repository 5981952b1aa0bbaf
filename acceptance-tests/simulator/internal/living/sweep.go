//go:build linux

package living

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// emptyTime is how long the kernel may take to end the processes of a namespace whose first process has ended.
const emptyTime = 20 * time.Second

// claim makes a directory for a new cloud and returns it with its lock and one on the root, which last as long as a
// process has the files open; it removes what clouds have left of which no process is alive any more.
func claim(root string) (cloud, []*os.File, error) {
	base := filepath.Join(filepath.Dir(root), "clouds")
	if err := os.MkdirAll(base, 0o700); err != nil {
		return cloud{}, nil, fmt.Errorf("make the directory of running clouds: %w", err)
	}
	// One at a time: a cloud whose lock is not taken yet looks dead.
	all, err := openLocked(filepath.Join(base, ".lock"), unix.LOCK_EX)
	if err != nil {
		return cloud{}, nil, err
	}
	defer func() { _ = all.Close() }()
	if err := reap(base); err != nil {
		return cloud{}, nil, err
	}
	dir, err := os.MkdirTemp(base, "vio-")
	if err != nil {
		return cloud{}, nil, fmt.Errorf("make the cloud's directory: %w", err)
	}
	lock, err := openLocked(filepath.Join(dir, "lock"), unix.LOCK_EX)
	if err != nil {
		return cloud{}, nil, err
	}
	// Whoever removes roots of older recipes asks for this lock first.
	held, err := openLocked(root+".lock", unix.LOCK_SH)
	if err != nil {
		return cloud{}, nil, err
	}
	return cloud{id: filepath.Base(dir), dir: dir}, []*os.File{lock, held}, nil
}

func openLocked(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), how); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// reap removes what is left of clouds that nobody holds.
func reap(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return fmt.Errorf("list the running clouds: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := filepath.Join(base, entry.Name())
		lock, err := openLocked(filepath.Join(dir, "lock"), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return err
		}
		err = sweep(dir)
		_ = lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepAtTheEnd waits until the simulator has ended and removes what it left.
func sweepAtTheEnd() {
	_, _ = io.Copy(io.Discard, os.NewFile(lifelineFile, "lifeline"))
	_ = sweep(os.Getenv(cloudVariable))
}

// sweep removes a cloud's control groups, once its processes are gone, and its directory. The mounts have gone with
// their namespace, so that nothing but the cloud's own files is below the directory.
func sweep(dir string) error {
	for _, group := range groupsOf(filepath.Base(dir)) {
		if err := removeGroup(group); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove what a cloud left: %w", err)
	}
	return nil
}

// groupsOf are the directories of a name in the trees of control groups: those in which systemd keeps its services, and
// the one that shares out the processors.
func groupsOf(name string) []string {
	var groups []string
	for _, tree := range []string{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu"} {
		if info, err := os.Stat(tree); err == nil && info.IsDir() {
			groups = append(groups, filepath.Join(tree, name))
		}
	}
	if len(groups) == 0 {
		groups = append(groups, filepath.Join("/sys/fs/cgroup", name))
	}
	return groups
}

// removeGroup removes a control group and those below it, as soon as they have no processes.
func removeGroup(group string) error {
	var all []string
	err := filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list control groups: %w", err)
	}
	for i := len(all) - 1; i >= 0; i-- {
		deadline := time.Now().Add(emptyTime)
		err := syscall.Rmdir(all[i])
		for errors.Is(err, syscall.EBUSY) && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
			err = syscall.Rmdir(all[i])
		}
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("remove the control group %s: %w", strings.TrimPrefix(all[i], "/sys/fs/cgroup/"), err)
		}
	}
	return nil
}
