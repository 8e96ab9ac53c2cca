//go:build linux

package main

import (
	"errors"
	"os"
	"strings"
)

// features asks the kernel, which lists only what it also lets programs use: AVX-512 needs room in
// the state that it saves for each thread.
func features() ([]string, error) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "flags" {
			return strings.Fields(value), nil
		}
	}
	return nil, errors.New("/proc/cpuinfo has no flags")
}
