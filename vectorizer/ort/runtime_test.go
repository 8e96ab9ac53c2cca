package ort

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	onnx "github.com/yalue/onnxruntime_go"

	"weaviate-colpali/vectorizer/ort/orttest"
)

func open(t *testing.T, device string) *Runtime {
	t.Helper()
	runtime, err := Open(Options{Library: orttest.Library(t), Device: device, Threads: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, runtime.Close()) })
	return runtime
}

func TestOpenReportsWhatRuns(t *testing.T) {
	runtime := open(t, "cpu")
	require.Equal(t, orttest.Library(t), runtime.Library())
	require.Regexp(t, `^1\.\d+\.\d+`, runtime.Version())
	require.Equal(t, "CPUExecutionProvider", runtime.Provider())
	require.Empty(t, runtime.PassedOver())
}

func TestAutoSaysWhyItPassedOverTheOthers(t *testing.T) {
	runtime := open(t, "")
	taken := map[string]int{"CUDAExecutionProvider": 0, "WebGpuExecutionProvider": 1, "CPUExecutionProvider": 2}
	require.Len(t, runtime.PassedOver(), taken[runtime.Provider()])
	for i, reason := range runtime.PassedOver() {
		require.Contains(t, reason, devices[i].name+": ")
	}
}

func TestChoose(t *testing.T) {
	broken := errors.New("no such hardware")
	except := func(names ...string) func(device) error {
		return func(d device) error {
			if slices.Contains(names, d.name) {
				return nil
			}
			return broken
		}
	}

	t.Run("auto takes the first that works", func(t *testing.T) {
		chosen, passedOver, err := choose("auto", except("webgpu", "cpu"))
		require.NoError(t, err)
		require.Equal(t, "webgpu", chosen.name)
		require.Equal(t, []string{"cuda: no such hardware"}, passedOver)
	})
	t.Run("a named device never falls back", func(t *testing.T) {
		_, _, err := choose("cuda", except("webgpu", "cpu"))
		require.ErrorIs(t, err, ErrDevice)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "cuda")
	})
	t.Run("auto leaves out what must be asked for", func(t *testing.T) {
		_, _, err := choose("auto", except("tensorrt"))
		require.ErrorIs(t, err, ErrDevice)
		chosen, _, err := choose("tensorrt", except("tensorrt"))
		require.NoError(t, err)
		require.Equal(t, "TensorrtExecutionProvider", chosen.provider)
	})
	t.Run("nothing works", func(t *testing.T) {
		_, _, err := choose("auto", except())
		require.ErrorIs(t, err, ErrDevice)
		require.ErrorContains(t, err, "cuda: no such hardware; webgpu: no such hardware; cpu: no such hardware")
	})
	t.Run("unknown name lists the known ones", func(t *testing.T) {
		_, _, err := choose("tpu", except("cpu"))
		require.ErrorIs(t, err, ErrDevice)
		require.ErrorContains(t, err, `no device "tpu"; use auto or one of cuda, webgpu, cpu, tensorrt`)
	})
}

func TestDeviceThatTheLibraryLacksIsAnError(t *testing.T) {
	missing := open(t, "auto").PassedOver()
	for i := range missing {
		_, err := Open(Options{Library: orttest.Library(t), Device: devices[i].name})
		require.ErrorIs(t, err, ErrDevice)
		require.ErrorContains(t, err, devices[i].name)
	}
}

func TestOneLibraryForTheProcess(t *testing.T) {
	first := open(t, "cpu")
	second, err := Open(Options{Device: "cpu"})
	require.NoError(t, err, "a runtime that names no library shares the one in use")
	require.Equal(t, first.Library(), second.Library())
	require.NoError(t, second.Close())
	require.NoError(t, second.Close(), "closing again is harmless")

	_, err = Open(Options{Library: filepath.Join(t.TempDir(), "other.so")})
	require.ErrorIs(t, err, ErrLibrary)
	require.ErrorContains(t, err, "can only have one")
	require.True(t, onnx.IsInitialized(), "the refused one must not unload the library")
}

func TestLibraryIsUnloadedAfterItsLastUser(t *testing.T) {
	runtime, err := Open(Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	session := loadProbe(t, runtime)
	require.NoError(t, runtime.Close())
	require.True(t, onnx.IsInitialized(), "an open session still needs the library")
	require.NoError(t, double(t, session))
	require.NoError(t, session.Close())
	require.False(t, onnx.IsInitialized())
}

func TestAnEnvironmentOfSomebodyElseIsSharedAndLeft(t *testing.T) {
	onnx.SetSharedLibraryPath(orttest.Library(t))
	require.NoError(t, onnx.InitializeEnvironment())
	runtime, err := Open(Options{Device: "cpu"})
	require.NoError(t, err)
	require.NoError(t, runtime.Close())
	require.True(t, onnx.IsInitialized())
	require.NoError(t, onnx.DestroyEnvironment())
}

func TestOpenAndCloseFromManyGoroutines(t *testing.T) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				runtime, err := Open(Options{Library: orttest.Library(t), Device: "cpu"})
				if err != nil || runtime.Close() != nil {
					t.Errorf("open and close: %v", err)
				}
			}
		})
	}
	group.Wait()
	require.False(t, onnx.IsInitialized())
}
