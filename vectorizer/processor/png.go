package processor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"iter"
)

// maxPNGChunks bounds the chunks of a PNG. Go's decoder allocates 4 KiB for each that it skips, which
// may have 12 bytes: a file of 32 MiB would cost 11 GB of garbage. Encoders write chunks of 8 KiB and
// more.
const maxPNGChunks = 1 << 16

func pngSize(blob []byte) (image.Config, error) {
	chunks := 0
	for range pngChunks(blob) {
		if chunks++; chunks > maxPNGChunks {
			return image.Config{}, fmt.Errorf("more than %d chunks", maxPNGChunks)
		}
	}
	return png.DecodeConfig(bytes.NewReader(blob))
}

// pngChunks yields kind and body of each whole chunk.
func pngChunks(blob []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		const signature, frame = 8, 12 // of a chunk: length, kind, checksum
		for at := int64(signature); at+frame <= int64(len(blob)); {
			length := int64(binary.BigEndian.Uint32(blob[at:]))
			if at+frame+length > int64(len(blob)) || !yield(string(blob[at+4:at+8]), blob[at+8:at+8+length]) {
				return
			}
			at += frame + length
		}
	}
}
