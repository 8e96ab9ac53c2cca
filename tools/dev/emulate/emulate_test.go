package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{"-cpu", "icelake", "-timeout", "3m", "-env", "A=1", "-env", "B=2", "./a", "./b", "--", "-test.run", "X", "--"})
	require.NoError(t, err)
	require.Equal(t, options{
		cpu: "icelake", packages: []string{"./a", "./b"}, testArgs: []string{"-test.run", "X", "--"},
		env: []string{"A=1", "B=2"}, timeout: 3 * time.Minute, memory: 1024,
	}, o)

	for name, args := range map[string][]string{
		"no package is named": {"-cpu", "icelake", "--", "./a"},
		"want KEY=VALUE":      {"-env", "A", "./a"},
		"-memory is 64":       {"-memory", "64", "./a"},
	} {
		_, err := parse(args)
		require.ErrorContains(t, err, name)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for name, want := range map[string]string{
		"icelake":    "install the Debian packages bochs and bochs-term",
		"cortex-a72": "install the Debian package qemu-user",
		"z80":        `no CPU is called "z80": set -cpu to one of haswell`,
	} {
		require.ErrorContains(t, run(t.Context(), options{cpu: name}), want)
	}
	_, err := findKernel(t.TempDir())
	require.ErrorContains(t, err, "install the Debian package linux-image-cloud-amd64")
}

func TestFindKernelPrefersTheCloudKernel(t *testing.T) {
	dir := t.TempDir()
	add := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	add("vmlinuz-6.12.1-amd64")
	kernel, err := findKernel(dir)
	require.NoError(t, err)
	require.Equal(t, "vmlinuz-6.12.1-amd64", filepath.Base(kernel))
	add("vmlinuz-6.1.0-cloud-amd64")
	kernel, err = findKernel(dir)
	require.NoError(t, err)
	require.Equal(t, "vmlinuz-6.1.0-cloud-amd64", filepath.Base(kernel))
}

func TestVerdict(t *testing.T) {
	c := cpu{name: "some CPU", has: []string{"dot"}, lacks: []string{"big"}}
	good := verdict{features: []string{"a", "dot"}, output: "=== RUN TestX\nPASS\n"}
	require.NoError(t, good.check(c))

	for want, change := range map[string]func(v *verdict){
		"the emulated some CPU lacks dot": func(v *verdict) { v.features = []string{"dots"} },
		"the emulated some CPU has big":   func(v *verdict) { v.features = []string{"dot", "big"} },
		"exit status 2":                   func(v *verdict) { v.status = 2 },
		"without the line PASS":           func(v *verdict) { v.output = "--- PASS: TestX\nPASSED\n" },
		"no test ran":                     func(v *verdict) { v.output = "testing: warning: no tests to run\nPASS\n" },
	} {
		v := good
		change(&v)
		require.ErrorContains(t, v.check(c), want)
	}
}

func TestParseReport(t *testing.T) {
	for name, c := range map[string]struct {
		console string
		want    report
	}{
		"nothing yet":          {"[    0.0] Linux\n", report{}},
		"as a terminal has it": {"noise\r\nemulate T features avx dot\r\n[ 1.0] emulate T exit 3\r\n", report{features: []string{"avx", "dot"}, status: 3, ended: true}},
		"an unfinished line":   {"emulate T exit 1", report{}},
		"of another run":       {"emulate U exit 0\n", report{}},
	} {
		require.Equal(t, c.want, parseReport(c.console, "T"), name)
	}
	require.ErrorContains(t, parseReport("emulate T error no such file\n", "T").err, "no such file")
	broken := parseReport("emulate T exit\n", "T")
	require.ErrorContains(t, broken.err, "no exit status")
	require.False(t, broken.ended)
}

func TestArchive(t *testing.T) {
	src := t.TempDir()
	for _, name := range []string{"a_test.go", "testdata/deep/x.bin", "other/b_test.go"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(src, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(src, name), []byte(name), 0o644))
	}
	a := newArchive()
	a.device("dev/console", 5, 1)
	require.NoError(t, a.copyPackage("src", src))
	require.Equal(t, []string{
		"dev 040755 0:0 ", "dev/console 020666 5:1 ",
		"src 040755 0:0 ", "src/a_test.go 100644 0:0 a_test.go",
		"src/testdata 040755 0:0 ", "src/testdata/deep 040755 0:0 ",
		"src/testdata/deep/x.bin 100644 0:0 testdata/deep/x.bin",
		"TRAILER!!! 000000 0:0 ",
	}, listArchive(t, a.bytes()))
}

