package vectorizer

import (
	"slices"

	"weaviate-colpali/vectorizer/processor"
)

// patches is the mode of the Qwen family (Qwen2VLImageProcessor): a page keeps its aspect and becomes
// as many patches as it needs.
type patches struct {
	patching   processor.Patching
	imageID    int64
	normalizer *processor.Normalizer
}

func newPatches(m *manifest, n *processor.Normalizer) imageMode {
	spec := m.Image.Patches
	return &patches{
		patching: processor.Patching{
			Edge: spec.Edge, Merge: spec.Merge, Frames: spec.Frames,
			MinPixels: spec.MinPixels, MaxPixels: spec.MaxPixels,
			Filter: *m.Image.Resample, Order: *m.Image.PassOrder,
		},
		imageID:    m.Page.ImageTokenID,
		normalizer: n,
	}
}

func (p *patches) measure(width, height int) (imagePart, error) {
	width, height, err := p.patching.Size(width, height)
	if err != nil {
		return imagePart{}, err
	}
	token := p.patching.Edge * p.patching.Merge
	part := imagePart{grid: Grid{width / token, height / token}}
	part.ids = slices.Repeat([]int64{p.imageID}, part.grid.Width*part.grid.Height)
	for patch := range part.ids {
		part.patches = append(part.patches, patch)
	}
	return part, nil
}

// look gives the patches' values [patches, 3 * frames * edge * edge] and their rows and columns
// [patches, 2].
func (p *patches) look(page *processor.RGB) ([]pageTensor, error) {
	scaled, err := p.patching.Scale(page)
	if err != nil {
		return nil, err
	}
	columns, rows := p.patching.Grid(scaled)
	count := columns * rows * p.patching.Merge * p.patching.Merge
	values := pageTensor{shape: []int{count, p.patching.Values()}, values: make([]float32, count*p.patching.Values())}
	places := pageTensor{shape: []int{count, 2}, ints: make([]int64, count*2)}
	p.patching.Apply(values.values, scaled, p.normalizer)
	p.patching.Positions(places.ints, scaled)
	return []pageTensor{values, places}, nil
}

func (p *patches) blank() ([]pageTensor, error) { return zeroed(p.look(processor.NewRGB(1, 1))) }

func (p *patches) inputs() []string { return []string{"pixel_values", "patch_positions"} }
func (p *patches) joined() bool     { return false }
