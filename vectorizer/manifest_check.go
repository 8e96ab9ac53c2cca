package vectorizer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Bounds of what a manifest may ask for, far above any known model: they keep a damaged or hostile
// one from asking for terabytes.
const (
	maxNameBytes     = 200
	maxDim           = 8192
	maxFeatureWidth  = 65536
	maxImageSide     = 4096
	maxImageTokens   = 16384
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
	p.unless(m.Family == "colpali", "family is %.40q; this build runs colpali", m.Family)
	p.within("dim", m.Dim, 1, maxDim)
	p.unless(len(m.Source) <= maxSourceEntries, "source has %d entries; it may have %d", len(m.Source), maxSourceEntries)
	m.Graph.check(&p)
	m.Image.check(&p)
	m.Page.check(&p)
	m.Query.check(&p, m.Page.ImageTokenID)
	m.checkFiles(&p)
	return errors.Join(p...)
}

func (s graphSpec) check(p *problems) {
	p.word("graph.vision.pixel_values", s.Vision.PixelValues)
	p.word("graph.vision.image_features", s.Vision.ImageFeatures)
	p.word("graph.text.input_ids", s.Text.InputIDs)
	p.word("graph.text.attention_mask", s.Text.AttentionMask)
	p.word("graph.text.image_features", s.Text.ImageFeatures)
	p.word("graph.text.embeddings", s.Text.Embeddings)
	p.within("graph.image_feature_width", s.ImageFeatureWidth, 1, maxFeatureWidth)
}

func (s imageSpec) check(p *problems) {
	p.within("image.width", s.Width, 1, maxImageSide)
	p.within("image.height", s.Height, 1, maxImageSide)
	p.unless(s.Resample != nil, "image.resample is missing")
	p.unless(s.PassOrder != nil, "image.pass_order is missing")
	p.unless(s.Rescale > 0 && !math.IsInf(s.Rescale, 0), "image.rescale is %g; it must be positive", s.Rescale)
	p.unless(len(s.Mean) == 3, "image.mean has %d values; it must have 3", len(s.Mean))
	p.unless(len(s.Std) == 3, "image.std has %d values; it must have 3", len(s.Std))
}

func (s pageSpec) check(p *problems) {
	p.within("page.image_tokens", s.ImageTokens, 1, maxImageTokens)
	p.within("page.grid.width", s.Grid.Width, 1, maxImageTokens)
	p.within("page.grid.height", s.Grid.Height, 1, maxImageTokens)
	p.unless(s.Grid.Width*s.Grid.Height == s.ImageTokens, "page.grid is %d x %d, which is not page.image_tokens, %d",
		s.Grid.Width, s.Grid.Height, s.ImageTokens)
	p.within("page.prefix_ids and suffix_ids together", len(s.PrefixIDs)+len(s.SuffixIDs), 0, maxPromptTokens)
	p.unless(s.ImageTokenID >= 0, "page.image_token_id is %d; it must not be negative", s.ImageTokenID)
	checkPrompt(p, "page", slices.Concat(s.PrefixIDs, s.SuffixIDs), s.ImageTokenID)
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
	for field, file := range map[string]string{
		"graph.vision.file": m.Graph.Vision.File,
		"graph.text.file":   m.Graph.Text.File,
		"tokenizer.file":    m.Tokenizer.File,
	} {
		_, listed := m.Files[file]
		p.unless(listed, "%s is %.80q, which is not listed in files", field, file)
	}
	for name, sum := range m.Files {
		p.unless(plainName(name), "files has %.80q; a name must be that of a file in the model folder itself", name)
		digest, err := hex.DecodeString(sum.SHA256)
		p.unless(err == nil && len(digest) == 32, "files: %.80q has no sha256 of 64 hexadecimal digits", name)
		p.unless(sum.Bytes > 0, "files: %.80q has %d bytes; it must have at least 1", name, sum.Bytes)
	}
}

// plainName refuses paths, on every system: a manifest must not reach outside its folder.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && name != manifestFile && len(name) <= maxNameBytes &&
		path.Base(name) == name && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '\\' || r == ':' || unicode.IsControl(r)
	})
}

// checkVocabulary demands that the prompts' ids are the tokenizer's.
func (m *manifest) checkVocabulary(size int) error {
	var p problems
	for _, id := range slices.Concat(m.Page.PrefixIDs, m.Page.SuffixIDs, m.Query.PrefixIDs, m.Query.SuffixIDs,
		[]int64{m.Page.ImageTokenID}) {
		p.unless(id < int64(size), "%s has token id %d, but %s has only %d tokens", manifestFile, id, m.Tokenizer.File, size)
	}
	return errors.Join(p...)
}
