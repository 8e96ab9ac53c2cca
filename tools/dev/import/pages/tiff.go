package pages

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"os"

	"golang.org/x/image/draw"

	"weaviate-colpali/vectorizer/processor"
)

// A TIFF of several pages is read whole, so it must not be too large; so must its frames, which are decoded whole.
const (
	maxTIFFBytes  = 256 << 20
	maxTIFFPages  = 10_000
	maxTIFFPixels = 40_000_000 // A4 at 600 dpi has 35 million
)

// Tags of a frame.
const (
	tagSubfileType = 254
	reducedOrMask  = 1 | 4 // bits of tagSubfileType: a preview, a transparency mask
)

func isTIFF(head []byte) bool { return byteOrder(head) != nil }

func byteOrder(head []byte) binary.ByteOrder {
	if len(head) < 8 {
		return nil
	}
	switch string(head[:4]) {
	case "II*\x00":
		return binary.LittleEndian
	case "MM\x00*":
		return binary.BigEndian
	}
	return nil
}

// tiffKind tells a TIFF of several pages, which must be split, from one that the server reads as it is.
func tiffKind(file io.ReaderAt) (Kind, error) {
	frames, err := tiffFrames(file)
	if err != nil {
		return "", err
	}
	if len(frames) == 1 {
		return Image, nil
	}
	return MultiTIFF, nil
}

// tiffFrames returns where the directories of the pages begin. Decoders read the page to whose directory the header
// points (golang.org/x/image/tiff: only that one), so pointing it elsewhere is all that splitting takes.
func tiffFrames(file io.ReaderAt) ([]uint32, error) {
	head := make([]byte, 8)
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("%w: the TIFF header: %w", ErrBroken, err)
	}
	order := byteOrder(head)
	seen := map[uint32]bool{}
	var frames []uint32
	for at := order.Uint32(head[4:]); at != 0; {
		if seen[at] || len(seen) == maxTIFFPages {
			return nil, fmt.Errorf("%w: the TIFF has more than %d pages, or they go round in circles", ErrBroken, maxTIFFPages)
		}
		seen[at] = true
		isPage, next, err := tiffDirectory(file, order, at)
		if err != nil {
			return nil, fmt.Errorf("%w: directory %d of the TIFF: %w", ErrBroken, len(seen), err)
		}
		if isPage {
			frames = append(frames, at)
		}
		at = next
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("%w: the TIFF has no page", ErrBroken)
	}
	return frames, nil
}

// tiffDirectory reads whether the directory at a position is a page's, and where the next one is.
func tiffDirectory(file io.ReaderAt, order binary.ByteOrder, at uint32) (isPage bool, next uint32, err error) {
	count := make([]byte, 2)
	if _, err := file.ReadAt(count, int64(at)); err != nil {
		return false, 0, err
	}
	entries := make([]byte, 12*int(order.Uint16(count))+4)
	if _, err := file.ReadAt(entries, int64(at)+2); err != nil {
		return false, 0, err
	}
	isPage = true
	for ; len(entries) > 4; entries = entries[12:] {
		if order.Uint16(entries) == tagSubfileType && order.Uint32(entries[8:])&reducedOrMask != 0 {
			isPage = false
		}
	}
	return isPage, order.Uint32(entries), nil
}

// multiTIFF is a TIFF of several pages.
type multiTIFF struct {
	engine *Engine
	blob   []byte
	frames []uint32
}

func (e *Engine) openTIFF(file *os.File, bytes int64) (source, error) {
	defer file.Close()
	if bytes > maxTIFFBytes {
		return nil, fmt.Errorf("%w: %d bytes, a TIFF of several pages may have %d: make a PDF of it, by tiff2pdf or img2pdf",
			ErrLimit, bytes, maxTIFFBytes)
	}
	frames, err := tiffFrames(file)
	if err != nil {
		return nil, err
	}
	blob, err := io.ReadAll(io.NewSectionReader(file, 0, bytes))
	if err != nil {
		return nil, err
	}
	return &multiTIFF{e, blob, frames}, nil
}

func (t *multiTIFF) pages() int { return len(t.frames) }

func (t *multiTIFF) page(_ context.Context, number int) (Page, error) {
	byteOrder(t.blob).PutUint32(t.blob[4:], t.frames[number-1])
	frame, err := processor.DecodeImage(t.blob, processor.Limits{MaxBytes: maxTIFFBytes, MaxPixels: maxTIFFPixels})
	if err != nil {
		return Page{}, err
	}
	picture := fit(frame, t.engine.options.Size)
	blob, err := t.engine.options.Format.encode(picture)
	if err != nil {
		return Page{}, err
	}
	return Page{Number: number, Blob: blob, Width: picture.Rect.Dx(), Height: picture.Rect.Dy()}, nil
}

func (*multiTIFF) close() {}

// fit makes a picture no longer than size on its longer side.
func fit(frame *processor.RGB, size int) *image.RGBA {
	whole := image.NewRGBA(image.Rect(0, 0, frame.Width, frame.Height))
	for i := range frame.Width * frame.Height {
		copy(whole.Pix[4*i:4*i+3], frame.Pix[3*i:])
		whole.Pix[4*i+3] = 255
	}
	longest := max(frame.Width, frame.Height)
	if longest <= size {
		return whole
	}
	small := image.NewRGBA(image.Rect(0, 0, max(1, frame.Width*size/longest), max(1, frame.Height*size/longest)))
	draw.CatmullRom.Scale(small, small.Rect, whole, whole.Rect, draw.Src, nil)
	return small
}
