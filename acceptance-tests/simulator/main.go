// Command simulator serves a simulated vCenter for acceptance tests and for trying the provider by hand. When it is
// ready it prints one line of JSON on stdout that says how to reach it; everything else goes to stderr.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/app"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/living"
)

func main() {
	log.SetOutput(os.Stderr)
	options, exitWithStdin, err := parseFlags(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	if options.Guests == app.GuestsLiving {
		err = living.Enclose(options.Living.Root)
	}
	if err == nil {
		err = run(options, exitWithStdin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// parseFlags reads the command line; the flag package has told the user what is wrong when it fails.
func parseFlags(args []string) (app.Options, bool, error) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	var o app.Options
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`address` to listen on; port 0 takes a free port")
	flags.StringVar(&o.User, "user", "administrator@vsphere.local", "the only `user` who may log in")
	flags.StringVar(&o.Password, "password", "simulated", "the `password` of that user")
	flags.DurationVar(&o.Latency, "latency", 0, "`time` added before each API call, as in 20ms")
	flags.DurationVar(&o.SessionTimeout, "session-timeout", 0, "end sessions that were idle for this `time`; 0 keeps them")
	flags.IntVar(&o.Inventory.ComputeClusters, "compute-clusters", 2, "`number` of clusters beside the cluster mgmt")
	flags.IntVar(&o.Inventory.Hosts, "hosts", 4, "`number` of hosts in each cluster")
	flags.IntVar(&o.Inventory.MgmtHosts, "hosts-in-mgmt", 0, "`number` of hosts in the cluster mgmt; 0 means as --hosts says")
	flags.StringVar(&o.StateDir, "state-dir", "", "`directory` for ca.pem; default is a temporary one that goes away at exit")
	flags.StringVar(&o.Guests, "guests", "paper", "`kind` of guests: paper (they act as the node agent), living (systems in namespaces) or none (no guest ever starts)")
	flags.DurationVar(&o.GuestBoot, "guest-boot", 200*time.Millisecond, "`time` from power-on until a guest's VMware Tools run")
	flags.StringVar(&o.Living.Root, "guest-root", "", "root file system of living guests, a `directory` as guests/living prints it")
	flags.StringVar(&o.NSX.Listen, "nsx-listen", "", "`address` of an NSX Manager; without one there is none")
	flags.StringVar(&o.NSX.User, "nsx-user", "admin", "the only `user` whom the NSX Manager lets in")
	flags.StringVar(&o.NSX.Password, "nsx-password", "simulated", "the `password` of that user")
	flags.DurationVar(&o.NSX.Realization, "nsx-realization", 200*time.Millisecond, "`time` until a transport node is configured")
	flags.StringVar(&o.GuestListen, "guest-listen", "198.18.10.2:443", "`address` of the API in the network of living guests")
	o.Living.Networks = map[string][]string{"management": {"198.18.10.1/24", "198.18.10.2/24"}, "api": {"198.18.20.1/24", "198.18.20.2/24"}}
	flags.Func("guest-network", "the client's addresses in a port group of living guests, as in `api=198.18.20.1/24,198.18.20.2/24`", func(text string) error {
		name, addresses, ok := strings.Cut(text, "=")
		o.Living.Networks[name] = strings.Split(addresses, ",")
		if !ok {
			return errors.New("there is no = in it")
		}
		return nil
	})
	exitWithStdin := flags.Bool("exit-with-stdin", false, "exit when stdin is closed, so that a killed parent leaves nothing behind")
	if err := flags.Parse(args); err != nil {
		return o, false, err
	}
	err := check(o, flags.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
	}
	return o, *exitWithStdin, err
}

// check refuses values that cannot be meant.
func check(o app.Options, rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case !slices.Contains(app.GuestKinds, o.Guests):
		return fmt.Errorf("--guests must be one of %q, not %q", app.GuestKinds, o.Guests)
	case o.Guests == app.GuestsLiving && o.Living.Root == "":
		return errors.New("--guests living needs --guest-root, which acceptance-tests/guests/living prints")
	case o.Inventory.Hosts < 1 || o.Inventory.ComputeClusters < 0 || o.Inventory.MgmtHosts < 0:
		return fmt.Errorf("--hosts must be at least 1, --compute-clusters and --hosts-in-mgmt at least 0")
	case o.User == "" || o.Password == "":
		return fmt.Errorf("--user and --password must not be empty")
	}
	return nil
}

// run serves until a signal comes or, when asked, until stdin ends.
func run(options app.Options, exitWithStdin bool) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	if exitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(ended)
		}()
	}
	a, err := app.Start(options)
	if err != nil {
		return err
	}
	defer a.Close()
	fmt.Println(a.ReadyLine())
	select {
	case <-stop:
	case <-ended:
	}
	return nil
}
