package main

import (
	"bufio"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"

	"weaviate-colpali/maxsim"
)

// A machine is what the figures depend on.
type machine struct {
	CPU        string
	Features   []string // those that some MaxSim kernel can use
	Go         string
	GOMAXPROCS int
	Kernel     string // the kernels that maxsim chose
}

func thisMachine() machine {
	return machine{
		CPU: cpuModel(), Features: features(), Kernel: maxsim.Kernel(),
		Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, GOMAXPROCS: runtime.GOMAXPROCS(0),
	}
}

func features() []string {
	var present []string
	for _, feature := range []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2},
		{"fma", cpu.X86.HasFMA},
		{"avx512f", cpu.X86.HasAVX512F},
		{"avx512bw", cpu.X86.HasAVX512BW},
		{"avx512vl", cpu.X86.HasAVX512VL},
		{"avx512_vnni", cpu.X86.HasAVX512VNNI},
		{"avx_vnni", cpu.X86.HasAVXVNNI},
		{"amx_int8", cpu.X86.HasAMXInt8},
		{"f16c", hasF16C()},
		{"asimd", cpu.ARM64.HasASIMD},
		{"asimddp", cpu.ARM64.HasASIMDDP},
	} {
		if feature.has {
			present = append(present, feature.name)
		}
	}
	return present
}

// cpuFields are the lines of Linux's /proc/cpuinfo that tell CPUs apart. A virtual machine may hide the
// model's name and leave the numbers; arm64 has numbers only.
var cpuFields = []string{"model name", "vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant"}

// cpuModel describes the first processor, as far as the system tells.
func cpuModel() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	defer file.Close()
	found := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan() && strings.TrimSpace(lines.Text()) != ""; {
		name, value, _ := strings.Cut(lines.Text(), ":")
		found[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	var parts []string
	for _, field := range cpuFields {
		if value := found[field]; value != "" {
			if field != "model name" {
				value = field + " " + value
			}
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, ", ")
}
