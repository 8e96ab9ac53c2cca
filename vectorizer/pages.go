package vectorizer

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/vectorizer/processor"
)

// EmbedPages returns the vectors of each page image, in order: [Model.VectorsPerPage] of them, or the
// error of that page alone, which is one of package processor's or [ErrOutput]. Pages may be PNG,
// JPEG, GIF, WebP, BMP or TIFF.
//
// An error of the whole call is [ErrBusy], [ErrClosed], one of package ort, or the context's.
func (v *Vectorizer) EmbedPages(ctx context.Context, pages [][]byte) ([]Embedding, error) {
	ctx, leave, err := v.enter(ctx, pageKind)
	if err != nil {
		return nil, err
	}
	defer leave()
	embeddings := make([]Embedding, len(pages))
	// Without a buffer: one batch is on the device, one is ready, no more are in memory.
	batches := make(chan pageBatch)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		return v.preparePages(ctx, pages, embeddings, batches)
	})
	group.Go(func() error {
		for batch := range batches {
			if err := v.embedPageBatch(ctx, batch, embeddings); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return embeddings, nil
}

// pageBatch is pages ready for the vision graph.
type pageBatch struct {
	// indexes say which page of the call each one is.
	indexes []int
	// pixels are [len(indexes), 3, height, width].
	pixels []float32
}

// preparePages decodes the pages batch by batch. Pages that fail get their error and no place in a
// batch.
func (v *Vectorizer) preparePages(ctx context.Context, pages [][]byte, embeddings []Embedding, batches chan<- pageBatch) error {
	for start := 0; start < len(pages); start += v.options.PageBatch {
		end := min(start+v.options.PageBatch, len(pages))
		batch, err := v.prepareBatch(ctx, pages[start:end], embeddings[start:end])
		if err != nil {
			return err
		}
		if len(batch.indexes) == 0 {
			continue
		}
		for i := range batch.indexes {
			batch.indexes[i] += start
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (v *Vectorizer) prepareBatch(ctx context.Context, pages [][]byte, embeddings []Embedding) (pageBatch, error) {
	images := make([]*processor.RGB, len(pages))
	var decoders sync.WaitGroup
	defer decoders.Wait()
	for i, page := range pages {
		select {
		case v.decoding <- struct{}{}:
		case <-ctx.Done():
			return pageBatch{}, context.Cause(ctx)
		}
		decoders.Go(func() {
			defer func() { <-v.decoding }()
			images[i], embeddings[i].Err = v.decodePage(page)
		})
	}
	decoders.Wait()
	return v.gather(images), nil
}

// decodePage returns the page in the model's size.
func (v *Vectorizer) decodePage(page []byte) (*processor.RGB, error) {
	image, err := processor.DecodeImage(page, v.options.Limits)
	if err != nil {
		return nil, err
	}
	spec := v.manifest.Image
	return image.Resize(spec.Width, spec.Height, *spec.Resample, *spec.PassOrder), nil
}

// gather puts the images that there are side by side.
func (v *Vectorizer) gather(images []*processor.RGB) pageBatch {
	var batch pageBatch
	for i, image := range images {
		if image != nil {
			batch.indexes = append(batch.indexes, i)
		}
	}
	size := v.manifest.Image.values()
	batch.pixels = make([]float32, len(batch.indexes)*size)
	for place, i := range batch.indexes {
		v.normalizer.Apply(batch.pixels[place*size:][:size], images[i])
	}
	return batch
}

func (v *Vectorizer) embedPageBatch(ctx context.Context, batch pageBatch, embeddings []Embedding) error {
	place, release, err := v.queue.turn(ctx, pageKind)
	if err != nil {
		return err
	}
	d, values := v.devices[place], v.manifest.Image.values()
	block, err := d.pageLimit.split(len(batch.indexes), func(from, to int) ([]float32, error) {
		return d.pages(ctx, batch.pixels[from*values:to*values], to-from)
	})
	release()
	if err != nil {
		return err
	}
	size := len(block) / len(batch.indexes)
	for place, i := range batch.indexes {
		embeddings[i].Vectors, embeddings[i].Err = rows(block[place*size:][:size], v.model.Dim)
	}
	return nil
}
