// Command onnxruntime puts an official library of ONNX Runtime into a build folder.
//
// The library comes out of the Python wheel, because that is the one registry package of it that
// every supported platform has. pip fetches the wheel and checks it against the sha256 in
// requirements.txt; nothing of the wheel is executed or installed.
//
//	go run ./tools/dev/onnxruntime -o build/onnxruntime
//
// leaves build/onnxruntime/lib/libonnxruntime.so (.dylib on macOS). A second run finds the stamp of
// the first and does nothing.
//
//	go run ./tools/dev/onnxruntime -gpu -o build/onnxruntime-gpu
//
// fetches the build for NVIDIA GPUs instead, with its providers and the libraries of CUDA and cuDNN
// beside it, where package ort finds them. Without an NVIDIA driver it refuses, unless -anyway is said.
package main

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

func main() {
	out := flag.String("o", "build/onnxruntime", "folder to fill")
	python := flag.String("python", "python3", "Python 3 with pip")
	forGPU := flag.Bool("gpu", false, "fetch the build for NVIDIA GPUs")
	anyway := flag.Bool("anyway", false, "with -gpu: fetch it although there is no driver")
	flag.Parse()
	if err := start(*out, *python, *forGPU, *anyway); err != nil {
		fmt.Fprintln(os.Stderr, "onnxruntime:", err)
		os.Exit(1)
	}
}

func start(out, python string, forGPU, anyway bool) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if !forGPU {
		return cpu.fetch(out, python, platform)
	}
	if !anyway {
		if err := checkDriver(driverFiles); err != nil {
			return err
		}
	}
	return gpu.fetch(out, python, platform)
}

// fetch fills the folder, unless its stamp says that it is filled.
func (b bundle) fetch(out, python, platform string) error {
	tags, ok := b.platforms[platform]
	if !ok {
		return fmt.Errorf("no pinned ONNX Runtime for %s, %s: install libonnxruntime yourself and set COLPALI_ONNXRUNTIME to its path", platform, b.name)
	}
	stamp, want := filepath.Join(out, "stamp"), b.stamp(platform)
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	fmt.Fprintf(os.Stderr, "onnxruntime: fetching %s with pip (%s)\n", b.name, b.size)
	// Beside the folder, not in the system's: that one is often in memory, and 2 GB are much.
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(out, "wheels")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	wheels, err := b.download(python, tags, tmp)
	if err != nil {
		return err
	}
	lib := filepath.Join(out, "lib")
	// What another version left would be found, too.
	if err := os.RemoveAll(lib); err != nil {
		return err
	}
	for _, wheel := range wheels {
		if err := b.unpack(wheel, lib); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "onnxruntime:", lib)
	return os.WriteFile(stamp, []byte(want), 0o644)
}

// download lets pip fetch and verify the wheels into dir and returns their paths.
func (b bundle) download(python string, tags []string, dir string) ([]string, error) {
	file := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(file, []byte(b.requirements), 0o644); err != nil {
		return nil, err
	}
	// The Python version is named so that the same wheel comes whatever Python the user has.
	arguments := []string{
		"-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--require-hashes", "-r", file,
		"--implementation", "cp", "--python-version", "3.11", "-d", dir,
	}
	for _, tag := range tags {
		arguments = append(arguments, "--platform", tag)
	}
	cmd := exec.Command(python, arguments...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("pip download failed: %w (is Python 3 with pip installed, and does pip reach its index?)", err)
	}
	return filepath.Glob(filepath.Join(dir, "*.whl"))
}

// unpack writes the shared libraries of the wheel into dir. A wheel without any is an error.
func (b bundle) unpack(wheel, dir string) error {
	r, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unpacked := 0
	for _, member := range r.File {
		name, ok := b.library(member.Name)
		if !ok {
			continue
		}
		if err := b.extract(member, filepath.Join(dir, name)); err != nil {
			return err
		}
		unpacked++
	}
	if unpacked == 0 {
		return fmt.Errorf("%s: no library inside", filepath.Base(wheel))
	}
	return nil
}

// extract writes to a temporary name first, so that a broken run leaves no half library behind.
func (b bundle) extract(member *zip.File, dst string) (err error) {
	if member.UncompressedSize64 > b.maxBytes {
		return fmt.Errorf("%s has %d bytes, more than the limit of %d", member.Name, member.UncompressedSize64, b.maxBytes)
	}
	src, err := member.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	tmp, err := os.CreateTemp(filepath.Dir(dst), ".onnxruntime-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, io.LimitReader(src, int64(b.maxBytes)))
	if err = errors.Join(err, tmp.Chmod(0o755), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), dst)
}
