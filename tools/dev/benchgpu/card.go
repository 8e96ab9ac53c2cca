package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer/ort"
)

// nominal is what makers say of dense products in float16 or bfloat16 that are summed in float32, in Tflop/s, by a
// part of the name that nvidia-smi gives. The first that fits counts.
var nominal = []struct {
	name  string
	flops float64
}{
	{"B200", 2250},
	{"H100 PCIe", 756},
	{"H100 NVL", 835},
	{"H100", 989},
	{"H200", 989},
	{"GH200", 989},
	{"A100", 312},
	{"A10G", 70},
	{"A10", 125},
	{"A40", 150},
	{"A30", 165},
	{"L40S", 362},
	{"L40", 181},
	{"L4", 121},
	{"T4", 65},
	{"RTX 4090", 165},
	{"RTX 3090", 71},
	{"RTX A6000", 155},
}

// nominalPeak is 0 for cards that are not listed.
func nominalPeak(card string) float64 {
	for _, n := range nominal {
		if strings.Contains(card, n.name) {
			return n.flops * 1e12
		}
	}
	return 0
}

// card is what nvidia-smi says of the first GPU.
type card struct{ name, memory string }

func queryCard() card {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name,memory.used,memory.total", "--format=csv,noheader").Output()
	fields := strings.Split(strings.SplitN(string(out), "\n", 2)[0], ",")
	if err != nil || len(fields) != 3 {
		return card{"no NVIDIA card", "unknown"}
	}
	return card{strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1]) + " of" + fields[2] + " in use"}
}

// peakRuns is how often the products run; the fastest counts.
const peakRuns = 10

// measurePeak is how many operations a second the device does in the products of a graph.
func measurePeak(ctx context.Context, settings config.Runtime, path string, operations float64) (_ float64, err error) {
	runtime, err := ort.Open(ort.Options{Library: settings.Library, Device: settings.Device, Threads: settings.Threads})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, runtime.Close()) }()
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	session, err := runtime.Load(ort.Graph{Name: "peak.onnx", Path: path, Inputs: []string{"scale"}, Output: "mean"})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	fastest := time.Duration(1<<63 - 1)
	for range peakRuns {
		began := time.Now()
		scale := ort.Float32{Shape: []int64{1}, Data: []float32{1}}
		if err := session.Run(ctx, []ort.Tensor{scale}, ort.Float32{Shape: []int64{1, 1}, Data: make([]float32, 1)}); err != nil {
			return 0, err
		}
		fastest = min(fastest, time.Since(began))
	}
	return operations / fastest.Seconds(), nil
}
