package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnpackTakesTheLibraryAndNothingElse(t *testing.T) {
	wheel := writeWheel(t,
		"onnxruntime/capi/libonnxruntime_providers_shared.so",
		"onnxruntime/capi/libonnxruntime.so.1.32.0",
		"onnxruntime/__init__.py",
		"other/libonnxruntime.so.9")
	dir := filepath.Join(t.TempDir(), "lib")
	library, err := unpack(wheel, dir)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "libonnxruntime.so"), library)
	got, err := os.ReadFile(library)
	require.NoError(t, err)
	require.Equal(t, "onnxruntime/capi/libonnxruntime.so.1.32.0", string(got))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestUnpackNamesAWheelWithoutTheLibrary(t *testing.T) {
	_, err := unpack(writeWheel(t, "onnxruntime/__init__.py"), t.TempDir())
	require.EqualError(t, err, "some.whl: no libonnxruntime inside")
}

func TestRunRefusesAPlatformWithoutAPinnedWheel(t *testing.T) {
	require.ErrorContains(t, run(t.TempDir(), "python3", "plan9/arm"), "set COLPALI_ONNXRUNTIME")
}

func TestRunDoesNothingWhenTheStampFits(t *testing.T) {
	out := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(out, "stamp"), []byte(stampOf(wheelPlatforms["linux/amd64"])), 0o644))
	require.NoError(t, run(out, "/no/such/python", "linux/amd64"))
	require.Error(t, run(out, "/no/such/python", "linux/arm64"), "another platform needs another library")
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
