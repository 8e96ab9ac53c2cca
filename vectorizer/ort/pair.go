package ort

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// versionText is how a provider's file says of which release it is: ORT_VERSION of the C++ sources, a string
// between two zero bytes.
var versionText = regexp.MustCompile(`\x001\.[0-9]{1,3}\.[0-9]{1,3}\x00`)

// checkPair refuses a provider's file of another release than the library: the two share C++ objects
// whose layout changes between releases, and the process would crash. A file that says nothing of its
// release, or is not there, is left for ONNX Runtime to judge.
func checkPair(file, version string) error {
	found, err := versionsIn(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(found) == 0 || slices.Contains(found, version):
		return nil
	}
	return fmt.Errorf("%s is of ONNX Runtime %s and the library of %s: take both from one package, as `make ort-gpu` does",
		filepath.Base(file), strings.Join(found, " or "), version)
}

// versionsIn reads a file of some 300 MB in blocks that overlap by more than a version is long.
func versionsIn(file string) (found []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const overlap = 16
	block := make([]byte, 1<<20)
	kept := 0
	for {
		n, err := io.ReadFull(f, block[kept:])
		filled := block[:kept+n]
		for _, match := range versionText.FindAll(filled, -1) {
			found = append(found, string(bytes.Trim(match, "\x00")))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			slices.Sort(found)
			return slices.Compact(found), nil
		}
		if err != nil {
			return nil, err
		}
		kept = copy(block, filled[len(filled)-overlap:])
	}
}
