package processor

import (
	"fmt"
	"math"
)

// Patching is how a page of any size becomes a list of patches, as the slow Qwen2VLImageProcessor of
// transformers does it. (The fast one gives pixels up to two levels away.)
type Patching struct {
	// Edge is the side of a patch in pixels.
	Edge int
	// Merge is how many patches in a row, and rows of them, become one token.
	Merge int
	// Frames is how often a patch is repeated: these models read a page as a film that stands still.
	Frames int
	// MinPixels and MaxPixels bound the area of a page.
	MinPixels, MaxPixels int
	Filter               Filter
	Order                PassOrder
}

// MaxAspect is how many times longer one side of a page may be than the other; the reference refuses
// more.
const MaxAspect = 200

// Size returns the size that a page is scaled to: whole tokens on both sides, nearly the same aspect,
// an area between MinPixels and MaxPixels (smart_resize, which rounds halves to even). A page beyond
// [MaxAspect] is [ErrTooLarge].
func (p Patching) Size(width, height int) (scaledWidth, scaledHeight int, err error) {
	if long, short := max(width, height), min(width, height); long > MaxAspect*short {
		return 0, 0, fmt.Errorf("%w: it has %d x %d pixels, and one side may be %d times the other for this model; cut it in pieces",
			ErrTooLarge, width, height, MaxAspect)
	}
	factor := float64(p.Edge * p.Merge)
	wide, high := float64(width), float64(height)
	scaledWide := math.RoundToEven(wide/factor) * factor
	scaledHigh := math.RoundToEven(high/factor) * factor
	switch area := scaledWide * scaledHigh; {
	case area > float64(p.MaxPixels):
		shrink := math.Sqrt(wide * high / float64(p.MaxPixels))
		scaledWide = max(factor, math.Floor(wide/shrink/factor)*factor)
		scaledHigh = max(factor, math.Floor(high/shrink/factor)*factor)
	case area < float64(p.MinPixels):
		grow := math.Sqrt(float64(p.MinPixels) / (wide * high))
		scaledWide = math.Ceil(wide*grow/factor) * factor
		scaledHigh = math.Ceil(high*grow/factor) * factor
	}
	return int(scaledWide), int(scaledHigh), nil
}

// Scale returns the page in the size that [Patching.Size] gives.
func (p Patching) Scale(page *RGB) (*RGB, error) {
	width, height, err := p.Size(page.Width, page.Height)
	if err != nil {
		return nil, err
	}
	return page.Resize(width, height, p.Filter, p.Order), nil
}

// Grid returns how many tokens lie beside and above each other on a scaled page.
func (p Patching) Grid(scaled *RGB) (columns, rows int) {
	return scaled.Width / (p.Edge * p.Merge), scaled.Height / (p.Edge * p.Merge)
}

// Values is how many pixel values a patch has: [3, Frames, Edge, Edge].
func (p Patching) Values() int { return 3 * p.Frames * p.Edge * p.Edge }

// Apply writes a scaled page as patches [patches, 3, Frames, Edge, Edge]. Patches that become one
// token follow each other; tokens go row by row. dst must hold exactly these values.
func (p Patching) Apply(dst []float32, scaled *RGB, n *Normalizer) {
	p.eachPatch(scaled, func(row, column int) {
		for channel := range 3 {
			frame := dst[:p.Edge*p.Edge]
			for y := range p.Edge {
				line := scaled.row(row*p.Edge + y)[3*column*p.Edge:]
				for x := range p.Edge {
					frame[y*p.Edge+x] = n.table[channel][line[3*x+channel]]
				}
			}
			for range p.Frames {
				dst = dst[copy(dst, frame):]
			}
		}
	})
}

// Positions writes row and column of each patch, [patches, 2], in the order of [Patching.Apply].
func (p Patching) Positions(dst []int64, scaled *RGB) {
	p.eachPatch(scaled, func(row, column int) {
		dst[0], dst[1] = int64(row), int64(column)
		dst = dst[2:]
	})
}

func (p Patching) eachPatch(scaled *RGB, visit func(row, column int)) {
	columns, rows := p.Grid(scaled)
	for token := range rows * columns {
		for inside := range p.Merge * p.Merge {
			visit(token/columns*p.Merge+inside/p.Merge, token%columns*p.Merge+inside%p.Merge)
		}
	}
}
