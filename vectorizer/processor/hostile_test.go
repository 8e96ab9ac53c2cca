package processor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeImageRefuses(t *testing.T) {
	limits := Limits{MaxBytes: 1 << 20, MaxPixels: 1_000_000}
	jpeg, webp := readImageFile(t, "progressive.jpg"), readImageFile(t, "lossy_33x18.webp")
	strips, gray := readImageFile(t, "jpeg_rgb.tiff"), readImageFile(t, "jpeg_gray.tiff")
	for name, c := range map[string]struct {
		blob []byte
		kind error
		want []string // the object, the limit or the remedy
	}{
		"nothing":          {nil, ErrNotImage, []string{"no bytes", "send a PNG"}},
		"unknown bytes":    {[]byte("hello, this is no image"), ErrNotImage, []string{"23 bytes", "PNG, JPEG, GIF, WebP, BMP or TIFF"}},
		"one byte":         {[]byte{0x89}, ErrNotImage, []string{"1 bytes"}},
		"PDF":              {[]byte("%PDF-1.7 ..."), ErrNotImage, []string{"a PDF", "render each page"}},
		"HEIC":             {[]byte("\x00\x00\x00\x18ftypheic"), ErrNotImage, []string{"HEIC", "convert it"}},
		"base64 of a PNG":  {[]byte("iVBORw0KGgoAAAANSUhEUg"), ErrNotImage, []string{"base64 text of a PNG", "encoded twice"}},
		"data URL":         {[]byte("data:image/png;base64,iVBORw0KGgo"), ErrNotImage, []string{"data: URL"}},
		"too many bytes":   {append(pngHeader(10, 10), make([]byte, 1<<20)...), ErrTooLarge, []string{"the limit is 1048576", "raise COLPALI_MAX_IMAGE_BYTES"}},
		"largest PNG":      {pngHeader(65535, 65535), ErrTooLarge, []string{"PNG of 65535 x 65535", "the limit is 1000000", "scale the image down"}},
		"one pixel more":   {pngHeader(1000, 1001), ErrTooLarge, []string{"1000 x 1001 = 1001000 pixels"}},
		"long PNG":         {pngHeader(65536, 1), ErrTooLarge, []string{"PNG of 65536 x 1", "65535 a side"}},
		"flat PNG":         {pngHeader(0, 10), ErrUndecodable, []string{"PNG"}},
		"PNG without data": {pngHeader(10, 10), ErrUndecodable, []string{"PNG", "truncated", "save it again"}},
		"wrong checksum":   {flipped(readImageFile(t, "rgb.png"), 40), ErrUndecodable, []string{"PNG", "checksum"}},
		"PNG of chunks":    {withPNGChunk(pngHeader(10, 10), "tEXt", nil, 70_000), ErrUndecodable, []string{"PNG", "more than 65536 chunks"}},
		"JPEG of height 0": {jpegWithHeight(jpeg, 0), ErrUndecodable, []string{"JPEG header says 61 x 0"}},
		"tall JPEG":        {jpegWithHeight(jpeg, 65535), ErrTooLarge, []string{"JPEG of 61 x 65535"}},
		"JPEG of scans":    {jpegWithScans(jpeg, 200), ErrUndecodable, []string{"JPEG", "scans, the limit is 100"}},
		"12 bits":          {jpegFrame(jpeg, 0xc1, 12), ErrUndecodable, []string{"JPEG", "12 bits a sample are not supported", "save it again"}},
		"arithmetic JPEG":  {jpegFrame(jpeg, 0xca, 8), ErrUndecodable, []string{"JPEG", "arithmetic coding is not supported"}},
		"lossless JPEG":    {jpegFrame(jpeg, 0xc3, 8), ErrUndecodable, []string{"JPEG", "lossless and hierarchical coding are not supported"}},
		"JPEG of 5 inks":   {jpegOfInks(jpeg, 5), ErrUndecodable, []string{"JPEG", "number of components"}},
		"JPEG of nothing":  {[]byte("\xff\xd8\xff"), ErrUndecodable, []string{"JPEG"}},
		"GIF of size 0":    {gifHeader(0, 0), ErrUndecodable, []string{"GIF header says 0 x 0"}},
		"large GIF":        {gifHeader(65535, 65535), ErrTooLarge, []string{"GIF of 65535 x 65535"}},
		"GIF with no frame": {
			append(gifHeader(5, 5), 0x3b), ErrUndecodable, []string{"GIF", "missing image data"},
		},
		"large BMP":     {bmpHeader(1<<31-1, 1<<31-1), ErrUndecodable, []string{"BMP"}},
		"BMP over":      {bmpHeader(65000, 65000), ErrTooLarge, []string{"BMP of 65000 x 65000"}},
		"BMP no pixels": {bmpHeader(900, 900), ErrUndecodable, []string{"BMP"}},
		"animated WebP": {vp8x(webp, 1<<1, 33, 18), ErrUndecodable, []string{"animated WebP is not supported"}},
		"WebP larger inside than outside": {
			vp8x(webp, 0, 2, 2), ErrUndecodable, []string{"WebP"},
		},
		"large WebP":     {vp8x(webp, 0, 16000, 16000), ErrTooLarge, []string{"WebP of 16000 x 16000"}},
		"large TIFF":     {tiffHeader(map[uint16]uint32{256: 60000, 257: 60000, 258: 8, 262: 1}), ErrTooLarge, []string{"TIFF of 60000 x 60000"}},
		"TIFF of length": {tiffHeader(map[uint16]uint32{256: 1 << 31, 257: 1, 258: 8, 262: 1}), ErrTooLarge, []string{"TIFF", "65535 a side"}},
		"TIFF with huge tiles": {
			tiffHeader(map[uint16]uint32{256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 322: 1 << 30, 323: 1 << 30, 324: 8, 325: 1 << 30}),
			ErrUndecodable,
			[]string{"TIFF", "tile size"},
		},
		"old JPEG inside": {tiffHeader(map[uint16]uint32{256: 8, 257: 8, 259: 6, 262: 6}), ErrUndecodable, []string{"TIFF", "compression 6"}},
		"JPEG of inks":    {tiffWith(strips, 262, 5), ErrUndecodable, []string{"3 samples and color model 5 is not supported"}},
		"JPEG planes":     {tiffWith(strips, 284, 2), ErrUndecodable, []string{"separate colour planes"}},
		"JPEG tiles":      {tiffRetagged(strips, 278, 324), ErrUndecodable, []string{"tiles of JPEG are not supported"}},
		"JPEG strips":     {tiffWith(strips, 278, 20), ErrUndecodable, []string{"strips of 20 rows"}},
		"no JPEG strips":  {tiffRetagged(strips, 273, 1), ErrUndecodable, []string{"3 strips at 0 places"}},
		"narrow TIFF":     {tiffWith(strips, 256, 60), ErrUndecodable, []string{"strip 0", "a JPEG of 61 x 16 pixels in place of 60 x 16"}},
		"gray JPEG strip": {tiffWith(gray, 262, 2), ErrUndecodable, []string{"1 samples and color model 2"}},
		"overlapping JPEG strips": {
			withOverlappingStrips(strips), ErrUndecodable, []string{"over each other"},
		},
		"JPEG tables": {withJPEGTables(strips, 5000), ErrUndecodable, []string{"5000 bytes of JPEG tables, the limit is 4096"}},
		"JPEG strips of nothing": {
			tiffHeader(map[uint16]uint32{256: 8, 257: 8, 259: 7, 262: 1, 273: 8, 279: 8}), ErrUndecodable, []string{"a JPEG of 0 channels"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			im, err := DecodeImage(c.blob, limits)
			require.Nil(t, im)
			require.ErrorIs(t, err, c.kind)
			for _, part := range c.want {
				require.ErrorContains(t, err, part)
			}
			require.Less(t, len(err.Error()), 300, "an error is a sentence, not a dump")
		})
	}
}

