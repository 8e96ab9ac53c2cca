package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weaviate-colpali/tools/dev/emulate/guest/task"
)

// bochs runs a test binary in an emulated PC.
type bochs struct {
	cpu     cpu
	path    string
	kernel  string
	memory  int
	verbose bool
}

func newBochs(c cpu, o options) (*bochs, error) {
	path, err := exec.LookPath("bochs")
	if err != nil {
		return nil, fmt.Errorf("%w: install the Debian packages bochs and bochs-term", err)
	}
	kernel := o.kernel
	if kernel == "" {
		if kernel, err = findKernel("/boot"); err != nil {
			return nil, err
		}
	}
	return &bochs{cpu: c, path: path, kernel: kernel, memory: o.memory, verbose: o.verbose}, nil
}

// findKernel prefers the kernel of Debian's cloud package: it has fewer drivers and unpacks itself
// with LZ4, so it boots several times as fast as the one for any PC.
func findKernel(dir string) (string, error) {
	for _, pattern := range []string{"vmlinuz-*-cloud-amd64", "vmlinuz-*"} {
		kernels, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		if len(kernels) > 0 {
			return slices.Max(kernels), nil
		}
	}
	return "", fmt.Errorf("no kernel in %s: install the Debian package linux-image-cloud-amd64 or set -kernel", dir)
}

// commandLine leaves out hardware that the emulated PC lacks or does not need, and work that serves
// no test. Any end of the kernel is a triple fault, which ends Bochs.
//
// The CPU features are those that the kernel must not use: Bochs 2.7 reports wrong sizes for pku,
// xsaves and xsavec, for which the kernel gives up AVX, and the kernel's own memmove is wrong with fsrm
// where no BIOS has switched on erms. Programs see what CPUID says, as ever.
const commandLine = "console=ttyS0,115200 rdinit=/init panic=-1 reboot=triple" +
	" clearcpuid=pku,xsaves,xsavec,fsrm" +
	" acpi=off pci=off nosmp noapic nolapic" +
	" tsc=reliable tsc_early_khz=50000 no_timer_check nowatchdog lpj=1000000 nokaslr mitigations=off" +
	" random.trust_cpu=on audit=0 cryptomgr.notests"

// settings is Bochs's configuration. com1 is the kernel's console, with the guest's report; com2 is
// the test binary's output. The VGA ROM is there because Bochs asks for one; nothing runs it.
const settings = `config_interface: textconfig
display_library: term
plugin_ctrl: biosdev=0, speaker=0, extfpuirq=0, parallel=0, gameport=0
cpu: model=%s, count=1, ips=%d, reset_on_triple_fault=0
clock: sync=none
memory: guest=%d, host=%[3]d
pci: enabled=0
romimage: file=rom
vgaromimage: file=vgarom
vga: extension=none
ata0: enabled=1
ata0-master: type=disk, mode=flat, path=disk
boot: disk
com1: enabled=1, mode=file, dev=console
com2: enabled=1, mode=file, dev=output
log: log
panic: action=fatal
error: action=ignore
info: action=report
debug: action=ignore
`

// instructionsPerSecond is how Bochs translates instructions into the guest's time. It is roughly
// what Bochs executes, so that times in the guest mean something; commandLine has it in kHz.
const instructionsPerSecond = 50_000_000

func (b *bochs) run(ctx context.Context, j job) (verdict, error) {
	token := rand.Text()
	if err := b.prepare(j, token); err != nil {
		return verdict{}, err
	}
	m, err := b.start(j.tmp)
	if err != nil {
		return verdict{}, err
	}
	defer m.stop()
	r, err := m.watch(ctx, token, b.verbose)
	if err != nil {
		return verdict{}, fmt.Errorf("%w\n%s", err, m.diagnosis())
	}
	return verdict{features: r.features, status: r.status, output: m.output.String()}, nil
}

