package vectorizer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"weaviate-colpali/vectorizer/ort"
)

// graphs runs a model's two ONNX graphs. It knows shapes, not what they mean.
type graphs struct {
	runtime *ort.Runtime
	vision  *ort.Session
	text    *ort.Session

	manifest *manifest
	pageIDs  []int64
}

func loadGraphs(model fs.FS, dir string, m *manifest, o ort.Options) (_ *graphs, err error) {
	g := &graphs{manifest: m, pageIDs: m.Page.ids()}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.runtime, err = ort.Open(o); err != nil {
		return nil, err
	}
	vision, text := m.Graph.Vision, m.Graph.Text
	if g.vision, err = g.load(model, dir, vision.File, []string{vision.PixelValues}, vision.ImageFeatures); err != nil {
		return nil, err
	}
	inputs := []string{text.InputIDs, text.AttentionMask, text.ImageFeatures}
	if g.text, err = g.load(model, dir, text.File, inputs, text.Embeddings); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *graphs) load(model fs.FS, dir, file string, inputs []string, output string) (*ort.Session, error) {
	graph := ort.Graph{Name: file, Inputs: inputs, Output: output}
	if dir != "" {
		graph.Path = filepath.Join(dir, file)
	} else {
		bytes, err := fs.ReadFile(model, file)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrModel, where(dir), err)
		}
		graph.Bytes = bytes
	}
	session, err := g.runtime.Load(graph)
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

// pages turns pixel values [count, 3, height, width] into vectors [count, tokens, dim].
func (g *graphs) pages(ctx context.Context, pixels []float32, count int) ([]float32, error) {
	m := g.manifest
	batch, imageTokens, width := int64(count), int64(m.Page.ImageTokens), int64(m.Graph.ImageFeatureWidth)
	features := ort.Float32{
		Shape: []int64{batch, imageTokens, width},
		Data:  make([]float32, batch*imageTokens*width),
	}
	shape := []int64{batch, 3, int64(m.Image.Height), int64(m.Image.Width)}
	if err := g.vision.Run(ctx, []ort.Tensor{ort.Float32{Shape: shape, Data: pixels}}, features); err != nil {
		return nil, err
	}
	ids := make([]int64, 0, count*len(g.pageIDs))
	for range count {
		ids = append(ids, g.pageIDs...)
	}
	mask := make([]int64, len(ids))
	for i := range mask {
		mask[i] = 1
	}
	features.Shape = []int64{batch * imageTokens, width}
	return g.embed(ctx, ids, mask, count, features)
}

// queries turns token ids into vectors [len(queries), longest, dim]; rows behind a shorter query's
// last token are zero.
func (g *graphs) queries(ctx context.Context, queries []tokenized, longest int) ([]float32, error) {
	ids := make([]int64, len(queries)*longest)
	mask := make([]int64, len(ids))
	for i, query := range queries {
		copy(ids[i*longest:], query.ids)
		for j := range query.ids {
			// By length, not by id: the pads that ColPali puts behind a query are real tokens.
			mask[i*longest+j] = 1
		}
	}
	width := g.manifest.Graph.ImageFeatureWidth
	// Not read; some providers refuse tensors without rows.
	dummy := ort.Float32{Shape: []int64{1, int64(width)}, Data: make([]float32, width)}
	return g.embed(ctx, ids, mask, len(queries), dummy)
}

func (g *graphs) embed(ctx context.Context, ids, mask []int64, count int, features ort.Float32) ([]float32, error) {
	shape := []int64{int64(count), int64(len(ids) / count)}
	embeddings := ort.Float32{
		Shape: append(shape[:2:2], int64(g.manifest.Dim)),
		Data:  make([]float32, len(ids)*g.manifest.Dim),
	}
	inputs := []ort.Tensor{ort.Int64{Shape: shape, Data: ids}, ort.Int64{Shape: shape, Data: mask}, features}
	if err := g.text.Run(ctx, inputs, embeddings); err != nil {
		return nil, err
	}
	return embeddings.Data, nil
}
