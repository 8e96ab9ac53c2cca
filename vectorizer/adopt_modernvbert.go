package vectorizer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weaviate-colpali/vectorizer/processor"
)

// modernvbertPreset is the prompt of colpali-engine since 0.3.11 and of fastembed; its twin is
// tools/dev/export/families/tiles.py.
const (
	modernvbertPreset = "modernvbert-assistant"
	modernvbertBefore = "<|begin_of_text|>User:"
	modernvbertBehind = "Describe the image.<end_of_utterance>\nAssistant:"

	tileFake, tileImage, tileView = "<fake_token_around_image>", "<image>", "<global-img>"
)

var modernvbertSuffix = strings.Repeat("<end_of_utterance>", 10)

const (
	// idefics3Edge and idefics3Tokens are what fastembed takes where the configuration is silent.
	idefics3Edge   = 512
	idefics3Tokens = 64
)

// describeColModernVBERT is for exports that fastembed runs (late_interaction_multimodal/colmodernvbert.py).
func (f *foreignFolder) describeColModernVBERT(m *manifest) (err error) {
	if preset := f.choice.Preset; preset != "" && preset != modernvbertPreset {
		return fmt.Errorf("there is no preset %.40q; there is %s", preset, modernvbertPreset)
	}
	config := f.config.flat()
	if m.Page.ImageTokenID, err = f.imageToken(config.imageToken()); err != nil {
		return err
	}
	if m.Image, err = f.images.imageSpec("tiles", processor.Lanczos); err != nil {
		return err
	}
	if m.Image.Tiles, err = f.tiles(config.Vision); err != nil {
		return err
	}
	m.Dim = f.dim(config.EmbeddingDim)
	f.preset = modernvbertPreset
	f.decide("prompt %s: a page is %q, its tiles and %q, a query the text and %q",
		f.preset, modernvbertBefore, modernvbertBehind, modernvbertSuffix)
	return f.tokenizeModernVBERT(m)
}

// tiles says how pages are cut; the prompt's ids are not in it yet.
func (f *foreignFolder) tiles(vision hubVision) (*tilesSpec, error) {
	images := f.images
	if images.DoSplit != nil && !*images.DoSplit {
		return nil, errors.New("preprocessor_config.json has do_image_splitting false, for which there is no rule")
	}
	spec := &tilesSpec{
		Edge: cmp.Or(images.MaxSize.LongestEdge, idefics3Edge), LongestEdge: images.Size.LongestEdge,
		TileTokens: cmp.Or(f.prompt.ImageTokens, idefics3Tokens),
	}
	var p problems
	p.within("the edge of a tile", spec.Edge, 1, maxImageSide)
	p.within("the longest edge of a page", spec.LongestEdge, 1, maxTilesSide*max(spec.Edge, 1))
	p.within("the number of image tokens of a tile", spec.TileTokens, 1, maxImageTokens/(maxTilesSide*maxTilesSide+1))
	if len(p) > 0 {
		return nil, fmt.Errorf("preprocessor_config.json and processor_config.json: %w", errors.Join(p...))
	}
	if vision.ImageSize != 0 && vision.ImageSize != spec.Edge {
		return nil, fmt.Errorf("preprocessor_config.json makes tiles of %d, config.json wants them %d wide and high",
			spec.Edge, vision.ImageSize)
	}
	return spec, f.graphs.pages.demandPixels(anyLength, 3, int64(spec.Edge), int64(spec.Edge))
}

func (f *foreignFolder) tokenizeModernVBERT(m *manifest) error {
	before, behind, err := f.tokenizer.Frame()
	if err != nil {
		return err
	}
	words, tiles := promptWriter{tokenizer: f.tokenizer}, m.Image.Tiles
	side := tiles.LongestEdge / tiles.Edge
	tiles.TileIDs = make([][][]int64, side)
	for row := range side {
		for column := range side {
			tiles.TileIDs[row] = append(tiles.TileIDs[row], words.ids(tileMark(row, column)))
		}
	}
	// Not twice that of a row: tokenizers may join line feeds.
	tiles.RowEndIDs, tiles.GridEndIDs = words.ids("\n"), words.ids("\n\n")
	tiles.ViewIDs, tiles.EndIDs = words.ids(tileFake+tileView), words.ids(tileFake)
	m.Page.PrefixIDs = slices.Concat(before, words.ids(modernvbertBefore))
	m.Page.SuffixIDs = slices.Concat(words.ids(modernvbertBehind), behind)
	suffix := slices.Concat(words.ids(modernvbertSuffix), behind)
	m.Query = querySpec{PrefixIDs: before, SuffixIDs: suffix, MaxTokens: f.prompt.queryCut()}
	for _, grid := range [][2]int{{0, 0}, {1, side}, {side, 1}, {side, side}} {
		text := modernvbertBefore + tiles.text(grid[0], grid[1]) + modernvbertBehind
		parts := slices.Concat(m.Page.PrefixIDs, tiles.prompt(m.Page.ImageTokenID).IDs(grid[0], grid[1]), m.Page.SuffixIDs)
		if whole := slices.Concat(before, words.ids(text), behind); words.err == nil && !slices.Equal(whole, parts) {
			return fmt.Errorf("%s makes other tokens of a page of %d x %d tiles than of its parts",
				foreignTokenizer, grid[0], grid[1])
		}
	}
	return words.err
}

func tileMark(row, column int) string {
	return fmt.Sprintf("%s<row_%d_col_%d>", tileFake, row+1, column+1)
}

// text is a page's tiles as Idefics3Processor writes them.
func (s *tilesSpec) text(columns, rows int) string {
	image := strings.Repeat(tileImage, s.TileTokens)
	var text strings.Builder
	for row := range rows {
		for column := range columns {
			text.WriteString(tileMark(row, column) + image)
		}
		text.WriteString("\n")
	}
	if rows > 0 {
		text.WriteString("\n")
	}
	return text.String() + tileFake + tileView + image + tileFake
}

// promptWriter keeps the first error.
type promptWriter struct {
	tokenizer *processor.Tokenizer
	err       error
}

func (w *promptWriter) ids(text string) []int64 {
	ids, err := w.tokenizer.EncodePrompt(nil, text)
	w.err = cmp.Or(w.err, err)
	return ids
}
