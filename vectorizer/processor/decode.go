package processor

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
)

// maxSide bounds each side of an image, whatever the pixel limit says: 65535 is the longest side a
// JPEG can have, and it keeps the weight table of a resize below 2 MiB where an image of one pixel
// by 64 million would ask for a gigabyte.
const maxSide = 65535

// Limits bounds what [DecodeImage] accepts. Both are inclusive, and the zero value refuses every
// image.
type Limits struct {
	MaxBytes  int64 // of the encoded image
	MaxPixels int64 // width times height
}

// DecodeImage decodes a PNG, JPEG, GIF (first frame), WebP, BMP or TIFF (first page) to the pixels
// that Pillow's Image.open(blob).convert("RGB") gives; the package comment lists the exceptions.
// The dimensions are read from the header and checked against the limits before pixels are decoded.
//
// An error wraps [ErrTooLarge], [ErrNotImage] or [ErrUndecodable], and never repeats the blob.
func DecodeImage(blob []byte, limits Limits) (*RGB, error) {
	return View{}.DecodeImage(blob, limits)
}

// DecodeImage is the function of that name for another view of the picture.
func (v View) DecodeImage(blob []byte, limits Limits) (*RGB, error) {
	format, err := admit(blob, limits)
	if err != nil {
		return nil, err
	}
	return format.decodeWithin(blob, limits, v)
}

func admit(blob []byte, limits Limits) (format, error) {
	if int64(len(blob)) > limits.MaxBytes {
		return format{}, fmt.Errorf("%w: %d bytes, the limit is %d; send a smaller image or raise COLPALI_MAX_IMAGE_BYTES",
			ErrTooLarge, len(blob), limits.MaxBytes)
	}
	return detectFormat(blob)
}

// format is one supported file format.
type format struct {
	name    string
	matches func(blob []byte) bool
	// size reads the dimensions without decoding pixels.
	size func(blob []byte) (image.Config, error)
	// decode may assume that size accepted the same blob within the limits.
	decode func(blob []byte, alpha Alpha) (*RGB, error)
	// exif finds the EXIF block, or nothing; nil where the format has none.
	exif func(blob []byte) []byte
}

var formats = []format{
	{"PNG", hasPrefix("\x89PNG\r\n\x1a\n"), pngSize, pixelsOf(png.Decode), exifOfPNG},
	{"JPEG", hasPrefix("\xff\xd8"), jpegSize, decodeJPEG, exifOfJPEG},
	{"GIF", hasPrefix("GIF8"), configOf(gif.DecodeConfig), decodeGIF, nil},
	{"WebP", isWebP, webPSize, decodeWebP, exifOfWebP},
	{"BMP", hasPrefix("BM"), configOf(bmp.DecodeConfig), pixelsOf(bmp.Decode), nil},
	{"TIFF", isTIFF, tiffSize, decodeTIFF, exifOfTIFF},
}

func isTIFF(blob []byte) bool {
	return hasPrefix("II*\x00")(blob) || hasPrefix("MM\x00*")(blob)
}

func isWebP(blob []byte) bool {
	return len(blob) >= 12 && string(blob[:4]) == "RIFF" && string(blob[8:12]) == "WEBP"
}

func (f format) decodeWithin(blob []byte, limits Limits, view View) (im *RGB, err error) {
	defer f.survive(func(failure error) { im, err = nil, failure })
	if _, _, err := f.sizeWithin(blob, limits); err != nil {
		return nil, err
	}
	im, err = f.decode(blob, view.Alpha)
	if err != nil {
		return nil, f.undecodable(err)
	}
	return orient(im, f.orientation(blob, view)), nil
}

// sizeWithin reads the dimensions without decoding pixels, and checks them.
func (f format) sizeWithin(blob []byte, limits Limits) (width, height int, err error) {
	defer f.survive(func(failure error) { width, height, err = 0, 0, failure })
	config, err := f.size(blob)
	if err != nil {
		return 0, 0, f.undecodable(err)
	}
	if err := f.checkSize(config.Width, config.Height, limits); err != nil {
		return 0, 0, err
	}
	return config.Width, config.Height, nil
}

// survive is deferred around the decoders: they belong to others and read hostile bytes, and a panic in
// one must cost one image, not the server.
func (f format) survive(fail func(error)) {
	if cause := recover(); cause != nil {
		fail(fmt.Errorf("%w: the %s decoder gave up (%v); the file is damaged, save it again", ErrUndecodable, f.name, cause))
	}
}

func (f format) checkSize(width, height int, limits Limits) error {
	switch {
	case width <= 0 || height <= 0:
		return fmt.Errorf("%w: the %s header says %d x %d pixels, both sides must be at least 1; save the image again",
			ErrUndecodable, f.name, width, height)
	case width > maxSide || height > maxSide:
		return fmt.Errorf("%w: %s of %d x %d pixels, the limit is %d a side; send a smaller image",
			ErrTooLarge, f.name, width, height, maxSide)
	case int64(width)*int64(height) > limits.MaxPixels: // cannot overflow: both sides are bounded
		return fmt.Errorf("%w: %s of %d x %d = %d pixels, the limit is %d; scale the image down or raise COLPALI_MAX_IMAGE_PIXELS",
			ErrTooLarge, f.name, width, height, int64(width)*int64(height), limits.MaxPixels)
	}
	return nil
}

func (f format) undecodable(cause error) error {
	return fmt.Errorf("%w: %s: %w; the file is damaged, truncated or uses a feature that is not supported, save it again as PNG or JPEG",
		ErrUndecodable, f.name, cause)
}

// pixelsOf adapts a decoder whose pixels need nothing but a change of layout.
func pixelsOf(decode func(io.Reader) (image.Image, error)) func([]byte, Alpha) (*RGB, error) {
	return func(blob []byte, alpha Alpha) (*RGB, error) {
		im, err := decode(bytes.NewReader(blob))
		if err != nil {
			return nil, err
		}
		return convertOnto(alpha, im)
	}
}

func configOf(read func(io.Reader) (image.Config, error)) func([]byte) (image.Config, error) {
	return func(blob []byte) (image.Config, error) { return read(bytes.NewReader(blob)) }
}

func hasPrefix(signature string) func([]byte) bool {
	return func(blob []byte) bool { return bytes.HasPrefix(blob, []byte(signature)) }
}
