package vectorizer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// graphFolders is how many folders deep graphs are looked for: many repositories of the hub have them in onnx, and two
// runs of optimum write files of the same names.
const graphFolders = 1

// foreignGraph is an ONNX file of the folder that could make vectors.
type foreignGraph struct {
	file string
	onnxGraph
}

// foreignGraphs are those that make up the model: one that reads pixels, and one for queries where they have their own.
type foreignGraphs struct {
	pages   foreignGraph
	queries *foreignGraph
}

func (g foreignGraphs) all() []foreignGraph {
	if g.queries == nil {
		return []foreignGraph{g.pages}
	}
	return []foreignGraph{g.pages, *g.queries}
}

func (g foreignGraphs) layout() string {
	if g.queries == nil {
		return "single graph, as of fastembed"
	}
	return "a graph each for pages and queries, as of optimum"
}

func (g foreignGraphs) spec() graphSpec {
	spec := graphSpec{
		Kind: singleGraph, Positions: graphPositions, Rows: tokenRows,
		Text: textSpec{File: g.pages.file, Output: g.pages.vectors().name, OutputType: g.pages.outputType()},
	}
	if g.queries != nil {
		spec.Kind = variantGraphs
		spec.Vision = &visionSpec{File: g.pages.file, Output: spec.Text.Output, OutputType: spec.Text.OutputType}
		spec.Text = textSpec{File: g.queries.file, Output: g.queries.vectors().name, OutputType: g.queries.outputType()}
	}
	return spec
}

// vectors is the output that has them: "embeddings", or the first, which is what fastembed takes.
func (g foreignGraph) vectors() graphValue {
	for _, output := range g.outputs {
		if output.name == "embeddings" {
			return output
		}
	}
	return g.outputs[0]
}

// outputType is left out where it is float32.
func (g foreignGraph) outputType() string {
	if g.vectors().element == elementFloat16 {
		return float16Output
	}
	return ""
}

// findGraphs reads all graphs, or the chosen one.
func (f *foreignFolder) findGraphs(ctx context.Context) (foreignGraphs, error) {
	files, err := f.graphFiles()
	if err != nil {
		return foreignGraphs{}, err
	}
	var withPixels, without []foreignGraph
	for _, file := range files {
		described, err := openGraph(ctx, f, file)
		if err != nil {
			return foreignGraphs{}, fmt.Errorf("%s: %w", file, err)
		}
		g := foreignGraph{file, described}
		if err := g.check(); err != nil {
			return foreignGraphs{}, fmt.Errorf("%s: %w", file, err)
		}
		if g.reads("pixel_values") {
			withPixels = append(withPixels, g)
		} else {
			without = append(without, g)
		}
	}
	return f.choose(withPixels, without)
}

func (f *foreignFolder) graphFiles() ([]string, error) {
	files, err := f.onnxFiles()
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("there is no .onnx file, here or one folder deeper: " +
			"a checkpoint in safetensors has to be exported first, with tools/dev/export")
	}
	if f.choice.Graph == "" {
		return files, nil
	}
	if !slices.Contains(files, f.choice.Graph) {
		return nil, fmt.Errorf("there is no graph %.80q; there are %s", f.choice.Graph, strings.Join(files, ", "))
	}
	return []string{f.choice.Graph}, nil
}

// onnxFiles lists those of the folder before those of folders in it.
func (f *foreignFolder) onnxFiles() ([]string, error) {
	files, err := fs.Glob(f, "*.onnx")
	if err != nil {
		return nil, err
	}
	deeper, err := fs.Glob(f, "*/*.onnx")
	return append(files, deeper...), err
}

func (f *foreignFolder) choose(withPixels, without []foreignGraph) (foreignGraphs, error) {
	switch {
	case len(withPixels) == 0:
		return foreignGraphs{}, fmt.Errorf("%s takes no pixel_values: the graph for pages is missing", fileList(without))
	case len(withPixels) > 1:
		return foreignGraphs{}, fmt.Errorf("%s could all be the model: name one with `make adopt GRAPH=`, or move the others away",
			fileList(withPixels))
	case len(without) > 1:
		return foreignGraphs{}, fmt.Errorf("%s could all be the graph for queries: move the others away", fileList(without))
	}
	graphs := foreignGraphs{pages: withPixels[0]}
	f.decide("pages by %s: %s", withPixels[0].file, withPixels[0])
	if len(without) == 1 {
		graphs.queries = &without[0]
		f.decide("queries by %s: %s", without[0].file, without[0])
	} else {
		f.decide("queries by the same graph, which sees an image of zeros")
	}
	return graphs, nil
}

