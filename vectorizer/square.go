package vectorizer

import (
	"slices"

	"weaviate-colpali/vectorizer/processor"
)

// square is the mode of PaliGemma (SiglipImageProcessor): every page in one size, whatever its aspect.
type square struct {
	spec       imageSpec
	part       imagePart
	normalizer *processor.Normalizer
}

func newSquare(m *manifest, n *processor.Normalizer) imageMode {
	spec := m.Image.Square
	tokens := spec.Grid.Width * spec.Grid.Height
	part := imagePart{ids: slices.Repeat([]int64{m.Page.ImageTokenID}, tokens), grid: Grid{spec.Grid.Width, spec.Grid.Height}}
	for patch := range tokens {
		part.patches = append(part.patches, patch)
	}
	return &square{spec: m.Image, part: part, normalizer: n}
}

func (s *square) measure(_, _ int) (imagePart, error) { return s.part, nil }

// look gives pixel values [1, 3, height, width].
func (s *square) look(page *processor.RGB) ([]pageTensor, error) {
	width, height := s.spec.Square.Width, s.spec.Square.Height
	values := make([]float32, 3*width*height)
	s.normalizer.Apply(values, page.Resize(width, height, *s.spec.Resample, *s.spec.PassOrder))
	return []pageTensor{{shape: []int{1, 3, height, width}, values: values}}, nil
}

func (s *square) blank() ([]pageTensor, error) { return zeroed(s.look(processor.NewRGB(1, 1))) }

func (s *square) inputs() []string { return []string{"pixel_values"} }
func (s *square) joined() bool     { return true }
