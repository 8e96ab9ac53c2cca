package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Vectorizer is what a collection says to the vectorizer module:
//
//	"vectorizer": {"multi2multivec-colpali": {"imageFields": ["page"], "index": "plaid"}}
type Vectorizer struct {
	// ImageField is the blob property that holds the page image.
	ImageField string
	// Index is the index the vectors are meant for, [IndexPlaid] or [IndexHNSW].
	Index string
	// PoolFactor is how many times fewer vectors are kept of a page than the model makes; 1 keeps all.
	PoolFactor int
	// DropNonImage leaves out the vectors of a page's prompt and keeps those of its patches.
	DropNonImage bool
	// Manifest is the SHA-256 of the manifest of the model that the collection belongs to, and ModelName
	// what that one calls itself. Both are "" in collections of before they were kept.
	Manifest  string
	ModelName string
}

// MaxPoolFactor leaves one vector of all those that a page of ColPali has.
const MaxPoolFactor = 1024

// The two indexes a collection can ask for.
const (
	// IndexPlaid is the index of this product, enabled by the block
	// vectorIndexConfig.multivector.plaid.
	IndexPlaid = "plaid"
	// IndexHNSW is Weaviate's own index with one graph node per token vector.
	IndexHNSW = "hnsw"
)

var (
	imageFields = Setting{
		Name:  "imageFields",
		Bound: "a list with the name of exactly one blob property",
		Doc:   "The blob property with the page image, base64-encoded. It is the whole input of the vector.",
	}
	index = Setting{
		Name:    "index",
		Default: IndexPlaid,
		Bound:   oneOf([]string{IndexPlaid, IndexHNSW}),
		Doc: "The index the collection wants. plaid demands the block vectorIndexConfig.multivector.plaid, " +
			"so that a schema which lost that block on its way through a client is refused instead of " +
			"becoming a plain hnsw; hnsw says that plain hnsw is meant.",
	}
	poolFactor = Setting{
		Name:    "poolFactor",
		Default: "1",
		Bound:   fmt.Sprintf("a whole number from 1 to %d", MaxPoolFactor),
		Doc: "How many times fewer vectors are kept of a page than the model makes: similar ones become their " +
			"mean, by colpali-engine's hierarchical pooling. 1 keeps all. Disk, memory and search time shrink by " +
			"the factor; what it costs in quality says `tools/dev/eval -pool` on your own pages. " +
			"Queries, also those by an image, are never pooled.",
	}
	dropNonImage = Setting{
		Name:    "dropNonImage",
		Default: "false",
		Bound:   oneOf([]string{"true", "false"}),
		Doc: "Whether the vectors of a page's prompt are left out, so that only those of its patches are kept: " +
			"1024 of 1030 for ColPali. It comes before poolFactor. Leave it off for the scores of the reference.",
	}
	manifest = Setting{
		Name:  "manifest",
		Bound: "64 hexadecimal digits",
		Doc: "Written by the server into each new collection: the SHA-256 of colpali.json of its model, as " +
			"/v1/meta tells it. While the server runs another model, imports and searches that need one are refused. " +
			"Collections of before this was kept have none, and are taken to be of the model that runs.",
	}
	modelName = Setting{
		Name:  "modelName",
		Bound: "a text",
		Doc:   "Written beside manifest: what that model is called, for people.",
	}
)

// VectorizerSettings is every key a collection may give to the vectorizer module.
func VectorizerSettings() []Setting {
	return []Setting{imageFields, index, poolFactor, dropNonImage, manifest, modelName}
}

// OfModel is what the schema of a new collection says of the model that it belongs to.
func OfModel(hash, name string) map[string]any {
	return map[string]any{manifest.Name: hash, modelName.Name: name}
}

// VectorizerDefaults is what the schema of a new collection says where its creator said nothing, in JSON's types.
func VectorizerDefaults() map[string]any {
	return map[string]any{index.Name: index.Default, poolFactor.Name: 1, dropNonImage.Name: false}
}

