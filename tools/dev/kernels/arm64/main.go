// Command arm64 writes the kernels of maxsim/internal/kernel for arm64.
//
// avo writes amd64 only, so this is its share of avo: a listing of instructions
// with the declarations in Go, and encodings of what Go's assembler does not know.
// There are 32 vector registers and nothing to spill, so each has a fixed purpose
// and none is allocated.
//
// `make generate` runs it, and CI fails when that changes a file.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "kernels", "path of the files to write, up to _arm64.s and _arm64.go")
	flag.Parse()
	if err := kernels().write(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func kernels() *listing {
	l := newListing()
	for _, t := range tiles {
		for _, mode := range []mode{modeMax, modeArgmax, modeDots} {
			t.emit(l, mode)
		}
	}
	l.emitScan("scan16NEON", "uint16", "MOVHU", 2)
	l.emitScan("scan32NEON", "uint32", "MOVWU", 4)
	l.emitWiden()
	l.emitNarrow()
	l.emitPrefetch()
	return l
}
