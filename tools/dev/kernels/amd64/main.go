// Command amd64 writes the kernels of maxsim/internal/kernel for amd64 with avo,
// which allocates registers, checks operands, and writes the Go declarations and
// what a processor must have for each.
//
// It is in a module of its own, so that avo is nobody's dependency. `make
// generate` runs it, and CI fails when that changes a file.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!noasm")
	for _, t := range tiles {
		for _, mode := range []mode{modeMax, modeArgmax, modeDots} {
			t.emit(mode)
		}
	}
	emitScan("scan16AVX2", "uint16", 2)
	emitScan("scan32AVX2", "uint32", 4)
	emitNear("near16AVX2", "uint16", 2)
	emitNear("near32AVX2", "uint32", 4)
	emitWiden()
	emitNarrow()
	emitLargest()
	emitQuantize()
	emitPrefetch()
	emitHasF16C()
	Generate()
}

// begin starts a function. No kernel uses stack of its own.
func begin(name, reference, needs, signature string) {
	TEXT(name, attr.NOSPLIT, signature)
	Doc(fmt.Sprintf("%s is %s.", name, reference), fmt.Sprintf("It needs %s.", needs))
	Pragma("noescape")
}

// base loads the address of a slice that is a parameter.
func base(param string) reg.GPVirtual {
	r := GP64()
	Load(Param(param).Base(), r)
	return r
}

// value loads a parameter that is an int.
func value(param string) reg.GPVirtual {
	r := GP64()
	Load(Param(param), r)
	return r
}
