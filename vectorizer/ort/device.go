package ort

import (
	_ "embed"
	"fmt"
	"strings"

	onnx "github.com/yalue/onnxruntime_go"
)

// device is what an operator names; provider is what ONNX Runtime calls the code that drives it.
type device struct {
	name     string
	provider string
	// add puts the provider into the options of a session.
	add func(*onnx.SessionOptions) error
}

// devices in the order in which "auto" tries them.
var devices = []device{
	{"cuda", "CUDAExecutionProvider", addCUDA},
	{"webgpu", "WebGpuExecutionProvider", func(o *onnx.SessionOptions) error {
		return o.AppendExecutionProvider("WebGPU", nil)
	}},
	{"cpu", "CPUExecutionProvider", func(*onnx.SessionOptions) error { return nil }},
}

const automatic = "auto"

func addCUDA(options *onnx.SessionOptions) error {
	cuda, err := onnx.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer destroy(cuda)
	err = cuda.Update(map[string]string{
		// The default tries every convolution algorithm for every new shape, at seconds each.
		"cudnn_conv_algo_search": "HEURISTIC",
		// The default doubles: a page batch that needs 5 GB would take 8.
		"arena_extend_strategy": "kSameAsRequested",
	})
	if err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

// choose returns the device that the name asks for, proven to work by a session on it, and what
// was wrong with those that "auto" passed over.
func choose(name string, works func(device) error) (device, []string, error) {
	if name == "" {
		name = automatic
	}
	var known, passedOver []string
	for _, d := range devices {
		known = append(known, d.name)
		if name != automatic && name != d.name {
			continue
		}
		err := works(d)
		if err == nil {
			return d, passedOver, nil
		}
		if name == d.name {
			return device{}, nil, fmt.Errorf("%w: %s: %w; name another device, or auto", ErrDevice, name, err)
		}
		passedOver = append(passedOver, fmt.Sprintf("%s: %v", d.name, err))
	}
	if name == automatic {
		return device{}, nil, fmt.Errorf("%w: %s", ErrDevice, strings.Join(passedOver, "; "))
	}
	return device{}, nil, fmt.Errorf("%w: there is no device %q; use %s or one of %s",
		ErrDevice, name, automatic, strings.Join(known, ", "))
}

// probe is a graph of one node, y = x + x over float32 [1].
//
//go:embed probe.onnx
var probe []byte
