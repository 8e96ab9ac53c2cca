package format

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

// overhead is what an opened file and an error may take beside the size of the file.
const overhead = 16 << 10

// TestEveryFlippedBitIsDetected, in files of every kind: some 50,000 flips.
func TestEveryFlippedBitIsDetected(t *testing.T) {
	for name, sound := range sampleFiles(t) {
		b := bytes.Clone(sound)
		for i := range b {
			for bit := range 8 {
				b[i] ^= 1 << bit
				if openAndVerify(name, b) == nil {
					t.Errorf("%s: bit %d of byte %d", name, bit, i)
				}
				b[i] ^= 1 << bit
			}
		}
		require.NoError(t, openAndVerify(name, b))
	}
}

func TestEveryLengthIsDetected(t *testing.T) {
	for name, sound := range sampleFiles(t) {
		for length := range sound {
			require.Error(t, openAndVerify(name, sound[:length]), "%s cut to %d", name, length)
			require.Error(t, openAndVerify(name, sound[length+1:]), "%s without the first %d", name, length+1)
		}
		for more := range 2 * alignment {
			require.Error(t, openAndVerify(name, append(bytes.Clone(sound), make([]byte, more+1)...)), "%s and %d bytes more", name, more+1)
		}
		require.Error(t, openAndVerify(name, append(bytes.Clone(sound), sound...)), "%s twice", name)
		require.NoError(t, openAndVerify(name, sound))
	}
}

// TestDamageCostsNoMemory counts what is allocated while a byte of each place is
// something else, as a length of 2^56 would be felt.
func TestDamageCostsNoMemory(t *testing.T) {
	for name, sound := range sampleFiles(t) {
		b := bytes.Clone(sound)
		for i := range b {
			b[i] ^= 0xff
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := openAndVerify(name, b)
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(b)+overhead), "%s: byte %d: %v", name, i, err)
			b[i] ^= 0xff
		}
	}
}

func TestDescribeSurvivesDamage(t *testing.T) {
	for name, sound := range sampleFiles(t) {
		b := bytes.Clone(sound)
		for i := range b {
			b[i] ^= 0x10
			require.NotContains(t, described(name, b), "sound", "%s: byte %d", name, i)
			require.NotContains(t, described(name, b[:i]), "sound", "%s: %d bytes", name, i)
			b[i] ^= 0x10
		}
	}
	require.Contains(t, described("00000001.wal", nil), "no file of the index has such a name")
}

func TestDescribeNamesWhatIsDamaged(t *testing.T) {
	name := FileName(1, KindVectors)
	b := sampleFiles(t)[name]
	b[headerSize]++    // document 0
	b[headerSize+24]-- // document 2
	text := described(name, b)
	require.Contains(t, text, "\n  the file is damaged: codes: document 0 has the CRC-32C ")
	require.Contains(t, text, "\n  the file is damaged: codes: document 2 has the CRC-32C ")
	require.NotContains(t, text, "document 1")

	b[192], b[320] = b[192]+1, b[320]+1
	text = described(name, b)
	require.Contains(t, text, "# T x dim: numbers of all rows", "the sections are printed all the same")
	require.Contains(t, text, "\n  the file is damaged: ids: CRC-32C ")
	require.Contains(t, text, "\n  the file is damaged: scales: CRC-32C ")
}

func TestDescribeInShort(t *testing.T) {
	files := sampleFiles(t)
	for name, want := range map[string]struct {
		line  string
		facts Facts
	}{
		FileName(1, KindVectors): {
			"00000001.vectors           sound            1040 bytes  3 documents, 5 rows of 5 dimensions\n",
			Facts{Kind: KindVectors, Dim: 5, IDs: []uint64{40, 7, math.MaxUint64}, Documents: 3},
		},
		FileName(2, KindCodebook): {
			"00000002.codebook          sound             960 bytes  9 centroids of 5 dimensions in 3 cells, trained among 512 documents, mean cosine 0.875\n",
			Facts{Kind: KindCodebook, Dim: 5, Centroids: 9},
		},
		FileName(4, KindCodes): {
			"00000004.codes             sound             832 bytes  3 documents, 3 ids of 65537 centroids, for 00000001.vectors by 00000002.codebook\n",
			Facts{Kind: KindCodes, Documents: 3, Centroids: 65537, Vectors: 1, Codebook: 2},
		},
		FileName(5, KindTuning): {
			"00000005.tuning            sound             520 bytes  4 results among 3 documents fell short by up to 0.500, after skimming by 0.062, for 00000002.codebook\n",
			Facts{Kind: KindTuning, Documents: 3, Codebook: 2},
		},
	} {
		var text bytes.Buffer
		facts, sound := Describe(&text, name, files[name], false)
		require.True(t, sound)
		require.Equal(t, want.line, text.String())
		facts.text = ""
		require.Equal(t, want.facts, facts)
	}
}

func TestDescribeInShortNamesThreeProblems(t *testing.T) {
	documents := randomDocuments(1, 5, 4, 3)
	for i := range documents {
		documents[i].rows = maxsim.Quantize(maxsim.Matrix{Dim: 4, Data: []float32{1, 2, 3, 4}})
	}
	b := written(t, func(b *bytes.Buffer) error { return WriteVectors(b, 4, sequence(documents)) })
	for i := range 5 {
		b[headerSize+4*i]++
	}
	var text bytes.Buffer
	facts, sound := Describe(&text, FileName(1, KindVectors), b, false)
	require.False(t, sound)
	require.Equal(t, 5, facts.Documents, "what is known is told all the same")
	require.Equal(t, 5, strings.Count(text.String(), "\n"))
	require.Contains(t, text.String(), "00000001.vectors           damaged  ")
	require.Contains(t, text.String(), "codes: document 2 has")
	require.NotContains(t, text.String(), "codes: document 3 has")
	require.Contains(t, text.String(), "\n  and 2 more\n")
}

func TestDescribeTellsNewerFromDamaged(t *testing.T) {
	for name, b := range sampleFiles(t) {
		_, kind, _ := ParseFileName(name)
		text := described(name, resealed(t, kind, b, func(h *header, _ []entry, f *footer) { h.Version, f.Version = 7, 7 }))
		require.Contains(t, text, "  newer  ")
		require.Contains(t, text, "\n  the file was written by a newer version: its format is 7")
	}
}

func described(name string, b []byte) string {
	var text bytes.Buffer
	Describe(&text, name, b, true)
	return text.String()
}
