package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"os"
	"path"
	"strings"
)

// bundle is one kind of ONNX Runtime: what pip fetches, and what of it is unpacked.
type bundle struct {
	name string
	// requirements is a file for pip with a sha256 for every wheel.
	requirements string
	// platforms has pip's platform tags for each Go platform that requirements has a hash for.
	platforms map[string][]string
	// size is what a user waits for.
	size string
	// maxBytes bounds each library.
	maxBytes uint64
	// library says which members of a wheel are unpacked, and the name each gets.
	library func(member string) (name string, ok bool)
}

//go:embed requirements.txt
var requirements string

//go:embed requirements-gpu.txt
var requirementsGPU string

var cpu = bundle{
	name:         "the CPU build",
	requirements: requirements,
	platforms: map[string][]string{
		"linux/amd64":  {"manylinux_2_28_x86_64"},
		"linux/arm64":  {"manylinux_2_28_aarch64"},
		"darwin/arm64": {"macosx_14_0_arm64"},
	},
	size:     "about 25 MB",
	maxBytes: 256 << 20, // the largest has 35 MB
	library:  runtimeLibrary,
}

var gpu = bundle{
	name:         "the build for NVIDIA GPUs with CUDA and cuDNN",
	requirements: requirementsGPU,
	platforms: map[string][]string{
		"linux/amd64": {
			"manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
			"manylinux_2_12_x86_64", "manylinux2010_x86_64",
		},
	},
	size:     "about 1.5 GB, 2 GB on disk",
	maxBytes: 1 << 30, // cublasLt has 542 MB
	library: func(member string) (string, bool) {
		if name, ok := runtimeLibrary(member); ok {
			return name, true
		}
		return providerLibrary(member)
	},
}

// runtimeLibrary is ONNX Runtime itself, under the plain name by which it is loaded.
func runtimeLibrary(member string) (string, bool) {
	base := path.Base(member)
	switch {
	case path.Dir(member) != "onnxruntime/capi":
		return "", false
	case strings.HasPrefix(base, "libonnxruntime.so."):
		return "libonnxruntime.so", true
	case strings.HasPrefix(base, "libonnxruntime.") && strings.HasSuffix(base, ".dylib"):
		return "libonnxruntime.dylib", true
	}
	return "", false
}

// unused are libraries in NVIDIA's wheels that nothing here loads.
var unused = []string{"libnvblas.", "libcufftw.", "libnvrtc.alt.", "libnvrtc-builtins.alt."}

// providerLibrary is one of the providers, or a library of NVIDIA's that they load.
func providerLibrary(member string) (string, bool) {
	dir, base := path.Split(member)
	for _, prefix := range unused {
		if strings.HasPrefix(base, prefix) {
			return "", false
		}
	}
	provider := dir == "onnxruntime/capi/" && strings.HasPrefix(base, "libonnxruntime_providers_")
	nvidia := strings.HasPrefix(dir, "nvidia/") && strings.HasSuffix(dir, "/lib/") && strings.Contains(base, ".so")
	return base, provider || nvidia
}

// stamp changes whenever the pinned packages or the platform do.
func (b bundle) stamp(platform string) string {
	sum := sha256.Sum256([]byte(b.requirements + strings.Join(b.platforms[platform], " ")))
	return hex.EncodeToString(sum[:]) + "\n"
}

// driverFiles are there wherever a process can reach a GPU of NVIDIA's: on Linux, in a container with its
// runtime, and in Windows' Linux.
var driverFiles = []string{"/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"}

var errNoDriver = errors.New("there is no NVIDIA driver on this machine, so the build for its GPUs would not run here: " +
	"install a driver of CUDA 13 (580 or newer) first, or say -anyway (make ort-gpu FETCH_ANYWAY=1) to prepare the files for another machine")

func checkDriver(files []string) error {
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
	}
	return errNoDriver
}
