package vectorizer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"weaviate-colpali/vectorizer/ort"
)

// graphs runs a model's ONNX graphs. It knows shapes, not what they mean.
type graphs struct {
	runtime *ort.Runtime
	vision  *ort.Session // nil for a single graph
	text    *ort.Session

	manifest *manifest
	images   imageMode
	observer Observer
}

func loadGraphs(model fs.FS, dir string, m *manifest, images imageMode, o ort.Options) (_ *graphs, err error) {
	g := &graphs{manifest: m, images: images, observer: unobserved{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.runtime, err = ort.Open(o); err != nil {
		return nil, err
	}
	if vision := m.Graph.Vision; vision != nil {
		inputs := named(vision.Inputs, g.visionInputs())
		graph := ort.Graph{Name: vision.File, Inputs: inputs, Output: vision.Output, HalfOutput: vision.OutputType == float16Output}
		if g.vision, err = g.load(model, dir, graph); err != nil {
			return nil, err
		}
	}
	text := m.Graph.Text
	inputs := named(text.Inputs, g.textInputs())
	graph := ort.Graph{Name: text.File, Inputs: inputs, Output: text.Output, HalfOutput: text.OutputType == float16Output}
	if g.text, err = g.load(model, dir, graph); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *graphs) sequenceInputs() []string {
	if g.manifest.Graph.Positions == rotaryPositions {
		return []string{"input_ids", "attention_mask", "position_ids"}
	}
	return []string{"input_ids", "attention_mask"}
}

func (g *graphs) visionInputs() []string {
	if g.manifest.Graph.Kind == splitGraphs {
		return g.images.inputs()
	}
	return append(g.sequenceInputs(), g.images.inputs()...)
}

func (g *graphs) textInputs() []string {
	switch g.manifest.Graph.Kind {
	case splitGraphs:
		return append(g.sequenceInputs(), "image_features")
	case singleGraph:
		return append(g.sequenceInputs(), g.images.inputs()...)
	}
	return g.sequenceInputs()
}

// named are the inputs as a graph calls them.
func named(names map[string]string, roles []string) []string {
	inputs := make([]string, len(roles))
	for i, role := range roles {
		inputs[i] = role
		if name, ok := names[role]; ok {
			inputs[i] = name
		}
	}
	return inputs
}

func (g *graphs) load(model fs.FS, dir string, graph ort.Graph) (*ort.Session, error) {
	if dir != "" {
		graph.Path = filepath.Join(dir, graph.Name)
	} else {
		bytes, err := fs.ReadFile(model, graph.Name)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrModel, where(dir), err)
		}
		graph.Bytes = bytes
	}
	session, err := g.runtime.Load(graph)
	if err != nil && g.manifest.Graph.Precision == bfloat16Compute && g.runtime.Device() == "cpu" {
		err = fmt.Errorf("ONNX Runtime computes bfloat16 on GPUs only: use one, or export the model with --compute fp16 or fp32: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrModel, where(dir), err)
	}
	return session, nil
}

func (g *graphs) close() error {
	var errs []error
	for _, session := range []*ort.Session{g.vision, g.text} {
		if session != nil {
			errs = append(errs, session.Close())
		}
	}
	if g.runtime != nil {
		errs = append(errs, g.runtime.Close())
	}
	return errors.Join(errs...)
}

// pages turns pages into their vectors [len(pages), rows of the longest, dim]; rows behind a shorter
// page's last token are zero.
func (g *graphs) pages(ctx context.Context, pages []preparedPage) ([]float32, error) {
	sequences := make([]sequence, len(pages))
	for i, page := range pages {
		sequences[i] = page.prompt.sequence
	}
	if g.manifest.Graph.Kind == variantGraphs {
		return g.embed(ctx, g.vision, sequences, g.assemble(pages)...)
	}
	if g.manifest.Graph.Kind == singleGraph {
		return g.embed(ctx, g.text, sequences, g.assemble(pages)...)
	}
	features, err := g.features(ctx, pages)
	if err != nil {
		return nil, err
	}
	return g.embed(ctx, g.text, sequences, features)
}

// queries turns token ids into vectors [len(queries), rows of the longest, dim].
func (g *graphs) queries(ctx context.Context, queries []sequence) ([]float32, error) {
	switch g.manifest.Graph.Kind {
	case variantGraphs:
		return g.embed(ctx, g.text, queries)
	case singleGraph:
		// The graph runs its vision tower whatever the query; where the result goes, there is no token.
		tensors, err := g.images.blank()
		if err != nil {
			return nil, err
		}
		pages := make([]preparedPage, len(queries))
		for i := range pages {
			pages[i].tensors = tensors
		}
		return g.embed(ctx, g.text, queries, g.assemble(pages)...)
	}
	width := g.manifest.Graph.ImageFeatureWidth
	// Not read; some providers refuse tensors without rows.
	dummy := ort.Float32{Shape: []int64{1, int64(width)}, Data: make([]float32, width)}
	return g.embed(ctx, g.text, queries, dummy)
}

// assemble makes one tensor for each input of the image mode.
func (g *graphs) assemble(pages []preparedPage) []ort.Tensor {
	var tensors []ort.Tensor
	for input := range g.images.inputs() {
		parts := make([]pageTensor, len(pages))
		for i, page := range pages {
			parts[i] = page.tensors[input]
		}
		if g.images.joined() {
			tensors = append(tensors, concat(parts))
		} else {
			tensors = append(tensors, stack(parts))
		}
	}
	return tensors
}

// features runs the vision graph and returns the rows of all image tokens of the pages, in order.
func (g *graphs) features(ctx context.Context, pages []preparedPage) (ort.Float32, error) {
	joined := g.images.joined()
	items, longest, sum := len(pages), 0, 0
	for _, page := range pages {
		longest, sum = max(longest, len(page.prompt.images)), sum+len(page.prompt.images)
	}
	if joined {
		items = 0
		for _, page := range pages {
			items += page.tensors[0].shape[0]
		}
		longest = sum / items
	}
	width := g.manifest.Graph.ImageFeatureWidth
	features := ort.Float32{
		Shape: []int64{int64(items), int64(longest), int64(width)},
		Data:  make([]float32, items*longest*width),
	}
	if err := g.run(ctx, StageVision, g.vision, g.assemble(pages), features); err != nil {
		return ort.Float32{}, err
	}
	if !joined {
		features.Data = withoutPadding(features.Data, pages, longest*width, width)
	}
	features.Shape = []int64{int64(sum), int64(width)}
	return features, nil
}

// withoutPadding moves the pages' own rows together, in place.
func withoutPadding(data []float32, pages []preparedPage, stride, width int) []float32 {
	end := 0
	for i, page := range pages {
		end += copy(data[end:], data[i*stride:][:len(page.prompt.images)*width])
	}
	return data[:end]
}

// embed runs a graph that makes vectors.
func (g *graphs) embed(ctx context.Context, s *ort.Session, sequences []sequence, more ...ort.Tensor) ([]float32, error) {
	inputs, rows := g.textTensors(sequences)
	if g.manifest.Graph.Rows == oneRow {
		rows = 1
	}
	count, dim := len(sequences), g.manifest.Dim
	embeddings := ort.Float32{
		Shape: []int64{int64(count), int64(rows), int64(dim)},
		Data:  make([]float32, count*rows*dim),
	}
	if err := g.run(ctx, StageText, s, append(inputs, more...), embeddings); err != nil {
		return nil, err
	}
	return embeddings.Data, nil
}

func (g *graphs) run(ctx context.Context, stage Stage, s *ort.Session, inputs []ort.Tensor, output ort.Float32) error {
	began := time.Now()
	err := s.Run(ctx, inputs, output)
	switch {
	case err == nil:
		g.observer.StageRan(stage, time.Since(began))
	case errors.Is(err, ort.ErrMemory):
		g.observer.OutOfMemory(stage)
	}
	return err
}
