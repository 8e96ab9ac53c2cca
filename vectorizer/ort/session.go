package ort

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"
)

// Graph is an ONNX file and the names of what goes in and comes out.
type Graph struct {
	// Name is what errors call the graph.
	Name string
	// Path of the file. It is the only way to load a graph whose tensors lie in a file beside it.
	Path string
	// Bytes of the file, where Path is empty.
	Bytes []byte
	// Inputs in the order in which Run takes them.
	Inputs []string
	Output string
	// HalfOutput says that the output is float16, which Run widens.
	HalfOutput bool
}

// Session is a graph loaded on a device.
type Session struct {
	name string
	half bool
	// running is held for reading by every Run, so that Close waits for them.
	running sync.RWMutex
	session *onnx.DynamicAdvancedSession // nil once closed
}

// Load reads a graph. Errors are [ErrGraph]. Whether the names are the graph's shows at the first
// Run.
func (r *Runtime) Load(g Graph) (*Session, error) {
	return loadGraph(r.device, r.options, g)
}

func loadGraph(d device, o Options, g Graph) (*Session, error) {
	options, err := sessionOptions(d, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.Name, err)
	}
	defer destroy(options)
	session, err := create(g, options)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrGraph, g.Name, err)
	}
	retain()
	return &Session{name: g.Name, half: g.HalfOutput, session: session}, nil
}

func create(g Graph, options *onnx.SessionOptions) (*onnx.DynamicAdvancedSession, error) {
	if g.Path != "" {
		return onnx.NewDynamicAdvancedSession(g.Path, g.Inputs, []string{g.Output}, options)
	}
	return onnx.NewDynamicAdvancedSessionWithONNXData(g.Bytes, g.Inputs, []string{g.Output}, options)
}

// Run computes the output from the inputs, given in the graph's order. The output's shape says
// what the caller expects: another one is an error, and so is a type or name that the graph does
// not have. When ctx ends, the computation is stopped and the context's cause returned; the
// output's values are then undefined. Other errors are [ErrRun] or [ErrClosed].
func (s *Session) Run(ctx context.Context, inputs []Tensor, output Float32) error {
	s.running.RLock()
	defer s.running.RUnlock()
	if s.session == nil {
		return fmt.Errorf("%s: %w", s.name, ErrClosed)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	options, err := onnx.NewRunOptions()
	if err != nil {
		return s.failed(err)
	}
	defer destroy(options)
	terminated := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(terminated)
		// It fails only on destroyed options, which the wait below rules out.
		_ = options.Terminate()
	})
	err = s.compute(options, inputs, output)
	if !stop() {
		<-terminated
		return context.Cause(ctx)
	}
	return err
}

func (s *Session) compute(options *onnx.RunOptions, inputs []Tensor, output Float32) error {
	values := make([]onnx.Value, 0, len(inputs)+1)
	defer func() {
		for _, value := range values {
			destroy(value)
		}
	}()
	result := s.result(output)
	for _, tensor := range append(slices.Clip(inputs), result) {
		value, err := tensor.value()
		if err != nil {
			return s.failed(err)
		}
		values = append(values, value)
	}
	if err := s.session.RunWithOptions(values[:len(inputs)], values[len(inputs):], options); err != nil {
		return s.failed(err)
	}
	if half, ok := result.(float16); ok {
		half.widen(output.Data)
	}
	return nil
}

// result is where the graph writes its output.
func (s *Session) result(output Float32) Tensor {
	if !s.half {
		return output
	}
	return newFloat16(output.Shape)
}

func (s *Session) failed(err error) error {
	if outOfMemory(err) {
		return fmt.Errorf("%w: %s: %w: %w", ErrRun, s.name, ErrMemory, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrRun, s.name, err)
}

// memoryTexts are how the memory arena of ONNX Runtime, CUDA, cuBLAS, cuDNN, WebGPU and C++ say that there is
// none left. The binding passes on nothing but text.
var memoryTexts = []string{
	"Failed to allocate memory for requested buffer", "Available memory of", "out of memory", "CUDA_ERROR_OUT_OF_MEMORY",
	"CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "Out of memory", "bad_alloc", "bad allocation",
}

func outOfMemory(err error) bool {
	return slices.ContainsFunc(memoryTexts, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// destroy frees what the binding made. It fails only for what was never made or freed before.
func destroy(made interface{ Destroy() error }) { _ = made.Destroy() }

// Close waits for the Runs under way and frees the graph. It may be called again.
func (s *Session) Close() error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.session == nil {
		return nil
	}
	session := s.session
	s.session = nil
	return errors.Join(session.Destroy(), release())
}
