package format

import (
	"encoding/binary"
	"hash/crc32"
)

// header begins a file. Its first 20 bytes are the same in every version.
type header struct {
	Magic   [16]byte // "PLAID" and the kind, filled up with zeros
	Version uint32
	Zero    [44]byte
}

// entry is one line of the table of contents.
type entry struct {
	Name   [16]byte // filled up with zeros
	Width  uint32   // bytes an element
	CRC    uint32   // CRC-32C of the section, 0 where documents have their own
	Offset uint64   // a multiple of 64
	Length uint64   // bytes
}

// footer ends a file. Its last 20 bytes are the same in every version.
type footer struct {
	Offset  uint64 // of the table of contents
	Length  uint64 // of the table of contents, in bytes
	CRC     uint32 // CRC-32C of the table of contents
	Version uint32
	Magic   [16]byte
}

var (
	headerSize = binary.Size(header{})
	entrySize  = binary.Size(entry{})
	footerSize = binary.Size(footer{})
)

// alignment of sections: a cache line, and what loads of AVX-512 want.
const alignment = 64

func align(offset uint64) uint64 { return (offset + alignment - 1) / alignment * alignment }

// castagnoli is CRC-32C, for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// section is what a section of a kind holds. A number is a section of one element.
type section struct {
	name    string
	element string
	count   string // in the letters of FORMAT.md
	meaning string
}

// codesSection is the only section without a CRC of its own.
const codesSection = "codes"

// layouts are the sections of each kind, in the order in which they stand.
var layouts = map[Kind][]section{
	KindVectors: {
		{codesSection, "u8", "T x dim", "numbers of all rows in 8 bits: code c is (c-128) x scale"},
		{"dim", "u32", "1", "dimensions of a row"},
		{"ids", "u64", "D", "document ids in order of insertion, each once"},
		{"offsets", "u64", "D+1", "first row of each document, then T"},
		{"scales", "f32", "T", "scale of each row, NaN for a row that is not finite"},
		{"residuals", "f32", "D", "largest distance of a row from what its codes stand for"},
		{"norms", "f32", "D", "largest norm of what the codes of a row stand for"},
		{"checksums", "u32", "D", "CRC-32C of each document's codes, then scales"},
	},
	KindCodes: {
		{"vectors", "u64", "1", "number of the vectors file"},
		{"codebook", "u64", "1", "number of the codebook file"},
		{"centroids", "u32", "1", "centroids of the codebook, K"},
		{"offsets", "u32", "D+1", "first id of each document, then N"},
		{"ids", "u16 or u32", "N", "centroids of each document; u16 for 65,536 centroids or fewer"},
	},
	KindCodebook: {
		{"dim", "u32", "1", "dimensions of a centroid"},
		{"centroids", "f32", "K x dim", "centroids, those of a cell side by side"},
		{"cells", "f32", "C x dim", "coarse cells"},
		{"children", "u32", "C+1", "first centroid of each cell, then K"},
		{"reach", "f32", "1", "how far below the cosine of a row's nearest cell others are searched"},
		{"cosine", "f32", "1", "mean cosine of the training sample to its centroids"},
		{"documents", "u64", "1", "documents when the training began"},
	},
}

// widths of elements in bytes.
var widths = map[string][]uint32{
	"u8": {1}, "u16 or u32": {2, 4}, "u32": {4}, "f32": {4}, "u64": {8},
}

// padded is a name in a field of 16 bytes.
func padded(name string) (field [16]byte) {
	copy(field[:], name)
	return field
}

func magicOf(kind Kind) [16]byte { return padded("PLAID" + string(kind)) }
