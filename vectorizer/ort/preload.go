//go:build !windows

package ort

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/ebitengine/purego"
)

// cudaLibraries in the order in which they need each other. The provider of CUDA names them without a
// path, and cuDNN and cuFFT only when a graph needs them.
var cudaLibraries = []string{"cudart", "nvrtc-builtins", "nvrtc", "nvJitLink", "cublasLt", "cublas", "curand", "cufft", "cudnn"}

// preloaded has the outcome for each folder: a library is loaded once for the life of the process.
var preloaded = struct {
	sync.Mutex
	folders map[string]error
}{folders: map[string]error{}}

// preload loads the CUDA libraries that lie beside ONNX Runtime. The loader then finds them by their name
// when the provider asks for them, without a search path in the environment. Those that are not there
// are left to the system's search.
func preload(folder string) error {
	preloaded.Lock()
	defer preloaded.Unlock()
	if err, done := preloaded.folders[folder]; done {
		return err
	}
	err := preloadAll(folder)
	preloaded.folders[folder] = err
	return err
}

func preloadAll(folder string) error {
	for _, name := range cudaLibraries {
		files, err := filepath.Glob(filepath.Join(folder, "lib"+name+".so.*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if _, err := purego.Dlopen(file, purego.RTLD_LAZY|purego.RTLD_LOCAL); err != nil {
				return fmt.Errorf("load %s: %w", filepath.Base(file), err)
			}
		}
	}
	return nil
}