// tensors are the files from which the graph takes them.
func (g foreignGraph) tensors() []string {
	files := make([]string, len(g.locations))
	for i, location := range g.locations {
		files[i] = path.Join(path.Dir(g.file), location)
	}
	return files
}

func fileList(graphs []foreignGraph) string {
	names := make([]string, len(graphs))
	for i, g := range graphs {
		names[i] = g.file
	}
	return strings.Join(names, ", ")
}

func (g foreignGraph) String() string {
	inputs := make([]string, len(g.inputs))
	for i, input := range g.inputs {
		inputs[i] = input.String()
	}
	return strings.Join(inputs, ", ") + " to " + g.vectors().String()
}

func (g foreignGraph) reads(input string) bool {
	return slices.ContainsFunc(g.inputs, func(v graphValue) bool { return v.name == input })
}

// foreignInputs are those that graphs of others may have, with their elements and how many sides they have at least.
var foreignInputs = map[string]graphValue{
	"input_ids":      {element: elementInt64, shape: []int64{anyLength, anyLength}},
	"attention_mask": {element: elementInt64, shape: []int64{anyLength, anyLength}},
	"pixel_values":   {element: elementFloat32, shape: []int64{anyLength}},
}

// check refuses what could not run here, before gigabytes are read.
func (g foreignGraph) check() error {
	if g.reads("image_features") {
		return errors.New("it is a half of a model that tools/dev/export wrote: copy its colpali.json as well, or export it again")
	}
	for _, input := range g.inputs {
		want, ok := foreignInputs[input.name]
		if !ok {
			return fmt.Errorf("it reads %.80q; there are rules for input_ids, attention_mask and pixel_values only", input.name)
		}
		if err := input.fits(want); err != nil {
			return err
		}
	}
	for _, name := range []string{"input_ids", "attention_mask"} {
		if !g.reads(name) {
			return fmt.Errorf("it has no input %s", name)
		}
	}
	if len(g.outputs) == 0 {
		return errors.New("it has no output")
	}
	vectors := g.vectors()
	if vectors.element == elementFloat16 { // which is widened
		vectors.element = elementFloat32
	}
	if err := vectors.fits(graphValue{element: elementFloat32, shape: []int64{anyLength, anyLength}}); err != nil {
		return err
	}
	if rank := len(g.vectors().shape); rank != 0 && rank != 3 {
		return fmt.Errorf("%s is no [batch, tokens, dim]: it does not give a vector for each token", g.vectors())
	}
	for _, location := range g.locations {
		if !plainPart(location) {
			return fmt.Errorf("it takes tensors from %.80q, which is no file beside it", location)
		}
	}
	return nil
}

// fits says whether a value has these elements and lets callers choose at least those sides.
func (v graphValue) fits(want graphValue) error {
	if v.element != want.element {
		return fmt.Errorf("%s is not %s, which alone is fed and read here", v, want.element)
	}
	for i := range min(len(v.shape), len(want.shape)) {
		if v.shape[i] != anyLength {
			return fmt.Errorf("%s has a fixed %s: export it with a dynamic one", v, [2]string{"batch", "sequence"}[i])
		}
	}
	return nil
}

// demandPixels refuses a graph whose pages have other sides than these, where it fixes them.
func (g foreignGraph) demandPixels(sides ...int64) error {
	place := slices.IndexFunc(g.inputs, func(v graphValue) bool { return v.name == "pixel_values" })
	pixels := g.inputs[place]
	if len(pixels.shape) == 0 {
		return nil
	}
	want := append([]int64{anyLength}, sides...)
	fits := len(pixels.shape) == len(want)
	for i := 1; fits && i < len(want); i++ {
		fits = pixels.shape[i] == anyLength || pixels.shape[i] == want[i]
	}
	if !fits {
		return fmt.Errorf("%s reads %s, the configuration makes them %s", g.file, pixels, shapeText(want))
	}
	return nil
}
