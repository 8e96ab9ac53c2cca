package processor

import (
	"fmt"
	"math"
)

// Filter is a resampling kernel, named as in Pillow. The zero value is none.
type Filter int

const (
	// Bicubic is Pillow's BICUBIC: Catmull-Rom, a = -0.5.
	Bicubic Filter = iota + 1
	// Lanczos is Pillow's LANCZOS: a windowed sinc of three lobes.
	Lanczos
	// Bilinear is Pillow's BILINEAR: a triangle. Gemma 3 was trained on it.
	Bilinear
)

// PassOrder is which of the two passes of a resize runs first. Rounding to bytes between the passes
// makes the orders differ, by up to 22 grey levels on noise. The zero value is none.
type PassOrder int

const (
	// Pillow12 runs the horizontal pass first, as Pillow up to version 12 does.
	Pillow12 PassOrder = iota + 1
	// Pillow13 runs the vertical pass first where the height shrinks by more than twice as many
	// pixels as the width, as Pillow 13 does.
	Pillow13
)

var (
	filterNames    = map[string]Filter{"bicubic": Bicubic, "lanczos": Lanczos, "bilinear": Bilinear}
	passOrderNames = map[string]PassOrder{"pillow12": Pillow12, "pillow13": Pillow13}
)

// UnmarshalText reads the names that a model's manifest uses: bicubic, lanczos or bilinear.
func (f *Filter) UnmarshalText(name []byte) error {
	filter, ok := filterNames[string(name)]
	if !ok {
		return fmt.Errorf("resampling filter %q is not known; use bicubic, lanczos or bilinear", name)
	}
	*f = filter
	return nil
}

// UnmarshalText reads the names that a model's manifest uses: pillow12 or pillow13.
func (o *PassOrder) UnmarshalText(name []byte) error {
	order, ok := passOrderNames[string(name)]
	if !ok {
		return fmt.Errorf("pass order %q is not known; use pillow12 or pillow13", name)
	}
	*o = order
	return nil
}

// MarshalText writes the name.
func (f Filter) MarshalText() ([]byte, error) { return nameOf(filterNames, f) }

// MarshalText writes the name.
func (o PassOrder) MarshalText() ([]byte, error) { return nameOf(passOrderNames, o) }

func nameOf[T comparable](names map[string]T, value T) ([]byte, error) {
	for name, named := range names {
		if named == value {
			return []byte(name), nil
		}
	}
	return nil, fmt.Errorf("%v has no name in a manifest", value)
}

func (o PassOrder) verticalFirst(im *RGB, width, height int) bool {
	shrink := im.Height - height
	return o == Pillow13 && shrink > 0 && shrink > 2*(im.Width-width)
}

// kernel returns the weight function and how far it reaches, in pixels of the smaller image.
func (f Filter) kernel() (weight func(float64) float64, support float64) {
	switch f {
	case Lanczos:
		return lanczosWeight, 3
	case Bilinear:
		return bilinearWeight, 1
	default:
		return bicubicWeight, 2
	}
}

// The explicit conversions below keep Go from fusing a product and a sum into one rounding, as it
// may on arm64: the weights must be the same everywhere.

func bicubicWeight(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(x-5)*x+8)*x)-4) * a
	}
	return 0
}

func bilinearWeight(x float64) float64 { return max(1-math.Abs(x), 0) }

func lanczosWeight(x float64) float64 {
	if -3 <= x && x < 3 {
		return sinc(x) * sinc(x/3)
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// weightBits is Pillow's PRECISION_BITS: eight of 32 bits are the pixel's, two guard against the
// overshoot of negative lobes.
const (
	weightBits = 32 - 8 - 2
	halfWeight = 1 << (weightBits - 1)
)

// weightTable says which inputs make each output of a one-dimensional resize, and by how much.
type weightTable struct {
	starts, counts []int
	weights        []int32 // stride of each output, in weightBits fractional bits
	stride         int
}

// window returns the first input of an output and the weights of the inputs from there on.
func (t *weightTable) window(output int) (start int, weights []int32) {
	return t.starts[output], t.weights[output*t.stride:][:t.counts[output]]
}

// newWeightTable repeats Pillow's precompute_coeffs and normalize_coeffs_8bpc. Equal lengths give
// weights of one, which pass bytes through as they are: Pillow skips such a pass.
func newWeightTable(inputs, outputs int, filter Filter) *weightTable {
	if inputs == outputs {
		return identityTable(outputs)
	}
	weight, support := filter.kernel()
	scale := float64(inputs) / float64(outputs)
	filterScale := max(scale, 1)
	support *= filterScale

	t := &weightTable{starts: make([]int, outputs), counts: make([]int, outputs), stride: int(math.Ceil(support))*2 + 1}
	t.weights = make([]int32, outputs*t.stride)
	row := make([]float64, t.stride)
	for output := range outputs {
		center := float64((float64(output) + 0.5) * scale)
		start := max(int(center-support+0.5), 0)
		count := min(int(center+support+0.5), inputs) - start
		sum := 0.0
		for i := range count {
			row[i] = weight((float64(i+start) - center + 0.5) * (1 / filterScale))
			sum += row[i]
		}
		t.starts[output], t.counts[output] = start, count
		for i := range count {
			t.weights[output*t.stride+i] = fixedPoint(row[i], sum)
		}
	}
	return t
}

func identityTable(n int) *weightTable {
	t := &weightTable{starts: make([]int, n), counts: make([]int, n), weights: make([]int32, n), stride: 1}
	for i := range n {
		t.starts[i], t.counts[i], t.weights[i] = i, 1, 1<<weightBits
	}
	return t
}

// fixedPoint rounds weight/sum half away from zero.
func fixedPoint(weight, sum float64) int32 {
	if sum != 0 {
		weight /= sum
	}
	scaled := float64(weight * (1 << weightBits))
	if scaled < 0 {
		return int32(scaled - 0.5)
	}
	return int32(scaled + 0.5)
}
