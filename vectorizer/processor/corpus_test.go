package processor

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostileFiles are made to make a decoder work, or wait, or write, without end. Each either is a
// picture of the size it claims, or is refused.
func hostileFiles(t testing.TB) map[string][]byte {
	const side = 64
	rgb, webp, animation := readImageFile(t, "rgb.png"), readImageFile(t, "lossy_33x18.webp"), readImageFile(t, "animated.gif")
	deflated := func(bytes int) []byte { return compressed(t, make([]byte, bytes)) }
	strip := func(compression uint32, body []byte) []byte {
		tags := map[uint16]uint32{256: side, 257: side, 258: 8, 259: compression, 262: 1, 277: 1, 278: side, 279: uint32(len(body))}
		tags[273] = 0
		tags[273] = uint32(len(tiffHeader(tags)))
		return append(tiffHeader(tags), body...)
	}
	wrongSize := func(size uint32) []byte {
		blob := bytes.Clone(webp)
		binary.LittleEndian.PutUint32(blob[16:], size)
		return blob
	}
	circle := strip(1, make([]byte, side*side))
	binary.LittleEndian.PutUint32(circle[8+2+12*int(circle[8]):], 8) // the next directory is the first
	return map[string][]byte{
		"PNG that inflates to 16 MB":       bytes.Join([][]byte{pngHeader(side, side), pngChunk("IDAT", deflated(16<<20)), pngChunk("IEND", nil)}, nil),
		"PNG with a palette of 0":          withPNGChunk(palettedPNG(nil), "tEXt", nil),
		"PNG with a palette of 257":        palettedPNG(make([]byte, 3*257)),
		"PNG with a palette of 4/3":        palettedPNG(make([]byte, 4)),
		"PNG that uses what it lacks":      palettedPNG(make([]byte, 3)),
		"PNG with a text of 4 MB":          withPNGChunk(rgb, "tEXt", make([]byte, 4<<20)),
		"PNG with a text that inflates":    withPNGChunk(rgb, "zTXt", append([]byte("k\x00\x00"), deflated(16<<20)...)),
		"PNG with 70,000 chunks":           withPNGChunk(rgb, "tEXt", nil, 70_000),
		"PNG with a chunk of 2 GB":         append(bytes.Clone(rgb[:33]), 0x7f, 0xff, 0xff, 0xff, 't', 'E', 'X', 't'),
		"TIFF whose directories circle":    circle,
		"TIFF whose directory is itself":   []byte("II*\x00\x00\x00\x00\x00"),
		"TIFF with a directory far away":   []byte("II*\x00\xff\xff\xff\xff"),
		"TIFF that deflates to 16 MB":      strip(8, deflated(16<<20)),
		"TIFF with strips in one place":    overlappingStrips(side),
		"TIFF that packs to 16 MB":         strip(32773, bytes.Repeat([]byte{0x81, 0}, 1<<17)),
		"WebP with a chunk of 4 GB":        wrongSize(1<<32 - 1),
		"WebP with a chunk of 0":           wrongSize(0),
		"WebP with a chunk of 1":           wrongSize(1),
		"GIF of 2,000 frames":              manyFrames(animation, 2000),
		"GIF with endless comments":        append(gifHeader(side, side), bytes.Repeat([]byte{0x21, 0xfe, 1, 'x', 0}, 100_000)...),
		"GIF with a frame off the screen":  append(gifHeader(2, 2), gifFrame(side, side)...),
		"GIF with a code of 13 bits":       append(append(gifHeader(side, side), gifFrame(side, side)[:10]...), 13, 1, 0, 0, 0x3b),
		"BMP with a palette beyond itself": bmpPalette(),
		"JPEG of one endless segment":      append([]byte("\xff\xd8\xff\xe1\xff\xff"), make([]byte, 70_000)...),
		"JPEG of fill bytes":               append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff}, 1<<20)...),
	}
}

// TestHostileFiles checks that no file takes more memory than its pixels and its own bytes warrant.
func TestHostileFiles(t *testing.T) {
	const slack = 1 << 20
	limits := Limits{MaxBytes: 8 << 20, MaxPixels: 1 << 16}
	for name, blob := range hostileFiles(t) {
		t.Run(name, func(t *testing.T) {
			width, height, sizeErr := ImageSize(blob, limits)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			im, err := View{Alpha: AlphaWhite, Upright: true}.DecodeImage(blob, limits)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(decodingBytes*limits.MaxPixels+4*int64(len(blob))+slack))
			if err != nil {
				require.Nil(t, im)
				require.ErrorIs(t, err, ErrUndecodable)
				return
			}
			require.NoError(t, sizeErr)
			require.Equal(t, [2]int{width, height}, [2]int{im.Width, im.Height})
		})
	}
}

func compressed(t testing.TB, body []byte) []byte {
	var out bytes.Buffer
	writer := zlib.NewWriter(&out)
	_, err := writer.Write(body)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return out.Bytes()
}

// withPNGChunk puts chunks of a kind behind the header.
func withPNGChunk(blob []byte, kind string, body []byte, times ...int) []byte {
	const header = 33
	count := 1
	if len(times) > 0 {
		count = times[0]
	}
	return bytes.Join([][]byte{blob[:header], bytes.Repeat(pngChunk(kind, body), count), blob[header:]}, nil)
}

// palettedPNG uses colour 200 throughout.
func palettedPNG(palette []byte) []byte {
	const side = 64
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	var rows bytes.Buffer
	writer := zlib.NewWriter(&rows)
	for range side {
		_, _ = writer.Write(append([]byte{0}, bytes.Repeat([]byte{200}, side)...)) // into memory: it cannot fail
	}
	_ = writer.Close()
	return bytes.Join([][]byte{
		[]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, 8, 3, 0, 0, 0)), pngChunk("PLTE", palette),
		pngChunk("IDAT", rows.Bytes()), pngChunk("IEND", nil),
	}, nil)
}

// overlappingStrips is a TIFF with a strip for each row, all of them the same bytes.
func overlappingStrips(side uint32) []byte {
	const entries = 8
	tables := uint32(8 + 2 + 12*entries + 4)
	pixels := tables + 8*side
	blob := []byte("II*\x00\x08\x00\x00\x00\x08\x00")
	for _, entry := range [entries][3]uint32{
		{256, 1, side}, {257, 1, side}, {258, 1, 8}, {259, 1, 1}, {262, 1, 1}, {273, side, tables}, {278, 1, 1}, {279, side, tables + 4*side},
	} {
		blob = binary.LittleEndian.AppendUint16(blob, uint16(entry[0]))
		blob = binary.LittleEndian.AppendUint16(blob, 4)
		blob = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(blob, entry[1]), entry[2])
	}
	blob = append(blob, 0, 0, 0, 0)
	for _, value := range []uint32{pixels, side} {
		for range side {
			blob = binary.LittleEndian.AppendUint32(blob, value)
		}
	}
	return append(blob, make([]byte, side)...)
}

// manyFrames repeats the frames of an animation.
func manyFrames(animation []byte, times int) []byte {
	first := bytes.IndexByte(animation[13+3<<(animation[10]&7+1):], 0x2c) + 13 + 3<<(animation[10]&7+1)
	return append(bytes.Clone(animation[:first]), append(bytes.Repeat(animation[first:len(animation)-1], times), 0x3b)...)
}

func bmpPalette() []byte {
	blob := bmpHeader(4, 4)
	blob[28] = 8
	binary.LittleEndian.PutUint32(blob[46:], 1<<31)
	return append(blob, make([]byte, 64)...)
}
