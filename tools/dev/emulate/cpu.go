package main

import (
	"fmt"
	"slices"
	"strings"
)

// cpu is a CPU that an emulator knows.
type cpu struct {
	name   string
	goarch string
	model  string // as the emulator calls it

	// Features as the kernel calls them. The tests are there for the code paths that these select, so
	// a guest that differs has tested something else.
	has, lacks []string

	buildEnv []string // for the compiler, to get around mistakes of the emulator
}

var cpus = []cpu{
	{
		name: "haswell", goarch: "amd64", model: "corei7_haswell_4770",
		has: []string{"avx2", "fma", "bmi2"}, lacks: []string{"avx512f"},
	},
	{
		name: "skylake-x", goarch: "amd64", model: "corei7_skylake_x",
		has: []string{"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"}, lacks: []string{"avx512_vnni"},
	},
	{
		name: "icelake", goarch: "amd64", model: "corei7_icelake_u",
		has: []string{"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512vbmi"},
		// Bochs 2.7 executes VGF2P8AFFINEQB wrongly. Go's garbage collector uses it where it is there,
		// and would free what is in use.
		buildEnv: []string{"GOEXPERIMENT=nogreenteagc"},
	},
	{
		name: "cortex-a72", goarch: "arm64", model: "cortex-a72",
		has: []string{"asimd"}, lacks: []string{"asimddp"},
	},
	{
		name: "neoverse-n1", goarch: "arm64", model: "neoverse-n1",
		has: []string{"asimd", "asimddp"},
	},
}

func cpuNamed(name string) (cpu, error) {
	i := slices.IndexFunc(cpus, func(c cpu) bool { return c.name == name })
	if i < 0 {
		return cpu{}, fmt.Errorf("no CPU is called %q: set -cpu to one of %s", name, cpuNames())
	}
	return cpus[i], nil
}

func cpuNames() string {
	names := make([]string, len(cpus))
	for i, c := range cpus {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}
