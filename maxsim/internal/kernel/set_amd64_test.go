//go:build !noasm

package kernel

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// named is how the comments of the Go declarations call what the assembler's
// comments call otherwise. Every processor with AVX has what is not listed.
var named = map[string]string{
	"AVX2": "AVX2", "FMA3": "FMA", "BMI2": "BMI2", "F16C": "F16C",
	"AVX512F": "AVX-512 F", "AVX512VL": "VL", "AVX512VNNI": "VNNI",
	"AVX": "", "MMX+": "", "SSE": "", "SSE2": "", "CPUID": "",
}

// asked is what the sets ask the processor for, by what the names of their
// kernels contain.
var asked = map[string][]string{
	"":       {"MMX+"}, // of every processor for amd64
	"AVX2":   {"AVX", "MMX+", "SSE", "SSE2", "AVX2", "FMA3", "BMI2"},
	"F16C":   {"AVX", "F16C"},
	"AVX512": {"AVX", "MMX+", "AVX2", "FMA3", "AVX512F", "AVX512VL"},
	"VNNI":   {"AVX", "MMX+", "AVX2", "AVX512F", "AVX512VL", "AVX512VNNI"},
}

// What a kernel needs is in the comment of its declaration, and the set that holds
// it asks for no less.
func TestKernelsNeedNoMoreThanTheySay(t *testing.T) {
	assembly, err := os.ReadFile("kernels_amd64.s")
	require.NoError(t, err)
	declarations, err := os.ReadFile("kernels_amd64.go")
	require.NoError(t, err)
	functions := regexp.MustCompile(`(?m)^// func (\w+)\(.*\n// Requires: (.*)$`).FindAllStringSubmatch(string(assembly), -1)
	require.Len(t, functions, 3*14+2+2+1+1+1+1+1+1,
		"three modes of 14 tiles, two scans, two nears, narrow, widen, largest, quantize, Prefetch, hasF16C")
	for _, function := range functions {
		name, required := function[1], strings.Split(function[2], ", ")
		if name == "hasF16C" {
			continue
		}
		says := regexp.MustCompile(`(?m)^// ` + name + ` is .*\n// It needs (.*)\.$`).FindStringSubmatch(string(declarations))
		require.NotNil(t, says, "%s says what it does and needs", name)
		set := regexp.MustCompile(`AVX2|AVX512|VNNI|F16C`).FindString(name)
		for _, feature := range required {
			require.Contains(t, named, feature, name)
			require.Contains(t, says[1], named[feature], name)
			require.Contains(t, asked[set], feature, name)
		}
	}
}
