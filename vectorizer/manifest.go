package vectorizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"weaviate-colpali/vectorizer/processor"
)

const (
	manifestFile    = "colpali.json"
	manifestVersion = 1
	// maxManifestBytes: a real one has 2 KB.
	maxManifestBytes = 1 << 20
)

// manifest is colpali.json: everything about a model that is not weights or words. The exporter
// writes it; tools/dev/export/manifest.py is the other half of this file.
type manifest struct {
	Version   int                `json:"version"`
	Name      string             `json:"name"`
	Family    string             `json:"family"`
	Dim       int                `json:"dim"`
	Graph     graphSpec          `json:"graph"`
	Image     imageSpec          `json:"image"`
	Page      pageSpec           `json:"page"`
	Query     querySpec          `json:"query"`
	Tokenizer tokenizerSpec      `json:"tokenizer"`
	Source    map[string]string  `json:"source"`
	Files     map[string]fileSum `json:"files"`
}

// graphSpec names the graphs' files, inputs and outputs.
type graphSpec struct {
	Vision struct {
		File          string `json:"file"`
		PixelValues   string `json:"pixel_values"`   // float32 [B, 3, height, width]
		ImageFeatures string `json:"image_features"` // float32 [B, image tokens, width]
	} `json:"vision"`
	Text struct {
		File          string `json:"file"`
		InputIDs      string `json:"input_ids"`      // int64 [B, L]
		AttentionMask string `json:"attention_mask"` // int64 [B, L]
		ImageFeatures string `json:"image_features"` // float32 [image tokens of the batch, width]
		Embeddings    string `json:"embeddings"`     // float32 [B, L, dim]
	} `json:"text"`
	ImageFeatureWidth int `json:"image_feature_width"`
}

// imageSpec is how a page becomes pixel values.
type imageSpec struct {
	Width     int                  `json:"width"`
	Height    int                  `json:"height"`
	Resample  *processor.Filter    `json:"resample"`
	PassOrder *processor.PassOrder `json:"pass_order"`
	Rescale   float64              `json:"rescale"`
	Mean      []float32            `json:"mean"`
	Std       []float32            `json:"std"`
}

// values is the number of pixel values of a page.
func (s imageSpec) values() int { return 3 * s.Height * s.Width }

// pageSpec is the prompt of a page: prefix, image tokens, suffix. All of them get a vector.
type pageSpec struct {
	PrefixIDs    []int64 `json:"prefix_ids"`
	ImageTokenID int64   `json:"image_token_id"`
	ImageTokens  int     `json:"image_tokens"`
	Grid         struct {
		Width  int `json:"width"`
		Height int `json:"height"`
	} `json:"grid"`
	SuffixIDs []int64 `json:"suffix_ids"`
}

func (s pageSpec) vectors() int { return len(s.PrefixIDs) + s.ImageTokens + len(s.SuffixIDs) }

func (s pageSpec) ids() []int64 {
	return slices.Concat(s.PrefixIDs, slices.Repeat([]int64{s.ImageTokenID}, s.ImageTokens), s.SuffixIDs)
}

// querySpec is the prompt of a query: prefix, the text behind its own prefix, suffix.
type querySpec struct {
	PrefixIDs  []int64 `json:"prefix_ids"`
	PrefixText string  `json:"prefix_text"`
	SuffixIDs  []int64 `json:"suffix_ids"`
	// MaxTokens of all of it; the text is cut to fit.
	MaxTokens int `json:"max_tokens"`
}

type tokenizerSpec struct {
	File string `json:"file"`
}

type fileSum struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// readManifest reads and checks colpali.json, and returns its SHA-256.
func readManifest(model fs.FS) (_ *manifest, hash string, err error) {
	content, err := readBounded(model, manifestFile, maxManifestBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("there is no %s: export the checkpoint with tools/dev/export first", manifestFile)
	}
	if err != nil {
		return nil, "", err
	}
	m, err := parseManifest(content)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", manifestFile, err)
	}
	sum := sha256.Sum256(content)
	return m, hex.EncodeToString(sum[:]), nil
}

func parseManifest(content []byte) (*manifest, error) {
	// The version first: other versions may have other fields, and "unknown field" would hide why.
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return nil, err
	}
	if head.Version != manifestVersion {
		return nil, fmt.Errorf("its version is %d, this build reads version %d: export the model again with this build's tools/dev/export",
			head.Version, manifestVersion)
	}
	m := new(manifest)
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(m); err != nil {
		return nil, err
	}
	return m, m.check()
}

// readBounded reads a file that must not be larger than the limit.
func readBounded(model fs.FS, name string, limit int64) ([]byte, error) {
	file, err := model.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return content, nil
}
