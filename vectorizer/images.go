package vectorizer

import (
	"weaviate-colpali/vectorizer/ort"
	"weaviate-colpali/vectorizer/processor"
)

// imageMode is how pages reach a model's vision graph; the manifest's image.mode names it. Each mode
// has a file: square.go, patches.go, tiles.go. What else differs between families is data of the
// manifest, or inside of the graphs.
type imageMode interface {
	// measure says what a page of this size will be. Errors are package processor's.
	measure(width, height int) (imagePart, error)
	// look makes of a page what the vision graph reads of it, in the order of the mode's inputs.
	// The first dimension of each may differ from page to page.
	look(page *processor.RGB) ([]pageTensor, error)
	// blank is what a query shows to a graph that wants to see something: as little as a page can be, all zero.
	blank() ([]pageTensor, error)
	// inputs are the names of the vision graph's inputs.
	inputs() []string
	// joined says that pages lie behind each other in the batch, [items of all pages, ...], each
	// item with its own image features. Others lie side by side, [pages, items of the longest, ...].
	joined() bool
}

var imageModes = map[string]func(*manifest, *processor.Normalizer) imageMode{
	"square": newSquare, "patches": newPatches, "tiles": newTiles,
}

// imagePart is the image's share of a page's prompt.
type imagePart struct {
	// ids are the image tokens and the marks between them.
	ids  []int64
	grid Grid
	// patches are the places in ids of the grid's patches, row by row.
	patches []int
}

// pageTensor is a tensor of one page; values or ints is its data.
type pageTensor struct {
	shape  []int
	values []float32
	ints   []int64
}

// zeroed are the tensors of a black page with all their values zero.
func zeroed(tensors []pageTensor, err error) ([]pageTensor, error) {
	for i := range tensors {
		clear(tensors[i].values)
	}
	return tensors, err
}

func (t pageTensor) rowSize() int {
	size := 1
	for _, side := range t.shape[1:] {
		size *= side
	}
	return size
}

// noPatch stands for a patch that a page does not have, where a longer one is in its batch.
const noPatch = -1

// concat puts the pages' tensors behind each other, stack side by side.
func concat(parts []pageTensor) ort.Tensor {
	var all pageTensor
	items := 0
	for _, part := range parts {
		items += part.shape[0]
		all.values = append(all.values, part.values...)
		all.ints = append(all.ints, part.ints...)
	}
	return ortTensor(append([]int{items}, parts[0].shape[1:]...), all.values, all.ints)
}

func stack(parts []pageTensor) ort.Tensor {
	longest := 0
	for _, part := range parts {
		longest = max(longest, part.shape[0])
	}
	size := longest * parts[0].rowSize()
	shape := append([]int{len(parts), longest}, parts[0].shape[1:]...)
	if parts[0].ints != nil {
		ints := make([]int64, size*len(parts))
		for i, part := range parts {
			for j := copy(ints[i*size:], part.ints); j < size; j++ {
				ints[i*size+j] = noPatch
			}
		}
		return ortTensor(shape, nil, ints)
	}
	values := make([]float32, size*len(parts))
	for i, part := range parts {
		copy(values[i*size:], part.values)
	}
	return ortTensor(shape, values, nil)
}

func ortTensor(shape []int, values []float32, ints []int64) ort.Tensor {
	wide := make([]int64, len(shape))
	for i, side := range shape {
		wide[i] = int64(side)
	}
	if ints != nil {
		return ort.Int64{Shape: wide, Data: ints}
	}
	return ort.Float32{Shape: wide, Data: values}
}