func TestDecodeImageLimitsAreInclusive(t *testing.T) {
	blob := readImageFile(t, "rgb.png")
	exact := Limits{MaxBytes: int64(len(blob)), MaxPixels: 61 * 47}
	_, err := DecodeImage(blob, exact)
	require.NoError(t, err)

	_, err = DecodeImage(blob, Limits{MaxBytes: exact.MaxBytes - 1, MaxPixels: exact.MaxPixels})
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = DecodeImage(blob, Limits{MaxBytes: exact.MaxBytes, MaxPixels: exact.MaxPixels - 1})
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = DecodeImage(blob, Limits{})
	require.ErrorIs(t, err, ErrTooLarge)
}

// Every prefix of every kind of file either decodes or says what is wrong with it.
func TestDecodeImageTruncated(t *testing.T) {
	for _, c := range decodeCases(t) {
		blob := readImageFile(t, c.File)
		for _, keep := range []int{2, 5, 12, 20, 40, len(blob) / 4, len(blob) / 2, len(blob) - 9, len(blob) - 1} {
			if keep >= len(blob) || keep < 0 {
				continue
			}
			im, err := DecodeImage(blob[:keep], roomy)
			if err != nil {
				require.True(t, errors.Is(err, ErrUndecodable) || errors.Is(err, ErrNotImage), "%s cut to %d: %v", c.File, keep, err)
				continue
			}
			require.Len(t, im.Pix, 3*c.Width*c.Height, "%s cut to %d", c.File, keep)
		}
		if len(blob) > 400 && c.File != "animated.gif" && c.File != "jpeg_pages.tiff" { // whose first half holds the first frame
			_, err := DecodeImage(blob[:len(blob)/2], roomy)
			require.ErrorIs(t, err, ErrUndecodable, "half of %s", c.File)
		}
	}
}

