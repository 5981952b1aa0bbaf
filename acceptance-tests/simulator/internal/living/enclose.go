//go:build linux

package living

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the processes of one cloud tell each other by their environment.
const (
	// roleVariable is what a process that was started by Enclose is: roleInside or roleSweep.
	roleVariable = "VIO_SIMULATOR_ROLE"
	roleInside   = "inside"
	roleSweep    = "sweep"
	// cloudVariable is the cloud's directory.
	cloudVariable = "VIO_SIMULATOR_CLOUD"
	// pidVariable is the process id that the process inside has outside.
	pidVariable = "VIO_SIMULATOR_PID"
)

// Files that the processes of one cloud inherit. Whoever has lockFile open holds the cloud's lock.
const (
	lockFile = 3 + iota
	lifelineFile
)

// cloud is what one simulator's guests have outside of their namespaces.
type cloud struct {
	// id is unique on this machine.
	id string
	// dir is on disk, and holds everything that the guests write.
	dir string
	// program is this program's file.
	program string
	// hostPID is the simulator's process id as the machine's own processes see it.
	hostPID int
}

// Enclose runs this program again as the first process of a process namespace, with a mount namespace of its own, and
// ends the calling process with its exit status. Inside, it prepares the namespaces and returns.
func Enclose(root string) error {
	switch os.Getenv(roleVariable) {
	case roleInside:
		return prepareInside()
	case roleSweep:
		sweepAtTheEnd()
		os.Exit(0)
	}
	status, err := enclose(root)
	if err != nil {
		return err
	}
	os.Exit(status)
	return nil
}

// enclose starts the process inside and the one that cleans up, and waits for both.
func enclose(root string) (int, error) {
	if _, err := os.Stat(filepath.Join(root, "usr/lib/systemd/systemd")); err != nil {
		return 0, fmt.Errorf("%s is no root file system for living guests; `acceptance-tests/guests/living root` prints one: %w", root, err)
	}
	raiseLimits()
	// The kernel kills the process inside when the thread that started it ends.
	runtime.LockOSThread()
	c, locks, err := claim(root)
	if err != nil {
		return 0, err
	}
	if c.program, err = os.Executable(); err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	// A file that nobody refers to is closed, and its lock is gone.
	defer runtime.KeepAlive(locks)
	end, lifeline, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make the lifeline: %w", err)
	}
	sweeper := c.process(roleSweep, locks[0], end)
	// It outlives whatever kills this process, its group and its terminal.
	sweeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := sweeper.Start(); err != nil {
		return 0, fmt.Errorf("start the process that cleans up: %w", err)
	}
	_ = end.Close()
	inside := c.process(roleInside, locks[0], lifeline)
	inside.Stdin, inside.Stdout, inside.Stderr = os.Stdin, os.Stdout, os.Stderr
	inside.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if err := inside.Start(); err != nil {
		_ = lifeline.Close()
		_ = sweeper.Wait()
		return 0, fmt.Errorf("start the simulator in namespaces of its own: %w", err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for one := range stop {
			_ = inside.Process.Signal(one)
		}
	}()
	ended := inside.Wait()
	_ = lifeline.Close()
	_ = sweeper.Wait()
	var exit *exec.ExitError
	if ended != nil && !errors.As(ended, &exit) {
		return 0, fmt.Errorf("wait for the simulator: %w", ended)
	}
	return inside.ProcessState.ExitCode(), nil
}

// process is this program again, in a role.
func (c cloud) process(role string, files ...*os.File) *exec.Cmd {
	cmd := exec.Command(c.program, os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, cloudVariable+"="+c.dir)
	cmd.ExtraFiles = files
	return cmd
}

// enclosed finds the cloud of the process inside.
func enclosed() (cloud, error) {
	dir := os.Getenv(cloudVariable)
	pid, err := strconv.Atoi(os.Getenv(pidVariable))
	if dir == "" || err != nil {
		return cloud{}, errors.New("living guests need a process in namespaces of its own")
	}
	return cloud{id: filepath.Base(dir), dir: dir, hostPID: pid}, nil
}

// prepareInside makes the mount namespace private, and gives it a view of its own processes and a place for the names
// of network namespaces.
func prepareInside() error {
	// The mount of /proc is still the machine's own, and so is the number.
	pid, err := os.Readlink("/proc/self")
	if err != nil {
		return fmt.Errorf("find the process id: %w", err)
	}
	if err := errors.Join(os.Setenv(pidVariable, pid), os.Unsetenv(roleVariable)); err != nil {
		return fmt.Errorf("change the environment: %w", err)
	}
	unix.CloseOnExec(lockFile)
	unix.CloseOnExec(lifelineFile)
	mounts := []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
	}
	for _, m := range mounts {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s in a namespace of its own: %w", m.target, err)
		}
	}
	return nil
}

// mountOverlay mounts dir/root: lower below, dir/upper above. Nothing is synchronised to the disk: a guest's power
// failure is not the machine's.
func mountOverlay(lower, dir string) error {
	// The kernel marks an overlay without synchronisation while it is mounted; ours was left by a guest that was killed.
	if err := os.RemoveAll(filepath.Join(dir, "work/work/incompat")); err != nil {
		return fmt.Errorf("clear the overlay's mark: %w", err)
	}
	options := fmt.Sprintf("volatile,lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, dir, dir)
	if err := unix.Mount("overlay", filepath.Join(dir, "root"), "overlay", 0, options); err != nil {
		return fmt.Errorf("mount the overlay in %s: %w", dir, err)
	}
	return nil
}
