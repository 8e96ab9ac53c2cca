package maxsim

import "weaviate-colpali/maxsim/internal/kernel"

// kernels is what this process scores with. It is chosen once; tests replace it.
var kernels = kernel.Sets()[0]

// Kernel names what this process scores with, by what the processor offers:
// "avx512vnni", "avx512", "avx2", "neon+dotprod", "neon" or "portable". A build
// with the tag noasm has the portable one only.
func Kernel() string { return kernels.Name }

// kernelsFor is the set that can score rows of dim numbers.
func kernelsFor(dim int) *kernel.Set {
	if dim%kernels.DimStep == 0 {
		return kernels
	}
	sets := kernel.Sets()
	return sets[len(sets)-1]
}
