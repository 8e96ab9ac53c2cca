package processor

import (
	"bytes"
	"fmt"
)

// detectFormat finds the format by the file's signature. The image package's registry is not used:
// any package linked into the server may add decoders to it.
func detectFormat(blob []byte) (format, error) {
	if len(blob) == 0 {
		return format{}, fmt.Errorf("%w: it has no bytes; send a PNG, JPEG, GIF, WebP, BMP or TIFF file", ErrNotImage)
	}
	for _, f := range formats {
		if f.matches(blob) {
			return f, nil
		}
	}
	for _, f := range foreignFormats {
		if bytes.HasPrefix(blob[min(f.offset, len(blob)):], []byte(f.signature)) {
			return format{}, fmt.Errorf("%w: it is %s; %s", ErrNotImage, f.name, f.remedy)
		}
	}
	return format{}, fmt.Errorf("%w: its %d bytes start like no known image; send a PNG, JPEG, GIF, WebP, BMP or TIFF file", ErrNotImage, len(blob))
}

const (
	convert      = "convert it to PNG, JPEG or WebP"
	renderPages  = "render each page to a PNG or JPEG and import those"
	decodeBase64 = "decode it first: it is encoded twice, or carries a data: prefix"
)

// foreignFormats are what people send in place of a supported image. They are worth a name and a
// way out, since "unknown format" would leave the user to find out what was sent.
var foreignFormats = []struct {
	offset                  int
	signature, name, remedy string
}{
	{0, "%PDF", "a PDF", renderPages},
	{0, "PK\x03\x04", "a ZIP archive or an office document", renderPages},
	{0, "\xd0\xcf\x11\xe0", "an old office document", renderPages},
	{4, "ftypavif", "an AVIF image", convert},
	{4, "ftyphei", "a HEIC image", convert},
	{4, "ftypmif1", "a HEIF image", convert},
	{0, "\xff\x0a", "a JPEG XL image", convert},
	{4, "JXL ", "a JPEG XL image", convert},
	{4, "jP  ", "a JPEG 2000 image", convert},
	{0, "\xff\x4f\xff\x51", "a JPEG 2000 image", convert},
	{0, "II+\x00", "a BigTIFF image", convert},
	{0, "MM\x00+", "a BigTIFF image", convert},
	{0, "8BPS", "a Photoshop file", convert},
	{0, "<svg", "an SVG drawing", convert},
	{0, "<?xml", "an XML or SVG file", convert},
	{0, "data:", "a data: URL", decodeBase64},
	{0, "iVBORw0KGgo", "the base64 text of a PNG", decodeBase64},
	{0, "/9j/", "the base64 text of a JPEG", decodeBase64},
}