func TestDecoderThatPanics(t *testing.T) {
	size := func([]byte) (image.Config, error) { return image.Config{Width: 3, Height: 3}, nil }
	for name, f := range map[string]format{
		"reading the size":   {name: "XYZ", size: func([]byte) (image.Config, error) { panic("index out of range") }},
		"reading the pixels": {name: "XYZ", size: size, decode: func([]byte, Alpha) (*RGB, error) { panic("index out of range") }},
	} {
		t.Run(name, func(t *testing.T) {
			im, err := f.decodeWithin([]byte("blob"), roomy, View{})
			require.Nil(t, im)
			require.ErrorIs(t, err, ErrUndecodable)
			require.ErrorContains(t, err, "XYZ")
		})
	}
}

func TestErrorsDoNotRepeatTheBlob(t *testing.T) {
	const secret = "confidential"
	text := strings.Repeat(secret, 50)
	for name, blob := range map[string][]byte{
		"unknown": []byte(text),
		"PNG":     append(pngHeader(10, 10), text...),
		"JPEG":    []byte("\xff\xd8\xff\xe0" + text),
		"GIF":     append(gifHeader(10, 10), text...),
		"WebP":    []byte("RIFF\xff\x00\x00\x00WEBPVP8 " + text),
		"BMP":     []byte("BM" + text),
		"TIFF":    []byte("II*\x00\x08\x00\x00\x00" + text),
		"PDF":     []byte("%PDF" + text),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeImage(blob, roomy)
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret[:6])
		})
	}
}

// A header that promises much must not cost much more than it promises.
func TestDecodeImageAllocation(t *testing.T) {
	const side = 1000
	const perPixel = 20
	limits := Limits{MaxBytes: 1 << 20, MaxPixels: side * side}
	for name, blob := range map[string][]byte{
		"BMP":  bmpHeader(side, side),
		"PNG":  append(pngHeader(side, side), pngChunk("IDAT", nil)...),
		"GIF":  append(gifHeader(side, side), gifFrame(side, side)...),
		"TIFF": tiffHeader(map[uint16]uint32{256: side, 257: side, 258: 8, 259: 5, 262: 1, 273: 8, 278: side, 279: 1 << 30}),
		"tiles": tiffHeader(map[uint16]uint32{
			256: side, 257: side, 258: 8, 259: 1, 262: 1, 322: 8, 323: 8, 324: 1 << 20, 325: 1 << 30,
		}),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := DecodeImage(blob, limits)
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, ErrUndecodable)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(perPixel*side*side+1<<20))
		})
	}
}

func pngChunk(kind string, body []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, kind...), body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

// pngHeader is a PNG of 8-bit RGB that ends after its header.
func pngHeader(width, height uint32) []byte {
	body := binary.BigEndian.AppendUint32(nil, width)
	body = binary.BigEndian.AppendUint32(body, height)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(body, 8, 2, 0, 0, 0))...)
}

func gifHeader(width, height uint16) []byte {
	blob := binary.LittleEndian.AppendUint16([]byte("GIF89a"), width)
	blob = binary.LittleEndian.AppendUint16(blob, height)
	return append(blob, 0x80, 0, 0, 0, 0, 0, 255, 255, 255) // a colour table of two
}

func gifFrame(width, height uint16) []byte {
	frame := binary.LittleEndian.AppendUint16([]byte{0x2c, 0, 0, 0, 0}, width)
	frame = binary.LittleEndian.AppendUint16(frame, height)
	return append(frame, 0, 2, 0)
}

func bmpHeader(width, height uint32) []byte {
	blob := make([]byte, 54)
	copy(blob, "BM")
	binary.LittleEndian.PutUint32(blob[10:], 54)
	binary.LittleEndian.PutUint32(blob[14:], 40)
	binary.LittleEndian.PutUint32(blob[18:], width)
	binary.LittleEndian.PutUint32(blob[22:], height)
	blob[26], blob[28] = 1, 24
	return blob
}

