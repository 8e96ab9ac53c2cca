//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"os"
)

// features reads what the kernel, here qemu-user, tells each program at its start. /proc/cpuinfo would
// be that of the machine outside.
func features() ([]string, error) {
	const hwcap = 16 // AT_HWCAP
	vector, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return nil, err
	}
	for ; len(vector) >= 16; vector = vector[16:] {
		if binary.LittleEndian.Uint64(vector) == hwcap {
			return named(binary.LittleEndian.Uint64(vector[8:])), nil
		}
	}
	return nil, errors.New("/proc/self/auxv has no AT_HWCAP")
}

func named(capabilities uint64) []string {
	var names []string
	for _, f := range []struct {
		name string
		bit  int
	}{{"asimd", 1}, {"asimdhp", 10}, {"asimddp", 20}} {
		if capabilities>>f.bit&1 == 1 {
			names = append(names, f.name)
		}
	}
	return names
}
