package vectorizer

import (
	"weaviate-colpali/vectorizer/processor"
)

// Grid is the number of patches in a row and in a column.
type Grid struct {
	Width, Height int
}

// Layout is where on a page its vectors lie.
type Layout struct {
	Grid
	// Rows is the vector of each patch, row by row from the top left. Vectors that are not named
	// here stand for no place: those of the prompt, or of a view of the whole page. It is empty
	// for models that give one vector a page.
	Rows []int
	// Vectors is how many a page has in all.
	Vectors int
}

// Layout is where on this page its vectors lie. Only the header of the image is read. Errors are
// package processor's.
func (v *Vectorizer) Layout(page []byte) (Layout, error) {
	width, height, err := v.manifest.Image.view().ImageSize(page, v.options.Limits)
	if err != nil {
		return Layout{}, err
	}
	prompt, err := v.layOut(width, height)
	return prompt.layout, err
}

// DecodePage returns the page's image as it is, within the options' limits. Errors are package
// processor's.
func (v *Vectorizer) DecodePage(page []byte) (*processor.RGB, error) {
	return processor.DecodeImage(page, v.options.Limits)
}

// pagePrompt is the token sequence of one page and what its vectors stand for.
type pagePrompt struct {
	sequence
	// images are the image tokens: each needs a row of image features.
	images []int
	// kept are the tokens whose vectors the page keeps; nil means all.
	kept   []int
	layout Layout
}

// layOut writes the prompt of a page of this size.
func (v *Vectorizer) layOut(width, height int) (pagePrompt, error) {
	m := v.manifest
	part, err := v.images.measure(width, height)
	if err != nil {
		return pagePrompt{}, err
	}
	var p pagePrompt
	p.ids = append(append(append(p.ids, m.Page.PrefixIDs...), part.ids...), m.Page.SuffixIDs...)
	p.layout = Layout{Grid: part.grid, Vectors: len(p.ids)}
	for _, place := range part.patches {
		p.layout.Rows = append(p.layout.Rows, len(m.Page.PrefixIDs)+place)
	}
	for i, id := range p.ids {
		if id == m.Page.ImageTokenID {
			p.images = append(p.images, i)
		}
	}
	if m.Graph.Positions == rotaryPositions {
		p.positions = processor.RotaryPositions(p.ids, m.Page.ImageTokenID, part.grid.Width, part.grid.Height)
	}
	switch {
	case m.Graph.Rows == oneRow:
		p.layout = Layout{Grid: part.grid, Vectors: 1}
	case m.Page.DropNonImage:
		p.keepImage()
	}
	return p, nil
}

// keepImage leaves only the image tokens' vectors.
func (p *pagePrompt) keepImage() {
	place := make(map[int]int, len(p.images))
	for i, token := range p.images {
		place[token] = i
	}
	p.kept, p.layout.Vectors = p.images, len(p.images)
	for i, row := range p.layout.Rows {
		p.layout.Rows[i] = place[row]
	}
}