// foreign are settings of sibling modules that users bring along. They would be
// refused as unknown anyway; here they are told what to do instead.
var foreign = map[string]string{
	"textFields":   "the vector is made from the page image alone; keep text in a text property and combine both with hybrid search",
	"weights":      "there is only one input, so nothing can be weighted",
	"properties":   "the only input is the property named in imageFields",
	"model":        "the model is the operator's choice: the server was started with it (COLPALI_MODEL_DIR)",
	"device":       "the device is the operator's choice: the server was started with it (COLPALI_DEVICE)",
	"baseURL":      "the model runs inside this server; no address from a schema reaches the network",
	"inferenceUrl": "the model runs inside this server; no address from a schema reaches the network",
}

// ParseVectorizer reads the settings of a collection that exists. Keys it does
// not know are skipped: a collection that one version of the product accepted
// must work in every other.
func ParseVectorizer(raw map[string]any) (Vectorizer, error) {
	field, ok := onlyString(raw[imageFields.Name])
	if !ok {
		return Vectorizer{}, imageFields.refuse(raw[imageFields.Name])
	}
	chosen := index.Default
	if value, given := raw[index.Name]; given {
		chosen, _ = value.(string)
		if chosen != IndexPlaid && chosen != IndexHNSW {
			return Vectorizer{}, index.refuse(value)
		}
	}
	factor, err := poolFactorOf(raw)
	if err != nil {
		return Vectorizer{}, err
	}
	drop := false
	if value, given := raw[dropNonImage.Name]; given {
		if drop, ok = value.(bool); !ok {
			return Vectorizer{}, dropNonImage.refuse(value)
		}
	}
	hash, name, err := modelOf(raw)
	if err != nil {
		return Vectorizer{}, err
	}
	return Vectorizer{
		ImageField: field, Index: chosen, PoolFactor: factor, DropNonImage: drop, Manifest: hash, ModelName: name,
	}, nil
}

var sha256Digits = regexp.MustCompile("^[0-9a-f]{64}$")

// modelOf reads which model a collection belongs to, if it says so.
func modelOf(raw map[string]any) (hash, name string, err error) {
	if value, given := raw[manifest.Name]; given {
		if hash, _ = value.(string); !sha256Digits.MatchString(hash) {
			return "", "", manifest.refuse(value)
		}
	}
	if value, given := raw[modelName.Name]; given {
		var ok bool
		if name, ok = value.(string); !ok {
			return "", "", modelName.refuse(value)
		}
	}
	return hash, name, nil
}

// poolFactorOf reads a number, which arrives as float64 from JSON, as json.Number from a schema that was decoded
// exactly, and as int from Go callers.
func poolFactorOf(raw map[string]any) (int, error) {
	value, given := raw[poolFactor.Name]
	if !given {
		return 1, nil
	}
	number := math.NaN()
	switch v := value.(type) {
	case float64:
		number = v
	case int:
		number = float64(v)
	case json.Number:
		if parsed, err := v.Float64(); err == nil {
			number = parsed
		}
	}
	if !(number >= 1 && number <= MaxPoolFactor) || number != math.Trunc(number) {
		return 0, poolFactor.refuse(value)
	}
	return int(number), nil
}

// ValidateVectorizer checks the settings of a collection that is being created:
// on top of [ParseVectorizer] it refuses keys it does not know, since a typing
// error is best found here.
func ValidateVectorizer(raw map[string]any) error {
	var known []string
	for _, s := range VectorizerSettings() {
		known = append(known, s.Name)
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) { // sorted: the same mistake gets the same message
		if why, ok := foreign[key]; ok {
			return fmt.Errorf("setting %q is not accepted: %s", key, why)
		}
		if !slices.Contains(known, key) {
			return fmt.Errorf("unknown setting %s; the settings are %s", shorten(key), strings.Join(known, ", "))
		}
	}
	_, err := ParseVectorizer(raw)
	return err
}

// onlyString returns the string in a list of exactly one non-empty string. Lists
// arrive as []any from JSON and as []string from Go callers.
func onlyString(value any) (string, bool) {
	switch list := value.(type) {
	case []any:
		if len(list) == 1 {
			s, ok := list[0].(string)
			return s, ok && s != ""
		}
	case []string:
		if len(list) == 1 {
			return list[0], list[0] != ""
		}
	}
	return "", false
}
