// Command onnxruntime puts the official CPU library of ONNX Runtime into a build folder.
//
// The library comes out of the Python wheel, because that is the one registry package of it that
// every supported platform has. pip fetches the wheel and checks it against the sha256 in
// requirements.txt; nothing of the wheel is executed or installed.
//
//	go run ./tools/dev/onnxruntime -o build/onnxruntime
//
// leaves build/onnxruntime/lib/libonnxruntime.so (.dylib on macOS). A second run finds the stamp of
// the first and does nothing.
package main

import (
	"archive/zip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed requirements.txt
var requirements string

// wheelPlatforms names pip's platform tag for each Go platform that requirements.txt has a hash for.
var wheelPlatforms = map[string]string{
	"linux/amd64":  "manylinux_2_28_x86_64",
	"linux/arm64":  "manylinux_2_28_aarch64",
	"darwin/arm64": "macosx_14_0_arm64",
}

// maxLibraryBytes bounds what is unpacked: the largest library of 1.32.0 has 35 MB.
const maxLibraryBytes = 256 << 20

func main() {
	out := flag.String("o", "build/onnxruntime", "folder to fill")
	python := flag.String("python", "python3", "Python 3 with pip")
	flag.Parse()
	if err := run(*out, *python, runtime.GOOS+"/"+runtime.GOARCH); err != nil {
		fmt.Fprintln(os.Stderr, "onnxruntime:", err)
		os.Exit(1)
	}
}

func run(out, python, goPlatform string) error {
	tag, ok := wheelPlatforms[goPlatform]
	if !ok {
		return fmt.Errorf("no pinned ONNX Runtime for %s: install libonnxruntime yourself and set COLPALI_ONNXRUNTIME to its path", goPlatform)
	}
	stamp, want := filepath.Join(out, "stamp"), stampOf(tag)
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	fmt.Fprintf(os.Stderr, "onnxruntime: fetching the %s wheel with pip (about 25 MB)\n", tag)
	tmp, err := os.MkdirTemp("", "onnxruntime")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	wheel, err := download(python, tag, tmp)
	if err != nil {
		return err
	}
	library, err := unpack(wheel, filepath.Join(out, "lib"))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "onnxruntime:", library)
	return os.WriteFile(stamp, []byte(want), 0o644)
}

// stampOf changes whenever the pinned package or the platform does.
func stampOf(tag string) string {
	sum := sha256.Sum256([]byte(requirements + tag))
	return hex.EncodeToString(sum[:]) + "\n"
}

// download lets pip fetch and verify the wheel into dir and returns its path.
func download(python, tag, dir string) (string, error) {
	file := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(file, []byte(requirements), 0o644); err != nil {
		return "", err
	}
	// Python version and ABI are named so that the same wheel comes whatever Python the user has.
	cmd := exec.Command(python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--require-hashes", "-r", file,
		"--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--platform", tag, "-d", dir)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("pip download failed: %w (is Python 3 with pip installed, and does pip reach its index?)", err)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil {
		return "", err
	}
	if len(wheels) != 1 {
		return "", fmt.Errorf("pip left %d wheels, want 1", len(wheels))
	}
	return wheels[0], nil
}

// unpack writes the shared library of the wheel into dir and returns its path.
func unpack(wheel, dir string) (string, error) {
	r, err := zip.OpenReader(wheel)
	if err != nil {
		return "", err
	}
	defer r.Close()
	member, name, err := libraryIn(r.File)
	if err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Base(wheel), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	library := filepath.Join(dir, name)
	return library, extract(member, library)
}

// libraryIn finds libonnxruntime itself among the members and the plain name it gets on disk.
func libraryIn(members []*zip.File) (*zip.File, string, error) {
	for _, m := range members {
		base := path.Base(m.Name)
		switch {
		case path.Dir(m.Name) != "onnxruntime/capi":
		case strings.HasPrefix(base, "libonnxruntime.so."):
			return m, "libonnxruntime.so", nil
		case strings.HasPrefix(base, "libonnxruntime.") && strings.HasSuffix(base, ".dylib"):
			return m, "libonnxruntime.dylib", nil
		}
	}
	return nil, "", errors.New("no libonnxruntime inside")
}

// extract writes to a temporary name first, so that a broken run leaves no half library behind.
func extract(member *zip.File, dst string) (err error) {
	if member.UncompressedSize64 > maxLibraryBytes {
		return fmt.Errorf("%s has %d bytes, more than the limit of %d", member.Name, member.UncompressedSize64, maxLibraryBytes)
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
	_, err = io.Copy(tmp, io.LimitReader(src, maxLibraryBytes))
	if err = errors.Join(err, tmp.Chmod(0o755), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), dst)
}
