package ort

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func loadProbe(t *testing.T, runtime *Runtime) *Session {
	t.Helper()
	session, err := runtime.Load(Graph{Name: "probe", Bytes: probe, Inputs: []string{"x"}, Output: "y"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	return session
}

func scalar(value float32) Float32 { return Float32{Shape: []int64{1}, Data: []float32{value}} }

func double(t *testing.T, session *Session) error {
	t.Helper()
	y := scalar(0)
	if err := session.Run(t.Context(), []Tensor{scalar(21)}, y); err != nil {
		return err
	}
	require.InDelta(t, 42, y.Data[0], 0)
	return nil
}

func TestRunFromBytesAndFromAPath(t *testing.T) {
	runtime := open(t, "cpu")
	require.NoError(t, double(t, loadProbe(t, runtime)))

	session, err := runtime.Load(Graph{Name: "probe", Path: "probe.onnx", Inputs: []string{"x"}, Output: "y"})
	require.NoError(t, err)
	require.NoError(t, double(t, session))
	require.NoError(t, session.Close())
}

func TestDamagedGraphIsNamed(t *testing.T) {
	runtime := open(t, "cpu")
	text := filepath.Join(t.TempDir(), "text.onnx")
	require.NoError(t, os.WriteFile(text, []byte("<html>404</html>"), 0o600))
	for name, graph := range map[string]Graph{
		"cut off":   {Bytes: probe[:len(probe)/2]},
		"empty":     {Bytes: []byte{}},
		"no onnx":   {Bytes: []byte("<html>404</html>")},
		"no file":   {Path: filepath.Join(t.TempDir(), "vision.onnx")},
		"text file": {Path: text},
	} {
		t.Run(name, func(t *testing.T) {
			graph.Name, graph.Inputs, graph.Output = "vision.onnx", []string{"x"}, "y"
			_, err := runtime.Load(graph)
			require.ErrorIs(t, err, ErrGraph)
			require.ErrorContains(t, err, "vision.onnx")
		})
	}
}

func TestRunRefusesWhatTheGraphDoesNotHave(t *testing.T) {
	runtime := open(t, "cpu")
	session := loadProbe(t, runtime)
	misnamed, err := runtime.Load(Graph{Name: "misnamed", Bytes: probe, Inputs: []string{"pixels"}, Output: "y"})
	require.NoError(t, err)
	defer func() { require.NoError(t, misnamed.Close()) }()
	integer := Int64{Shape: []int64{1}, Data: []int64{1}}

	for name, c := range map[string]struct {
		session *Session
		inputs  []Tensor
		output  Float32
	}{
		"input name":        {misnamed, []Tensor{scalar(1)}, scalar(0)},
		"input type":        {session, []Tensor{integer}, scalar(0)},
		"input shape":       {session, []Tensor{Float32{Shape: []int64{2}, Data: []float32{1, 2}}}, scalar(0)},
		"output shape":      {session, []Tensor{scalar(1)}, Float32{Shape: []int64{1, 1}, Data: []float32{0}}},
		"too few inputs":    {session, nil, scalar(0)},
		"too little data":   {session, []Tensor{Float32{Shape: []int64{1}}}, scalar(0)},
		"negative shape":    {session, []Tensor{scalar(1)}, Float32{Shape: []int64{-1}, Data: []float32{0}}},
		"no output at all":  {session, []Tensor{scalar(1)}, Float32{}},
		"two inputs, not 1": {session, []Tensor{scalar(1), scalar(1)}, scalar(0)},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, c.session.Run(t.Context(), c.inputs, c.output), ErrRun)
		})
	}
	require.NoError(t, double(t, session), "a refused run must not harm the session")
}

func TestCancellationStopsTheComputation(t *testing.T) {
	runtime := open(t, "cpu")
	session, err := runtime.Load(Graph{Name: "endless", Path: "testdata/endless.onnx", Inputs: []string{"x"}, Output: "y"})
	require.NoError(t, err)
	defer func() { require.NoError(t, session.Close()) }()

	reason := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(reason) })
	require.ErrorIs(t, session.Run(ctx, []Tensor{scalar(1)}, scalar(0)), reason)
	require.ErrorIs(t, session.Run(ctx, []Tensor{scalar(1)}, scalar(0)), reason, "an ended context does not start")
}

func TestCloseWaitsForRunsAndRefusesLaterOnes(t *testing.T) {
	session := loadProbe(t, open(t, "cpu"))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for {
				if err := double(t, session); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("want ErrClosed, got %v", err)
					}
					return
				}
			}
		})
	}
	require.NoError(t, session.Close())
	group.Wait()
	require.NoError(t, session.Close(), "closing again is harmless")
}
