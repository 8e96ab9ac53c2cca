package ort

import (
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	onnx "github.com/yalue/onnxruntime_go"
)

// device is what an operator names; provider is what ONNX Runtime calls the code that drives it.
type device struct {
	name     string
	provider string
	// asked means that "auto" does not try it.
	asked bool
	// add puts the provider into the options of a session.
	add func(*onnx.SessionOptions, Options) error
}

// devices in the order in which "auto" tries them. TensorRT compiles a graph anew for minutes at the
// first start: nobody should get it without asking.
var devices = []device{
	{name: "cuda", provider: "CUDAExecutionProvider", add: addCUDA},
	{name: "webgpu", provider: "WebGpuExecutionProvider", add: addWebGPU},
	{name: "cpu", provider: "CPUExecutionProvider", add: func(*onnx.SessionOptions, Options) error { return nil }},
	{name: "tensorrt", provider: "TensorrtExecutionProvider", asked: true, add: addTensorRT},
}

const automatic = "auto"

// Numbered reports whether there may be several of a device, told apart by [Options.DeviceID].
func Numbered(device string) bool { return device == "cuda" || device == "tensorrt" }

// cudaSettings is what a session on CUDA is given.
func cudaSettings(o Options) map[string]string {
	settings := map[string]string{
		"device_id": strconv.Itoa(o.DeviceID),
		// The default tries every convolution algorithm for every new shape, at seconds each.
		"cudnn_conv_algo_search": "HEURISTIC",
		// The default doubles: a page batch that needs 5 GB would take 8.
		"arena_extend_strategy": "kSameAsRequested",
		// For float32 graphs: tensor cores at 10 bits of mantissa, as PyTorch's convolutions.
		"use_tf32": "1",
	}
	if o.MemoryLimit > 0 {
		settings["gpu_mem_limit"] = strconv.FormatInt(o.MemoryLimit, 10)
	}
	return settings
}

func addCUDA(options *onnx.SessionOptions, o Options) error {
	if err := prepareNVIDIA("cuda"); err != nil {
		return err
	}
	cuda, err := onnx.NewCUDAProviderOptions()
	if err != nil {
		return explain(err)
	}
	defer destroy(cuda)
	if err := cuda.Update(cudaSettings(o)); err != nil {
		return explain(err)
	}
	return explain(options.AppendExecutionProviderCUDA(cuda))
}

// tensorRTSettings is what a session on TensorRT is given. Engines are kept: building one takes minutes.
func tensorRTSettings(o Options) map[string]string {
	settings := map[string]string{"device_id": strconv.Itoa(o.DeviceID)}
	if o.EngineCache != "" {
		settings["trt_engine_cache_enable"] = "1"
		settings["trt_engine_cache_path"] = o.EngineCache
		settings["trt_timing_cache_enable"] = "1"
		settings["trt_timing_cache_path"] = o.EngineCache
	}
	if o.MemoryLimit > 0 {
		settings["trt_max_workspace_size"] = strconv.FormatInt(o.MemoryLimit, 10)
	}
	return settings
}

// addTensorRT adds CUDA, too, for the nodes that TensorRT does not take.
func addTensorRT(options *onnx.SessionOptions, o Options) error {
	if err := prepareNVIDIA("tensorrt"); err != nil {
		return err
	}
	tensorRT, err := onnx.NewTensorRTProviderOptions()
	if err != nil {
		return explain(err)
	}
	defer destroy(tensorRT)
	if err := tensorRT.Update(tensorRTSettings(o)); err != nil {
		return explain(err)
	}
	if err := options.AppendExecutionProviderTensorRT(tensorRT); err != nil {
		return explain(err)
	}
	return addCUDA(options, o)
}

func addWebGPU(options *onnx.SessionOptions, o Options) error {
	if o.DeviceID > 0 || o.MemoryLimit > 0 {
		return errors.New("has neither device ids nor a memory limit: unset COLPALI_DEVICE_IDS and COLPALI_DEVICE_MEMORY")
	}
	return options.AppendExecutionProvider("WebGPU", nil)
}

// prepareNVIDIA makes the files beside the library loadable for a provider.
func prepareNVIDIA(provider string) error {
	folder := filepath.Dir(environment.library)
	file := filepath.Join(folder, "libonnxruntime_providers_"+provider+".so")
	if err := checkPair(file, onnx.GetVersion()); err != nil {
		return err
	}
	return preload(folder)
}

// hints are what ONNX Runtime's messages about a missing file mean. The first that fits counts.
var hints = []struct{ text, hint string }{
	{"libcuda.so", "there is no NVIDIA driver on this machine"},
	{"libnvinfer", "TensorRT 10 is not installed"},
	{"is not enabled in this build", "the library is not the GPU package: run `make ort-gpu`"},
	{"libonnxruntime_providers_shared.so: cannot open", "the library is not the GPU package: run `make ort-gpu`"},
	{"cannot open shared object file", "a library of CUDA or cuDNN is missing: run `make ort-gpu`"},
	{"no CUDA-capable device", "the NVIDIA driver sees no GPU"},
	{"driver version is insufficient", "the NVIDIA driver is too old for this CUDA: update it"},
}

// explain puts what a message means before it.
func explain(err error) error {
	if err == nil {
		return nil
	}
	for _, h := range hints {
		if strings.Contains(err.Error(), h.text) {
			return fmt.Errorf("%s: %w", h.hint, err)
		}
	}
	return err
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
		if name != d.name && (name != automatic || d.asked) {
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
