package vectorizer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"weaviate-colpali/vectorizer/processor"
)

// Adoption is a manifest made for a model folder that another exporter wrote.
type Adoption struct {
	// Manifest is colpali.json. It depends on the folder's files and on nothing else, so that its hash stays.
	Manifest []byte
	// Preset names the prompt that was chosen for the family.
	Preset string
	// Decisions are what was decided and from what, a line each.
	Decisions []string

	manifest *manifest
}

// AdoptChoice is what a person decides where a folder leaves it open.
type AdoptChoice struct {
	// Graph names the file of the graph to use where there are more than one.
	Graph string
	// Preset names the prompt instead of the one that the folder's layout suggests.
	Preset string
}

// Adopt looks at a folder with ONNX graphs and the configuration files of the hub, but without colpali.json, and makes
// the manifest that describes it. An error is [ErrModel] and says what was found and what is missing.
//
// All files are read once: the manifest has their sums.
func Adopt(ctx context.Context, model fs.FS, choice AdoptChoice) (Adoption, error) {
	adoption, err := adopt(ctx, model, choice)
	if err != nil {
		return Adoption{}, fmt.Errorf("%w: %w", ErrModel, err)
	}
	return adoption, nil
}

func adopt(ctx context.Context, model fs.FS, choice AdoptChoice) (Adoption, error) {
	f := foreignFolder{FS: model, choice: choice}
	family, err := f.read(ctx)
	if err != nil {
		return Adoption{}, err
	}
	m := &manifest{
		Version: manifestVersion, Name: f.name(family.name), Family: family.name,
		Graph: f.graphs.spec(), Tokenizer: tokenizerSpec{f.find(foreignTokenizer)},
	}
	if err := family.describe(&f, m); err != nil {
		return Adoption{}, fmt.Errorf("this looks like %s: %w", family.name, err)
	}
	m.Source = map[string]string{"preset": f.preset, "layout": f.graphs.layout()}
	if m.Files, err = f.sums(ctx); err != nil {
		return Adoption{}, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Adoption{}, err
	}
	text = append(text, '\n')
	// As if it had been read, since what lies in the folder is as hostile as a manifest.
	checked, err := parseManifest(text)
	if err != nil {
		return Adoption{}, fmt.Errorf("this looks like %s, but: %w", family.name, err)
	}
	f.decide("a query keeps at most %d tokens, of which %d are the prompt's", m.Query.MaxTokens,
		len(m.Query.PrefixIDs)+len(m.Query.SuffixIDs)+len(f.tokenizer.Encode(nil, m.Query.PrefixText)))
	return Adoption{Manifest: text, Preset: f.preset, Decisions: f.decisions, manifest: checked}, nil
}

// foreignFamily is a family of which folders of others can be adopted.
type foreignFamily struct {
	name       string
	modelTypes []string
	// describe fills in image, page, query and dim, and sets the preset.
	describe func(*foreignFolder, *manifest) error
}

var foreignFamilies = []foreignFamily{
	{"colpali", []string{"colpali", "paligemma"}, (*foreignFolder).describeColPali},
	{"colmodernvbert", []string{"colmodernvbert", "modernvbert"}, (*foreignFolder).describeColModernVBERT},
}

func (f *foreignFolder) family() (foreignFamily, error) {
	var known []string
	for _, family := range foreignFamilies {
		if slices.Contains(family.modelTypes, f.config.ModelType) {
			return family, f.refuseBiEncoder()
		}
		known = append(known, family.modelTypes...)
	}
	return foreignFamily{}, fmt.Errorf("config.json has the model_type %.40q, for which there is no rule (there are for %s)",
		f.config.ModelType, strings.Join(known, ", "))
}

// refuseBiEncoder: their configuration is that of the family, and nothing tells how they pool.
func (f *foreignFolder) refuseBiEncoder() error {
	for _, architecture := range f.config.Architectures {
		if strings.HasPrefix(architecture, "Bi") {
			return fmt.Errorf("config.json has the architecture %.40q, a bi-encoder, for which there is no rule", architecture)
		}
	}
	return nil
}

// foreignTokenizer is what every exporter calls it.
const foreignTokenizer = "tokenizer.json"

// foreignFolder is a folder of another exporter, as far as it was read.
type foreignFolder struct {
	fs.FS
	choice AdoptChoice

	config    hubConfig
	images    hubImages
	prompt    hubPrompt
	tokenizer *processor.Tokenizer
	graphs    foreignGraphs

	preset    string
	decisions []string
}

