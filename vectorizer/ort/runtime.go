package ort

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"
)

// Options of [Open]. The zero value searches for the library and takes the best device.
type Options struct {
	// Library is the path of the ONNX Runtime library. If it is empty, the environment variable
	// ORT_DYLIB_PATH names it; if that is empty too, it is searched for beside the executable and
	// by the system's loader.
	Library string
	// Device is "cpu", "cuda", "webgpu", "tensorrt", or "auto" (also ""): the first of CUDA, WebGPU and
	// CPU that works.
	Device string
	// DeviceID is which of several GPUs, as CUDA counts them. WebGPU has only 0.
	DeviceID int
	// MemoryLimit bounds the memory of each session on CUDA, and what TensorRT may use while it builds
	// an engine, in bytes; 0 means no limit.
	MemoryLimit int64
	// EngineCache is a folder where TensorRT keeps the engines that it builds; "" keeps none.
	EngineCache string
	// Threads is how many threads one inference uses on the CPU; 0 means one for each physical
	// core that the process may use.
	Threads int
}

// Runtime is a loaded library and a chosen device. It is safe for concurrent use.
type Runtime struct {
	library    string
	version    string
	device     device
	passedOver []string
	options    Options
	closeOnce  sync.Once
	closeErr   error
}

// Open loads the library and proves that the device works. Errors are [ErrLibrary] or [ErrDevice].
func Open(o Options) (*Runtime, error) {
	library, err := acquire(o.Library)
	if err != nil {
		return nil, err
	}
	chosen, passedOver, err := choose(o.Device, func(d device) error { return works(d, o) })
	if err != nil {
		return nil, errors.Join(err, release())
	}
	o.Threads = threads(o.Threads)
	return &Runtime{
		library:    library,
		version:    onnx.GetVersion(),
		device:     chosen,
		passedOver: passedOver,
		options:    o,
	}, nil
}

// threads is the number given to ONNX Runtime, whose own choice (0) is every physical core. That
// ignores a container's CPU quota, which Go's scheduler knows.
func threads(asked int) int {
	if quota := runtime.GOMAXPROCS(0); asked == 0 && quota < runtime.NumCPU() {
		return quota
	}
	return asked
}

// Library is the path that the library was loaded from, or its bare name if the system's loader
// found it.
func (r *Runtime) Library() string { return r.library }

// Version is the library's version, such as "1.32.0".
func (r *Runtime) Version() string { return r.version }

// Provider is ONNX Runtime's name for what runs the graphs, such as "CPUExecutionProvider".
func (r *Runtime) Provider() string { return r.device.provider }

// Device is the word by which [Options] names what runs the graphs.
func (r *Runtime) Device() string { return r.device.name }

// PassedOver says, for each device that "auto" tried before the one it took, why it does not work.
func (r *Runtime) PassedOver() []string { return r.passedOver }

// Close gives the library back. Sessions that are still open keep it loaded.
func (r *Runtime) Close() error {
	r.closeOnce.Do(func() { r.closeErr = release() })
	return r.closeErr
}

// sessionOptions are the same for every graph of a device.
func sessionOptions(d device, o Options) (*onnx.SessionOptions, error) {
	options, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetLogSeverityLevel(onnx.LoggingLevelFatal),
		options.SetIntraOpNumThreads(o.Threads),
		// Idle threads would spin for the next operator, on cores that the rest of a database
		// server has use for.
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
	)
	if err == nil {
		err = d.add(options, o)
	}
	if err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

// works loads and runs the probe on a device. Some providers can be added to a session's options
// without their hardware, and fail only here.
func works(d device, o Options) error {
	o.Threads = 1
	session, err := loadGraph(d, o, Graph{Name: "probe", Bytes: probe, Inputs: []string{"x"}, Output: "y"})
	if err != nil {
		return err
	}
	y := Float32{Shape: []int64{1}, Data: make([]float32, 1)}
	err = session.Run(context.Background(), []Tensor{Float32{Shape: []int64{1}, Data: []float32{1}}}, y)
	if err == nil && y.Data[0] != 2 {
		err = fmt.Errorf("computes 1 + 1 = %g", y.Data[0])
	}
	return errors.Join(err, session.Close())
}
