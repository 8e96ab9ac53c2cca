package format

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever opens is exactly what the writer makes of it: a file has one form in each
// version, and the newest is written. The bytes are tried as they are and with
// checksums made to fit, as no change of a fuzzer's would get past those.

func FuzzOpenVectors(f *testing.F) {
	fuzz(f, KindVectors, func(t *testing.T, b []byte) {
		v, err := OpenVectors(b)
		if err != nil {
			return
		}
		var documents []document
		for i := range v.Documents() {
			offset, length := v.Range(i)
			m := v.Document(i)
			require.True(t, bytes.Equal(b[offset:offset+length], m.Codes))
			if v.Verify(i) != nil {
				return
			}
			documents = append(documents, document{v.ID(i), m})
		}
		requireSame(t, b, func(w *bytes.Buffer) error { return WriteVectors(w, v.Dim(), sequence(documents)) })
	})
}

func FuzzOpenCodes(f *testing.F) {
	fuzz(f, KindCodes, func(t *testing.T, b []byte) {
		if c, err := OpenCodes(b); err == nil {
			requireSame(t, b, func(w *bytes.Buffer) error { return WriteCodes(w, c) })
		}
	})
}

func FuzzOpenCodebook(f *testing.F) {
	fuzz(f, KindCodebook, func(t *testing.T, b []byte) {
		if c, err := OpenCodebook(b); err == nil {
			requireSame(t, b, func(w *bytes.Buffer) error { return WriteCodebook(w, c) })
		}
	})
}

func FuzzOpenTuning(f *testing.F) {
	fuzz(f, KindTuning, func(t *testing.T, b []byte) {
		if tuning, err := OpenTuning(b); err == nil {
			requireSame(t, b, func(w *bytes.Buffer) error { return WriteTuning(w, tuning) })
		}
	})
}

func FuzzDescribe(f *testing.F) {
	for name, b := range sampleFiles(f) {
		f.Add(name, b)
	}
	f.Fuzz(func(_ *testing.T, name string, b []byte) {
		Describe(&bytes.Buffer{}, name, b, true)
		if _, kind, ok := ParseFileName(name); ok {
			Describe(&bytes.Buffer{}, name, mended(kind, b), true)
		}
	})
}

func fuzz(f *testing.F, kind Kind, open func(*testing.T, []byte)) {
	for name, b := range sampleFiles(f) {
		if _, of, _ := ParseFileName(name); of == kind {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		open(t, b)
		open(t, mended(kind, b))
	})
}

func requireSame(t *testing.T, b []byte, write func(*bytes.Buffer) error) {
	t.Helper()
	if versionOf(b) != newest {
		return
	}
	require.True(t, bytes.Equal(b, written(t, write)), "a file that opens has the form that the writer gives it")
}

// mended is b with ends, and checksums of all sections and documents, that fit as
// far as there is room for them.
func mended(kind Kind, b []byte) []byte {
	table := len(layouts[kind]) * entrySize
	if len(b) < headerSize+table+footerSize {
		return b
	}
	b = bytes.Clone(b)
	stop := len(b) - footerSize
	contents := b[stop-table : stop]
	for i, s := range layouts[kind] {
		line := contents[i*entrySize:][:entrySize]
		e := decode[entry](line)
		e.Name, e.CRC = padded(s.name), 0
		if end := e.Offset + e.Length; s.name != codesSection && e.Offset <= end && end <= uint64(stop-table) {
			e.CRC = checksum(b[e.Offset:end])
		}
		copy(line, encode(e))
	}
	copy(b, encode(header{Magic: magicOf(kind), Version: newest}))
	copy(b[stop:], encode(footer{
		Offset: uint64(stop - table), Length: uint64(table), CRC: checksum(contents), Version: newest, Magic: magicOf(kind),
	}))
	return b
}
