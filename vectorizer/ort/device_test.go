package ort

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

func TestSettingsOfProviders(t *testing.T) {
	require.Equal(t, map[string]string{
		"device_id": "0", "cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested", "use_tf32": "1",
	}, cudaSettings(Options{}))
	limited := cudaSettings(Options{DeviceID: 3, MemoryLimit: 6 << 30})
	require.Equal(t, "3", limited["device_id"])
	require.Equal(t, "6442450944", limited["gpu_mem_limit"])

	require.Equal(t, map[string]string{"device_id": "0"}, tensorRTSettings(Options{}))
	require.Equal(t, map[string]string{
		"device_id": "1", "trt_max_workspace_size": "1024",
		"trt_engine_cache_enable": "1", "trt_engine_cache_path": "/engines",
		"trt_timing_cache_enable": "1", "trt_timing_cache_path": "/engines",
	}, tensorRTSettings(Options{DeviceID: 1, MemoryLimit: 1024, EngineCache: "/engines"}))
}

// The messages are those of the official packages 1.31.1 (GPU) and 1.32.0 (CPU) on a machine without a GPU.
func TestMissingFilesAreExplained(t *testing.T) {
	const load = "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /lib/libonnxruntime_providers_"
	const absent = ": cannot open shared object file: No such file or directory"
	for message, hint := range map[string]string{
		load + "cuda.so with error: libcuda.so.1" + absent:                                  "there is no NVIDIA driver on this machine: ",
		load + "cuda.so with error: libcublasLt.so.13" + absent:                             "a library of CUDA or cuDNN is missing: run `make ort-gpu`: ",
		load + "tensorrt.so with error: libnvinfer.so.10" + absent:                          "TensorRT 10 is not installed: ",
		load + "shared.so with error: /lib/libonnxruntime_providers_shared.so" + absent:     "the library is not the GPU package: run `make ort-gpu`: ",
		"CUDA execution provider is not enabled in this build.":                             "the library is not the GPU package: run `make ort-gpu`: ",
		"CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; …": "the NVIDIA driver is too old for this CUDA: update it: ",
		"something else": "",
	} {
		cause := errors.New(message)
		err := explain(cause)
		require.ErrorIs(t, err, cause)
		require.Equal(t, hint+message, err.Error())
	}
	require.NoError(t, explain(nil))
}

// Without a driver, the GPU package says so, and the CPU package that it is not the other. On a machine
// with a GPU there is nothing to see here but that it works.
func TestCUDASaysWhatIsMissing(t *testing.T) {
	runtime, err := Open(Options{Library: orttest.Library(t), Device: "cuda"})
	if err == nil {
		require.NoError(t, runtime.Close())
		return
	}
	require.ErrorIs(t, err, ErrDevice)
	require.Regexp(t, "no NVIDIA driver|sees no GPU|driver is too old|not the GPU package", err.Error())
}

func TestWebGPUHasOneDevice(t *testing.T) {
	for _, o := range []Options{{DeviceID: 1}, {MemoryLimit: 1}} {
		o.Library, o.Device = orttest.Library(t), "webgpu"
		_, err := Open(o)
		require.ErrorIs(t, err, ErrDevice)
		require.ErrorContains(t, err, "neither device ids nor a memory limit")
	}
}

func TestProviderAndLibraryAreOfOneRelease(t *testing.T) {
	write := func(content string) string {
		file := filepath.Join(t.TempDir(), "libonnxruntime_providers_cuda.so")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		return file
	}
	const version = "\x001.31.1\x00"
	// Across the border of two blocks, too.
	for at := 1<<20 - len(version) - 1; at < 1<<20+2; at++ {
		file := write(strings.Repeat("x", at) + version + strings.Repeat("y", 100))
		require.NoError(t, checkPair(file, "1.31.1"))
		require.EqualError(t, checkPair(file, "1.32.0"), "libonnxruntime_providers_cuda.so is of ONNX Runtime 1.31.1 and the library of "+
			"1.32.0: take both from one package, as `make ort-gpu` does")
	}
	require.NoError(t, checkPair(write("says nothing: 1.31.1"), "1.32.0"))
	require.NoError(t, checkPair(filepath.Join(t.TempDir(), "absent"), "1.32.0"))
	require.Error(t, checkPair(t.TempDir(), "1.32.0"), "a folder")
}

func TestPreloadLoadsWhatLiesBesideTheLibrary(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, preload(folder), "nothing there: left to the system")

	folder = t.TempDir()
	require.NoError(t, os.Rename(compile(t, "int unrelated;"), filepath.Join(folder, "libcudart.so.13")))
	require.NoError(t, preload(folder))

	folder = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "libcudnn.so.9"), []byte("no library"), 0o600))
	for range 2 {
		require.ErrorContains(t, preload(folder), "load libcudnn.so.9: ")
	}
}

// The first two are what ONNX Runtime's arena says, the others what it passes on of CUDA's libraries and C++.
func TestTheEndOfMemoryIsTold(t *testing.T) {
	session := &Session{name: "vision.onnx"}
	for _, text := range []string{
		"Non-zero status code returned while running MatMul node. Status Message: BFCArena::AllocateRawInternal Failed to " +
			"allocate memory for requested buffer of size 4294967296",
		"BFCArena::AllocateRawInternal Available memory of 1024 is smaller than requested bytes of 4096",
		"CUDA failure 2: out of memory ; GPU=0 ; hostname=x ; expr=cudaMalloc((void**)&p, size);",
		"CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0",
		"std::bad_alloc",
	} {
		err := session.failed(errors.New(text))
		require.ErrorIs(t, err, ErrMemory, text)
		require.ErrorIs(t, err, ErrRun, text)
		require.ErrorContains(t, err, "vision.onnx: out of device memory: ")
	}
	require.NotErrorIs(t, session.failed(errors.New("Got invalid dimensions")), ErrMemory)
}
