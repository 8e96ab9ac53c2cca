//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// Sets is every set that this processor can run, the fastest first.
func Sets() []*Set {
	var sets []*Set
	if hasAVX512() && cpu.X86.HasAVX512VNNI {
		sets = append(sets, &avx512vnni)
	}
	if hasAVX512() {
		sets = append(sets, &avx512)
	}
	if hasAVX2() {
		sets = append(sets, &avx2)
	}
	return append(sets, &portable)
}

func hasAVX2() bool {
	return cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasBMI2 && hasF16C()
}

// hasAVX512 asks for BW, too, although no kernel needs it: processors without it
// (Knights Landing) are so different that nothing measured holds for them.
func hasAVX512() bool {
	return hasAVX2() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL
}

// amd64DimStep is how many numbers of a row the inner loops take at once.
const amd64DimStep = 8

var avx2 = Set{
	Name:     "avx2",
	DimStep:  amd64DimStep,
	F32:      f32AVX2,
	I8:       i8AVX2,
	Widen:    widenF16C,
	Narrow:   narrowAVX2,
	Largest:  largestAVX2,
	Quantize: quantizeAVX2,
	Scan16:   scan16AVX2,
	Scan32:   scan32AVX2,
	Near16:   near16AVX2,
	Near32:   near32AVX2,
}

// avx512 is for processors without VNNI. Their 8-bit codes are left to AVX2: one
// of two ports takes wide multiplications there, and nobody measured it.
var avx512 = Set{
	Name:     "avx512",
	DimStep:  amd64DimStep,
	F32:      f32AVX512,
	I8:       i8AVX2,
	Widen:    widenF16C,
	Narrow:   narrowAVX2,
	Largest:  largestAVX2,
	Quantize: quantizeAVX2,
	Scan16:   scan16AVX2,
	Scan32:   scan32AVX2,
	Near16:   near16AVX2,
	Near32:   near32AVX2,
}

// avx512vnni scans tables as AVX2 does: an entry has the width of its registers.
var avx512vnni = Set{
	Name:     "avx512vnni",
	DimStep:  amd64DimStep,
	F32:      f32AVX512,
	I8:       i8VNNI,
	Widen:    widenF16C,
	Narrow:   narrowAVX2,
	Largest:  largestAVX2,
	Quantize: quantizeAVX2,
	Scan16:   scan16AVX2,
	Scan32:   scan32AVX2,
	Near16:   near16AVX2,
	Near32:   near32AVX2,
}

var (
	f32AVX2 = []F32{
		{Lanes: 24, Max: maxF32AVX2x24, Argmax: argmaxF32AVX2x24, Dots: dotsF32AVX2x24},
		{Lanes: 20, Max: maxF32AVX2x20, Argmax: argmaxF32AVX2x20, Dots: dotsF32AVX2x20},
		{Lanes: 16, Max: maxF32AVX2x16, Argmax: argmaxF32AVX2x16, Dots: dotsF32AVX2x16},
	}
	i8AVX2 = []I8{
		{Lanes: 24, Max: maxI8AVX2x24, Argmax: argmaxI8AVX2x24, Dots: dotsI8AVX2x24},
		{Lanes: 20, Max: maxI8AVX2x20, Argmax: argmaxI8AVX2x20, Dots: dotsI8AVX2x20},
		{Lanes: 16, Max: maxI8AVX2x16, Argmax: argmaxI8AVX2x16, Dots: dotsI8AVX2x16},
	}
	f32AVX512 = []F32{
		{Lanes: 32, Max: maxF32AVX512x32, Argmax: argmaxF32AVX512x32, Dots: dotsF32AVX512x32},
		{Lanes: 24, Max: maxF32AVX512x24, Argmax: argmaxF32AVX512x24, Dots: dotsF32AVX512x24},
		{Lanes: 20, Max: maxF32AVX512x20, Argmax: argmaxF32AVX512x20, Dots: dotsF32AVX512x20},
		{Lanes: 16, Max: maxF32AVX512x16, Argmax: argmaxF32AVX512x16, Dots: dotsF32AVX512x16},
	}
	i8VNNI = []I8{
		{Lanes: 32, Max: maxI8VNNIx32, Argmax: argmaxI8VNNIx32, Dots: dotsI8VNNIx32},
		{Lanes: 24, Max: maxI8VNNIx24, Argmax: argmaxI8VNNIx24, Dots: dotsI8VNNIx24},
		{Lanes: 20, Max: maxI8VNNIx20, Argmax: argmaxI8VNNIx20, Dots: dotsI8VNNIx20},
		{Lanes: 16, Max: maxI8VNNIx16, Argmax: argmaxI8VNNIx16, Dots: dotsI8VNNIx16},
	}
)