func (f *foreignFolder) decide(format string, arguments ...any) {
	f.decisions = append(f.decisions, fmt.Sprintf(format, arguments...))
}

// read reads everything but weights, and tells the family.
func (f *foreignFolder) read(ctx context.Context) (foreignFamily, error) {
	if err := f.refuseLinks(); err != nil {
		return foreignFamily{}, err
	}
	if err := f.readConfigs(); err != nil {
		return foreignFamily{}, err
	}
	family, err := f.family()
	if err != nil {
		return foreignFamily{}, err
	}
	f.decide("family %s: config.json has the model_type %q", family.name, f.config.ModelType)
	if f.graphs, err = f.findGraphs(ctx); err != nil {
		return foreignFamily{}, err
	}
	text, err := readBounded(f, f.find(foreignTokenizer), maxTokenizerBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return foreignFamily{}, fmt.Errorf("there is no %s: copy it from the checkpoint; other forms of tokenizers are not read",
			foreignTokenizer)
	}
	if err != nil {
		return foreignFamily{}, err
	}
	f.tokenizer, err = processor.NewTokenizer(text)
	return family, err
}

// find is where the file lies: in the folder, or else beside a graph in a folder in it, as optimum writes it.
func (f *foreignFolder) find(name string) string {
	graphs, err := f.onnxFiles()
	if err != nil {
		return name // which the caller fails to read
	}
	for _, place := range append([]string{name}, graphs...) {
		beside := path.Join(path.Dir(place), name)
		if _, err := fs.Stat(f, beside); err == nil {
			return beside
		}
	}
	return name
}

// refuseLinks: the hub's cache is made of links to files elsewhere, which a model folder must not have, since whoever may
// write into it would choose the host's files to be read.
func (f *foreignFolder) refuseLinks() error {
	return fs.WalkDir(f, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%.80q is a link, as all files are in the hub's cache: copy the folder with cp -rL and use the copy",
				name)
		}
		if entry.IsDir() && name != "." && strings.Count(name, "/") >= graphFolders {
			return fs.SkipDir
		}
		return nil
	})
}

// name is the checkpoint's, where the configuration has it.
func (f *foreignFolder) name(family string) string {
	name := path.Base(f.config.Name)
	var p problems
	if p.word("name", name); len(p) > 0 || name == "." || name == "/" {
		return family
	}
	return name
}

// imageToken is the id of <image>, on which config.json and tokenizer.json must agree.
func (f *foreignFolder) imageToken(configured *int64) (int64, error) {
	id, ok := f.tokenizer.SpecialID("<image>")
	if !ok {
		return 0, fmt.Errorf("%s has no special token <image>", foreignTokenizer)
	}
	if configured != nil && *configured != id {
		return 0, fmt.Errorf("config.json has the image token %d, %s %d: they belong to different checkpoints",
			*configured, foreignTokenizer, id)
	}
	return id, nil
}

// foreignDim is that of every published ColPali and ColModernVBERT.
const foreignDim = 128

func (f *foreignFolder) dim(configured int) int {
	if shape := f.graphs.pages.vectors().shape; len(shape) == 3 && shape[2] != anyLength {
		return int(min(shape[2], maxDim+1))
	}
	return cmp.Or(configured, foreignDim)
}

// sums are those of the files that the manifest names: graphs, their tensors, the tokenizer.
func (f *foreignFolder) sums(ctx context.Context) (map[string]fileSum, error) {
	sums := map[string]fileSum{f.find(foreignTokenizer): {}}
	for _, g := range f.graphs.all() {
		sums[g.file] = fileSum{}
		for _, file := range g.tensors() {
			sums[file] = fileSum{}
		}
	}
	for name := range maps.Keys(sums) {
		sum, err := sumOf(ctx, f, name)
		if err != nil {
			return nil, err
		}
		sums[name] = sum
	}
	return sums, nil
}

func sumOf(ctx context.Context, model fs.FS, name string) (fileSum, error) {
	file, err := model.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fileSum{}, fmt.Errorf("a graph takes tensors from %.80q, which is missing: copy the whole folder", name)
	}
	if err != nil {
		return fileSum{}, err
	}
	defer file.Close()
	digest := sha256.New()
	size, err := io.Copy(digest, contextReader{ctx, file})
	if err != nil {
		return fileSum{}, fmt.Errorf("read %s: %w", name, err)
	}
	return fileSum{hex.EncodeToString(digest.Sum(nil)), size}, nil
}
