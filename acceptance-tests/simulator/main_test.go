package main

import (
	"testing"
	"time"
)

func TestFlagsHaveUsableDefaults(t *testing.T) {
	options, exitWithStdin, err := parseFlags(nil)
	if err != nil || exitWithStdin {
		t.Fatalf("%v, %v", exitWithStdin, err)
	}
	if options.Listen != "127.0.0.1:0" || options.Guests != "paper" || options.GuestBoot != 200*time.Millisecond || options.Inventory.Hosts != 4 {
		t.Errorf("defaults are %+v", options)
	}
}

func TestFlagsThatCannotBeMeantAreRefused(t *testing.T) {
	for _, args := range [][]string{{"--guests", "real"}, {"--hosts", "0"}, {"--password", ""}, {"extra"}, {"--unknown"}} {
		if _, _, err := parseFlags(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