// prepare writes everything that Bochs reads.
func (b *bochs) prepare(j job, token string) error {
	initrd, err := initialFiles(j, token)
	if err != nil {
		return err
	}
	bzImage, err := os.ReadFile(b.kernel)
	if err != nil {
		return fmt.Errorf("%w: set -kernel to one that you may read", err)
	}
	command := commandLine
	if !b.verbose {
		command += " quiet loglevel=1"
	}
	image, l, err := bootImage(bzImage, command, initrd, b.memory)
	if err != nil {
		return fmt.Errorf("%s: %w", b.kernel, err)
	}
	const diskUnit = 16 * 63 * sector // Bochs wants whole cylinders
	image = append(image, make([]byte, alignUp(uint32(len(image)), diskUnit)-uint32(len(image)))...)
	for name, data := range map[string][]byte{
		"rom":     bootROM(l),
		"vgarom":  make([]byte, sector),
		"disk":    image,
		"console": nil,
		"output":  nil,
		"bochsrc": fmt.Appendf(nil, settings, b.cpu.model, instructionsPerSecond, b.memory),
	} {
		if err := os.WriteFile(filepath.Join(j.tmp, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// initialFiles is the guest's file system.
func initialFiles(j job, token string) ([]byte, error) {
	a := newArchive()
	const work = "src/package"
	t, err := json.Marshal(task.Task{Token: token, Dir: "/" + work, Args: j.args, Env: j.env})
	if err != nil {
		return nil, err
	}
	a.file(strings.TrimPrefix(task.File, "/"), modeFile, t)
	a.device("dev/console", 5, 1)
	a.device(strings.TrimPrefix(task.Output, "/"), 4, 65)
	a.device("dev/null", 1, 3)
	a.device("dev/urandom", 1, 9)
	a.dir("proc")
	a.dir("tmp")
	err = errors.Join(
		a.copyPackage(work, j.source),
		a.copyFile("init", modeExec, j.guest),
		a.copyFile(strings.TrimPrefix(task.Binary, "/"), modeExec, j.binary))
	return a.bytes(), err
}

// machine is a running Bochs.
type machine struct {
	cmd     *exec.Cmd
	dir     string
	console follower
	output  follower
	exited  chan struct{}
}

func (b *bochs) start(dir string) (*machine, error) {
	cmd := exec.Command(b.path, "-q", "-f", "bochsrc")
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("continue\n") // Debian's Bochs has a debugger, which asks first
	// The display is text drawn with terminal codes, to nobody.
	cmd.Env = append(os.Environ(), "TERM=vt100", "LINES=25", "COLUMNS=80")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m := &machine{
		cmd: cmd, dir: dir, exited: make(chan struct{}),
		console: follower{path: filepath.Join(dir, "console")},
		output:  follower{path: filepath.Join(dir, "output")},
	}
	go func() {
		_ = cmd.Wait() // how Bochs ends says nothing: the guest's report counts
		close(m.exited)
	}()
	return m, nil
}

func (m *machine) stop() {
	_ = m.cmd.Process.Kill()
	<-m.exited
}

// watch passes the output on until the guest has reported, and returns its report.
func (m *machine) watch(ctx context.Context, token string, verbose bool) (report, error) {
	console := io.Discard
	if verbose {
		console = os.Stderr
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for running := true; ; {
		select {
		case <-ctx.Done():
			return report{}, context.Cause(ctx)
		case <-m.exited:
			running = false
		case <-tick.C:
		}
		// The console first: once the guest has reported an end, all output is there.
		if err := m.console.copyNew(console); err != nil {
			return report{}, err
		}
		if err := m.output.copyNew(os.Stdout); err != nil {
			return report{}, err
		}
		r := parseReport(m.console.String(), token)
		switch {
		case r.err != nil:
			return report{}, r.err
		case r.ended:
			return r, nil
		case !running:
			return report{}, errors.New("the emulated PC ended before the tests did")
		}
	}
}

// diagnosis is the end of what the kernel and Bochs had to say.
func (m *machine) diagnosis() string {
	const lines = 15
	log, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		log = []byte(err.Error())
	}
	return "console:\n" + lastLines(m.console.String(), lines) + "\nlog of Bochs:\n" + lastLines(string(log), lines)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// follower reads a file that another process writes.
type follower struct {
	bytes.Buffer // all that was read

	path string
}

// copyNew copies to w what is new since the last call.
func (f *follower) copyNew(w io.Writer) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(int64(f.Len()), io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(&f.Buffer, w), file)
	return err
}
