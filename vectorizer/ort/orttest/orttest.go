// Package orttest finds ONNX Runtime for tests.
package orttest

import (
	"os"
	"testing"
)

// Library returns the path of the library that tests run on. A test that needs it fails without it:
// skipping would let a build without inference pass.
func Library(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv("COLPALI_ONNXRUNTIME")
	if path == "" {
		tb.Fatal("this test needs ONNX Runtime: run `make onnxruntime` and set COLPALI_ONNXRUNTIME to " +
			"build/onnxruntime/lib/libonnxruntime.so (`make test` does both)")
	}
	return path
}
