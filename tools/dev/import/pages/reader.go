package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFileBytes of a PDF: PDFium inside WebAssembly counts positions in 32 bits with a sign.
const maxFileBytes = 1<<31 - 1

// Reader reads documents, one at a time. Readers of one engine may be used in parallel, each by one goroutine.
type Reader struct {
	engine *Engine
	path   string // of what is open
	open   source
}

// source is an open file with pages. Numbers of pages start at 1.
type source interface {
	pages() int
	page(ctx context.Context, number int) (Page, error)
	close()
}

// NewReader returns a reader; it must be closed.
func (e *Engine) NewReader() *Reader { return &Reader{engine: e} }

// Close lets go of what is open.
func (r *Reader) Close() {
	if r.open != nil {
		r.open.close()
	}
	r.open, r.path = nil, ""
}

// Inspect reads a file once, for its hash and the number of its pages, and renders none.
func (r *Reader) Inspect(ctx context.Context, path string) (Document, error) {
	r.Close()
	defer r.Close()
	file, err := os.Open(path)
	if err != nil {
		return Document{}, err
	}
	defer file.Close()
	d := Document{Path: path}
	if err := d.stamp(file); err != nil {
		return Document{}, err
	}
	if d.Kind, err = kindOf(file); err != nil {
		return Document{}, err
	}
	if d.Kind == PDF && d.Bytes > maxFileBytes {
		return Document{}, fmt.Errorf("%w: %d bytes, a PDF may have %d: split it", ErrLimit, d.Bytes, maxFileBytes)
	}
	if d.SHA256, err = hashOf(file); err != nil {
		return Document{}, err
	}
	if err := r.openDocument(ctx, d); err != nil {
		return Document{}, err
	}
	d.Pages = r.open.pages()
	return d, nil
}

// Page renders one page of a document that Inspect returned, which must be the same file still.
func (r *Reader) Page(ctx context.Context, d Document, number int) (Page, error) {
	if r.path != d.Path {
		if err := r.openDocument(ctx, d); err != nil {
			return Page{}, err
		}
	}
	page, err := r.open.page(ctx, number)
	if err != nil && !errors.Is(err, ErrBroken) {
		// What is left after a crash cannot be trusted, and opening a document takes a few milliseconds.
		r.Close()
	}
	return page, err
}

func (r *Reader) openDocument(ctx context.Context, d Document) error {
	r.Close()
	file, err := os.Open(d.Path)
	if err != nil {
		return err
	}
	now := Document{}
	if err := now.stamp(file); err != nil {
		file.Close()
		return err
	}
	if now.Bytes != d.Bytes || !now.Modified.Equal(d.Modified) {
		file.Close()
		return fmt.Errorf("%w: it was changed during the import: import it again", ErrBroken)
	}
	switch d.Kind {
	case PDF:
		r.open, err = r.engine.openPDF(ctx, file, d.Bytes)
	case MultiTIFF:
		r.open, err = r.engine.openTIFF(file, d.Bytes)
	default:
		r.open, err = openImage(file, d.Bytes)
	}
	if err != nil {
		r.open = nil
		return err
	}
	r.path = d.Path
	return nil
}

func (d *Document) stamp(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	d.Bytes, d.Modified = info.Size(), info.ModTime()
	return nil
}

func hashOf(file *os.File) (string, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
