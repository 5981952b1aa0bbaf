//go:build linux

package living

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
)

// Seven of each guest's processes watch files; a kernel's usual 128 for all that one user runs is used up by a cloud of
// sixteen guests and a desktop, and then no further guest's first process starts. The kernel's usual 65536 asynchronous
// requests hold for some twenty databases.
var limits = map[string]int{
	"/proc/sys/fs/inotify/max_user_instances": 4096,
	"/proc/sys/fs/aio-max-nr":                 262144,
}

// raiseLimits lets this machine run more guests than the kernel's defaults do. They stay raised: other clouds may count on
// it. A machine that refuses may still have room for a small cloud.
func raiseLimits() {
	for file, least := range limits {
		if err := raise(file, least); err != nil {
			log.Printf("a cloud of many guests may not start: %s", err)
		}
	}
}

func raise(file string, least int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read a limit of the kernel: %w", err)
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || now >= least {
		return err
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(least)), 0); err != nil {
		return fmt.Errorf("raise a limit of the kernel to %d: %w", least, err)
	}
	return nil
}
