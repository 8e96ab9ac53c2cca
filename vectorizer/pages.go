package vectorizer

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/vectorizer/processor"
)

// EmbedPages returns the vectors of each page image, in order, as many as [Vectorizer.Layout] says, or the
// error of that page alone, which is one of package processor's or [ErrOutput]. Pages may be PNG,
// JPEG, GIF, WebP, BMP or TIFF.
//
// An error of the whole call is [ErrBusy], [ErrClosed], one of package ort, or the context's.
func (v *Vectorizer) EmbedPages(ctx context.Context, pages [][]byte) ([]Embedding, error) {
	ctx, leave, err := v.enter(ctx, Pages)
	if err != nil {
		return nil, err
	}
	defer leave()
	embeddings := make([]Embedding, len(pages))
	// Without a buffer: one batch is on the device, one is ready, no more are in memory.
	batches := make(chan []preparedPage)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		return v.preparePages(ctx, pages, embeddings, batches)
	})
	group.Go(func() error {
		for pages := range batches {
			for batch := range withinBudget(pages, v.options.BatchTokens) {
				if err := v.embedPageBatch(ctx, batch, embeddings); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return embeddings, nil
}

// preparedPage is a page ready for the graphs.
type preparedPage struct {
	// index says which page of the call it is.
	index   int
	prompt  pagePrompt
	tensors []pageTensor
}

// preparePages decodes the pages batch by batch. Pages that fail get their error and no place in a
// batch.
func (v *Vectorizer) preparePages(ctx context.Context, pages [][]byte, embeddings []Embedding, batches chan<- []preparedPage) error {
	for start := 0; start < len(pages); start += v.options.PageBatch {
		end := min(start+v.options.PageBatch, len(pages))
		batch, err := v.prepareBatch(ctx, pages[start:end], embeddings[start:end])
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			continue
		}
		for i := range batch {
			batch[i].index += start
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (v *Vectorizer) prepareBatch(ctx context.Context, pages [][]byte, embeddings []Embedding) ([]preparedPage, error) {
	prepared := make([]preparedPage, len(pages))
	var decoders sync.WaitGroup
	defer decoders.Wait()
	for i, page := range pages {
		select {
		case v.decoding <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		decoders.Go(func() {
			defer func() { <-v.decoding }()
			prepared[i], embeddings[i].Err = v.waitAndPrepare(ctx, page)
			prepared[i].index = i
		})
	}
	decoders.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return slices.DeleteFunc(prepared, func(page preparedPage) bool { return embeddings[page.index].Err != nil }), nil
}

// waitAndPrepare prepares the page once there is memory for it.
func (v *Vectorizer) waitAndPrepare(ctx context.Context, page []byte) (preparedPage, error) {
	bytes, err := processor.DecodingMemory(page, v.options.Limits)
	if err != nil {
		return preparedPage{}, err
	}
	bytes = min(bytes, v.options.ImageMemory)
	if err := v.imageMemory.Acquire(ctx, bytes); err != nil {
		return preparedPage{}, err
	}
	defer v.imageMemory.Release(bytes)
	return v.preparePage(page)
}

func (v *Vectorizer) preparePage(page []byte) (preparedPage, error) {
	began := time.Now()
	defer func() { v.options.Observer.StageRan(StageDecode, time.Since(began)) }()
	image, err := v.manifest.Image.view().DecodeImage(page, v.options.Limits)
	if err != nil {
		return preparedPage{}, err
	}
	return v.prepareImage(image)
}

func (v *Vectorizer) prepareImage(image *processor.RGB) (preparedPage, error) {
	prompt, err := v.layOut(image.Width, image.Height)
	if err != nil {
		return preparedPage{}, err
	}
	tensors, err := v.images.look(image)
	return preparedPage{prompt: prompt, tensors: tensors}, err
}

// withinBudget cuts the pages into batches of at most so many tokens, the shorter pages padded to the longest of
// their batch. Pages of like length come together, whatever their order was.
func withinBudget(pages []preparedPage, budget int) iter.Seq[[]preparedPage] {
	length := func(page preparedPage) int { return len(page.prompt.ids) }
	pages = slices.SortedStableFunc(slices.Values(pages), func(a, b preparedPage) int { return cmp.Compare(length(a), length(b)) })
	return func(yield func([]preparedPage) bool) {
		start := 0
		for i := range pages {
			// The page at i is the longest so far.
			if i > start && (i-start+1)*length(pages[i]) > budget {
				if !yield(pages[start:i]) {
					return
				}
				start = i
			}
		}
		if start < len(pages) {
			yield(pages[start:])
		}
	}
}

func (v *Vectorizer) embedPageBatch(ctx context.Context, batch []preparedPage, embeddings []Embedding) error {
	place, release, err := v.turn(ctx, Pages)
	if err != nil {
		return err
	}
	d, dim := v.devices[place], v.model.Dim
	outputs, err := d.pageLimit.split(len(batch), func(from, to int) ([]float32, error) { return d.pages(ctx, batch[from:to]) })
	release()
	if err != nil {
		return err
	}
	longest := slices.MaxFunc(batch, func(a, b preparedPage) int { return cmp.Compare(len(a.prompt.ids), len(b.prompt.ids)) })
	v.options.Observer.BatchRan(Pages, len(batch), len(batch)*len(longest.prompt.ids))
	for place, page := range batch {
		own := outputs[place][:v.rowsOf(page.prompt.sequence)*dim]
		embeddings[page.index] = page.prompt.embedding(rows(own, dim))
	}
	return nil
}

// embedding is what the page keeps of the vectors that the graph gave.
func (p pagePrompt) embedding(vectors [][]float32, err error) Embedding {
	switch {
	case err != nil:
		return Embedding{Err: err}
	case p.kept != nil:
		return Embedding{Vectors: chosen(vectors, p.kept)}
	case len(vectors) == len(p.ids):
		return Embedding{Vectors: vectors, Images: p.images}
	}
	return Embedding{Vectors: vectors}
}

// rowsOf is how many vectors the graph gives for a sequence.
func (v *Vectorizer) rowsOf(s sequence) int {
	if v.manifest.Graph.Rows == oneRow {
		return 1
	}
	return len(s.ids)
}
