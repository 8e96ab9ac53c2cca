package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/tools/dev/import/pages"
)

// errSame is why a file is left out whose very bytes are imported under another name: its pages have the same ids.
var errSame = errors.New("the same file as")

// plan is what an import is going to do.
type plan struct {
	documents []pages.Document
	left      []pages.Skipped // what is not imported
	pages     int
	bytes     int64
}

// makePlan finds the files and looks at each one, at several at a time.
func makePlan(ctx context.Context, engine *pages.Engine, o options, w io.Writer) (plan, error) {
	files, left, err := pages.Find(o.paths)
	if err != nil {
		return plan{}, err
	}
	found := make([]pages.Document, len(files))
	errs := make([]error, len(files))
	var next atomic.Int64
	looking := newProgress(w, len(files), "files")
	group, ctx := errgroup.WithContext(ctx)
	for range o.workers {
		group.Go(func() error {
			reader := engine.NewReader()
			defer reader.Close()
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				found[i], errs[i] = reader.Inspect(ctx, files[i])
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				looking.add(1, 0)
			}
			return nil
		})
	}
	err = group.Wait()
	looking.end()
	if err != nil {
		return plan{}, err
	}
	p := plan{left: left}
	p.sort(files, found, errs)
	return p, nil
}

// sort tells the documents from what is left out.
func (p *plan) sort(files []string, found []pages.Document, errs []error) {
	first := map[string]string{}
	for i, d := range found {
		switch same, ok := first[d.SHA256]; {
		case errs[i] != nil:
			p.left = append(p.left, pages.Skipped{Path: files[i], Why: errs[i]})
		case ok:
			p.left = append(p.left, pages.Skipped{Path: files[i], Why: fmt.Errorf("%w %s", errSame, same)})
		default:
			first[d.SHA256] = d.Path
			p.documents = append(p.documents, d)
			p.pages += d.Pages
			p.bytes += d.Bytes
		}
	}
}

// isFailure tells a file that should have been imported from one that is none of ours.
func isFailure(err error) bool {
	return !errors.Is(err, pages.ErrUnsupported) && !errors.Is(err, errSame)
}

// print lists what is left out, and of a dry run the documents, too.
func (p plan) print(w io.Writer, documents bool) {
	for _, s := range p.left {
		word := "skipped"
		if isFailure(s.Why) {
			word = "FAILED"
		}
		fmt.Fprintf(w, "%-8s %s: %v\n", word, s.Path, s.Why)
	}
	if documents {
		for _, d := range p.documents {
			fmt.Fprintf(w, "%-8s %s: %d pages, %d bytes\n", d.Kind, d.Path, d.Pages, d.Bytes)
		}
	}
	fmt.Fprintf(w, "%d pages in %d files of %.1f MB\n", p.pages, len(p.documents), float64(p.bytes)/1e6)
}

// tell puts the files into the report.
func (p plan) tell(r *report) {
	for _, s := range p.left {
		status := skipped
		if isFailure(s.Why) {
			status = failed
		}
		r.add(entry{Status: status, Path: s.Path, Reason: s.Why.Error()})
	}
	for _, d := range p.documents {
		r.add(entry{Status: file, Path: d.Path, Document: d.SHA256, Pages: d.Pages, Bytes: d.Bytes})
	}
}

func (p plan) failure() error {
	n := 0
	for _, s := range p.left {
		if isFailure(s.Why) {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%w: %d files failed", errFailed, n)
	}
	return nil
}
