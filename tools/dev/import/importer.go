package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/tools/dev/import/pages"
	"weaviate-colpali/tools/dev/import/target"
	"weaviate-colpali/tools/dev/rest"
)

const (
	// sectionPages are rendered by one worker in a row, and asked for at the server at once.
	sectionPages = 32
	// senders keep a second request ready, so that the server's model does not wait for ours.
	senders = 2
	// maxCrashes of a document, pages over time included, after which the rest of it is given up: a hostile file could
	// have a million such pages.
	maxCrashes = 3
)

// importer sends documents:
//
//	sections of documents -> workers render them -> batches -> senders
//
// Every arrow is a channel without room, so that what is in memory is bounded by the number of workers and senders.
type importer struct {
	options  options
	engine   *pages.Engine
	target   *target.Target
	report   *report
	progress *progress
}

// section is some pages of a document in a row.
type section struct {
	document    pages.Document
	first, last int // numbers of pages
	crashes     *atomic.Int32
}

func connect(ctx context.Context, o options) (*target.Target, error) {
	client, err := rest.Connect(o.url, os.Getenv("WEAVIATE_API_KEY"))
	if err != nil {
		return nil, fmt.Errorf("-url: %w", err)
	}
	to, err := target.Open(ctx, client, o.collection, o.tenant)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.url, err)
	}
	return to, nil
}

func (i *importer) run(ctx context.Context, documents []pages.Document) error {
	sections := make(chan section)
	rendered := make(chan target.Object)
	batches := make(chan []target.Object)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(sections)
		return cut(ctx, documents, sections)
	})
	workers, workersCtx := errgroup.WithContext(ctx)
	for range i.options.workers {
		workers.Go(func() error { return i.render(workersCtx, sections, rendered) })
	}
	group.Go(func() error {
		defer close(rendered)
		return workers.Wait()
	})
	group.Go(func() error {
		defer close(batches)
		return gather(ctx, rendered, batches, i.options.batch, i.options.batchBytes)
	})
	sender := i.target.NewSender(i.options.batch, i.options.patience)
	for range senders {
		group.Go(func() error { return i.send(ctx, sender, batches) })
	}
	return group.Wait()
}

// cut makes sections of documents. A TIFF stays whole, since every worker that opens it reads all of it.
func cut(ctx context.Context, documents []pages.Document, sections chan<- section) error {
	for _, d := range documents {
		step, crashes := sectionPages, new(atomic.Int32)
		if d.Kind == pages.MultiTIFF {
			step = d.Pages
		}
		for first := 1; first <= d.Pages; first += step {
			if err := give(ctx, sections, section{d, first, min(first+step-1, d.Pages), crashes}); err != nil {
				return err
			}
		}
	}
	return nil
}

// give sends to a channel unless the import ends first.
func give[T any](ctx context.Context, to chan<- T, what T) error {
	select {
	case to <- what:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (i *importer) render(ctx context.Context, sections <-chan section, rendered chan<- target.Object) error {
	reader := i.engine.NewReader()
	defer reader.Close()
	for s := range sections {
		held, err := i.held(ctx, s)
		if err != nil {
			return err
		}
		for number := s.first; number <= s.last; number++ {
			if held[s.document.ID(number)] {
				i.progress.drop(1)
				i.tell(s.document, number, present, "")
				continue
			}
			page, err := s.render(ctx, reader, number)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				i.progress.add(1, 1)
				i.tell(s.document, number, failed, err.Error())
				continue
			}
			if err := give(ctx, rendered, target.Object{Document: s.document, Page: page}); err != nil {
				return err
			}
		}
	}
	return nil
}

// held are the pages of a section that need not be sent.
func (i *importer) held(ctx context.Context, s section) (map[string]bool, error) {
	if !i.options.resume {
		return nil, nil
	}
	held := map[string]bool{}
	// A whole TIFF can have more pages than one question may name.
	for first := s.first; first <= s.last; first += sectionPages {
		var ids []string
		for number := first; number <= min(s.last, first+sectionPages-1); number++ {
			ids = append(ids, s.document.ID(number))
		}
		some, err := i.target.Held(ctx, ids)
		if err != nil {
			return nil, err
		}
		for id := range some {
			held[id] = true
		}
	}
	return held, nil
}

func (s section) render(ctx context.Context, reader *pages.Reader, number int) (pages.Page, error) {
	if s.crashes.Load() >= maxCrashes {
		return pages.Page{}, fmt.Errorf("given up: %d pages of the file broke PDFium or took too long", maxCrashes)
	}
	page, err := reader.Page(ctx, s.document, number)
	if errors.Is(err, pages.ErrCrash) || errors.Is(err, pages.ErrLimit) {
		s.crashes.Add(1)
	}
	return page, err
}

// gather makes batches of at most so many pages and bytes; a larger page goes alone.
func gather(ctx context.Context, rendered <-chan target.Object, batches chan<- []target.Object, count, bytes int) error {
	var batch []target.Object
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		full := batch
		batch, size = nil, 0
		return give(ctx, batches, full)
	}
	for object := range rendered {
		if size+len(object.Page.Blob) > bytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch = append(batch, object)
		size += len(object.Page.Blob)
		if len(batch) == count {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (i *importer) send(ctx context.Context, sender *target.Sender, batches <-chan []target.Object) error {
	for batch := range batches {
		refused, err := sender.Send(ctx, batch)
		if err != nil {
			return err
		}
		for _, o := range batch {
			if reason, ok := refused[o.ID()]; ok {
				i.tell(o.Document, o.Page.Number, failed, reason)
			} else {
				i.tell(o.Document, o.Page.Number, imported, "")
			}
		}
		i.progress.add(len(batch), len(refused))
	}
	return nil
}

func (i *importer) tell(d pages.Document, number int, s status, reason string) {
	i.report.add(entry{Status: s, Path: d.Path, Page: number, ID: d.ID(number), Document: d.SHA256, Reason: reason})
}
