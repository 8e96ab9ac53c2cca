package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// errFailed means that a page or a file failed, whatever became of the others.
var errFailed = errors.New("not everything was imported")

// status of an entry.
type status string

const (
	file     status = "file"     // it has pages, which follow
	imported status = "imported" // the server took the page
	present  status = "present"  // the server held the page
	failed   status = "failed"   // the page, or without a number the whole file
	skipped  status = "skipped"  // the file is none of ours
)

// entry is a line of the report.
type entry struct {
	Status   status `json:"status"`
	Path     string `json:"path"`
	Page     int    `json:"page,omitempty"`
	ID       string `json:"id,omitempty"`
	Document string `json:"document,omitempty"`
	Pages    int    `json:"pages,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// report writes entries as they come, so that those of a killed import are there, and counts them.
type report struct {
	mu     sync.Mutex
	file   *os.File
	err    error          // of the first write that failed
	counts map[status]int // of pages
	files  int            // that failed as a whole
	shown  []entry        // the first pages that failed
}

// maxShown pages that failed are printed; the report has all.
const maxShown = 20

func newReport(path string) (*report, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("the report: %w: name another file with -report", err)
	}
	return &report{file: f, counts: map[status]int{}}, nil
}

func (r *report) add(e entry) {
	line, err := json.Marshal(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
	switch {
	case e.Page > 0:
		r.counts[e.Status]++
		if e.Status == failed && len(r.shown) < maxShown {
			r.shown = append(r.shown, e)
		}
	case e.Status == failed:
		r.files++
	}
}

func (r *report) close() error { return errors.Join(r.err, r.file.Close()) }

// print says how the import went. What became of whole files was said before it began.
func (r *report) print(w io.Writer, path string) {
	for _, e := range r.shown {
		fmt.Fprintf(w, "FAILED   %s, page %d: %s\n", e.Path, e.Page, e.Reason)
	}
	if more := r.counts[failed] - len(r.shown); more > 0 {
		fmt.Fprintf(w, "FAILED   %d more pages\n", more)
	}
	fmt.Fprintf(w, "%d pages imported, %d were there, %d failed; %d files failed; the report is %s\n",
		r.counts[imported], r.counts[present], r.counts[failed], r.files, path)
}

func (r *report) failure() error {
	if r.counts[failed]+r.files > 0 {
		return fmt.Errorf("%w: %d pages and %d files failed", errFailed, r.counts[failed], r.files)
	}
	return nil
}
