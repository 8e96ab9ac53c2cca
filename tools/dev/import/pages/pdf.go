package pages

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

const (
	// maxPointScale is pixels per point, 300 dpi: a stamp is not blown up to the size of a page.
	maxPointScale = 300. / 72
	// maxPDFPages of a file: it can say that it has a million without having them.
	maxPDFPages = 100_000
	// maxTextBytes of a page's text layer are kept; a page of a book has 3,000.
	maxTextBytes = 256 << 10
)

// pdf is an open PDF. PDFium reads the file as it needs it, so its size does not count.
type pdf struct {
	engine   *Engine
	instance pdfium.Pdfium
	file     *os.File
	document references.FPDF_DOCUMENT
	count    int
}

func (e *Engine) openPDF(ctx context.Context, file *os.File, bytes int64) (source, error) {
	instance, err := e.instance(ctx)
	if err != nil {
		file.Close()
		return nil, err
	}
	p := &pdf{engine: e, instance: instance, file: file}
	if err := e.within(ctx, instance, func() error { return p.load(bytes) }); err != nil {
		p.close()
		return nil, explain(err)
	}
	return p, nil
}

func (p *pdf) load(bytes int64) error {
	opened, err := p.instance.OpenDocument(&requests.OpenDocument{FileReader: p.file, FileReaderSize: bytes})
	if err != nil {
		return err
	}
	counted, err := p.instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: opened.Document})
	if err != nil {
		return err
	}
	p.document, p.count = opened.Document, counted.PageCount
	switch {
	case p.count == 0:
		return fmt.Errorf("%w: the PDF has no page", ErrBroken)
	case p.count > maxPDFPages:
		return fmt.Errorf("%w: %d pages, a PDF may have %d: split it", ErrLimit, p.count, maxPDFPages)
	}
	return nil
}

func (p *pdf) pages() int { return p.count }

// close kills: an instance is not used for a second file, and asking it to clean up could take forever.
func (p *pdf) close() {
	_ = p.instance.Kill() // an error says that it is dead already
	p.file.Close()
}

func (p *pdf) page(ctx context.Context, number int) (Page, error) {
	page := Page{Number: number}
	err := p.engine.within(ctx, p.instance, func() error {
		at := requests.Page{ByIndex: &requests.PageByIndex{Document: p.document, Index: number - 1}}
		if err := p.render(at, &page); err != nil {
			return err
		}
		return p.text(at, &page)
	})
	if err != nil {
		return Page{}, explain(err)
	}
	return page, nil
}

func (p *pdf) render(at requests.Page, page *Page) error {
	points, err := p.instance.GetPageSize(&requests.GetPageSize{Page: at})
	if err != nil {
		return err
	}
	side, err := p.engine.pixels(points.Width, points.Height)
	if err != nil {
		return err
	}
	rendered, err := p.instance.RenderPageInPixels(&requests.RenderPageInPixels{
		Page: at, Width: side, Height: side,
		RenderFlags: enums.FPDF_RENDER_FLAG_ANNOT, // what was written into forms and stamped on top
	})
	if err != nil {
		return err
	}
	defer rendered.Cleanup()
	picture, ok := rendered.Result.RenderedImage.(*image.RGBA)
	if !ok {
		return fmt.Errorf("PDFium rendered a %T", rendered.Result.RenderedImage)
	}
	page.Width, page.Height = picture.Rect.Dx(), picture.Rect.Dy()
	page.Blob, err = p.engine.options.Format.encode(picture)
	return err
}

// pixels of the longer side for a page of so many points.
func (e *Engine) pixels(width, height float64) (int, error) {
	longest := max(width, height)
	if !(min(width, height) > 0) || math.IsInf(longest, 0) {
		return 0, fmt.Errorf("%w: the page is %g x %g points", ErrBroken, width, height)
	}
	return max(1, min(e.options.Size, int(math.Ceil(longest*maxPointScale)))), nil
}

func (p *pdf) text(at requests.Page, page *Page) error {
	layer, err := p.instance.GetPageText(&requests.GetPageText{Page: at})
	if err != nil {
		return err
	}
	page.Text = clean(layer.Text)
	return nil
}

// clean leaves what a text property can hold: valid UTF-8 without control characters, of bounded length.
func clean(text string) string {
	if len(text) > maxTextBytes {
		text = text[:maxTextBytes]
	}
	text = strings.ToValidUTF8(text, "")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\uFFFE': // PDFium's mark for a hyphen at the end of a line
			return -1
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return ' '
		}
		return r
	}, text))
}

// explain says in our words what PDFium says in its own. An error that is none of PDFium's is a crash.
func explain(err error) error {
	for _, known := range []struct{ theirs, ours error }{
		{pdfiumerrors.ErrPassword, ErrEncrypted},
		{pdfiumerrors.ErrSecurity, fmt.Errorf("%w: encrypted in a way that PDFium does not know", ErrBroken)},
		{pdfiumerrors.ErrFormat, fmt.Errorf("%w: no PDF that PDFium can read", ErrBroken)},
		{pdfiumerrors.ErrFile, fmt.Errorf("%w: the file cannot be read", ErrBroken)},
		{pdfiumerrors.ErrPage, fmt.Errorf("%w: the page cannot be read", ErrBroken)},
		{pdfiumerrors.ErrUnknown, fmt.Errorf("%w: PDFium does not say why", ErrBroken)},
	} {
		if errors.Is(err, known.theirs) {
			return known.ours
		}
	}
	for _, ours := range []error{ErrBroken, ErrLimit, context.Canceled} {
		if errors.Is(err, ours) {
			return err
		}
	}
	reason, _, _ := strings.Cut(err.Error(), "\n") // the rest is a trace of WebAssembly's stack
	return fmt.Errorf("%w: %s", ErrCrash, reason)
}
