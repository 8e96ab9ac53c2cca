package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"weaviate-colpali/vectorizer/blob"
	"weaviate-colpali/vectorizer/processor"
)

// limits of the pages that are shown: no less than those of the vectorizer by default.
var limits = processor.Limits{MaxBytes: 64 << 20, MaxPixels: 64 << 20}

// maxWidth of a page that is shown, in pixels.
const maxWidth = 2048

// shownPage asks for the picture of a page.
type shownPage struct {
	target
	ID    string
	Width int // at most
}

// page is an object's picture as a PNG that we wrote. A browser never sees the blob itself: it would guess what that
// is, cannot show TIFF, and would turn a JPEG by its EXIF, so that the map would lie on it wrongly: no reference of a
// model does that. (A manifest can say that its model does; such a page is shown as it lies in the file, here.)
func (s *site) page(ctx context.Context, p shownPage) (picture, error) {
	if uuid.Validate(p.ID) != nil || p.Width < 1 || p.Width > maxWidth {
		return nil, notUnderstood(fmt.Sprintf("id is a UUID, width is 1 to %d", maxWidth))
	}
	c, v, err := s.target(ctx, p.target)
	if err != nil {
		return nil, err
	}
	path := fmt.Sprintf("/objects/%s/%s", url.PathEscape(c.Name), p.ID)
	if c.Tenants {
		path += "?tenant=" + url.QueryEscape(p.Tenant)
	}
	var object struct{ Properties map[string]any }
	if err := s.weaviate.Do(ctx, http.MethodGet, path, nil, &object); err != nil {
		return nil, err
	}
	text, _ := object.Properties[v.image].(string)
	select {
	case s.decoding <- struct{}{}:
		defer func() { <-s.decoding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	shown, err := redraw(text, p.Width)
	if err != nil {
		return nil, &failure{http.StatusUnprocessableEntity, "This page cannot be shown", err.Error(), ""}
	}
	return shown, nil
}

// redraw decodes a blob within the limits and writes it as a PNG of at most this width.
func redraw(text string, width int) (picture, error) {
	encoded, err := blob.Decode(text, limits.MaxBytes)
	if err != nil {
		return nil, err
	}
	page, err := processor.View{Alpha: processor.AlphaWhite}.DecodeImage(encoded, limits)
	if err != nil {
		return nil, err
	}
	if width < page.Width {
		page = page.Resize(width, max(1, page.Height*width/page.Width), processor.Bilinear, processor.Pillow13)
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, page.Width, page.Height))
	for from, to := 0, 0; from < len(page.Pix); from, to = from+3, to+4 {
		copy(canvas.Pix[to:], page.Pix[from:from+3])
		canvas.Pix[to+3] = 0xff
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	err = encoder.Encode(&file, canvas)
	return file.Bytes(), err
}
