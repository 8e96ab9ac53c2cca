package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnpackTakesTheLibraryAndNothingElse(t *testing.T) {
	wheel := writeWheel(t,
		"onnxruntime/capi/libonnxruntime_providers_shared.so",
		"onnxruntime/capi/libonnxruntime.so.1.31.1",
		"onnxruntime/__init__.py",
		"other/libonnxruntime.so.9")
	require.Equal(t, map[string]string{
		"libonnxruntime.so": "onnxruntime/capi/libonnxruntime.so.1.31.1",
	}, unpacked(t, cpu, wheel))
}

func TestUnpackTakesProvidersAndWhatTheyLoad(t *testing.T) {
	require.Equal(t, map[string]string{
		"libonnxruntime.so":                "onnxruntime/capi/libonnxruntime.so.1.31.1",
		"libonnxruntime_providers_cuda.so": "onnxruntime/capi/libonnxruntime_providers_cuda.so",
	}, unpacked(t, gpu, writeWheel(t,
		"onnxruntime/capi/libonnxruntime.so.1.31.1",
		"onnxruntime/capi/libonnxruntime_providers_cuda.so",
		"onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so")))
	require.Equal(t, map[string]string{
		"libcudart.so.13": "nvidia/cu13/lib/libcudart.so.13",
		"libcudnn.so.9":   "nvidia/cudnn/lib/libcudnn.so.9",
	}, unpacked(t, gpu, writeWheel(t,
		"nvidia/cu13/lib/libcudart.so.13", "nvidia/cudnn/lib/libcudnn.so.9", "nvidia/cu13/include/cuda.h",
		"nvidia/cu13/lib/libnvblas.so.13", "nvidia/cu13/lib/libcudart_static.a")))
}

func unpacked(t *testing.T, b bundle, wheel string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lib")
	require.NoError(t, b.unpack(wheel, dir))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	got := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		require.NoError(t, err)
		got[file.Name()] = string(content)
	}
	return got
}

func TestUnpackNamesAWheelWithoutTheLibrary(t *testing.T) {
	require.EqualError(t, cpu.unpack(writeWheel(t, "onnxruntime/__init__.py"), t.TempDir()), "some.whl: no library inside")
}

func TestAPlatformWithoutAPinnedWheelIsRefused(t *testing.T) {
	require.ErrorContains(t, cpu.fetch(t.TempDir(), "python3", "plan9/arm"), "set COLPALI_ONNXRUNTIME")
	require.ErrorContains(t, gpu.fetch(t.TempDir(), "python3", "darwin/arm64"), "the build for NVIDIA GPUs")
}

func TestNothingIsFetchedWhenTheStampFits(t *testing.T) {
	out := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(out, "stamp"), []byte(cpu.stamp("linux/amd64")), 0o644))
	require.NoError(t, cpu.fetch(out, "/no/such/python", "linux/amd64"))
	require.Error(t, cpu.fetch(out, "/no/such/python", "linux/arm64"), "another platform needs another library")
	require.Error(t, gpu.fetch(out, "/no/such/python", "linux/amd64"), "and so does a GPU")
}

func TestWithoutADriverTheReasonIsSaid(t *testing.T) {
	present := filepath.Join(t.TempDir(), "version")
	require.NoError(t, os.WriteFile(present, nil, 0o600))
	require.NoError(t, checkDriver([]string{present + ".absent", present}))
	require.ErrorContains(t, checkDriver([]string{present + ".absent"}), "no NVIDIA driver on this machine")
	require.ErrorContains(t, checkDriver(nil), "FETCH_ANYWAY=1")
}

// A server that moves from a CPU to a GPU must not change its ONNX Runtime.
func TestBothBuildsAreOfOneVersion(t *testing.T) {
	version := regexp.MustCompile(`(?m)^onnxruntime(?:-gpu)?==(\S+)`)
	require.Equal(t, version.FindStringSubmatch(requirements)[1], version.FindStringSubmatch(requirementsGPU)[1])
}

// writeWheel makes a wheel whose members hold their own names.
func writeWheel(t *testing.T, members ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "some.whl")
	f, err := os.Create(path)
	require.NoError(t, err)
	w := zip.NewWriter(f)
	for _, name := range members {
		m, err := w.Create(name)
		require.NoError(t, err)
		_, err = m.Write([]byte(name))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
	return path
}
