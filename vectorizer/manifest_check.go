package vectorizer

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"weaviate-colpali/vectorizer/processor"
)

// Bounds of what a manifest may ask for, far above any known model: they keep a damaged or hostile
// one from asking for terabytes.
const (
	maxNameBytes     = 200
	maxDim           = 8192
	maxFeatureWidth  = 65536
	maxImageSide     = 4096
	maxImageTokens   = 16384
	maxTilesSide     = 16
	maxPromptTokens  = 1024
	maxQueryTokens   = 4096
	maxFiles         = 64
	maxSourceEntries = 64
)

// problems collects everything that is wrong, so that it can be mended in one go.
type problems []error

func (p *problems) unless(fine bool, format string, arguments ...any) {
	if !fine {
		*p = append(*p, fmt.Errorf(format, arguments...))
	}
}

func (p *problems) within(field string, value, low, high int) {
	p.unless(low <= value && value <= high, "%s is %d; it must be %d to %d", field, value, low, high)
}

func (p *problems) word(field, value string) {
	printable := !strings.ContainsFunc(value, unicode.IsControl)
	p.unless(value != "" && len(value) <= maxNameBytes && printable, "%s must be 1 to %d printable bytes", field, maxNameBytes)
}

// check finds contradictions within the manifest itself.
func (m *manifest) check() error {
	var p problems
	p.word("name", m.Name)
	p.word("family", m.Family)
	p.within("dim", m.Dim, 1, maxDim)
	p.unless(len(m.Source) <= maxSourceEntries, "source has %d entries; it may have %d", len(m.Source), maxSourceEntries)
	m.Graph.check(&p)
	m.Image.check(&p)
	m.Page.check(&p, m.Image.markIDs())
	m.Query.check(&p, m.Page.ImageTokenID)
	m.checkFiles(&p)
	return errors.Join(p...)
}

func (p *problems) oneOf(field, value string, known ...string) {
	p.unless(slices.Contains(known, value), "%s is %.40q; known are %s", field, value, strings.Join(known, ", "))
}

func (s graphSpec) check(p *problems) {
	p.oneOf("graph.kind", s.Kind, splitGraphs, variantGraphs, singleGraph)
	p.oneOf("graph.positions", s.Positions, graphPositions, rotaryPositions)
	p.oneOf("graph.rows", s.Rows, tokenRows, oneRow)
	p.oneOf("graph.precision", cmp.Or(s.Precision, float32Compute), float32Compute, float16Compute, bfloat16Compute)
	p.unless((s.Vision == nil) == (s.Kind == singleGraph), "graph.vision must be there, but not in a single graph")
	if s.Vision != nil {
		p.word("graph.vision.output", s.Vision.Output)
		p.oneOf("graph.vision.output_type", cmp.Or(s.Vision.OutputType, float32Output), float32Output, float16Output)
		checkInputs(p, "graph.vision.inputs", s.Vision.Inputs)
	}
	p.word("graph.text.output", s.Text.Output)
	p.oneOf("graph.text.output_type", cmp.Or(s.Text.OutputType, float32Output), float32Output, float16Output)
	checkInputs(p, "graph.text.inputs", s.Text.Inputs)
	if s.Kind == splitGraphs {
		p.within("graph.image_feature_width", s.ImageFeatureWidth, 1, maxFeatureWidth)
	}
}

// inputRoles are what inputs may be called in a manifest.
var inputRoles = []string{"input_ids", "attention_mask", "position_ids", "image_features", "pixel_values", "patch_positions"}

func checkInputs(p *problems, field string, names map[string]string) {
	for role, name := range names {
		p.oneOf(field, role, inputRoles...)
		p.word(field+"."+role, name)
	}
}

func (s imageSpec) check(p *problems) {
	p.unless(s.Resample != nil, "image.resample is missing")
	p.unless(s.PassOrder != nil, "image.pass_order is missing")
	p.unless(s.Rescale > 0 && !math.IsInf(s.Rescale, 0), "image.rescale is %g; it must be positive", s.Rescale)
	p.unless(len(s.Mean) == 3, "image.mean has %d values; it must have 3", len(s.Mean))
	p.unless(len(s.Std) == 3, "image.std has %d values; it must have 3", len(s.Std))
	p.oneOf("image.mode", s.Mode, "square", "patches", "tiles")
	for mode, there := range map[string]bool{"square": s.Square != nil, "patches": s.Patches != nil, "tiles": s.Tiles != nil} {
		p.unless(there == (mode == s.Mode), "image.mode is %.40q; image.%s must be there only if it is the mode", s.Mode, mode)
	}
	if s.Square != nil {
		s.Square.check(p)
	}
	if s.Patches != nil {
		s.Patches.check(p)
	}
	if s.Tiles != nil {
		s.Tiles.check(p)
	}
}

func (s *squareSpec) check(p *problems) {
	p.within("image.square.width", s.Width, 1, maxImageSide)
	p.within("image.square.height", s.Height, 1, maxImageSide)
	p.within("image.square.grid.width", s.Grid.Width, 1, maxImageTokens)
	p.within("image.square.grid.height", s.Grid.Height, 1, maxImageTokens)
	p.unless(s.Grid.Width <= maxImageTokens && s.Grid.Height <= maxImageTokens && s.Grid.Width*s.Grid.Height <= maxImageTokens,
		"image.square.grid is %d x %d; it may have %d tokens", s.Grid.Width, s.Grid.Height, maxImageTokens)
}

