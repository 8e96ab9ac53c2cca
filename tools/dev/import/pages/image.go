package pages

import (
	"context"
	"fmt"
	"io"
	"os"

	"weaviate-colpali/vectorizer/processor"
)

// imageLimits of what is passed on. They keep our own memory in bounds; the server has its own, which are lower by
// default (COLPALI_MAX_IMAGE_BYTES, COLPALI_MAX_IMAGE_PIXELS) and up to its operator.
var imageLimits = processor.Limits{MaxBytes: 64 << 20, MaxPixels: 1 << 30}

// imageFile is a file of one image.
type imageFile struct {
	file  *os.File
	bytes int64
}

func openImage(file *os.File, bytes int64) (source, error) {
	if bytes > imageLimits.MaxBytes {
		file.Close()
		return nil, fmt.Errorf("%w: %d bytes, an image may have %d: save it smaller", ErrLimit, bytes, imageLimits.MaxBytes)
	}
	return &imageFile{file, bytes}, nil
}

func (*imageFile) pages() int { return 1 }

// page reads the size by the server's own code: what that refuses is not sent.
func (f *imageFile) page(_ context.Context, number int) (Page, error) {
	blob, err := io.ReadAll(io.NewSectionReader(f.file, 0, f.bytes))
	if err != nil {
		return Page{}, err
	}
	width, height, err := processor.ImageSize(blob, imageLimits)
	if err != nil {
		return Page{}, err
	}
	return Page{Number: number, Blob: blob, Width: width, Height: height}, nil
}

func (f *imageFile) close() { f.file.Close() }
