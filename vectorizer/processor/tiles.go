package processor

import "math"

// Tiling is how a page of any size becomes square tiles and a view of the whole, as the slow
// Idefics3ImageProcessor of transformers does it. (The fast one takes bicubic where Lanczos is asked
// for, and gives pixels up to 42 levels away.)
type Tiling struct {
	// Edge is the side of a tile in pixels.
	Edge int
	// LongestEdge is what the longer side of a page is scaled to first: an even multiple of Edge, of
	// at most [MaxLongestEdge].
	LongestEdge int
	Filter      Filter
	Order       PassOrder
}

// MaxLongestEdge is where the reference begins to shrink pages again, which no model asks for.
const MaxLongestEdge = 4096

// Grid returns how many tiles a page of this size is cut into, both 0 when its view is all there is.
func (t Tiling) Grid(width, height int) (columns, rows int) {
	whole := t.roundUp(t.scaleLongest(size{width, height}))
	if whole.width == t.Edge && whole.height == t.Edge {
		return 0, 0
	}
	return whole.width / t.Edge, whole.height / t.Edge
}

// Cut returns the tiles of [Tiling.Grid] row by row, and behind them the page squeezed into one tile.
func (t Tiling) Cut(page *RGB) []*RGB {
	for _, step := range t.steps(page.Width, page.Height) {
		page = page.Resize(step.width, step.height, t.Filter, t.Order)
	}
	if page.Width == t.Edge && page.Height == t.Edge {
		return []*RGB{page}
	}
	var tiles []*RGB
	for top := 0; top < page.Height; top += t.Edge {
		for left := 0; left < page.Width; left += t.Edge {
			tiles = append(tiles, page.square(left, top, t.Edge))
		}
	}
	return append(tiles, page.Resize(t.Edge, t.Edge, t.Filter, t.Order))
}

type size struct{ width, height int }

// steps are the sizes that a page takes before it is cut. Two resizings blur more than one; models
// were trained on both.
func (t Tiling) steps(width, height int) [2]size {
	longest := t.scaleLongest(size{width, height})
	return [2]size{longest, t.roundUp(longest)}
}

// scaleLongest gives the longer side its length and the other an even one
// (get_resize_output_image_size).
func (t Tiling) scaleLongest(page size) size {
	aspect := float64(page.width) / float64(page.height)
	if page.width >= page.height {
		height := int(float64(t.LongestEdge) / aspect)
		return size{t.LongestEdge, max(height+height%2, 1)}
	}
	width := int(float64(t.LongestEdge) * aspect)
	return size{max(width+width%2, 1), t.LongestEdge}
}

// roundUp makes whole tiles of both sides (resize_for_vision_encoder).
func (t Tiling) roundUp(page size) size {
	aspect := float64(page.width) / float64(page.height)
	if page.width >= page.height {
		width := t.wholeTiles(page.width)
		return size{width, t.wholeTiles(int(float64(width) / aspect))}
	}
	height := t.wholeTiles(page.height)
	return size{t.wholeTiles(int(float64(height) * aspect)), height}
}

func (t Tiling) wholeTiles(pixels int) int {
	return int(math.Ceil(float64(pixels)/float64(t.Edge))) * t.Edge
}

// square copies the square of this side out of the image.
func (im *RGB) square(left, top, side int) *RGB {
	out := NewRGB(side, side)
	for y := range side {
		copy(out.row(y), im.row(top + y)[3*left:])
	}
	return out
}
