package vectorizer

import "weaviate-colpali/vectorizer/processor"

// tiles is the mode of Idefics3 and ModernVBERT (Idefics3ImageProcessor): a page is cut into tiles, and
// a view of the whole page comes last.
type tiles struct {
	tiling     processor.Tiling
	prompt     processor.TilePrompt
	normalizer *processor.Normalizer
	split      bool
}

func newTiles(m *manifest, n *processor.Normalizer) imageMode {
	spec := m.Image.Tiles
	return &tiles{
		tiling: processor.Tiling{
			Edge: spec.Edge, LongestEdge: spec.LongestEdge, Filter: *m.Image.Resample, Order: *m.Image.PassOrder,
		},
		prompt:     spec.prompt(m.Page.ImageTokenID),
		normalizer: n,
		split:      m.Graph.Kind == splitGraphs,
	}
}

func (t *tiles) measure(width, height int) (imagePart, error) {
	columns, rows := t.tiling.Grid(width, height)
	part := imagePart{ids: t.prompt.IDs(columns, rows)}
	part.grid.Width, part.grid.Height, part.patches = t.prompt.Patches(columns, rows)
	return part, nil
}

// look gives pixel values [tiles, 3, edge, edge].
func (t *tiles) look(page *processor.RGB) ([]pageTensor, error) {
	cut := t.tiling.Cut(page)
	edge := t.tiling.Edge
	size := 3 * edge * edge
	values := make([]float32, len(cut)*size)
	for i, tile := range cut {
		t.normalizer.Apply(values[i*size:][:size], tile)
	}
	return []pageTensor{{shape: []int{len(cut), 3, edge, edge}, values: values}}, nil
}

func (t *tiles) blank() ([]pageTensor, error) {
	edge := t.tiling.Edge
	return []pageTensor{{shape: []int{1, 3, edge, edge}, values: make([]float32, 3*edge*edge)}}, nil
}

func (t *tiles) inputs() []string { return []string{"pixel_values"} }

// joined: our own vision graphs take the tiles of all pages in a row. Graphs of others, which make vectors of them, too,
// have to know whose they are; the tiles that a page lacks are zero there, as the reference's processor pads them.
func (t *tiles) joined() bool { return t.split }
