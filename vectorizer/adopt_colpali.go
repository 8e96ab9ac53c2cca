package vectorizer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weaviate-colpali/vectorizer/processor"
)

// colpaliPrompt is one of the prompts that the official implementations have for the same weights; its twin is
// tools/dev/export/prompt.py. Special tokens are written literally.
type colpaliPrompt struct {
	page, queryPrefix, querySuffix string
}

const (
	colpaliBOS  = "<bos>"
	colpaliPage = "<bos>Describe the image.\n"
)

var (
	colpaliPads    = strings.Repeat("<pad>", 10)
	colpaliPrompts = map[string]colpaliPrompt{
		"colpali-question": {colpaliPage, "Question: ", colpaliPads + "\n"},
		"colpali-query":    {colpaliPage, "Query: ", colpaliPads + "\n"},
		"colpali-bare":     {colpaliPage, "", colpaliPads},
		"colpali-bos2":     {colpaliBOS + colpaliPage, "", colpaliPads},
	}
)

// describeColPali is for exports of transformers' ColPaliForRetrieval and colpali-engine's ColPali. The defaults are what
// SigLIP's processor of PaliGemma has.
func (f *foreignFolder) describeColPali(m *manifest) error {
	config := f.config.flat()
	var err error
	if m.Page.ImageTokenID, err = f.imageToken(config.imageToken()); err != nil {
		return err
	}
	if m.Image, err = f.images.imageSpec("square", processor.Bicubic); err != nil {
		return err
	}
	if m.Image.Square, err = f.square(config.Vision); err != nil {
		return err
	}
	m.Dim = f.dim(config.EmbeddingDim)
	name, prompt, err := f.colpaliPrompt()
	if err != nil {
		return err
	}
	f.preset = name
	f.decide("prompt %s: a page is %d image tokens and %q, a query %q, the text, %q", name,
		m.Image.Square.Grid.Width*m.Image.Square.Grid.Height, prompt.page, colpaliBOS+prompt.queryPrefix, prompt.querySuffix)
	return f.tokenizeColPali(m, name, prompt)
}

const siglipPatch = 14

func (f *foreignFolder) square(vision hubVision) (*squareSpec, error) {
	width, height := f.images.Size.Width, f.images.Size.Height
	if width < 1 || height < 1 {
		return nil, errors.New("preprocessor_config.json has no size with width and height")
	}
	if vision.ImageSize != 0 && (width != vision.ImageSize || height != vision.ImageSize) {
		return nil, fmt.Errorf("preprocessor_config.json makes pages %d x %d, config.json wants them %d wide and high",
			width, height, vision.ImageSize)
	}
	if err := f.graphs.pages.demandPixels(3, int64(height), int64(width)); err != nil {
		return nil, err
	}
	patch := cmp.Or(vision.PatchSize, siglipPatch)
	if patch < 1 || width%patch != 0 || height%patch != 0 {
		return nil, fmt.Errorf("pages of %d x %d are no whole number of patches of %d", width, height, patch)
	}
	square := &squareSpec{Width: width, Height: height}
	square.Grid.Width, square.Grid.Height = width/patch, height/patch
	return square, nil
}

// colpaliPrompt is the chosen one, else that of processor_config.json, else the exporter's: fastembed's for a single
// graph, transformers' for two.
func (f *foreignFolder) colpaliPrompt() (string, colpaliPrompt, error) {
	name := "colpali-query"
	if f.graphs.queries != nil {
		name = "colpali-question"
	}
	name = cmp.Or(f.choice.Preset, name)
	prompt, ok := colpaliPrompts[name]
	if !ok {
		return "", colpaliPrompt{}, fmt.Errorf("there is no preset %.40q; there are %s", name,
			strings.Join(slices.Sorted(maps.Keys(colpaliPrompts)), ", "))
	}
	if prefix := f.prompt.QueryPrefix; f.choice.Preset == "" && prefix != nil {
		name, prompt.queryPrefix = "processor_config.json", *prefix
		for known, of := range colpaliPrompts {
			if of.queryPrefix == *prefix && *prefix != "" {
				name = known
			}
		}
		if f.prompt.VisualPrompt != "" {
			prompt.page = colpaliBOS + f.prompt.VisualPrompt + "\n"
		}
	}
	return name, prompt, nil
}

func (f *foreignFolder) tokenizeColPali(m *manifest, name string, prompt colpaliPrompt) (err error) {
	bos, ok := f.tokenizer.SpecialID(colpaliBOS)
	if !ok {
		return fmt.Errorf("%s has no special token %s, with which every ColPali prompt starts", foreignTokenizer, colpaliBOS)
	}
	if m.Page.SuffixIDs, err = f.tokenizer.EncodePrompt(nil, prompt.page); err != nil {
		return err
	}
	m.Query = querySpec{PrefixIDs: []int64{bos}, PrefixText: prompt.queryPrefix, MaxTokens: maxQueryTokensAdopted}
	if m.Query.SuffixIDs, err = f.tokenizer.EncodePrompt(nil, prompt.querySuffix); err != nil {
		return err
	}
	if name != "colpali-query" || f.graphs.queries != nil {
		return nil
	}
	m.Query.MaxTokens = f.prompt.queryCut()
	m.Query.PrefixIDs, m.Query.SuffixIDs, err = f.fastembedQuery(bos, m.Query.SuffixIDs)
	return err
}

// fastembedQuery is what fastembed (late_interaction_multimodal/colpali.py) makes around "Query: " and the text. It
// writes "<s>" in front of them, which PaliGemma may not have, and then overwrites the first two ids with those of <bos>
// and "Query", whatever they were. So it is computed, and not assumed, that "<s>Query" is two tokens.
func (f *foreignFolder) fastembedQuery(bos int64, suffix []int64) (prefixIDs, suffixIDs []int64, err error) {
	const word = "Query: a"
	plain := f.tokenizer.Encode(nil, word)
	written, err := f.tokenizer.EncodePrompt(nil, "<s>"+word)
	if err != nil {
		return nil, nil, err
	}
	before, behind, err := f.tokenizer.Frame()
	if err != nil {
		return nil, nil, err
	}
	written = slices.Concat(before, written)
	if len(written) < 2 || len(plain) == 0 {
		return nil, nil, fmt.Errorf("%s gives no tokens for %q", foreignTokenizer, word)
	}
	overwritten := slices.Concat([]int64{bos, plain[0]}, written[2:])
	kept := len(overwritten) - len(plain)
	if kept < 0 || !slices.Equal(overwritten[kept:], plain) {
		return nil, nil, fmt.Errorf("%s joins %q to other tokens than %q, so that fastembed's prompt cannot be written down: "+
			"choose another with PRESET=", foreignTokenizer, "<s>Query", "Query")
	}
	return overwritten[:kept], slices.Concat(suffix, behind), nil
}