// tiffHeader is a TIFF of one directory of single 32-bit values and nothing else.
func tiffHeader(tags map[uint16]uint32) []byte {
	blob := []byte("II*\x00\x08\x00\x00\x00")
	blob = binary.LittleEndian.AppendUint16(blob, uint16(len(tags)))
	for tag := range uint16(400) { // in ascending order, as the format demands
		value, ok := tags[tag]
		if !ok {
			continue
		}
		blob = binary.LittleEndian.AppendUint16(blob, tag)
		blob = binary.LittleEndian.AppendUint16(blob, 4)
		blob = binary.LittleEndian.AppendUint32(blob, 1)
		blob = binary.LittleEndian.AppendUint32(blob, value)
	}
	return append(blob, 0, 0, 0, 0)
}

// tiffEntryAt finds the entry of a tag in a little-endian TIFF.
func tiffEntryAt(blob []byte, tag uint16) int {
	const entryLen = 12
	for at := int(binary.LittleEndian.Uint32(blob[4:])) + 2; ; at += entryLen {
		if binary.LittleEndian.Uint16(blob[at:]) == tag {
			return at
		}
	}
}

// tiffWith changes the single value of a tag.
func tiffWith(blob []byte, tag uint16, value uint32) []byte {
	blob = bytes.Clone(blob)
	binary.LittleEndian.PutUint32(blob[tiffEntryAt(blob, tag)+8:], value)
	return blob
}

func tiffRetagged(blob []byte, from, to uint16) []byte {
	blob = bytes.Clone(blob)
	binary.LittleEndian.PutUint16(blob[tiffEntryAt(blob, from):], to)
	return blob
}

func withJPEGTables(blob []byte, bytes uint32) []byte {
	blob = append(tiffWith(blob, 347, 0), make([]byte, bytes)...)
	binary.LittleEndian.PutUint32(blob[tiffEntryAt(blob, 347)+4:], bytes)
	return blob
}

// withOverlappingStrips lets every strip end where the file does.
func withOverlappingStrips(blob []byte) []byte {
	blob = bytes.Clone(blob)
	value := func(tag uint16) []byte { return blob[binary.LittleEndian.Uint32(blob[tiffEntryAt(blob, tag)+8:]):] }
	for i := range readTIFFDirectory(blob).list(273) {
		offset := binary.LittleEndian.Uint32(value(273)[4*i:])
		binary.LittleEndian.PutUint32(value(279)[4*i:], uint32(len(blob))-offset)
	}
	return blob
}

func flipped(blob []byte, at int) []byte {
	blob = bytes.Clone(blob)
	blob[at] ^= 0xff
	return blob
}

func jpegWithHeight(progressive []byte, height uint16) []byte {
	blob := bytes.Clone(progressive)
	frame := bytes.Index(blob, []byte{0xff, 0xc2})
	binary.BigEndian.PutUint16(blob[frame+5:], height)
	return blob
}

// jpegFrame declares another coding and another number of bits.
func jpegFrame(progressive []byte, marker, bits byte) []byte {
	blob := bytes.Clone(progressive)
	frame := bytes.Index(blob, []byte{0xff, 0xc2})
	blob[frame+1], blob[frame+4] = marker, bits
	return blob
}

// jpegOfInks declares more channels than three, and ends behind them.
func jpegOfInks(progressive []byte, channels byte) []byte {
	frame := bytes.Index(progressive, []byte{0xff, 0xc2})
	blob := bytes.Clone(progressive[:frame+10])
	blob[frame+3], blob[frame+9] = 8+3*channels, channels
	for id := range channels {
		blob = append(blob, id, 0x11, 0)
	}
	return append(blob, 0xff, 0xd9)
}

// jpegWithScans repeats the last scan of a progressive JPEG.
func jpegWithScans(progressive []byte, times int) []byte {
	last := bytes.LastIndex(progressive, []byte{0xff, 0xda})
	scan := progressive[last : len(progressive)-2]
	return bytes.Join([][]byte{progressive[:last], bytes.Repeat(scan, times), progressive[len(progressive)-2:]}, nil)
}

// vp8x wraps a simple WebP in the extended format, with flags and a canvas size of its own.
func vp8x(simple []byte, flags byte, width, height uint32) []byte {
	chunk := []byte{'V', 'P', '8', 'X', 10, 0, 0, 0, flags, 0, 0, 0}
	chunk = append(chunk, byte(width-1), byte((width-1)>>8), byte((width-1)>>16))
	chunk = append(chunk, byte(height-1), byte((height-1)>>8), byte((height-1)>>16))
	blob := bytes.Join([][]byte{simple[:12], chunk, simple[12:]}, nil)
	binary.LittleEndian.PutUint32(blob[4:], uint32(len(blob)-8))
	return blob
}