// listArchive reads the format as the kernel's documentation describes it.
func listArchive(t *testing.T, data []byte) []string {
	t.Helper()
	var entries []string
	for len(data) > 0 {
		require.Equal(t, "070701", string(data[:6]))
		var fields [13]uint32
		for i := range fields {
			b, err := hex.DecodeString(string(data[6+8*i : 14+8*i]))
			require.NoError(t, err)
			fields[i] = binary.BigEndian.Uint32(b)
		}
		nameEnd := 110 + int(fields[11])
		start := (nameEnd + 3) / 4 * 4
		end := start + int(fields[6])
		entries = append(entries, fmt.Sprintf("%s %06o %d:%d %s",
			bytes.TrimSuffix(data[110:nameEnd], []byte{0}), fields[1], fields[9], fields[10], data[start:end]))
		data = data[(end+3)/4*4:]
	}
	return entries
}

func TestBootImage(t *testing.T) {
	const memory = 256
	bzImage := fakeKernel("code")
	image, l, err := bootImage(bzImage, "quiet", []byte("files"), memory)
	require.NoError(t, err)
	at := func(address uint32, n int) []byte { return image[address-imageBase:][:n] }
	le := binary.LittleEndian

	require.Len(t, image, int(l.sectors)*sector)
	require.Equal(t, "quiet\x00", string(at(l.command, 6)))
	require.Equal(t, "files", string(at(l.initrd, 5)))
	require.Equal(t, "code", string(at(l.kernel, 4)))
	require.Zero(t, l.kernel%(2*megabyte), "the kernel's alignment")
	require.Greater(t, l.kernel, l.initrd, "behind the kernel memory must be free")

	zero := at(l.params, page)
	require.Equal(t, "HdrS", string(zero[0x202:0x206]))
	require.Equal(t, l.initrd, le.Uint32(zero[0x218:]))
	require.Equal(t, uint32(5), le.Uint32(zero[0x21c:]))
	require.Equal(t, l.command, le.Uint32(zero[0x228:]))
	require.Equal(t, byte(2), zero[0x1e8])
	require.Equal(t, uint64(megabyte), le.Uint64(zero[0x2d0+20:]))
	require.Equal(t, uint64((memory-1)*megabyte), le.Uint64(zero[0x2d0+28:]))

	_, _, err = bootImage(bzImage, "", make([]byte, 250*megabyte), memory)
	require.ErrorContains(t, err, "raise -memory")
	_, _, err = bootImage([]byte("MZ"), "", nil, memory)
	require.ErrorContains(t, err, "no bzImage")
}

// fakeKernel is a bzImage with one sector of setup.
func fakeKernel(code string) []byte {
	b := make([]byte, 2*sector, 2*sector+len(code))
	le := binary.LittleEndian
	b[setupHeader] = 1
	b[0x201] = 0x66
	copy(b[0x202:], "HdrS")
	le.PutUint16(b[0x206:], 0x20f)
	le.PutUint32(b[0x230:], 2*megabyte)
	b[0x234] = 1
	le.PutUint32(b[0x260:], 64*megabyte)
	return append(b, code...)
}

func TestBootROM(t *testing.T) {
	rom := bootROM(layout{params: 0x11111111, kernel: 0x33333333, sectors: 0x22222222})
	require.Len(t, rom, romSize)
	le := binary.LittleEndian
	require.Equal(t, uint16(romStart), uint16(romReset+3)+le.Uint16(rom[romReset+1:]), "the first jump")
	require.Equal(t, uint32(romHigh+romGDT), le.Uint32(rom[romGDTR+2:]))
	code := rom[romStart:romGDTR]
	require.Equal(t, byte(0xb8), code[0x18], "the far jump's target is the first instruction in protected mode")
	for _, value := range []uint32{0x11111111, 0x22222222, 0x33333333} {
		require.Equal(t, 1, bytes.Count(code, little(value)))
	}
	require.Equal(t, []byte{0xff, 0xe0}, bytes.TrimRight(code, "\x00")[0x6f:], "code has to end in front of the table")
}

func TestFollowerCopiesWhatIsNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	f := follower{path: path}
	var got bytes.Buffer
	for _, content := range []string{"one\n", "one\ntw", "one\ntwo\n"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		require.NoError(t, f.copyNew(&got))
		require.Equal(t, content, got.String())
		require.Equal(t, content, f.String())
	}
}
