// Command emulate runs the Go tests of packages on a CPU that this machine does not have.
//
//	go run ./tools/dev/emulate -cpu icelake ./maxsim/... -- -test.run Kernel -test.v
//
// It cross-compiles one static test binary for each package, runs it under an emulator and prints
// what it prints. It fails when a test fails, and also when it cannot tell: the emulated CPU lacks a
// feature it is there for, the guest ends without an exit status, or no test ran at all.
//
// The AVX-512 CPUs run in Bochs, because no other free emulator has AVX-512. Bochs is a whole PC, so
// Debian's cloud kernel boots in it, from an image made here without a BIOS or a boot loader; the
// tests start some seconds later. An emulated CPU does a small fraction of the work of a real
// one: select tests with -test.run, or let them ask for less with -test.short. The arm64 CPUs run in
// qemu-user, which needs no kernel.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// options is what the command line says.
type options struct {
	cpu      string
	packages []string
	testArgs []string      // for the test binary
	env      []string      // for the test binary, KEY=VALUE
	timeout  time.Duration // of one package, compilation excluded
	memory   int           // of the emulated machine, in megabytes
	kernel   string        // path; empty means the one from Debian's package
	verbose  bool
}

const (
	minMemory = 128
	maxMemory = 3 << 10 // what is above has to share its addresses with devices
)

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		err = run(ctx, o)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "emulate:", err)
		os.Exit(1)
	}
}

// parse splits the arguments at "--": what follows belongs to the test binary.
func parse(args []string) (options, error) {
	var o options
	if i := slices.Index(args, "--"); i >= 0 {
		args, o.testArgs = args[:i], args[i+1:]
	}
	flags := flag.NewFlagSet("emulate", flag.ContinueOnError)
	flags.StringVar(&o.cpu, "cpu", "", "CPU to emulate: "+cpuNames())
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "time for the tests of one package, the boot included")
	flags.IntVar(&o.memory, "memory", 1024, "megabytes of memory of the emulated PC")
	flags.StringVar(&o.kernel, "kernel", "", "Linux bzImage for the emulated PC (default: the cloud kernel in /boot)")
	flags.BoolVar(&o.verbose, "v", false, "print what is going on, and the messages of the emulated kernel")
	flags.Func("env", "KEY=VALUE for the tests (repeatable)", func(s string) error {
		if !strings.Contains(s, "=") {
			return errors.New("want KEY=VALUE")
		}
		o.env = append(o.env, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.memory < minMemory || o.memory > maxMemory {
		return options{}, fmt.Errorf("-memory is %d: set it to %d to %d", o.memory, minMemory, maxMemory)
	}
	if o.packages = flags.Args(); len(o.packages) == 0 {
		return options{}, errors.New("no package is named: add for example ./maxsim")
	}
	return o, nil
}

// run tests the packages one after the other: two emulators at once would only fight for the cores.
func run(ctx context.Context, o options) error {
	c, err := cpuNamed(o.cpu)
	if err != nil {
		return err
	}
	emulator, err := findEmulator(c, o)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "emulate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	packages, err := testedPackages(ctx, c, o.packages)
	if err != nil {
		return err
	}
	guest, err := buildGuest(ctx, c, tmp)
	if err != nil {
		return err
	}
	var failures []error
	for _, p := range packages {
		if err := testPackage(ctx, emulator, c, p, guest, tmp, o); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", p.ImportPath, err))
		}
	}
	return errors.Join(failures...)
}

// emulator runs one test binary to its end.
type emulator interface {
	run(ctx context.Context, j job) (verdict, error)
}

// job is one test binary and what it needs.
type job struct {
	binary string // static, for the emulated platform
	guest  string // ./guest, for the emulated platform
	source string // the package's folder
	args   []string
	env    []string
	tmp    string // empty folder
}

func findEmulator(c cpu, o options) (emulator, error) {
	if c.goarch == "arm64" {
		return newQEMU(c)
	}
	return newBochs(c, o)
}

func testPackage(ctx context.Context, e emulator, c cpu, p goPackage, guest, tmp string, o options) error {
	dir, err := os.MkdirTemp(tmp, "package")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := buildTest(ctx, c, p, dir)
	if err != nil {
		return err
	}
	// One thread of Go code: the emulated PC has one CPU, and the emulator is what is slow.
	env := append([]string{"GOMAXPROCS=1"}, o.env...)
	limited, cancel := context.WithTimeoutCause(ctx, o.timeout,
		fmt.Errorf("the tests did not end within %s: run fewer of them with -test.run or raise -timeout", o.timeout))
	defer cancel()
	start := time.Now()
	v, err := e.run(limited, job{binary: binary, guest: guest, source: p.Dir, args: o.testArgs, env: env, tmp: dir})
	if err == nil {
		err = v.check(c)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "emulate: %s passed on %s in %s\n", p.ImportPath, c.name, time.Since(start).Round(time.Second/10))
	return nil
}
