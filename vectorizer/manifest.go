package vectorizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"

	"weaviate-colpali/vectorizer/processor"
)

const (
	manifestFile    = "colpali.json"
	manifestVersion = 2
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
//
// All inputs are float32 or int64 and outputs float32, or float16 where output_type says it, whatever lies between. A
// batch is padded at the right, whatever side the reference pads: masks and positions say the same either way, and no row
// of a page is left without a key.
type graphSpec struct {
	// Kind is split: vision makes image features, text makes vectors of them and of words. One copy
	// of the language model serves pages and queries.
	// Or variants: vision makes a page's vectors by itself, and text a query's.
	// Or single: there is only text, which reads pixels, too; queries give it black ones.
	Kind   string      `json:"kind"`
	Vision *visionSpec `json:"vision,omitempty"`
	Text   textSpec    `json:"text"`
	// ImageFeatureWidth of split graphs.
	ImageFeatureWidth int `json:"image_feature_width,omitempty"`
	// Positions is graph where the text graph counts them itself, or rotary where position_ids are
	// an input: those of time, row and column (Qwen2-VL).
	Positions string `json:"positions"`
	// Rows is tokens, or one for bi-encoders: the graph's output is [B, 1, dim].
	Rows string `json:"rows"`
	// Precision is what products and attention are computed in: float32, also where it is left out,
	// float16 or bfloat16.
	Precision string `json:"precision,omitempty"`
}

const (
	splitGraphs     = "split"
	variantGraphs   = "variants"
	singleGraph     = "single"
	graphPositions  = "graph"
	rotaryPositions = "rotary"
	tokenRows       = "tokens"
	oneRow          = "one"
	float32Compute  = "float32"
	float16Compute  = "float16"
	bfloat16Compute = "bfloat16"
	float32Output   = "float32"
	float16Output   = "float16"
)

// visionSpec of split graphs reads what image.mode makes of pages, under the names that the mode gives
// them, and writes float32 [B, at least a page's image tokens, width], or [tiles, tokens of a tile,
// width]. Of variants it reads input_ids and attention_mask as well and writes what the text graph
// writes.
type visionSpec struct {
	File   string `json:"file"`
	Output string `json:"output"`
	// OutputType is float32, also where it is left out, or float16.
	OutputType string `json:"output_type,omitempty"`
	// Inputs are the graph's names for input_ids, pixel_values, ... where they differ from these.
	Inputs map[string]string `json:"inputs,omitempty"`
}

// textSpec reads int64 input_ids [B, L], attention_mask [B, L], position_ids [3, B, L] with rotary
// positions; float32 image_features [image tokens of the batch, width] in split graphs, pixel_values
// in a single one; and writes float32 [B, L, dim].
type textSpec struct {
	File   string `json:"file"`
	Output string `json:"output"`
	// OutputType is float32, also where it is left out, or float16.
	OutputType string            `json:"output_type,omitempty"`
	Inputs     map[string]string `json:"inputs,omitempty"`
}

// imageSpec is how a page becomes pixel values: what the modes have in common, and one mode's own.
type imageSpec struct {
	Mode      string               `json:"mode"`
	Resample  *processor.Filter    `json:"resample"`
	PassOrder *processor.PassOrder `json:"pass_order"`
	Rescale   float64              `json:"rescale"`
	Mean      []float32            `json:"mean"`
	Std       []float32            `json:"std"`
	// Alpha is drop, as in the references and where it is left out, or white: what is transparent shows
	// white paper.
	Alpha processor.Alpha `json:"alpha"`
	// EXIF turns pages by their EXIF orientation, which no reference does.
	EXIF    bool         `json:"exif"`
	Square  *squareSpec  `json:"square,omitempty"`
	Patches *patchesSpec `json:"patches,omitempty"`
	Tiles   *tilesSpec   `json:"tiles,omitempty"`
}

func (s imageSpec) view() processor.View {
	return processor.View{Alpha: s.Alpha, Upright: s.EXIF}
}

// squareSpec: pages of one size, and how their image tokens lie.
type squareSpec struct {
	Width  int `json:"width"`
	Height int `json:"height"`
	Grid   struct {
		Width  int `json:"width"`
		Height int `json:"height"`
	} `json:"grid"`
}

// patchesSpec is a [processor.Patching].
type patchesSpec struct {
	Edge      int `json:"edge"`
	Merge     int `json:"merge"`
	Frames    int `json:"frames"`
	MinPixels int `json:"min_pixels"`
	MaxPixels int `json:"max_pixels"`
}

// tilesSpec is a [processor.Tiling] and its [processor.TilePrompt].
type tilesSpec struct {
	Edge        int         `json:"edge"`
	LongestEdge int         `json:"longest_edge"`
	TileTokens  int         `json:"tile_tokens"`
	TileIDs     [][][]int64 `json:"tile_ids"`
	RowEndIDs   []int64     `json:"row_end_ids"`
	GridEndIDs  []int64     `json:"grid_end_ids"`
	ViewIDs     []int64     `json:"view_ids"`
	EndIDs      []int64     `json:"end_ids"`
}

func (s *tilesSpec) prompt(imageTokenID int64) processor.TilePrompt {
	return processor.TilePrompt{
		ImageTokenID: imageTokenID, TileTokens: s.TileTokens, TileIDs: s.TileIDs,
		RowEndIDs: s.RowEndIDs, GridEndIDs: s.GridEndIDs, ViewIDs: s.ViewIDs, EndIDs: s.EndIDs,
	}
}

// pageSpec is the prompt of a page: prefix, what image.mode makes of the image, suffix. All of them
// get a vector.
type pageSpec struct {
	PrefixIDs    []int64 `json:"prefix_ids"`
	ImageTokenID int64   `json:"image_token_id"`
	SuffixIDs    []int64 `json:"suffix_ids"`
	// DropNonImage keeps only the vectors of image tokens.
	DropNonImage bool `json:"drop_non_image"`
}

// querySpec is the prompt of a query: prefix, the text behind its own prefix, suffix.
type querySpec struct {
	PrefixIDs  []int64 `json:"prefix_ids"`
	PrefixText string  `json:"prefix_text"`
	// Trim says that white space at the end of a text counts for nothing, as chat templates have it.
	Trim      bool    `json:"trim"`
	SuffixIDs []int64 `json:"suffix_ids"`
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

// manifestHash is the SHA-256 of colpali.json.
func manifestHash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// readManifest reads and checks colpali.json, and returns its hash. Where there is none the error is fs.ErrNotExist.
func readManifest(model fs.FS) (_ *manifest, hash string, err error) {
	content, err := readBounded(model, manifestFile, maxManifestBytes)
	if err != nil {
		return nil, "", err
	}
	m, err := parseManifest(content)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", manifestFile, err)
	}
	return m, manifestHash(content), nil
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