func (s *patchesSpec) check(p *problems) {
	p.within("image.patches.edge", s.Edge, 1, 256)
	p.within("image.patches.merge", s.Merge, 1, 16)
	p.within("image.patches.frames", s.Frames, 1, 16)
	p.within("image.patches.max_pixels", s.MaxPixels, 1, maxImageSide*maxImageSide)
	p.within("image.patches.min_pixels", s.MinPixels, 1, max(s.MaxPixels, 1))
	token := max(s.Edge*s.Merge, 1)
	if s.Edge <= 256 && s.Merge <= 16 {
		p.within("image.patches.max_pixels in tokens", s.MaxPixels/(token*token), 1, maxImageTokens)
	}
}

func (s *tilesSpec) check(p *problems) {
	p.within("image.tiles.edge", s.Edge, 1, maxImageSide)
	p.within("image.tiles.longest_edge", s.LongestEdge, 1, processor.MaxLongestEdge)
	edge := max(s.Edge, 1)
	side := (s.LongestEdge + edge - 1) / edge
	p.unless(s.LongestEdge%edge == 0 && s.LongestEdge%2 == 0, "image.tiles.longest_edge is %d; it must be an even multiple of image.tiles.edge, %d", s.LongestEdge, s.Edge)
	p.within("image.tiles.longest_edge in tiles", side, 1, maxTilesSide)
	p.within("image.tiles.tile_tokens", s.TileTokens, 1, maxImageTokens)
	if side <= maxTilesSide && s.TileTokens > 0 {
		tokens := (side*side + 1) * min(s.TileTokens, maxImageTokens)
		p.within("image.tiles.tile_tokens of a whole page", tokens, 1, maxImageTokens)
		if err := s.prompt(0).Check(side); err != nil {
			p.unless(false, "image.tiles: %s", err)
		}
	}
	p.within("image.tiles: ids", len(s.ids()), 0, maxPromptTokens)
}

// ids are all marks between tiles.
func (s *tilesSpec) ids() []int64 {
	ids := slices.Concat(s.RowEndIDs, s.GridEndIDs, s.ViewIDs, s.EndIDs)
	for _, row := range s.TileIDs {
		ids = append(ids, slices.Concat(row...)...)
	}
	return ids
}

// markIDs are the ids that image.mode puts between image tokens.
func (s imageSpec) markIDs() []int64 {
	if s.Tiles == nil {
		return nil
	}
	return s.Tiles.ids()
}

func (s pageSpec) check(p *problems, marks []int64) {
	p.within("page.prefix_ids and suffix_ids together", len(s.PrefixIDs)+len(s.SuffixIDs), 0, maxPromptTokens)
	p.unless(s.ImageTokenID >= 0, "page.image_token_id is %d; it must not be negative", s.ImageTokenID)
	checkPrompt(p, "page", slices.Concat(s.PrefixIDs, marks, s.SuffixIDs), s.ImageTokenID)
}

func (s querySpec) check(p *problems, imageTokenID int64) {
	prompt := len(s.PrefixIDs) + len(s.SuffixIDs)
	p.within("query.max_tokens", s.MaxTokens, 1, maxQueryTokens)
	p.unless(s.MaxTokens > prompt, "query.max_tokens is %d, but the prompt alone has %d: no room for a question", s.MaxTokens, prompt)
	p.unless(len(s.PrefixText) <= maxNameBytes, "query.prefix_text has %d bytes; it may have %d", len(s.PrefixText), maxNameBytes)
	checkPrompt(p, "query", slices.Concat(s.PrefixIDs, s.SuffixIDs), imageTokenID)
}

func checkPrompt(p *problems, owner string, ids []int64, imageTokenID int64) {
	for _, id := range ids {
		p.unless(id >= 0, "%s prompt has token id %d; ids are not negative", owner, id)
		p.unless(id != imageTokenID, "%s prompt has the image token, %d", owner, id)
	}
}

// checkFiles demands that every file is plainly named and has a sum.
func (m *manifest) checkFiles(p *problems) {
	p.within("files", len(m.Files), 1, maxFiles)
	named := map[string]string{"graph.text.file": m.Graph.Text.File, "tokenizer.file": m.Tokenizer.File}
	if m.Graph.Vision != nil {
		named["graph.vision.file"] = m.Graph.Vision.File
	}
	for field, file := range named {
		_, listed := m.Files[file]
		p.unless(listed, "%s is %.80q, which is not listed in files", field, file)
	}
	for name, sum := range m.Files {
		p.unless(plainName(name), "files has %.80q; a name must be that of a file in the model folder itself, or in a folder in it", name)
		digest, err := hex.DecodeString(sum.SHA256)
		p.unless(err == nil && len(digest) == 32, "files: %.80q has no sha256 of 64 hexadecimal digits", name)
		p.unless(sum.Bytes > 0, "files: %.80q has %d bytes; it must have at least 1", name, sum.Bytes)
	}
}

// plainName refuses paths but those into a folder of the model folder, on every system: a manifest must not reach outside.
func plainName(name string) bool {
	folder, file, nested := strings.Cut(name, "/")
	if nested {
		return plainPart(folder) && plainPart(file)
	}
	return name != manifestFile && plainPart(name)
}

func plainPart(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= maxNameBytes &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r == '/' || r == '\\' || r == ':' || unicode.IsControl(r)
		})
}

// checkVocabulary demands that the prompts' ids are the tokenizer's.
func (m *manifest) checkVocabulary(size int) error {
	var p problems
	for _, id := range slices.Concat(m.Page.PrefixIDs, m.Page.SuffixIDs, m.Query.PrefixIDs, m.Query.SuffixIDs,
		m.Image.markIDs(), []int64{m.Page.ImageTokenID}) {
		p.unless(id < int64(size), "%s has token id %d, but %s has only %d tokens", manifestFile, id, m.Tokenizer.File, size)
	}
	return errors.Join(p...)
}
