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
	// Device is "cpu", "cuda", "webgpu", or "auto" (also ""): the first of CUDA, WebGPU and CPU
	// that works.
	Device string
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
	threads    int
	closeOnce  sync.Once
	closeErr   error
}

// Open loads the library and proves that the device works. Errors are [ErrLibrary] or [ErrDevice].
func Open(o Options) (*Runtime, error) {
	library, err := acquire(o.Library)
	if err != nil {
		return nil, err
	}
	chosen, passedOver, err := choose(o.Device, works)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &Runtime{
		library:    library,
		version:    onnx.GetVersion(),
		device:     chosen,
		passedOver: passedOver,
		threads:    threads(o.Threads),
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

// PassedOver says, for each device that "auto" tried before the one it took, why it does not work.
func (r *Runtime) PassedOver() []string { return r.passedOver }

// Close gives the library back. Sessions that are still open keep it loaded.
func (r *Runtime) Close() error {
	r.closeOnce.Do(func() { r.closeErr = release() })
	return r.closeErr
}

// sessionOptions are the same for every graph of a device.
func sessionOptions(d device, threads int) (*onnx.SessionOptions, error) {
	options, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetLogSeverityLevel(onnx.LoggingLevelFatal),
		options.SetIntraOpNumThreads(threads),
		// Idle threads would spin for the next operator, on cores that the rest of a database
		// server has use for.
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
	)
	if err == nil {
		err = d.add(options)
	}
	if err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

// works loads and runs the probe on a device. Some providers can be added to a session's options
// without their hardware, and fail only here.
func works(d device) error {
	session, err := loadGraph(d, 1, Graph{Name: "probe", Bytes: probe, Inputs: []string{"x"}, Output: "y"})
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
