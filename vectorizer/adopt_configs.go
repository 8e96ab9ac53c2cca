package vectorizer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"weaviate-colpali/vectorizer/processor"
)

// maxConfigBytes: a real configuration of the hub has some KB, tokenizer_config.json of ColPali some 250.
const maxConfigBytes = 16 << 20

// hubConfig is config.json as transformers and colpali-engine write it: what is read of it.
type hubConfig struct {
	ModelType       string     `json:"model_type"`
	Architectures   []string   `json:"architectures"`
	Name            string     `json:"_name_or_path"`
	EmbeddingDim    int        `json:"embedding_dim"`
	ImageTokenID    *int64     `json:"image_token_id"`
	ImageTokenIndex *int64     `json:"image_token_index"`
	Vision          hubVision  `json:"vision_config"`
	VLM             *hubConfig `json:"vlm_config"`
}

// flat has what wrappers such as ColPaliConfig keep in vlm_config.
func (c hubConfig) flat() hubConfig {
	if inner := c.VLM; inner != nil {
		c.Vision = inner.Vision
		c.ImageTokenID = cmp.Or(c.ImageTokenID, inner.ImageTokenID)
		c.ImageTokenIndex = cmp.Or(c.ImageTokenIndex, inner.ImageTokenIndex)
	}
	return c
}

// imageToken is nil where the configuration does not say it. Older versions call it index.
func (c hubConfig) imageToken() *int64 { return cmp.Or(c.ImageTokenID, c.ImageTokenIndex) }

type hubVision struct {
	ImageSize int `json:"image_size"`
	PatchSize int `json:"patch_size"`
}

// hubImages is preprocessor_config.json, or image_processor of processor_config.json.
type hubImages struct {
	Type        string    `json:"image_processor_type"`
	DoResize    *bool     `json:"do_resize"`
	DoRescale   *bool     `json:"do_rescale"`
	DoNormalize *bool     `json:"do_normalize"`
	DoCrop      *bool     `json:"do_center_crop"`
	DoSplit     *bool     `json:"do_image_splitting"`
	Size        hubSize   `json:"size"`
	MaxSize     hubSize   `json:"max_image_size"`
	Resample    *int      `json:"resample"`
	Rescale     float64   `json:"rescale_factor"`
	Mean        []float32 `json:"image_mean"`
	Std         []float32 `json:"image_std"`
}

type hubSize struct {
	Height      int `json:"height"`
	Width       int `json:"width"`
	LongestEdge int `json:"longest_edge"`
}

// hubPrompt is what processor_config.json and tokenizer_config.json say of prompts.
type hubPrompt struct {
	QueryPrefix  *string `json:"query_prefix"`
	VisualPrompt string  `json:"visual_prompt_prefix"`
	ImageTokens  int     `json:"image_seq_len"`
	// MaxLength and ModelMaxLength are numbers, or 1e30 for none.
	MaxLength      *float64 `json:"max_length"`
	ModelMaxLength *float64 `json:"model_max_length"`
}

func (f *foreignFolder) readConfigs() error {
	there, err := f.readJSON("config.json", &f.config)
	if err == nil && !there {
		err = errors.New("there is no config.json, which says of what family the model is: copy it from the checkpoint")
	}
	if err != nil {
		return err
	}
	if _, err := f.readJSON("tokenizer_config.json", &f.prompt); err != nil {
		return err
	}
	if _, err := f.readJSON("processor_config.json", &f.prompt); err != nil {
		return err
	}
	return f.readImages()
}

// readImages reads how pages are prepared: in a file of its own until transformers 4, in the processor's since 5.
func (f *foreignFolder) readImages() error {
	there, err := f.readJSON("preprocessor_config.json", &f.images)
	if err != nil || there {
		return err
	}
	var processor struct {
		Images *hubImages `json:"image_processor"`
	}
	if _, err := f.readJSON("processor_config.json", &processor); err != nil {
		return err
	}
	if processor.Images == nil {
		return errors.New("there is no preprocessor_config.json, nor an image_processor in processor_config.json: " +
			"copy them from the checkpoint")
	}
	f.images = *processor.Images
	return nil
}

// readJSON reads what is wanted of a file; it need not be there.
func (f *foreignFolder) readJSON(name string, into any) (there bool, err error) {
	text, err := readBounded(f, f.find(name), maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return true, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// maxQueryTokensAdopted is what our own exporter writes.
const maxQueryTokensAdopted = 128

// queryCut is where the tokenizer of the folder cuts a query, and never beyond our own limit.
func (p hubPrompt) queryCut() int {
	cut := float64(maxQueryTokensAdopted)
	for _, limit := range []*float64{p.MaxLength, p.ModelMaxLength} {
		if limit != nil && *limit >= 1 {
			cut = math.Min(cut, math.Floor(*limit))
		}
	}
	return int(cut)
}

// resamples are PIL.Image.Resampling's numbers.
var resamples = map[int]processor.Filter{1: processor.Lanczos, 2: processor.Bilinear, 3: processor.Bicubic}

// imageSpec is what all image processors have in common; filter is the class's default.
func (i hubImages) imageSpec(mode string, filter processor.Filter) (imageSpec, error) {
	steps := map[string]*bool{"do_resize": i.DoResize, "do_rescale": i.DoRescale, "do_normalize": i.DoNormalize}
	for step, does := range steps {
		if does != nil && !*does {
			return imageSpec{}, fmt.Errorf("preprocessor_config.json has %s false, for which there is no rule", step)
		}
	}
	if i.DoCrop != nil && *i.DoCrop {
		return imageSpec{}, errors.New("preprocessor_config.json has do_center_crop true, for which there is no rule")
	}
	if i.Resample != nil {
		var ok bool
		if filter, ok = resamples[*i.Resample]; !ok {
			return imageSpec{}, fmt.Errorf("preprocessor_config.json has resample %d; known are 1 lanczos, 2 bilinear and 3 bicubic",
				*i.Resample)
		}
	}
	order := processor.Pillow13
	spec := imageSpec{Mode: mode, Resample: &filter, PassOrder: &order, Rescale: i.Rescale, Mean: i.Mean, Std: i.Std}
	if spec.Rescale == 0 {
		spec.Rescale = 1.0 / 255
	}
	if spec.Mean == nil && spec.Std == nil {
		spec.Mean, spec.Std = []float32{0.5, 0.5, 0.5}, []float32{0.5, 0.5, 0.5}
	}
	return spec, nil
}
