//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// Sets is every set that this processor can run, the fastest first.
func Sets() []*Set {
	var sets []*Set
	if cpu.ARM64.HasASIMD && cpu.ARM64.HasASIMDDP {
		sets = append(sets, &neonDotprod)
	}
	if cpu.ARM64.HasASIMD {
		sets = append(sets, &neon)
	}
	return append(sets, &portable)
}

// arm64DimStep is how many numbers of a row the inner loops take at once.
const arm64DimStep = 8

// neon is for processors without the dot product of bytes, which Arm's own cores
// have since Cortex-A75 and Neoverse N1. Their 8-bit codes are left to Go.
var neon = Set{
	Name:     "neon",
	DimStep:  arm64DimStep,
	F32:      f32NEON,
	I8:       portable.I8,
	Widen:    widenNEON,
	Narrow:   narrowNEON,
	Largest:  largest,
	Quantize: quantize,
	Scan16:   scan16NEON,
	Scan32:   scan32NEON,
	Near16:   portable.Near16,
	Near32:   portable.Near32,
}

var neonDotprod = Set{
	Name:     "neon+dotprod",
	DimStep:  arm64DimStep,
	F32:      f32NEON,
	I8:       i8SDOT,
	Widen:    widenNEON,
	Narrow:   narrowNEON,
	Largest:  largest,
	Quantize: quantize,
	Scan16:   scan16NEON,
	Scan32:   scan32NEON,
	Near16:   portable.Near16,
	Near32:   portable.Near32,
}

var (
	f32NEON = []F32{
		{Lanes: 24, Max: maxF32NEONx24, Argmax: argmaxF32NEONx24, Dots: dotsF32NEONx24},
		{Lanes: 20, Max: maxF32NEONx20, Argmax: argmaxF32NEONx20, Dots: dotsF32NEONx20},
		{Lanes: 16, Max: maxF32NEONx16, Argmax: argmaxF32NEONx16, Dots: dotsF32NEONx16},
	}
	i8SDOT = []I8{
		{Lanes: 24, Max: maxI8SDOTx24, Argmax: argmaxI8SDOTx24, Dots: dotsI8SDOTx24},
		{Lanes: 20, Max: maxI8SDOTx20, Argmax: argmaxI8SDOTx20, Dots: dotsI8SDOTx20},
		{Lanes: 16, Max: maxI8SDOTx16, Argmax: argmaxI8SDOTx16, Dots: dotsI8SDOTx16},
	}
)
